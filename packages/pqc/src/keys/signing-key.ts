import { DecodeError } from '@gridseal/wire'
import type { SignatureAlgorithm } from '../algorithms/info.ts'
import { signatureInfo } from '../algorithms/lookup.ts'
import { needBytes, needLength } from '../check.ts'
import type { SignOptions, Signer } from '../providers/provider.ts'
import { selectProvider } from '../providers/select.ts'
import type { ProviderOptions } from '../providers/select.ts'
import { equalBytes, randomBytes } from '../symmetric/bytes.ts'
import { checkSignOptions } from './sign-options.ts'
import { decodePem, encodePem } from './pem.ts'
import { decodePkcs8, encodePkcs8 } from './pkcs8.ts'
import { VerifyingKey } from './verifying-key.ts'

/**
 * A private signature key. Its canonical form is the seed (RFC 9964, RFC 9881), from which everything else follows.
 * It does not show its secret in logs, errors or JSON.
 *
 * @example
 * const key = SigningKey.generate('ML-DSA-65')
 * const signature = await key.sign(message)
 * key.publicKey.verify(message, signature) // true
 */
export class SigningKey {
  readonly algorithm: SignatureAlgorithm
  readonly publicKey: VerifyingKey
  readonly #seed: Uint8Array
  readonly #signer: Signer

  private constructor(algorithm: SignatureAlgorithm, seed: Uint8Array, options: ProviderOptions) {
    needLength(seed, signatureInfo(algorithm).seedLength, 'pqc.seed.length', 'seed')
    this.algorithm = algorithm
    this.#seed = Uint8Array.from(seed)
    this.#signer = selectProvider(algorithm, options).signatures.signer(algorithm, this.#seed)
    this.publicKey = VerifyingKey.fromRaw(algorithm, this.#signer.publicKey, options)
  }

  /** A new key from the system's random generator. */
  static generate(algorithm: SignatureAlgorithm, options: ProviderOptions = {}): SigningKey {
    return new SigningKey(algorithm, randomBytes(signatureInfo(algorithm).seedLength), options)
  }

  /** Throws `UsageError` `pqc.seed.length`. The seed is copied. */
  static fromSeed(algorithm: SignatureAlgorithm, seed: Uint8Array, options: ProviderOptions = {}): SigningKey {
    return new SigningKey(algorithm, seed, options)
  }

  /**
   * Reads PKCS#8 in the forms seed and both. Throws `DecodeError`; among its codes: `pqc.key.no-seed` for a key that
   * has only the expanded form (its seed cannot be recovered), `pqc.key.mismatch` if parts of the key contradict
   * each other, `pqc.key.kind` for a key that cannot sign.
   */
  static fromPkcs8(der: Uint8Array, options: ProviderOptions = {}): SigningKey {
    needBytes(der, 'der')
    const { algorithm, seed, expanded, publicKey } = decodePkcs8(der)
    if (algorithm.kind !== 'signature') {
      throw new DecodeError('pqc.key.kind', 0, 'algorithm', `${algorithm.name} is not a signature algorithm`)
    }
    if (seed === undefined) {
      const message = 'the key holds only its expanded form; export it with its seed (RFC 9881 seed or both)'
      throw new DecodeError('pqc.key.no-seed', 0, 'privateKey', message)
    }
    const { signatures } = selectProvider(algorithm.name, options)
    if (expanded !== undefined && !signatures.matchesExpanded(algorithm.name, seed, expanded)) {
      throw new DecodeError('pqc.key.mismatch', 0, 'expandedKey', 'expanded key and seed are not of one key')
    }
    const key = new SigningKey(algorithm.name, seed, options)
    if (publicKey !== undefined && !equalBytes(publicKey, key.publicKey.raw)) {
      throw new DecodeError('pqc.key.mismatch', 0, 'publicKey', 'public and private key are not a pair')
    }
    return key
  }

  /** Reads a `PRIVATE KEY` block. Throws as {@link fromPkcs8}. */
  static fromPem(pem: string, options: ProviderOptions = {}): SigningKey {
    return SigningKey.fromPkcs8(decodePem(pem, 'PRIVATE KEY'), options)
  }

  /**
   * Signs, on a thread of the pool where the provider can. The message must not change until the promise settles.
   * Throws `UsageError` at the call for arguments that are not bytes.
   */
  sign(message: Uint8Array, options?: SignOptions): Promise<Uint8Array> {
    needBytes(message, 'message')
    checkSignOptions(options)
    return this.#signer.sign(message, options)
  }

  /** Signs on this thread: about a millisecond. */
  signSync(message: Uint8Array, options?: SignOptions): Uint8Array {
    needBytes(message, 'message')
    checkSignOptions(options)
    return this.#signer.signSync(message, options)
  }

  /** A copy of the seed: the whole secret. */
  toSeed(): Uint8Array {
    return this.#seed.slice()
  }

  /** PKCS#8 in seed form: the same bytes on every version of Node.js. */
  toPkcs8(): Uint8Array {
    return encodePkcs8(this.algorithm, this.#seed)
  }

  /** A `PRIVATE KEY` block. */
  toPem(): string {
    return encodePem('PRIVATE KEY', this.toPkcs8())
  }

  toString(): string {
    return `SigningKey(${this.publicKey.fingerprintText})`
  }

  toJSON(): string {
    return this.toString()
  }
}
