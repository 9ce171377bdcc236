import { randomBytes } from 'node:crypto'
import { ProtocolError, UsageError } from '@gridseal/wire'
import type { Fragment } from '../../codec/application.ts'
import { headerOctets, sizedOctets } from '../../codec/header-octets.ts'
import { CHALLENGE, KEY_CHANGE, KEY_STATUS, REPLY, SECURITY_ERROR } from '../../codec/security-objects.ts'
import type { MasterSecurity } from '../master/master-security.ts'
import type { MasterProcedure, Outcome } from '../master/task.ts'
import { NEVER } from '../outbox.ts'
import { beginAggressive } from './aggressive.ts'
import { equalMacs, mac, macAlgorithm } from './algorithms.ts'
import { statusBody, wrapSessionKeys } from './key-material.ts'
import type { SessionKeys } from './key-material.ts'
import { objectOf } from './key-procedures.ts'
import { CRITICAL_FUNCTIONS } from './security-options.ts'

const AUTHENTICATE_REQ = 32
const FIR_FIN = 0xc0

/** Secure authentication of a master towards one outstation; every time is in milliseconds. */
export interface MasterSecurityOptions {
  /** Number of the user that the master acts for. Default 1. */
  readonly user?: number
  /** 16 or 32 octets. */
  readonly updateKey: Uint8Array
  /** Send critical requests in aggressive mode once an outstation has challenged. Default false. */
  readonly aggressive?: boolean
  /** MAC algorithms that are accepted. Default 3 and 4, HMAC-SHA-256. */
  readonly macAlgorithms?: readonly number[]
  /** Session keys are changed after so long, and so many authentications. Default 10 minutes, 900. */
  readonly keyLifetime?: number
  readonly keyUses?: number
  /** Octets of a session key. Default 16. */
  readonly sessionKeyLength?: number
  readonly random?: (length: number) => Uint8Array
}

/** What an authenticator needs of its association. */
export interface AuthenticatedAssociation {
  submit<T>(
    name: string,
    procedure: (now: number) => MasterProcedure<T>,
    done: (outcome: Outcome<T>, now: number) => void,
    now: number,
    priority?: number,
  ): void
  sendRaw(fragment: Uint8Array, now: number): void
  failExchange(error: Error, now: number): void
}

/** Before every other task: without session keys nothing critical can be done. */
const KEY_PRIORITY = 5

/** Secure authentication version 5, the master's side (IEEE 1815-2012 clause 7). */
export class MasterAuthenticator implements MasterSecurity {
  readonly #association: AuthenticatedAssociation
  readonly #settings: Required<MasterSecurityOptions>
  #updateKey: Uint8Array
  #keys: SessionKeys | undefined
  #renewAt = NEVER
  #uses = 0
  #asking = false
  /** The last request as it was sent: what a challenge is about. */
  #sent: Uint8Array | undefined
  #challenge: { readonly octets: Uint8Array; readonly macCode: number } | undefined
  #csq = 0
  readonly counters: { challenges: number; errors: number; keyChanges: number; failedKeyChanges: number } = {
    challenges: 0,
    errors: 0,
    keyChanges: 0,
    failedKeyChanges: 0,
  }

