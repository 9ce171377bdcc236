import type { Signer as NobleScheme } from '@noble/post-quantum/utils.js'
import { createHash, randomBytes } from 'node:crypto'
import type {
  FalconAlgorithm,
  MlDsaAlgorithm,
  SignatureAlgorithm,
  SimpleSignatureAlgorithm,
  SlhDsaAlgorithm,
} from '../../algorithms/info.ts'
import { signatureInfo } from '../../algorithms/lookup.ts'
import { equalBytes, plainBytes } from '../../symmetric/bytes.ts'
import { invalidKey, providerFailed } from '../failures.ts'
import type { PrehashName } from '../prehash.ts'
import type { SignOptions, SignatureImplementation, Signer, Verifier } from '../provider.ts'
import { falcon, mlDsa, nobleOperation, slhDsa } from './load.ts'
import { nobleHash } from './prehash.ts'

/** Signing and verification under one name, with the hash that the options choose. */
interface Scheme {
  readonly keygen: NobleScheme['keygen']
  readonly getPublicKey: NobleScheme['getPublicKey']
  readonly sign: NobleScheme['sign']
  readonly verify: NobleScheme['verify']
  prehash?(hash: ReturnType<typeof nobleHash>): NobleScheme
}

const ML_DSA: Readonly<Record<MlDsaAlgorithm, () => Scheme>> = {
  'ML-DSA-44': () => mlDsa().ml_dsa44,
  'ML-DSA-65': () => mlDsa().ml_dsa65,
  'ML-DSA-87': () => mlDsa().ml_dsa87,
}

const FALCON: Readonly<Record<FalconAlgorithm, () => Scheme>> = {
  'Falcon-512': () => falcon().falcon512padded,
  'Falcon-1024': () => falcon().falcon1024padded,
}

/** `SLH-DSA-SHA2-128f` is `slh_dsa_sha2_128f`. */
function slhDsaScheme(algorithm: SlhDsaAlgorithm): Scheme {
  return slhDsa()[algorithm.toLowerCase().replaceAll('-', '_') as 'slh_dsa_sha2_128f']
}

export function nobleMlDsa(algorithm: MlDsaAlgorithm): SignatureImplementation {
  const scheme = ML_DSA[algorithm]
  return {
    generate: () => plainBytes(randomBytes(32)),
    signer: (seed) => {
      const { publicKey, secretKey } = scheme().keygen(seed)
      return new NobleSigner(algorithm, scheme(), publicKey, secretKey)
    },
    verifier: (publicKey) => new NobleVerifier(algorithm, scheme(), publicKey),
    expandedSigner: (expanded) => {
      let publicKey: Uint8Array
      try {
        publicKey = scheme().getPublicKey(expanded)
      } catch (error) {
        throw invalidKey(nobleOperation(algorithm, 'import'), error, 'expandedKey')
      }
      // tr, which is signed with every message (FIPS 204 6.2); noble does not check it. Whether s2 and t0 fit stays open.
      const tr = createHash('shake256', { outputLength: 64 }).update(publicKey).digest()
      if (!equalBytes(tr, expanded.subarray(64, 128))) {
        throw invalidKey(nobleOperation(algorithm, 'import'), undefined, 'expandedKey')
      }
      return new NobleSigner(algorithm, scheme(), publicKey, Uint8Array.from(expanded))
    },
    matchesExpanded: (seed, expanded) => equalBytes(scheme().keygen(seed).secretKey, expanded),
    expand: (seed) => scheme().keygen(seed).secretKey,
  }
}

/** The canonical key has all four parts of FIPS 205 9.1; the root is taken from it as it is. */
export function nobleSlhDsa(algorithm: SlhDsaAlgorithm): SignatureImplementation {
  const n = signatureInfo(algorithm).publicKeyLength / 2
  return {
    generate: () => slhDsaScheme(algorithm).keygen(plainBytes(randomBytes(3 * n))).secretKey,
    signer: (key) => new NobleSigner(algorithm, slhDsaScheme(algorithm), key.slice(2 * n), Uint8Array.from(key)),
    verifier: (publicKey) => new NobleVerifier(algorithm, slhDsaScheme(algorithm), publicKey),
  }
}

