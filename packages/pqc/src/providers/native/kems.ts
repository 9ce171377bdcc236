import { createPrivateKey, decapsulate, encapsulate } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import type { MlKemAlgorithm } from '../../algorithms/info.ts'
import { encodePkcs8Both, encodePkcs8Expanded } from '../../keys/pkcs8.ts'
import { plainBytes } from '../../symmetric/bytes.ts'
import { invalidKey, providerFailed } from '../failures.ts'
import type { Decapsulator, Encapsulation, Encapsulator, KemImplementation } from '../provider.ts'
import { importPublic, importSeed, nativeOperation, rawPublic, view } from './import.ts'

/** ML-KEM of node:crypto. Encapsulation is always random: it cannot be given its randomness here. */
export function nativeMlKem(algorithm: MlKemAlgorithm): KemImplementation {
  const openExpanded = (der: Uint8Array): KeyObject => {
    try {
      return createPrivateKey({ key: view(der), format: 'der', type: 'pkcs8' })
    } catch (error) {
      throw invalidKey(nativeOperation(algorithm, 'import'), error, 'expandedKey')
    } finally {
      der.fill(0)
    }
  }
  return {
    decapsulator: (seed) => new NativeDecapsulator(algorithm, importSeed(algorithm, seed)),
    encapsulator: (publicKey) => new NativeEncapsulator(algorithm, publicKey),
    expandedDecapsulator: (expanded) =>
      new NativeDecapsulator(algorithm, openExpanded(encodePkcs8Expanded(algorithm, expanded))),
    matchesExpanded: (seed, expanded) => {
      try {
        openExpanded(encodePkcs8Both(algorithm, seed, expanded))
        return true
      } catch {
        return false
      }
    },
  }
}

class NativeDecapsulator implements Decapsulator {
  readonly publicKey: Uint8Array
  readonly #key: KeyObject
  readonly #algorithm: MlKemAlgorithm

  constructor(algorithm: MlKemAlgorithm, key: KeyObject) {
    this.#algorithm = algorithm
    this.#key = key
    this.publicKey = rawPublic(key)
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
