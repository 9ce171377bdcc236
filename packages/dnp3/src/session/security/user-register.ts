import { DecodeError } from '@gridseal/wire'
import { sizedOctets } from '../../codec/header-octets.ts'
import { decodeObjects } from '../../codec/objects.ts'
import type { ObjectHeader } from '../../codec/object-walk.ts'
import type { RecordCodec } from '../../codec/record.ts'
import type { UserStatusChange } from '../../codec/security-objects.ts'
import { OCTETS, UPDATE_KEY_CHANGE, UPDATE_KEY_REPLY, UPDATE_KEY_REQUEST } from '../../codec/security-objects.ts'
import { SECURITY_ERROR_CODE, equalMacs, symmetricMethod } from './algorithms.ts'
import { certification, decryptUpdateKey, updateKeyConfirmation } from './key-material.ts'
import { PQ_METHOD } from './post-quantum.ts'
import type { SecuritySettings } from './security-options.ts'
import type { SecurityUser } from './users.ts'

/** What an update key request or change is answered with: objects, or an error. */
export interface UpdateKeyAnswer {
  readonly objects?: Uint8Array
  readonly error?: number
  readonly ksq?: number
  readonly user?: number
  readonly failed?: boolean
  readonly changed?: boolean
}

/** A user whose status change was certified, and whose update key is still to come. */
interface Pending {
  readonly method: number
  readonly role: number
  readonly expires: number | undefined
  readonly publicKey: Uint8Array
}

/** An update key change under way. */
interface Change {
  readonly method: number
  readonly name: Uint8Array
  readonly number: number
  readonly masterChallenge: Uint8Array
  readonly outstationChallenge: Uint8Array
}

const ADD = 1
const DELETE = 2
const CHANGE = 3
const DAY = 86_400_000
const LONGEST_NAME = 255
const MOST_USERS = 1000

/** Session keys that a change of users makes worthless. */
export interface KeyHolder {
  forget(user: number): void
}

/** The users of an outstation and its sequence numbers: what must survive a restart goes to the store. */
export class UserRegister {
  readonly #settings: SecuritySettings
  readonly #users = new Map<number, SecurityUser>()
  readonly #pending = new Map<string, Pending>()
  #change: Change | undefined
  #ksq = 0
  #csq = 0
  #scs = 0

  constructor(settings: SecuritySettings) {
    this.#settings = settings
    const stored = settings.store?.load()
    for (const user of stored?.users ?? settings.users) this.#users.set(user.number, user)
    if (stored === undefined) return
    this.#ksq = stored.ksq
    this.#csq = stored.csq
    this.#scs = stored.scs
  }

  get ksq(): number {
    return this.#ksq
  }

  get csq(): number {
    return this.#csq
  }

  get(number: number): SecurityUser | undefined {
    return this.#users.get(number)
  }

