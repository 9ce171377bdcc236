import { createRequire } from 'node:module'
import type * as Ed25519 from '@noble/curves/ed25519.js'
import type * as MlDsa from '@noble/post-quantum/ml-dsa.js'
import type * as MlKem from '@noble/post-quantum/ml-kem.js'
import type { KEMPrepared } from '@noble/post-quantum/ml-kem.js'
import { equalBytes, randomBytes } from '../symmetric/bytes.ts'
import type { AlgorithmName, KemAlgorithm, SignatureAlgorithm } from '../algorithms/info.ts'
import { invalidKey, lowOrder, providerFailed } from './failures.ts'
import type { Operation } from './failures.ts'
import type {
  Agreement,
  Decapsulator,
  Encapsulation,
  Encapsulator,
  Provider,
  SignOptions,
  Signer,
  Verifier,
} from './provider.ts'

/*
 * @noble/post-quantum and @noble/curves: plain JavaScript, 7 to 20 times slower than native, and not claimed to be
 * constant-time. Beware its argument orders: verify(signature, message, key), decapsulate(ciphertext,
 * key). It is loaded at first use: a process on the native provider never pays for it.
 */
const load = createRequire(import.meta.url)

const mlDsa = once(() => load('@noble/post-quantum/ml-dsa.js') as typeof MlDsa)
const mlKem = once(() => load('@noble/post-quantum/ml-kem.js') as typeof MlKem)
const curve = once(() => load('@noble/curves/ed25519.js') as typeof Ed25519)

const SIGNATURES: Readonly<Record<SignatureAlgorithm, () => typeof MlDsa.ml_dsa65>> = {
  'ML-DSA-44': () => mlDsa().ml_dsa44,
  'ML-DSA-65': () => mlDsa().ml_dsa65,
  'ML-DSA-87': () => mlDsa().ml_dsa87,
}

const KEMS: Readonly<Record<KemAlgorithm, () => typeof MlKem.ml_kem768>> = {
  'ML-KEM-768': () => mlKem().ml_kem768,
  'ML-KEM-1024': () => mlKem().ml_kem1024,
}

export const noble: Provider = {
  name: 'noble',
  signatures: {
    signer: (algorithm, seed) => new NobleSigner(algorithm, seed),
    verifier: (algorithm, publicKey) => new NobleVerifier(algorithm, publicKey),
    matchesExpanded: (algorithm, seed, expanded) =>
      equalBytes(SIGNATURES[algorithm]().keygen(seed).secretKey, expanded),
  },
  kems: {
    decapsulator: (algorithm, seed) => new NobleDecapsulator(algorithm, seed),
    encapsulator: (algorithm, publicKey) => new NobleEncapsulator(algorithm, publicKey),
    matchesExpanded: (algorithm, seed, expanded) => equalBytes(KEMS[algorithm]().keygen(seed).secretKey, expanded),
  },
  x25519: (secret) => new NobleAgreement(secret),
}

/** Deterministic ML-DSA (FIPS 204 5.2 with rnd = 0): for known-answer tests, never for live signing. */
export function signDeterministic(
  algorithm: SignatureAlgorithm,
  seed: Uint8Array,
  message: Uint8Array,
  options: SignOptions = {},
): Uint8Array {
  const { secretKey } = SIGNATURES[algorithm]().keygen(seed)
  return SIGNATURES[algorithm]().sign(message, secretKey, { ...options, extraEntropy: false })
}

class NobleSigner implements Signer {
  readonly publicKey: Uint8Array
  readonly #secretKey: Uint8Array
  readonly #algorithm: SignatureAlgorithm

  constructor(algorithm: SignatureAlgorithm, seed: Uint8Array) {
    const { publicKey, secretKey } = SIGNATURES[algorithm]().keygen(seed)
    this.#algorithm = algorithm
    this.publicKey = publicKey
    this.#secretKey = secretKey
  }

  async sign(message: Uint8Array, options?: SignOptions): Promise<Uint8Array> {
    return this.signSync(message, options)
  }

  signSync(message: Uint8Array, options: SignOptions = {}): Uint8Array {
    try {
      return SIGNATURES[this.#algorithm]().sign(message, this.#secretKey, options)
    } catch (error) {
      throw providerFailed(operation(this.#algorithm, 'sign'), error)
    }
  }
}

class NobleVerifier implements Verifier {
  readonly #algorithm: SignatureAlgorithm
  readonly #publicKey: Uint8Array

  constructor(algorithm: SignatureAlgorithm, publicKey: Uint8Array) {
    this.#algorithm = algorithm
    this.#publicKey = publicKey
  }

  verify(message: Uint8Array, signature: Uint8Array, options: SignOptions = {}): boolean {
    try {
      return SIGNATURES[this.#algorithm]().verify(signature, message, this.#publicKey, options)
    } catch (error) {
      throw providerFailed(operation(this.#algorithm, 'verify'), error)
    }
  }
}

class NobleDecapsulator implements Decapsulator {
  readonly publicKey: Uint8Array
  readonly #secretKey: Uint8Array
  readonly #algorithm: KemAlgorithm

  constructor(algorithm: KemAlgorithm, seed: Uint8Array) {
    const { publicKey, secretKey } = KEMS[algorithm]().keygen(seed)
    this.#algorithm = algorithm
    this.publicKey = publicKey
    this.#secretKey = secretKey
  }

  decapsulate(ciphertext: Uint8Array): Uint8Array {
    try {
      return KEMS[this.#algorithm]().decapsulate(ciphertext, this.#secretKey)
    } catch (error) {
      throw providerFailed(operation(this.#algorithm, 'decapsulate'), error)
    }
  }
}

/** Can also take the randomness as an argument, which only this provider can. */
export class NobleEncapsulator implements Encapsulator {
  readonly #prepared: KEMPrepared
  readonly #algorithm: KemAlgorithm

  constructor(algorithm: KemAlgorithm, publicKey: Uint8Array) {
    this.#algorithm = algorithm
    try {
      // Checks the modulus and keeps the expanded matrix.
      this.#prepared = KEMS[algorithm]().prepare(publicKey)
    } catch (error) {
      throw invalidKey(operation(algorithm, 'import'), error)
    }
  }

  encapsulate(randomness?: Uint8Array): Encapsulation {
    try {
      const { cipherText, sharedSecret } = this.#prepared.encapsulate(randomness)
      return { ciphertext: cipherText, sharedSecret }
    } catch (error) {
      throw providerFailed(operation(this.#algorithm, 'encapsulate'), error)
    }
  }
}

class NobleAgreement implements Agreement {
  readonly publicKey: Uint8Array
  readonly #secret: Uint8Array

  constructor(secret: Uint8Array | undefined) {
    this.#secret = secret === undefined ? randomBytes(32) : Uint8Array.from(secret)
    this.publicKey = curve().x25519.getPublicKey(this.#secret)
  }

  secret(): Uint8Array {
    return this.#secret.slice()
  }

  agree(peer: Uint8Array): Uint8Array {
    try {
      return curve().x25519.getSharedSecret(this.#secret, peer)
    } catch (error) {
      throw lowOrder(operation('X25519', 'agree'), error)
    }
  }
}

function operation(algorithm: AlgorithmName | 'X25519', name: Operation['operation']): Operation {
  return { provider: 'noble', algorithm, operation: name }
}

function once<T>(make: () => T): () => T {
  let made: T | undefined
  return () => (made ??= make())
}
