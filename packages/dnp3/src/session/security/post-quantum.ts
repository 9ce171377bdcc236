import { encapsulate, generateKemKeyPair, hkdfSha256 } from '@gridseal/pqc'
import type { KemKeyPair, SigningKey, VerifyingKey } from '@gridseal/pqc'
import { VerifyingKey as Verifying } from '@gridseal/pqc'
import { DecodeError, Writer } from '@gridseal/wire'
import type { UserStatusChange } from '../../codec/security-objects.ts'

/**
 * Our own method of changing update keys (g120v10 to v15), for outstations of ours: ML-KEM-768 and ML-DSA-65. The standard
 * has 3 to 5 and 67 to 71; no number is set aside for vendors. docs/dnp3-post-quantum.md has it octet by octet.
 */
export const PQ_METHOD = 200

const KEM = 'ML-KEM-768'
const SIGNATURE = 'ML-DSA-65'
const KEM_PUBLIC = 1184
const CIPHERTEXT = 1088
const NONCE = 32
const KEY_OCTETS = 32
const USER_LABEL = new TextEncoder().encode('gridseal dnp3 user v1')
const CHANGE_LABEL = new TextEncoder().encode('gridseal dnp3 update key change v1')
const KEY_LABEL = new TextEncoder().encode('gridseal dnp3 update key v1')

/** What both sides know of a change before the key itself. */
export interface ChangeParts {
  readonly outstationName: Uint8Array
  readonly userName: Uint8Array
  readonly masterChallenge: Uint8Array
  /** Nonce and ephemeral key. */
  readonly outstationChallenge: Uint8Array
  readonly ksq: number
  readonly user: number
}

/** What an outstation needs for the method: the authority's public key, and its own decapsulation key. */
export class PostQuantumAuthority {
  readonly #authority: VerifyingKey
  readonly #device: KemKeyPair
  #ephemeral: KemKeyPair | undefined

  constructor(authority: VerifyingKey, device: KemKeyPair) {
    this.#authority = authority
    this.#device = device
  }

  /** Whether the authority vouches for a user status change. */
  certified(change: UserStatusChange): boolean {
    const { operation, publicKey, certification } = change
    if (operation !== 2 && publicKey.length === 0) return false
    return verifies(this.#authority, userStatement(change), certification)
  }

  /** The outstation's challenge: a nonce, and the encapsulation key of this change alone. */
  challenge(random: (length: number) => Uint8Array): Uint8Array {
    this.#ephemeral = generateKemKeyPair(KEM, random(64))
    return Buffer.concat([random(NONCE), this.#ephemeral.publicKey])
  }

  /** The new update key; undefined if the user's signature is wrong, or the octets are none. */
  open(
    encrypted: Uint8Array,
    signature: Uint8Array,
    publicKey: Uint8Array,
    parts: ChangeParts,
  ): Uint8Array | undefined {
    const ephemeral = this.#ephemeral
    this.#ephemeral = undefined
    if (ephemeral === undefined || encrypted.length !== 2 * CIPHERTEXT) return undefined
    try {
      const user = Verifying.fromRaw(SIGNATURE, publicKey)
      if (!verifies(user, changeStatement(encrypted, parts), signature)) return undefined
      const fixed = this.#device.decapsulate(encrypted.subarray(0, CIPHERTEXT))
      const fresh = ephemeral.decapsulate(encrypted.subarray(CIPHERTEXT))
      return deriveKey(fixed, fresh, parts)
    } catch (error) {
      if (error instanceof DecodeError) return undefined
      throw error
    }
  }
}

/** The authority's certification of a user (g120v10). */
export function certifyUser(
  authority: SigningKey,
  change: Omit<UserStatusChange, 'certification' | 'method'>,
): UserStatusChange {
  const certification = authority.signSync(userStatement(change))
  return { ...change, method: PQ_METHOD, certification }
}

/**
 * The master's side: a new update key, what carries it (g120v13) and the user's signature over the change (g120v14).
 * `deviceKey` is the outstation's encapsulation key as it was enrolled. Throws `DecodeError` for a challenge that is none.
 */
export function sealUpdateKey(
  user: SigningKey,
  deviceKey: Uint8Array,
  parts: ChangeParts,
): { readonly updateKey: Uint8Array; readonly encrypted: Uint8Array; readonly signature: Uint8Array } {
  const { outstationChallenge } = parts
  if (outstationChallenge.length !== NONCE + KEM_PUBLIC) {
    throw new DecodeError(
      'dnp3.security.challenge',
      0,
      'challenge',
      `${outstationChallenge.length} octets are no challenge`,
    )
  }
  const fixed = encapsulate(KEM, deviceKey)
  const fresh = encapsulate(KEM, outstationChallenge.subarray(NONCE))
  const encrypted = Buffer.concat([fixed.ciphertext, fresh.ciphertext])
  const updateKey = deriveKey(fixed.sharedSecret, fresh.sharedSecret, parts)
  return { updateKey, encrypted, signature: user.signSync(changeStatement(encrypted, parts)) }
}

function verifies(key: VerifyingKey, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    return key.verify(message, signature)
  } catch (error) {
    if (error instanceof DecodeError) return false
    throw error
  }
}

function userStatement(change: Omit<UserStatusChange, 'certification' | 'method'>): Uint8Array {
  const { operation, scs, role, expiryDays, userName, publicKey } = change
  const w = new Writer(64 + publicKey.length).bytes(USER_LABEL).u8(operation).u32le(scs).u16le(role).u16le(expiryDays)
  return w.u16le(userName.length).bytes(userName).u16le(publicKey.length).bytes(publicKey).finish()
}

/** Names and challenges with their lengths, KSQ and user number. */
function context(parts: ChangeParts): Uint8Array {
  const { outstationName, userName, masterChallenge, outstationChallenge, ksq, user } = parts
  const w = new Writer(1400)
  for (const octets of [outstationName, userName, masterChallenge, outstationChallenge]) {
    w.u16le(octets.length).bytes(octets)
  }
  return w.u32le(ksq).u16le(user).finish()
}

function changeStatement(encrypted: Uint8Array, parts: ChangeParts): Uint8Array {
  return Buffer.concat([CHANGE_LABEL, context(parts), encrypted])
}

function deriveKey(fixed: Uint8Array, fresh: Uint8Array, parts: ChangeParts): Uint8Array {
  const info = Buffer.concat([KEY_LABEL, context(parts)])
  return hkdfSha256(Buffer.concat([fixed, fresh]), new Uint8Array(0), info, KEY_OCTETS)
}
