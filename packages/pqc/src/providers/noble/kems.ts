import type * as MlKem from '@noble/post-quantum/ml-kem.js'
import type { KEMPrepared } from '@noble/post-quantum/ml-kem.js'
import type { MlKemAlgorithm } from '../../algorithms/info.ts'
import { kemInfo } from '../../algorithms/lookup.ts'
import { equalBytes } from '../../symmetric/bytes.ts'
import { sha3_256 } from '../../symmetric/hash.ts'
import { invalidKey, providerFailed } from '../failures.ts'
import type { Decapsulator, Encapsulation, Encapsulator, KemImplementation } from '../provider.ts'
import { mlKem, nobleOperation } from './load.ts'

type Scheme = typeof MlKem.ml_kem768

const SCHEMES: Readonly<Record<MlKemAlgorithm, () => Scheme>> = {
  'ML-KEM-512': () => mlKem().ml_kem512,
  'ML-KEM-768': () => mlKem().ml_kem768,
  'ML-KEM-1024': () => mlKem().ml_kem1024,
}

export function nobleMlKem(algorithm: MlKemAlgorithm): KemImplementation {
  const scheme = SCHEMES[algorithm]
  return {
    decapsulator: (seed) => {
      const { publicKey, secretKey } = scheme().keygen(seed)
      return new NobleDecapsulator(algorithm, publicKey, secretKey)
    },
    encapsulator: (publicKey) => new NobleEncapsulator(algorithm, publicKey),
    expandedDecapsulator: (expanded) => {
      const publicKey = checkedPublicKey(algorithm, expanded)
      return new NobleDecapsulator(algorithm, publicKey, Uint8Array.from(expanded))
    },
    matchesExpanded: (seed, expanded) => equalBytes(scheme().keygen(seed).secretKey, expanded),
    expand: (seed) => scheme().keygen(seed).secretKey,
  }
}

/** The public key in dk = dk_PKE || ek || H(ek) || z, whose hash is checked (FIPS 203 7.3). noble checks it late. */
function checkedPublicKey(algorithm: MlKemAlgorithm, expanded: Uint8Array): Uint8Array {
  const { publicKeyLength } = kemInfo(algorithm)
  const at = expanded.length - 64 - publicKeyLength
  const publicKey = expanded.slice(at, at + publicKeyLength)
  if (equalBytes(sha3_256(publicKey), expanded.subarray(-64, -32))) return publicKey
  throw invalidKey(nobleOperation(algorithm, 'import'), undefined, 'expandedKey')
}

class NobleDecapsulator implements Decapsulator {
  readonly publicKey: Uint8Array
  readonly #secretKey: Uint8Array
  readonly #algorithm: MlKemAlgorithm

  constructor(algorithm: MlKemAlgorithm, publicKey: Uint8Array, secretKey: Uint8Array) {
    this.#algorithm = algorithm
    this.publicKey = publicKey
    this.#secretKey = secretKey
  }

  decapsulate(ciphertext: Uint8Array): Uint8Array {
    try {
      return SCHEMES[this.#algorithm]().decapsulate(ciphertext, this.#secretKey)
    } catch (error) {
      throw providerFailed(nobleOperation(this.#algorithm, 'decapsulate'), error)
    }
  }
}

/** Can also take the randomness as an argument, which only this provider can. */
export class NobleEncapsulator implements Encapsulator {
  readonly #prepared: KEMPrepared
  readonly #algorithm: MlKemAlgorithm

  constructor(algorithm: MlKemAlgorithm, publicKey: Uint8Array) {
    this.#algorithm = algorithm
    try {
      // Checks the modulus and keeps the expanded matrix.
      this.#prepared = SCHEMES[algorithm]().prepare(publicKey)
    } catch (error) {
      throw invalidKey(nobleOperation(algorithm, 'import'), error)
    }
  }

  encapsulate(randomness?: Uint8Array): Encapsulation {
    try {
      const { cipherText, sharedSecret } = this.#prepared.encapsulate(randomness)
      return { ciphertext: cipherText, sharedSecret }
    } catch (error) {
      throw providerFailed(nobleOperation(this.#algorithm, 'encapsulate'), error)
    }
  }
}
