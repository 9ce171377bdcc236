import type { KemAlgorithm } from '../algorithms/info.ts'
import { kemInfo } from '../algorithms/lookup.ts'
import { needLength, needReceived } from '../check.ts'
import type { Decapsulator, Encapsulation } from '../providers/provider.ts'
import { selectProvider } from '../providers/select.ts'
import type { ProviderOptions } from '../providers/select.ts'
import { randomBytes } from '../symmetric/bytes.ts'

/** A decapsulation key with its public half. */
export interface KemKeyPair {
  readonly algorithm: KemAlgorithm
  readonly publicKey: Uint8Array
  /** A copy of d || z: the whole secret. */
  readonly seed: Uint8Array
  /**
   * The shared secret. A wrong ciphertext of the right length gives another secret and no error (implicit rejection):
   * confirm keys before you trust them. Throws `DecodeError` `pqc.ciphertext.length`.
   */
  decapsulate(ciphertext: Uint8Array): Uint8Array
}

/** A new key pair, or that of `seed` (d || z). Throws `UsageError` `pqc.seed.length`. */
export function generateKemKeyPair(
  algorithm: KemAlgorithm,
  seed?: Uint8Array,
  options: ProviderOptions = {},
): KemKeyPair {
  const { seedLength } = kemInfo(algorithm)
  const secret = seed === undefined ? randomBytes(seedLength) : seed
  needLength(secret, seedLength, 'pqc.seed.length', 'seed')
  return new KeyPair(algorithm, Uint8Array.from(secret), options)
}

/**
 * A fresh secret for the owner of a public key. Throws `DecodeError` `pqc.key.length` and, for a key that is not
 * reduced (FIPS 203 7.2), `pqc.key.invalid`: the key came from the peer.
 */
export function encapsulate(
  algorithm: KemAlgorithm,
  publicKey: Uint8Array,
  options: ProviderOptions = {},
): Encapsulation {
  needReceived(publicKey, kemInfo(algorithm).publicKeyLength, 'pqc.key.length', 'publicKey')
  return selectProvider(algorithm, options).kems.encapsulator(algorithm, publicKey).encapsulate()
}

class KeyPair implements KemKeyPair {
  readonly algorithm: KemAlgorithm
  readonly publicKey: Uint8Array
  readonly #seed: Uint8Array
  readonly #decapsulator: Decapsulator
  readonly #ciphertextLength: number

  constructor(algorithm: KemAlgorithm, seed: Uint8Array, options: ProviderOptions) {
    this.algorithm = algorithm
    this.#seed = seed
    this.#decapsulator = selectProvider(algorithm, options).kems.decapsulator(algorithm, seed)
    this.publicKey = this.#decapsulator.publicKey
    this.#ciphertextLength = kemInfo(algorithm).ciphertextLength
  }

  get seed(): Uint8Array {
    return this.#seed.slice()
  }

  decapsulate(ciphertext: Uint8Array): Uint8Array {
    needReceived(ciphertext, this.#ciphertextLength, 'pqc.ciphertext.length', 'ciphertext')
    return this.#decapsulator.decapsulate(ciphertext)
  }
}