  byName(name: string): SecurityUser | undefined {
    return [...this.#users.values()].find((user) => user.name === name)
  }

  /** The role of a user; undefined for one that is unknown, or whose role has expired. */
  roleOf(number: number, utc: number): number | undefined {
    const user = this.#users.get(number)
    return user === undefined || (user.expires !== undefined && utc >= user.expires) ? undefined : user.role
  }

  nextKsq(): number {
    this.#ksq = (this.#ksq + 1) >>> 0
    this.#save()
    return this.#ksq
  }

  nextCsq(): number {
    this.#csq = (this.#csq + 1) >>> 0
    this.#save()
    return this.#csq
  }

  /** A master has counted on: the next challenge must not go back. */
  csqSeen(csq: number): void {
    this.#csq = csq
    this.#save()
  }

  /** Installs an update key that was agreed elsewhere, e.g. through the bridge's post-quantum channel. */
  install(user: SecurityUser, holder: KeyHolder): void {
    this.#users.set(user.number, user)
    holder.forget(user.number)
    this.#save()
  }

  /** A user status change (g120v10); 0, or the error. */
  change(change: UserStatusChange, utc: number, holder: KeyHolder): number {
    const { method, operation, scs, role, expiryDays, userName, publicKey } = change
    if (!this.#permits(method)) return SECURITY_ERROR_CODE.METHOD_NOT_PERMITTED
    if (!this.#certified(change)) return SECURITY_ERROR_CODE.INVALID_CERTIFICATION
    if (scs < this.#scs || userName.length === 0 || userName.length > LONGEST_NAME) {
      return SECURITY_ERROR_CODE.INVALID_CERTIFICATION
    }
    const name = Buffer.from(userName).toString()
    const known = this.byName(name)
    if (operation === DELETE) {
      if (known === undefined) return SECURITY_ERROR_CODE.UNKNOWN_USER
      this.#users.delete(known.number)
      this.#pending.delete(name)
      holder.forget(known.number)
    } else if (operation === ADD || operation === CHANGE) {
      if (this.#pending.size >= MOST_USERS) this.#pending.clear()
      const expires = expiryDays === 0xffff ? undefined : utc + expiryDays * DAY
      this.#pending.set(name, { method, role, expires, publicKey: publicKey.slice() })
    } else return SECURITY_ERROR_CODE.INVALID_CERTIFICATION
    this.#scs = scs + 1
    this.#save()
    return 0
  }

  #permits(method: number): boolean {
    const { authorityKey, postQuantum } = this.#settings
    if (method === PQ_METHOD) return postQuantum !== undefined
    return authorityKey !== undefined && symmetricMethod(authorityKey).code === method
  }

  #certified(change: UserStatusChange): boolean {
    const { authorityKey, postQuantum } = this.#settings
    if (change.method === PQ_METHOD) return postQuantum?.certified(change) === true
    return authorityKey !== undefined && equalMacs(change.certification, certification(authorityKey, change))
  }

  /** An update key request (g120v11), or a change with its proof (g120v13 with v14 or v15). */
  updateKey(headers: readonly ObjectHeader[], holder: KeyHolder): UpdateKeyAnswer {
    const [first, second, ...more] = headers
    if (first?.variation === 11 && second === undefined) return this.#requested(first)
    if (first?.variation === 13 && second !== undefined && more.length === 0)
      return this.#changed(first, second, holder)
    this.#change = undefined
    return { error: SECURITY_ERROR_CODE.AUTHENTICATION_FAILED, failed: true }
  }

  #requested(header: ObjectHeader): UpdateKeyAnswer {
    const request = only(header, UPDATE_KEY_REQUEST)
    if (request === undefined || request.challenge.length < 4)
      return { error: SECURITY_ERROR_CODE.AUTHENTICATION_FAILED }
    const { method, userName, challenge } = request
    const name = Buffer.from(userName).toString()
    const pending = this.#pending.get(name)
    const known = this.byName(name)
    if (pending === undefined && known === undefined) return { error: SECURITY_ERROR_CODE.UNKNOWN_USER }
    if (!this.#permits(method)) return { error: SECURITY_ERROR_CODE.METHOD_NOT_PERMITTED }
    const number = known?.number ?? this.#freeNumber()
    const { random, challengeLength, postQuantum } = this.#settings
    const outstationChallenge = method === PQ_METHOD ? postQuantum!.challenge(random) : random(challengeLength)
    this.#change = { method, name: userName.slice(), number, masterChallenge: challenge.slice(), outstationChallenge }
    const reply = UPDATE_KEY_REPLY.encode({ ksq: 0, user: number, challenge: outstationChallenge })
    return { objects: sizedOctets(120, 12, reply) }
  }

  #changed(key: ObjectHeader, proof: ObjectHeader, holder: KeyHolder): UpdateKeyAnswer {
    const change = this.#change
    this.#change = undefined
    const given = only(key, UPDATE_KEY_CHANGE)
    const fail = (error: number): UpdateKeyAnswer => ({
      error,
      failed: true,
      ksq: given?.ksq ?? 0,
      user: given?.user ?? 0,
    })
    if (change === undefined || given === undefined || given.user !== change.number) {
      return fail(SECURITY_ERROR_CODE.UNKNOWN_USER)
    }
    const { name, masterChallenge, outstationChallenge, number } = change
    const { ksq } = given
    const outstationName = new TextEncoder().encode(this.#settings.name)
    let updateKey: Uint8Array | undefined
    if (change.method === PQ_METHOD) {
      const signature = proof.variation === 14 ? only(proof, OCTETS)?.octets : undefined
      const parts = { outstationName, userName: name, masterChallenge, outstationChallenge, ksq, user: number }
      const publicKey = this.#publicKeyOf(name)
      updateKey =
        signature && publicKey && this.#settings.postQuantum?.open(given.encrypted, signature, publicKey, parts)
      if (updateKey === undefined) return fail(SECURITY_ERROR_CODE.INVALID_SIGNATURE)
    } else {
      const { authorityKey } = this.#settings
      updateKey = authorityKey && decryptUpdateKey(authorityKey, name, outstationChallenge, given.encrypted)
      const mac = proof.variation === 15 ? only(proof, OCTETS)?.octets : undefined
      if (updateKey === undefined || mac === undefined) return fail(SECURITY_ERROR_CODE.AUTHENTICATION_FAILED)
      const expected = updateKeyConfirmation(
        updateKey,
        outstationName,
        masterChallenge,
        outstationChallenge,
        ksq,
        number,
      )
      if (!equalMacs(mac, expected)) return fail(SECURITY_ERROR_CODE.AUTHENTICATION_FAILED)
    }
    const text = Buffer.from(name).toString()
    const pending = this.#pending.get(text)
    this.#pending.delete(text)
    const { role = 0, expires } = pending ?? this.byName(text) ?? {}
    const publicKey = pending?.publicKey ?? this.byName(text)?.publicKey
    const user: SecurityUser = { number, name: text, role, updateKey }
    this.install({ ...user, ...(expires !== undefined && { expires }), ...(publicKey && { publicKey }) }, holder)
    const own = updateKeyConfirmation(updateKey, name, outstationChallenge, masterChallenge, ksq, number)
    return { objects: sizedOctets(120, 15, OCTETS.encode({ octets: own })), changed: true }
  }

  #publicKeyOf(name: Uint8Array): Uint8Array | undefined {
    const text = Buffer.from(name).toString()
    return this.#pending.get(text)?.publicKey ?? this.byName(text)?.publicKey
  }

  #freeNumber(): number {
    let number = 2
    while (this.#users.has(number)) number++
    return number
  }

  #save(): void {
    this.#settings.store?.save({ ksq: this.#ksq, csq: this.#csq, scs: this.#scs, users: [...this.#users.values()] })
  }
}

function only<T>(header: ObjectHeader, codec: RecordCodec<T>): T | undefined {
  const [object, ...more] = decodeObjects(header)
  if (header.group !== 120 || more.length > 0 || !(object?.value instanceof Uint8Array)) return undefined
  try {
    return codec.decode(object.value)
  } catch (error) {
    if (error instanceof DecodeError) return undefined
    throw error
  }
}