/**
 * Falcon with padded signatures. The canonical key is the encoded key followed by the public key. Never
 * deterministic: without fresh randomness its sampler would leak the key.
 */
export function nobleFalcon(algorithm: FalconAlgorithm): SignatureImplementation {
  const scheme = FALCON[algorithm]
  const { publicKeyLength, seedLength } = signatureInfo(algorithm)
  const secretLength = seedLength - publicKeyLength
  return {
    generate: () => {
      const { publicKey, secretKey } = scheme().keygen()
      return plainBytes(Buffer.concat([secretKey, publicKey]))
    },
    signer: (key) => {
      const secretKey = key.slice(0, secretLength)
      try {
        if (equalBytes(scheme().getPublicKey(secretKey), key.subarray(secretLength))) {
          return new NobleSigner(algorithm, scheme(), key.slice(secretLength), secretKey)
        }
      } catch (error) {
        throw invalidKey(nobleOperation(algorithm, 'import'), error, 'privateKey')
      }
      throw invalidKey(nobleOperation(algorithm, 'import'), undefined, 'privateKey')
    },
    verifier: (publicKey) => new NobleVerifier(algorithm, scheme(), publicKey),
  }
}

/**
 * Deterministic ML-DSA (FIPS 204 5.2 with rnd = 0) or SLH-DSA: for known-answer tests, never for live signing. `key` is
 * the seed of ML-DSA, or an expanded key.
 */
export function signDeterministic(
  algorithm: MlDsaAlgorithm | SlhDsaAlgorithm,
  key: Uint8Array,
  message: Uint8Array,
  options: SignOptions = {},
): Uint8Array {
  const isMlDsa = algorithm.startsWith('ML-DSA')
  const scheme = isMlDsa ? ML_DSA[algorithm as MlDsaAlgorithm]() : slhDsaScheme(algorithm as SlhDsaAlgorithm)
  const secretKey = isMlDsa && key.length === 32 ? scheme.keygen(key).secretKey : key
  return chosen(scheme, options.prehash).sign(message, secretKey, { ...contextOf(options), extraEntropy: false })
}

class NobleSigner implements Signer {
  readonly publicKey: Uint8Array
  readonly #secretKey: Uint8Array
  readonly #scheme: Scheme
  readonly #algorithm: SimpleSignatureAlgorithm

  constructor(algorithm: SimpleSignatureAlgorithm, scheme: Scheme, publicKey: Uint8Array, secretKey: Uint8Array) {
    this.#algorithm = algorithm
    this.#scheme = scheme
    this.publicKey = publicKey
    this.#secretKey = secretKey
  }

  async sign(message: Uint8Array, options?: SignOptions): Promise<Uint8Array> {
    return this.signSync(message, options)
  }

  signSync(message: Uint8Array, options: SignOptions = {}): Uint8Array {
    try {
      return chosen(this.#scheme, options.prehash).sign(message, this.#secretKey, contextOf(options))
    } catch (error) {
      throw providerFailed(nobleOperation(this.#algorithm, 'sign'), error)
    }
  }
}

class NobleVerifier implements Verifier {
  readonly #algorithm: SignatureAlgorithm
  readonly #scheme: Scheme
  readonly #publicKey: Uint8Array

  constructor(algorithm: SignatureAlgorithm, scheme: Scheme, publicKey: Uint8Array) {
    this.#algorithm = algorithm
    this.#scheme = scheme
    this.#publicKey = publicKey
  }

  verify(message: Uint8Array, signature: Uint8Array, options: SignOptions = {}): boolean {
    try {
      return chosen(this.#scheme, options.prehash).verify(signature, message, this.#publicKey, contextOf(options))
    } catch (error) {
      throw providerFailed(nobleOperation(this.#algorithm, 'verify'), error)
    }
  }
}

function chosen(scheme: Scheme, prehash: PrehashName | undefined): Pick<NobleScheme, 'sign' | 'verify'> {
  return prehash === undefined ? scheme : scheme.prehash!(nobleHash(prehash))
}

/** noble refuses options that it does not know. The empty context is the one that is not given. */
function contextOf({ context }: SignOptions): { context?: Uint8Array } {
  return context === undefined || context.length === 0 ? {} : { context }
}
