import { generateKeyPairSync, randomBytes, sign, verify } from 'node:crypto'
import type { KeyObject, SigningOptions } from 'node:crypto'
import type { MlDsaAlgorithm, SimpleSignatureAlgorithm } from '../../algorithms/info.ts'
import { scalarInRange } from '../../keys/scalar.ts'
import { plainBytes } from '../../symmetric/bytes.ts'
import { invalidKey, providerFailed } from '../failures.ts'
import type { SignOptions, SignatureImplementation, Signer, Verifier } from '../provider.ts'
import {
  importExpanded,
  importPublic,
  importRawPrivate,
  importSeed,
  matchesExpanded,
  nativeOperation,
  rawPublic,
} from './import.ts'

/*
 * node:crypto on OpenSSL 3.5. Raw keys are imported to KeyObjects once: importing costs as much as verifying. Signing
 * with ML-DSA and SLH-DSA is always hedged and cannot be made deterministic here.
 */

/** ML-DSA (FIPS 204), private keys as seeds. */
export function nativeMlDsa(algorithm: MlDsaAlgorithm): SignatureImplementation {
  return {
    generate: () => plainBytes(randomBytes(32)),
    signer: (seed) => new NativeSigner(algorithm, importSeed(algorithm, seed)),
    verifier: (publicKey) => new NativeVerifier(algorithm, publicKey),
    expandedSigner: (expanded) => new NativeSigner(algorithm, importExpanded(algorithm, expanded)),
    matchesExpanded: (seed, expanded) => matchesExpanded(algorithm, seed, expanded),
  }
}

/** SLH-DSA (FIPS 205) and Ed25519 (RFC 8032): the raw private key says it all. */
export function nativeRaw(algorithm: SimpleSignatureAlgorithm): SignatureImplementation {
  // OpenSSL computes the root of an SLH-DSA key when it generates one; it has no way to do it for a given seed.
  const type = algorithm.toLowerCase() as 'ed25519'
  return {
    generate: () => plainBytes(generateKeyPairSync(type).privateKey.export({ format: 'raw-private' })),
    signer: (secret) => new NativeSigner(algorithm, importRawPrivate(algorithm, secret)),
    verifier: (publicKey) => new NativeVerifier(algorithm, publicKey),
  }
}

/** ECDSA (FIPS 186-5) with the curve's usual hash; signatures are r || s. */
export function nativeEcdsa(algorithm: 'ECDSA-P256' | 'ECDSA-P384'): SignatureImplementation {
  const [namedCurve, digest] = algorithm === 'ECDSA-P256' ? ['P-256', 'sha256'] : ['P-384', 'sha384']
  const format = { digest: digest!, dsaEncoding: 'ieee-p1363' as const }
  return {
    generate: () => {
      const { privateKey } = generateKeyPairSync('ec', { namedCurve: namedCurve! })
      return plainBytes(privateKey.export({ format: 'raw-private' }))
    },
    signer: (secret) => {
      // OpenSSL takes zero and scalars above the order.
      if (!scalarInRange(algorithm, secret)) {
        throw invalidKey(nativeOperation(algorithm, 'import'), undefined, 'privateKey')
      }
      return new NativeSigner(algorithm, importRawPrivate(algorithm, secret), format)
    },
    verifier: (publicKey) => new NativeVerifier(algorithm, publicKey, format),
  }
}

interface Format {
  readonly digest: string
  readonly dsaEncoding: 'ieee-p1363'
}

type KeyInput = KeyObject | (SigningOptions & { readonly key: KeyObject; readonly context?: Uint8Array })

class NativeSigner implements Signer {
  readonly publicKey: Uint8Array
  readonly #key: KeyInput
  readonly #digest: string | null
  readonly #algorithm: SimpleSignatureAlgorithm

  constructor(algorithm: SimpleSignatureAlgorithm, key: KeyObject, format?: Format) {
    this.#algorithm = algorithm
    this.#key = format === undefined ? key : { key, dsaEncoding: format.dsaEncoding }
    this.#digest = format?.digest ?? null
    this.publicKey = rawPublic(key)
  }

  sign(message: Uint8Array, options?: SignOptions): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const failed = (error: unknown): void => reject(providerFailed(nativeOperation(this.#algorithm, 'sign'), error))
      try {
        sign(this.#digest, message, keyInput(this.#key, options), (error, signature) => {
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
      return plainBytes(sign(this.#digest, message, keyInput(this.#key, options)))
    } catch (error) {
      throw providerFailed(nativeOperation(this.#algorithm, 'sign'), error)
    }
  }
}

class NativeVerifier implements Verifier {
  readonly #key: KeyInput
  readonly #digest: string | null
  readonly #algorithm: SimpleSignatureAlgorithm

  constructor(algorithm: SimpleSignatureAlgorithm, publicKey: Uint8Array, format?: Format) {
    this.#algorithm = algorithm
    const key = importPublic(algorithm, publicKey)
    this.#key = format === undefined ? key : { key, dsaEncoding: format.dsaEncoding }
    this.#digest = format?.digest ?? null
  }

  verify(message: Uint8Array, signature: Uint8Array, options?: SignOptions): boolean {
    try {
      return verify(this.#digest, message, keyInput(this.#key, options), signature)
    } catch (error) {
      throw providerFailed(nativeOperation(this.#algorithm, 'verify'), error)
    }
  }
}

function keyInput(key: KeyInput, options: SignOptions | undefined): KeyInput {
  const context = options?.context
  return context === undefined || context.length === 0 ? key : { key: key as KeyObject, context }
}
