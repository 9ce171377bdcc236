import { UsageError, toHex } from '@gridseal/wire'
import {
  ChKemEncapsulationKey,
  EncapsulationKey,
  generateChKemKeyPair,
  generateKemKeyPair,
  randomBytes,
  sha256,
} from '@gridseal/pqc'
import type { ChKemEphemeral, Encapsulation } from '@gridseal/pqc'
import { KEM_SIZES } from '../handshake/kem.ts'
import type { KemName } from '../handshake/suites.ts'
import { importedKey } from './imported-keys.ts'
import type { ImportedKey } from './imported-keys.ts'

/*
 * Identities without signatures: who can open what was encapsulated to a pinned KEM key is its owner. A handshake
 * between two of them has no signature at all, which makes it small and fast; it proves nothing to third parties.
 *
 * Of a CH-KEM-v1 key the secrets of both legs are used as they are, 64 bytes: the key schedule binds them to the fingerprints,
 * which stand for the keys, and to every byte of the hellos.
 */

const UTF8 = new TextEncoder()

/** A KEM by name, or {@link UsageError} `channel.key.algorithm`. */
function sizesOf(algorithm: KemName): (typeof KEM_SIZES)[KemName] {
  if (Object.hasOwn(KEM_SIZES, algorithm)) return KEM_SIZES[algorithm]
  const known = Object.keys(KEM_SIZES).join(', ')
  throw new UsageError('channel.key.algorithm', `static keys are of ${known}`, { algorithm })
}

/** The public half of a static KEM identity: what the other side pins. Immutable. */
export class StaticPublicKey {
  readonly algorithm: KemName
  /** The raw public key; do not write to it. */
  readonly raw: Uint8Array
  /** SHA-256("gridseal-channel-1 static key" || 00 || algorithm || 00 || raw), 32 bytes. Do not write to it. */
  readonly fingerprint: Uint8Array

  private constructor(algorithm: KemName, raw: Uint8Array) {
    this.algorithm = algorithm
    this.raw = raw
    this.fingerprint = sha256(UTF8.encode(`gridseal-channel-1 static key\0${algorithm}\0`), raw)
  }

  /** Copies the key. Throws {@link UsageError} `channel.key.length`; whether it is valid shows at its first use. */
  static fromRaw(algorithm: KemName, raw: Uint8Array): StaticPublicKey {
    const { publicKey } = sizesOf(algorithm)
    if (raw.length !== publicKey) {
      throw new UsageError('channel.key.length', `a ${algorithm} key has ${publicKey} bytes, not ${raw.length}`)
    }
    return new StaticPublicKey(algorithm, Uint8Array.from(raw))
  }

  /** The fingerprint for people and configuration: `x-wing:` and 64 hex digits. */
  get fingerprintText(): string {
    return `${this.algorithm.toLowerCase()}:${toHex(this.fingerprint)}`
  }

  /** A secret that only the owner can open; `ephemeral` is the handshake's where there is one. */
  encapsulate(ephemeral?: ChKemEphemeral): Encapsulation {
    return importedKey(this, () => importKey(this.algorithm, this.raw)).encapsulate(ephemeral)
  }

  equals(other: StaticPublicKey): boolean {
    return this.algorithm === other.algorithm && Buffer.compare(this.raw, other.raw) === 0
  }

  toString(): string {
    return this.fingerprintText
  }
}

function importKey(algorithm: KemName, raw: Uint8Array): ImportedKey {
  if (algorithm !== 'CH-KEM-v1') return EncapsulationKey.fromRaw(algorithm, raw)
  const key = ChKemEncapsulationKey.fromRaw(raw)
  return { encapsulate: (ephemeral) => key.encapsulateLegs(ephemeral) }
}

interface StaticPair {
  readonly publicKey: Uint8Array
  decapsulate(ciphertext: Uint8Array): Uint8Array
}

function pairOf(algorithm: KemName, seed: Uint8Array): StaticPair {
  if (algorithm !== 'CH-KEM-v1') return generateKemKeyPair(algorithm, seed)
  const pair = generateChKemKeyPair(seed)
  return { publicKey: pair.publicKey, decapsulate: (ciphertext) => pair.decapsulateLegs(ciphertext) }
}

/** A static KEM identity. It does not show its secret in logs or JSON. */
export class StaticKey {
  readonly publicKey: StaticPublicKey
  readonly #pair: StaticPair
  readonly #seed: Uint8Array

  private constructor(algorithm: KemName, seed: Uint8Array) {
    this.#seed = Uint8Array.from(seed)
    this.#pair = pairOf(algorithm, this.#seed)
    this.publicKey = StaticPublicKey.fromRaw(algorithm, this.#pair.publicKey)
  }

  static generate(algorithm: KemName): StaticKey {
    return new StaticKey(algorithm, randomBytes(sizesOf(algorithm).seed))
  }

  /** Throws {@link UsageError} `channel.key.length`. The seed is copied. */
  static fromSeed(algorithm: KemName, seed: Uint8Array): StaticKey {
    const { seed: length } = sizesOf(algorithm)
    if (seed.length !== length) {
      throw new UsageError('channel.key.length', `a seed of ${algorithm} has ${length} bytes, not ${seed.length}`)
    }
    return new StaticKey(algorithm, seed)
  }

  /** A copy of the seed: the whole secret. */
  toSeed(): Uint8Array {
    return this.#seed.slice()
  }

  /** The secret that a peer made for this key. Throws `DecodeError` and `AuthError` as pqc does. */
  decapsulate(ciphertext: Uint8Array): Uint8Array {
    return this.#pair.decapsulate(ciphertext)
  }

  toJSON(): string {
    return this.publicKey.fingerprintText
  }
}