  /** Throws {@link UsageError} `dnp3.security.option`. */
  constructor(options: MasterSecurityOptions, association: AuthenticatedAssociation) {
    this.#association = association
    this.#settings = {
      user: 1,
      aggressive: false,
      macAlgorithms: [3, 4],
      keyLifetime: 10 * 60_000,
      keyUses: 900,
      sessionKeyLength: 16,
      random: (length) => randomBytes(length),
      ...options,
    }
    this.#updateKey = options.updateKey
    checkUpdateKey(options.updateKey)
  }

  get hasKeys(): boolean {
    return this.#keys !== undefined
  }

  get wake(): number {
    return this.#asking ? NEVER : this.#renewAt
  }

  opened(now: number): void {
    this.#renew(now)
  }

  closed(): void {
    this.#keys = undefined
    this.#renewAt = NEVER
    this.#asking = false
    this.#challenge = undefined
    this.#sent = undefined
  }

  advance(now: number): void {
    if (now >= this.#renewAt) this.#renew(now)
  }

  /** Another update key from now on: new session keys are agreed under it. */
  useUpdateKey(updateKey: Uint8Array, now: number): void {
    checkUpdateKey(updateKey)
    this.#updateKey = updateKey
    this.#keys = undefined
    this.#renew(now)
  }

  outgoing(fragment: Uint8Array, _now: number): Uint8Array {
    this.#sent = fragment
    const { aggressive, user } = this.#settings
    const challenge = this.#challenge
    if (
      !aggressive ||
      challenge === undefined ||
      this.#keys === undefined ||
      !CRITICAL_FUNCTIONS.includes(fragment[1]!)
    ) {
      return fragment
    }
    const algorithm = macAlgorithm(challenge.macCode)!
    this.#csq++
    this.#uses++
    const begun = beginAggressive(fragment, { csq: this.#csq, user }, algorithm.length)
    return Buffer.concat([begun, mac(algorithm, this.#keys.control, challenge.octets, begun)])
  }

  response(bytes: Uint8Array, fragment: Fragment, forUs: boolean, now: number): boolean {
    if (fragment.function !== 131) return false
    const [header] = fragment.headers
    if (header?.group !== 120) return false
    if (header.variation === 7) {
      const error = objectOf(fragment, 7, SECURITY_ERROR)
      this.counters.errors++
      // Whatever it was: new session keys are what can be done about it.
      if (error?.error === 1) this.#renew(now)
      if (forUs) {
        const message = `the outstation says security error ${error?.error ?? '?'}`
        this.#association.failExchange(new ProtocolError('dnp3.security.error', message, { error: error?.error }), now)
      }
      return true
    }
    if (header.variation !== 1) return false
    // About the last request: the one under way, or one that has no answer but is challenged all the same.
    const isLast = this.#sent !== undefined && (this.#sent[0]! & 0x0f) === fragment.control.sequence
    if (forUs || isLast) this.#challenged(bytes, fragment, now)
    return true
  }

  #challenged(bytes: Uint8Array, fragment: Fragment, now: number): void {
    this.counters.challenges++
    const challenge = objectOf(fragment, 1, CHALLENGE)
    const fail = (why: string): void =>
      this.#association.failExchange(new ProtocolError('dnp3.security.challenge', why), now)
    if (challenge === undefined) {
      fail('the challenge is malformed')
      return
    }
    const { csq, macAlgorithm: code } = challenge
    const algorithm = macAlgorithm(code)
    if (algorithm === undefined || !this.#settings.macAlgorithms.includes(code)) {
      fail(`MAC algorithm ${code} is not accepted`)
      return
    }
    if (challenge.challenge.length < 4 || challenge.challenge.length > 64) {
      fail(`a challenge of ${challenge.challenge.length} octets is not accepted`)
      return
    }
    if (this.#keys === undefined || this.#sent === undefined) {
      fail('there are no session keys')
      return
    }
    this.#challenge = { octets: bytes.slice(), macCode: code }
    this.#csq = csq
    this.#uses++
    const proof = mac(algorithm, this.#keys.control, bytes, this.#sent)
    const reply = sizedOctets(120, 2, REPLY.encode({ csq, user: this.#settings.user, mac: proof }))
    const sequence = fragment.control.sequence
    this.#association.sendRaw(Buffer.concat([new Uint8Array([FIR_FIN | sequence, AUTHENTICATE_REQ]), reply]), now)
    if (this.#uses >= this.#settings.keyUses) this.#renew(now)
  }

  #renew(now: number): void {
    if (this.#asking) return
    this.#asking = true
    this.#renewAt = NEVER
    const updateKey = this.#updateKey
    this.#association.submit(
      'session keys',
      () => this.#changeKeys(),
      (outcome, at) => {
        this.#asking = false
        this.counters[outcome.ok ? 'keyChanges' : 'failedKeyChanges']++
        // Another update key has come meanwhile: what was agreed on under the old one is worth nothing.
        if (updateKey !== this.#updateKey) this.#renewAt = at
        else this.#renewAt = at + (outcome.ok ? this.#settings.keyLifetime : RETRY_MS)
      },
      now,
      KEY_PRIORITY,
    )
  }

  /** Session keys: ask for the key status, send new keys that repeat it, check the proof that they have arrived. */
  *#changeKeys(): MasterProcedure<void> {
    const { user, random, sessionKeyLength } = this.#settings
    const asked = yield { function: AUTHENTICATE_REQ, objects: headerOctets(120, 4, 0x07, [{ index: 0, user }]) }
    const status = objectOf(asked.fragments[0], 5, KEY_STATUS)
    if (status?.user !== user) throw new ProtocolError('dnp3.security.status', 'no key status for this user')
    const wrap = this.#updateKey.length === 16 ? 1 : 2
    if (status.keyWrap !== wrap)
      throw new ProtocolError('dnp3.security.status', `key wrap ${status.keyWrap} needs another key`)
    const keys = { control: random(sessionKeyLength), monitor: random(sessionKeyLength) }
    const wrapped = wrapSessionKeys(this.#updateKey, keys, statusBody(status))
    const objects = sizedOctets(120, 6, KEY_CHANGE.encode({ ksq: status.ksq, user, wrapped }))
    const changed = yield { function: AUTHENTICATE_REQ, objects }
    const proof = objectOf(changed.fragments[0], 5, KEY_STATUS)
    const algorithm = macAlgorithm(proof?.macAlgorithm ?? 0)
    const right =
      proof !== undefined &&
      algorithm !== undefined &&
      this.#settings.macAlgorithms.includes(algorithm.code) &&
      this.#sent !== undefined &&
      equalMacs(proof.mac, mac(algorithm, keys.monitor, this.#sent))
    if (!right)
      throw new ProtocolError('dnp3.security.status', 'the outstation does not prove that it has the session keys')
    this.#keys = keys
    this.#uses = 0
  }
}

const RETRY_MS = 10_000

function checkUpdateKey({ length }: Uint8Array): void {
  if (length !== 16 && length !== 32) throw new UsageError('dnp3.security.option', 'an update key has 16 or 32 octets')
}
