import type { ApplicationControl } from '../../codec/application.ts'
import { decodeFragment } from '../../codec/application.ts'
import { sizedOctets } from '../../codec/header-octets.ts'
import { decodeObjects } from '../../codec/objects.ts'
import type { RecordCodec } from '../../codec/record.ts'
import {
  CHALLENGE,
  KEY_CHANGE,
  KEY_STATUS,
  REPLY,
  SECURITY_ERROR,
  USER_STATUS_CHANGE,
} from '../../codec/security-objects.ts'
import type { KeyStatus, Reply } from '../../codec/security-objects.ts'
import { DecodeError } from '@gridseal/wire'
import type { FragmentOrigin } from '../link/link-station.ts'
import { NEVER } from '../outbox.ts'
import type { Database } from '../outstation/database.ts'
import type { SecurityGate } from '../outstation/security-gate.ts'
import { isAggressive, splitAggressive } from './aggressive.ts'
import { KEY_STATUS_CODE, KEY_WRAP, SECURITY_ERROR_CODE, equalMacs, mac, macAlgorithm } from './algorithms.ts'
import type { MacAlgorithm } from './algorithms.ts'
import { statusBody, unwrapSessionKeys } from './key-material.ts'
import type { SessionKeys } from './key-material.ts'
import { mayUse } from './roles.ts'
import type { OutstationSecurityOptions, SecuritySettings } from './security-options.ts'
import { settleSecurity } from './security-options.ts'
import { SECURITY_STATISTICS, STATISTIC } from './statistics.ts'
import { UserRegister } from './user-register.ts'

const AUTHENTICATE_REQ = 32
const AUTH_REQ_NO_ACK = 33
const NOTHING = new Uint8Array(0)

/** What an authenticator needs of its session. */
export interface AuthenticatedSession {
  readonly database: Database
  /** Takes a request as authentic. */
  request(fragment: Uint8Array, origin: FragmentOrigin, now: number): void
  /** Sends a response of function 131. */
  sendAuthentication(sequence: number, iin: number, objects: Uint8Array | undefined, now: number): Uint8Array
}

interface UserKeys {
  keys: SessionKeys | undefined
  status: number
  /** The last g120v5 without its MAC: what new keys must repeat. */
  lastStatus: Uint8Array | undefined
  lastKsq: number
  until: number
  uses: number
}

interface Held {
  readonly fragment: Uint8Array
  readonly origin: FragmentOrigin
  readonly csq: number
  readonly due: number
}

/**
 * Secure authentication version 5, the outstation's side (IEEE 1815-2012 clause 7): critical requests are held and challenged,
 * and handed to the session when the reply proves that their sender has the session keys and may do what they ask for.
 */
export class OutstationAuthenticator implements SecurityGate {
  readonly settings: SecuritySettings
  readonly users: UserRegister
  readonly #session: AuthenticatedSession
  readonly #mac: MacAlgorithm
  readonly #keys = new Map<number, UserKeys>()
  #held: Held | undefined
  /** The last challenge as it was sent: what requests in aggressive mode go by. */
  #lastChallenge: Uint8Array | undefined
  #aggressiveCsq = 0
  #errorsUntil = 0
  #errors = 0
  #statusRequests = 0
  #statusRequestsUntil = 0

  /** Throws `UsageError` for options that cannot be. */
  constructor(options: OutstationSecurityOptions, session: AuthenticatedSession) {
    this.settings = settleSecurity(options)
    this.#session = session
    this.#mac = macAlgorithm(this.settings.macAlgorithm)!
    this.users = new UserRegister(this.settings)
    for (const [index, { threshold }] of SECURITY_STATISTICS.entries()) {
      if (session.database.point('security-statistic', index) !== undefined) continue
      const { statisticsClass } = this.settings
      // The threshold is how many make an event: a change by less than that gives none.
      session.database.add({
        kind: 'security-statistic',
        index,
        value: 0,
        class: statisticsClass,
        deadband: threshold - 1,
      })
    }
  }

  get wake(): number {
    return this.#held?.due ?? NEVER
  }

