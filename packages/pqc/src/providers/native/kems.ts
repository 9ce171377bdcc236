import { decapsulate, encapsulate } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import type { MlKemAlgorithm } from '../../algorithms/info.ts'
import { plainBytes } from '../../symmetric/bytes.ts'
import { providerFailed } from '../failures.ts'
import type { Decapsulator, Encapsulation, Encapsulator, KemImplementation } from '../provider.ts'
import {
  generatePair,
  importExpanded,
  importPublic,
  importSeed,
  matchesExpanded,
  nativeOperation,
  rawPublic,
} from './import.ts'

/** ML-KEM of node:crypto. Encapsulation is always random: it cannot be given its randomness here. */
export function nativeMlKem(algorithm: MlKemAlgorithm): KemImplementation {
  return {
    decapsulator: (seed) => NativeDecapsulator.of(algorithm, importSeed(algorithm, seed)),
    ephemeral: () => {
      const { publicKey, privateKey } = generatePair(algorithm.toLowerCase())
      return new NativeDecapsulator(algorithm, privateKey, publicKey)
    },
    encapsulator: (publicKey) => new NativeEncapsulator(algorithm, publicKey),
    expandedDecapsulator: (expanded) => NativeDecapsulator.of(algorithm, importExpanded(algorithm, expanded)),
    matchesExpanded: (seed, expanded) => matchesExpanded(algorithm, seed, expanded),
  }
}

class NativeDecapsulator implements Decapsulator {
  readonly publicKey: Uint8Array
  readonly #key: KeyObject
  readonly #algorithm: MlKemAlgorithm

  constructor(algorithm: MlKemAlgorithm, privateKey: KeyObject, publicKey: Uint8Array) {
    this.#algorithm = algorithm
    this.#key = privateKey
    this.publicKey = publicKey
  }

  static of(algorithm: MlKemAlgorithm, privateKey: KeyObject): NativeDecapsulator {
    return new NativeDecapsulator(algorithm, privateKey, rawPublic(privateKey))
  }

  decapsulate(ciphertext: Uint8Array): Uint8Array {
    try {
      return plainBytes(decapsulate(this.#key, ciphertext))
    } catch (error) {
      throw providerFailed(nativeOperation(this.#algorithm, 'decapsulate'), error)
    }
  }
}

class NativeEncapsulator implements Encapsulator {
  readonly #key: KeyObject
  readonly #algorithm: MlKemAlgorithm

  constructor(algorithm: MlKemAlgorithm, publicKey: Uint8Array) {
    this.#algorithm = algorithm
    this.#key = importPublic(algorithm, publicKey)
  }

  encapsulate(): Encapsulation {
    try {
      const { ciphertext, sharedKey } = encapsulate(this.#key)
      return { ciphertext: plainBytes(ciphertext), sharedSecret: plainBytes(sharedKey) }
    } catch (error) {
      throw providerFailed(nativeOperation(this.#algorithm, 'encapsulate'), error)
    }
  }
}
