import {
  createPrivateKey,
  createPublicKey,
  decapsulate,
  diffieHellman,
  encapsulate,
  generateKeyPairSync,
  sign,
  verify,
} from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import type { AlgorithmName, KemAlgorithm, SignatureAlgorithm } from '../algorithms/info.ts'
import { encodePkcs8, encodePkcs8Both } from '../keys/pkcs8.ts'
import { plainBytes } from '../symmetric/bytes.ts'
import { invalidKey, lowOrder, providerFailed } from './failures.ts'
import type { Operation } from './failures.ts'
import type { Agreement, Decapsulator, Encapsulator, Provider, SignOptions, Signer, Verifier } from './provider.ts'

/*
 * node:crypto on OpenSSL 3.5. Raw keys are imported to KeyObjects once: importing costs as much as verifying. Signing
 * is always hedged, encapsulation always random; neither can be made deterministic here.
 */

export const native: Provider = {
  name: 'native',
  signatures: {
    signer: (algorithm, seed) => new NativeSigner(algorithm, seed),
    verifier: (algorithm, publicKey) => new NativeVerifier(algorithm, publicKey),
    matchesExpanded,
  },
  kems: {
    decapsulator: (algorithm, seed) => new NativeDecapsulator(algorithm, seed),
    encapsulator: (algorithm, publicKey) => new NativeEncapsulator(algorithm, publicKey),
    matchesExpanded,
  },
  x25519: (secret) => new NativeAgreement(secret),
}

class NativeSigner implements Signer {
  readonly publicKey: Uint8Array
  readonly #key: KeyObject
  readonly #algorithm: SignatureAlgorithm

  constructor(algorithm: SignatureAlgorithm, seed: Uint8Array) {
    this.#algorithm = algorithm
    this.#key = importSeed(algorithm, seed)
    this.publicKey = rawPublic(this.#key)
  }

  sign(message: Uint8Array, options?: SignOptions): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const failed = (error: unknown): void => reject(providerFailed(operation(this.#algorithm, 'sign'), error))
      try {
        sign(null, message, keyInput(this.#key, options), (error, signature) => {
          if (error) failed(error)
          else resolve(plainBytes(signature))
        })
      } catch (error) {
        failed(error)
      }
    })
  }

  signSync(message: Uint8Array, options?: SignOptions): Uint8Array {
    try {
      return plainBytes(sign(null, message, keyInput(this.#key, options)))
    } catch (error) {
      throw providerFailed(operation(this.#algorithm, 'sign'), error)
    }
  }
}

class NativeVerifier implements Verifier {
  readonly #key: KeyObject
  readonly #algorithm: SignatureAlgorithm

  constructor(algorithm: SignatureAlgorithm, publicKey: Uint8Array) {
    this.#algorithm = algorithm
    this.#key = importPublic(algorithm, publicKey)
  }

  verify(message: Uint8Array, signature: Uint8Array, options?: SignOptions): boolean {
    try {
      return verify(null, message, keyInput(this.#key, options), signature)
    } catch (error) {
      throw providerFailed(operation(this.#algorithm, 'verify'), error)
    }
  }
}

class NativeDecapsulator implements Decapsulator {
  readonly publicKey: Uint8Array
  readonly #key: KeyObject
  readonly #algorithm: KemAlgorithm

  constructor(algorithm: KemAlgorithm, seed: Uint8Array) {
    this.#algorithm = algorithm
    this.#key = importSeed(algorithm, seed)
    this.publicKey = rawPublic(this.#key)
  }

  decapsulate(ciphertext: Uint8Array): Uint8Array {
    try {
      return plainBytes(decapsulate(this.#key, ciphertext))
    } catch (error) {
      throw providerFailed(operation(this.#algorithm, 'decapsulate'), error)
    }
  }
}

class NativeEncapsulator implements Encapsulator {
  readonly #key: KeyObject
  readonly #algorithm: KemAlgorithm

  constructor(algorithm: KemAlgorithm, publicKey: Uint8Array) {
    this.#algorithm = algorithm
    this.#key = importPublic(algorithm, publicKey)
  }

  encapsulate(): { ciphertext: Uint8Array; sharedSecret: Uint8Array } {
    try {
      const { ciphertext, sharedKey } = encapsulate(this.#key)
      return { ciphertext: plainBytes(ciphertext), sharedSecret: plainBytes(sharedKey) }
    } catch (error) {
      throw providerFailed(operation(this.#algorithm, 'encapsulate'), error)
    }
  }
}

class NativeAgreement implements Agreement {
  readonly publicKey: Uint8Array
  readonly #key: KeyObject

  constructor(secret: Uint8Array | undefined) {
    // Generating is a third cheaper than importing random bytes.
    this.#key =
      secret === undefined
        ? generateKeyPairSync('x25519').privateKey
        : createPrivateKey({ key: view(secret), format: 'raw-private', asymmetricKeyType: 'x25519' })
    this.publicKey = rawPublic(this.#key)
  }

  secret(): Uint8Array {
    return plainBytes(this.#key.export({ format: 'raw-private' }))
  }

  agree(peer: Uint8Array): Uint8Array {
    const publicKey = createPublicKey({ key: view(peer), format: 'raw-public', asymmetricKeyType: 'x25519' })
    try {
      return plainBytes(diffieHellman({ privateKey: this.#key, publicKey }))
    } catch (error) {
      // OpenSSL checks for the all-zero result itself, and nothing else can fail here.
      throw lowOrder(operation('X25519', 'agree'), error)
    }
  }
}

function matchesExpanded(algorithm: AlgorithmName, seed: Uint8Array, expanded: Uint8Array): boolean {
  const der = encodePkcs8Both(algorithm, seed, expanded)
  try {
    createPrivateKey({ key: view(der), format: 'der', type: 'pkcs8' })
    return true
  } catch {
    return false
  } finally {
    der.fill(0)
  }
}

function importSeed(algorithm: AlgorithmName, seed: Uint8Array): KeyObject {
  // Twice as fast for ML-KEM as the format raw-seed.
  const der = encodePkcs8(algorithm, seed)
  try {
    return createPrivateKey({ key: view(der), format: 'der', type: 'pkcs8' })
  } catch (error) {
    throw providerFailed(operation(algorithm, 'import'), error)
  } finally {
    der.fill(0)
  }
}

function importPublic(algorithm: AlgorithmName, publicKey: Uint8Array): KeyObject {
  try {
    return createPublicKey({ key: view(publicKey), format: 'raw-public', asymmetricKeyType: keyType(algorithm) })
  } catch (error) {
    throw invalidKey(operation(algorithm, 'import'), error)
  }
}

function rawPublic(key: KeyObject): Uint8Array {
  return plainBytes(createPublicKey(key).export({ format: 'raw-public' }))
}

function keyInput(
  key: KeyObject,
  options: SignOptions | undefined,
): KeyObject | { key: KeyObject; context: Uint8Array } {
  return options?.context === undefined ? key : { key, context: options.context }
}

/** The asymmetricKeyType of an algorithm is its name in lower case. */
function keyType(algorithm: AlgorithmName): Lowercase<AlgorithmName> {
  return algorithm.toLowerCase() as Lowercase<AlgorithmName>
}

function operation(algorithm: Operation['algorithm'], name: Operation['operation']): Operation {
  return { provider: 'native', algorithm, operation: name }
}

function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