  statistic(index: number): number {
    return Number(this.#session.database.point('security-statistic', index)?.value ?? 0)
  }

  request(fragment: Uint8Array, control: ApplicationControl, origin: FragmentOrigin, now: number): boolean {
    const code = fragment[1]!
    const authentication = code === AUTHENTICATE_REQ || code === AUTH_REQ_NO_ACK
    if (origin.broadcast !== undefined) {
      // Nobody answers a broadcast, so nobody can be challenged about one: what would have to be is not taken.
      const critical = authentication || this.settings.critical.has(code) || isAggressive(fragment)
      if (critical) this.#count(STATISTIC.DISCARDED, now)
      return critical
    }
    if (authentication) {
      this.#count(STATISTIC.RECEIVED, now)
      this.#authentication(fragment, control.sequence, now)
      return true
    }
    if (this.#held !== undefined) {
      // Until the reply has come, or its time is over, nothing else is taken.
      this.#count(STATISTIC.DISCARDED, now)
      return true
    }
    if (isAggressive(fragment)) {
      this.#count(STATISTIC.RECEIVED, now)
      this.#aggressive(fragment, control.sequence, origin, now)
      return true
    }
    if (!this.settings.critical.has(code)) return false
    this.#count(STATISTIC.CRITICAL_RECEIVED, now)
    this.#challenge(fragment, control.sequence, origin, now)
    return true
  }

  advance(now: number): void {
    if (this.#held === undefined || now < this.#held.due) return
    this.#held = undefined
    this.#count(STATISTIC.REPLY_TIMEOUTS, now)
  }

  closed(): void {
    this.#held = undefined
    this.#lastChallenge = undefined
    this.#keys.clear()
  }

  /** A user's update key has changed, or the user is gone: the session keys under it are worth nothing. */
  forget(user: number): void {
    this.#keys.delete(user)
  }

  #challenge(fragment: Uint8Array, sequence: number, origin: FragmentOrigin, now: number): void {
    const csq = this.users.nextCsq()
    const challenge = this.settings.random(this.settings.challengeLength)
    const object = { csq, user: 0, macAlgorithm: this.#mac.code, reason: 1, challenge }
    const due = now + this.settings.replyTimeout
    this.#held = { fragment: fragment.slice(), origin, csq, due }
    this.#aggressiveCsq = csq
    this.#lastChallenge = this.#send(sequence, sizedOctets(120, 1, CHALLENGE.encode(object)), now)
  }

  #authentication(fragment: Uint8Array, sequence: number, now: number): void {
    const { headers, stop } = decodeFragment(fragment)
    const [header, second] = headers
    const variation = header?.group === 120 && stop === undefined ? header.variation : 0
    const object = <T>(codec: RecordCodec<T>, of = header): T | undefined => {
      const [only, ...more] = of === undefined ? [] : decodeObjects(of)
      if (more.length > 0 || !(only?.value instanceof Uint8Array)) return undefined
      try {
        return codec.decode(only.value)
      } catch (error) {
        if (error instanceof DecodeError) return undefined
        throw error
      }
    }
    if (variation === 2 && second === undefined) this.#reply(object(REPLY), sequence, now)
    else if (this.#held !== undefined) this.#count(STATISTIC.DISCARDED, now)
    else if (variation === 4 && second === undefined && header !== undefined) {
      const [only] = decodeObjects(header)
      this.#keyStatusRequested(only?.user ?? 0, sequence, now)
    } else if (variation === 6 && second === undefined) {
      const change = object(KEY_CHANGE)
      if (change === undefined) this.#count(STATISTIC.UNEXPECTED, now)
      else this.#keyChange(change.ksq, change.user, change.wrapped, fragment, sequence, now)
    } else if (variation === 7) {
      // An error is never answered with an error.
      if (object(SECURITY_ERROR) !== undefined) this.#count(STATISTIC.ERRORS_RECEIVED, now)
    } else if (variation === 10 && second === undefined) {
      const change = object(USER_STATUS_CHANGE)
      const utc = this.#session.database.clock.utc(now)
      const error =
        change === undefined ? SECURITY_ERROR_CODE.INVALID_CERTIFICATION : this.users.change(change, utc, this)
      if (error === 0) this.#send(sequence, undefined, now)
      else this.#error(error, change?.scs ?? 0, 0, sequence, now)
    } else if (variation === 11 || variation === 13) {
      const answer = this.users.updateKey(headers, this)
      if (answer.failed === true) this.#count(STATISTIC.FAILED_UPDATE_KEY_CHANGES, now)
      if (answer.changed === true) this.#count(STATISTIC.UPDATE_KEY_CHANGES, now)
      if (answer.objects !== undefined) this.#send(sequence, answer.objects, now)
      else
        this.#error(
          answer.error ?? SECURITY_ERROR_CODE.AUTHENTICATION_FAILED,
          answer.ksq ?? 0,
          answer.user ?? 0,
          sequence,
          now,
        )
    } else this.#count(STATISTIC.UNEXPECTED, now)
  }

  /** The reply to a challenge: whatever it is, the challenge is over. */
  #reply(reply: Reply | undefined, sequence: number, now: number): void {
    const held = this.#held
    if (held === undefined || reply === undefined) {
      this.#count(STATISTIC.UNEXPECTED, now)
      this.#held = undefined
      return
    }
    this.#held = undefined
    const keys = this.#usableKeys(reply.user, now)
    const inputs = [this.#lastChallenge ?? NOTHING, held.fragment]
    const right =
      keys !== undefined && reply.csq === held.csq && equalMacs(reply.mac, mac(this.#mac, keys.control, ...inputs))
    if (right) this.#authenticated(held.fragment, reply.user, reply.csq, sequence, held.origin, now)
    else this.#authenticationFailed(reply.csq, reply.user, sequence, now)
  }

  #aggressive(fragment: Uint8Array, sequence: number, origin: FragmentOrigin, now: number): void {
    if (!this.settings.aggressive) {
      this.#error(SECURITY_ERROR_CODE.AGGRESSIVE_UNSUPPORTED, this.users.csq, 0, sequence, now)
      return
    }
    const parts = splitAggressive(fragment, this.#mac.length)
    const { csq = 0, user = 0 } = parts?.request ?? {}
    const keys = parts === undefined ? undefined : this.#usableKeys(user, now)
    const right =
      parts !== undefined &&
      keys !== undefined &&
      this.#lastChallenge !== undefined &&
      csq === this.#aggressiveCsq + 1 &&
      equalMacs(parts.mac, mac(this.#mac, keys.control, this.#lastChallenge, parts.authenticated))
    if (!right) {
      this.#authenticationFailed(csq, user, sequence, now)
      return
    }
    this.#aggressiveCsq = csq
    this.users.csqSeen(csq)
    this.#authenticated(parts.plain, user, csq, sequence, origin, now)
  }

  #authenticated(
    fragment: Uint8Array,
    user: number,
    csq: number,
    sequence: number,
    origin: FragmentOrigin,
    now: number,
  ): void {
    this.#count(STATISTIC.AUTHENTICATED, now)
    const role = this.users.roleOf(user, this.#session.database.clock.utc(now))
    if (role === undefined || !mayUse(role, fragment[1]!)) {
      this.#count(STATISTIC.AUTHORIZATION_FAILURES, now)
      this.#error(SECURITY_ERROR_CODE.AUTHORIZATION_FAILED, csq, user, sequence, now)
    } else this.#session.request(fragment, origin, now)
  }

  #authenticationFailed(csq: number, user: number, sequence: number, now: number): void {
    this.#count(STATISTIC.AUTHENTICATION_FAILURES, now)
    this.#error(SECURITY_ERROR_CODE.AUTHENTICATION_FAILED, csq, user, sequence, now)
  }

  /** The session keys of a user, if they have not run out; counts their use. */
  #usableKeys(user: number, now: number): SessionKeys | undefined {
    const state = this.#keys.get(user)
    if (state?.keys === undefined) return undefined
    if (now >= state.until || state.uses >= this.settings.keyUses) {
      state.keys = undefined
      state.status = KEY_STATUS_CODE.COMM_FAIL
      return undefined
    }
    state.uses++
    return state.keys
  }

  #keyStatusRequested(user: number, sequence: number, now: number): void {
    const known = this.users.get(user)
    if (known === undefined) {
      this.#error(SECURITY_ERROR_CODE.UNKNOWN_USER, this.users.ksq, user, sequence, now)
      return
    }
    if (now >= this.#statusRequestsUntil) {
      this.#statusRequestsUntil = now + 60_000
      this.#statusRequests = 0
    }
    if (++this.#statusRequests > this.settings.maxStatusRequests) {
      this.#error(SECURITY_ERROR_CODE.TOO_MANY_STATUS_REQUESTS, this.users.ksq, user, sequence, now)
      return
    }
    const status = this.#newStatus(user, known.updateKey, 0)
    this.#send(sequence, sizedOctets(120, 5, KEY_STATUS.encode(status)), now)
  }

  /** The next key status of a user, with a fresh challenge; without its MAC. */
  #newStatus(user: number, updateKey: Uint8Array, macCode: number): KeyStatus {
    let state = this.#keys.get(user)
    if (state === undefined) {
      state = {
        keys: undefined,
        status: KEY_STATUS_CODE.NOT_INIT,
        lastStatus: undefined,
        lastKsq: 0,
        until: 0,
        uses: 0,
      }
      this.#keys.set(user, state)
    }
    const status: KeyStatus = {
      ksq: this.users.nextKsq(),
      user,
      keyWrap: updateKey.length === 16 ? KEY_WRAP.AES_128 : KEY_WRAP.AES_256,
      status: state.status,
      macAlgorithm: macCode,
      challenge: this.settings.random(this.settings.challengeLength),
      mac: NOTHING,
    }
    state.lastStatus = statusBody(status)
    state.lastKsq = status.ksq
    return status
  }

  #keyChange(
    ksq: number,
    user: number,
    wrapped: Uint8Array,
    fragment: Uint8Array,
    sequence: number,
    now: number,
  ): void {
    const known = this.users.get(user)
    const state = this.#keys.get(user)
    if (known === undefined || state?.lastStatus === undefined || ksq !== state.lastKsq) {
      this.#count(STATISTIC.FAILED_KEY_CHANGES, now)
      this.#error(SECURITY_ERROR_CODE.UNKNOWN_USER, ksq, user, sequence, now)
      return
    }
    const keys = unwrapSessionKeys(known.updateKey, wrapped, state.lastStatus)
    // A key status is answered once.
    state.lastStatus = undefined
    if (keys === undefined) {
      state.keys = undefined
      state.status = KEY_STATUS_CODE.AUTH_FAIL
      this.#count(STATISTIC.FAILED_KEY_CHANGES, now)
      this.#error(SECURITY_ERROR_CODE.AUTHENTICATION_FAILED, ksq, user, sequence, now)
      return
    }
    state.keys = keys
    state.status = KEY_STATUS_CODE.OK
    state.until = now + this.settings.keyLifetime
    state.uses = 0
    this.#statusRequests = 0
    this.#count(STATISTIC.KEY_CHANGES, now)
    const status = this.#newStatus(user, known.updateKey, this.#mac.code)
    const proof = mac(this.#mac, keys.monitor, fragment)
    this.#send(sequence, sizedOctets(120, 5, KEY_STATUS.encode({ ...status, mac: proof })), now)
  }

  #error(error: number, sequenceNumber: number, user: number, sequence: number, now: number): void {
    // Whoever provokes errors shall not learn how fast we are.
    if (now >= this.#errorsUntil) {
      this.#errorsUntil = now + 60_000
      this.#errors = 0
    }
    if (++this.#errors > this.settings.maxErrors) return
    this.#count(STATISTIC.ERRORS_SENT, now)
    const time = this.#session.database.clock.utc(now)
    const object = { sequence: sequenceNumber, user, association: 0, error, time, text: NOTHING }
    this.#send(sequence, sizedOctets(120, 7, SECURITY_ERROR.encode(object)), now)
  }

  /** Sends, and returns what was sent. */
  #send(sequence: number, objects: Uint8Array | undefined, now: number): Uint8Array {
    this.#count(STATISTIC.SENT, now)
    return this.#session.sendAuthentication(sequence, 0, objects, now)
  }

  #count(index: number, now: number): void {
    const point = this.#session.database.point('security-statistic', index)
    if (point !== undefined) this.#session.database.updatePoint(point, { value: Number(point.value) + 1 }, now)
  }
}
