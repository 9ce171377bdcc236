import { DecodeError, InternalError, UsageError } from '@gridseal/wire'
import type { SignatureAlgorithm, SignatureInfo } from '../algorithms/info.ts'
import { signatureInfo } from '../algorithms/lookup.ts'
import { needBytes, needLength } from '../check.ts'
import { needCurrent, reportFailure } from '../policy/module-state.ts'
import type { SignOptions, Signer } from '../providers/provider.ts'
import { selectProvider, signatureImplementation } from '../providers/select.ts'
import type { ProviderOptions } from '../providers/chosen.ts'
import { equalBytes } from '../symmetric/bytes.ts'
import { decodeCoseKey, encodeCoseKey } from './cose-key.ts'
import { decodeJwk, encodeJwk } from './jwk.ts'
import type { Jwk } from './jwk.ts'
import type { MessageSigner } from './message-signer.ts'
import { decodePem, encodePem } from './pem.ts'
import { decodePkcs8 } from './pkcs8.ts'
import { writePkcs8 } from './pkcs8-forms.ts'
import type { Pkcs8Form, PrivateKey } from './pkcs8-forms.ts'
import { prehashOptions } from './prehash-options.ts'
import { checkSignOptions } from './sign-options.ts'
import { VerifyingKey, needSignature } from './verifying-key.ts'

const PAIRWISE_MESSAGE = new TextEncoder().encode('gridseal pairwise consistency test')

/**
 * A private signature key. Its canonical form is the seed (RFC 9964, RFC 9881), from which everything else follows.
 * It does not show its secret in logs, errors or JSON.
 *
 * @example
 * const key = SigningKey.generate('ML-DSA-65')
 * const signature = await key.sign(message)
 * key.publicKey.verify(message, signature) // true
 */
export class SigningKey implements MessageSigner {
  readonly algorithm: SignatureAlgorithm
  readonly publicKey: VerifyingKey
  readonly #info: SignatureInfo
  readonly #secret: PrivateKey
  readonly #signer: Signer
  readonly #options: ProviderOptions
  #prehashSigner: Signer | undefined
  #destroyed = false

  private constructor(algorithm: SignatureAlgorithm, secret: PrivateKey, options: ProviderOptions) {
    this.algorithm = algorithm
    this.#info = signatureInfo(algorithm)
    this.#secret = secret
    this.#options = options
    this.#signer = this.#import(options)
    this.publicKey = VerifyingKey.fromRaw(algorithm, this.#signer.publicKey, options)
  }

  /** A new key, which has passed the pairwise consistency test (ISO/IEC 19790 7.10.3.3). */
  static generate(algorithm: SignatureAlgorithm, options: ProviderOptions = {}): SigningKey {
    const seed = signatureImplementation(algorithm, 'generate', options).generate()
    const key = new SigningKey(algorithm, { seed }, options)
    key.checkPair()
    return key
  }

  /** Throws `UsageError` `pqc.seed.length` and `DecodeError` `pqc.key.invalid`. The seed is copied. */
  static fromSeed(algorithm: SignatureAlgorithm, seed: Uint8Array, options: ProviderOptions = {}): SigningKey {
    needLength(seed, signatureInfo(algorithm).seedLength, 'pqc.seed.length', 'seed')
    return new SigningKey(algorithm, { seed: Uint8Array.from(seed) }, options)
  }

  /**
   * Reads PKCS#8 in all forms. A key that has only the expanded form signs, but can be written in that form only.
   * Throws `DecodeError`; among its codes: `pqc.key.mismatch` if parts of the key contradict each other, and
   * `pqc.key.kind` for a key that cannot sign.
   */
  static fromPkcs8(der: Uint8Array, options: ProviderOptions = {}): SigningKey {
    needBytes(der, 'der')
    const { algorithm, seed, expanded, publicKey } = decodePkcs8(der)
    const { name } = needSignature(algorithm)
    if (seed !== undefined && expanded !== undefined) {
      const matches = selectProvider(name, options).signature(name)?.matchesExpanded?.(seed, expanded)
      if (matches !== true) throw mismatch('expandedKey', 'expanded key and seed are not of one key')
    }
    const secret = seed === undefined ? { expanded: Uint8Array.from(expanded!) } : { seed: Uint8Array.from(seed) }
    return new SigningKey(name, secret, options).#mustMatch(publicKey)
  }

  /** Reads a `PRIVATE KEY` block. Throws as {@link fromPkcs8}. */
  static fromPem(pem: string, options: ProviderOptions = {}): SigningKey {
    return SigningKey.fromPkcs8(decodePem(pem, 'PRIVATE KEY'), options)
  }

  /** Reads a private JWK, whose public key must be its own. Throws `DecodeError`, with `pqc.key.kind` without `priv`. */
  static fromJwk(jwk: unknown, options: ProviderOptions = {}): SigningKey {
    const { algorithm, publicKey, privateKey } = decodeJwk(jwk)
    const { name } = needSignature(algorithm)
    return SigningKey.fromSeed(name, needPrivate(privateKey), options).#mustMatch(publicKey)
  }

  /** Reads a private COSE_Key, whose public key must be its own. Throws `DecodeError` as {@link fromJwk}. */
  static fromCoseKey(bytes: Uint8Array, options: ProviderOptions = {}): SigningKey {
    const { algorithm, publicKey, privateKey } = decodeCoseKey(bytes)
    return SigningKey.fromSeed(algorithm.name, needPrivate(privateKey), options).#mustMatch(publicKey)
  }

  /**
   * Signs, on a thread of the pool where the provider can. The message must not change until the promise settles.
   * Throws `UsageError` at the call for arguments that are not bytes.
   */
  sign(message: Uint8Array, options?: SignOptions): Promise<Uint8Array> {
    return this.#ready(message, options).sign(message, options)
  }

  /** Signs on this thread: ML-DSA takes about a millisecond, the small sets of SLH-DSA up to seconds. */
  signSync(message: Uint8Array, options?: SignOptions): Uint8Array {
    return this.#ready(message, options).signSync(message, options)
  }

  /**
   * Signs and verifies: whether private and public key belong together. Throws `InternalError` `pqc.pairwise` and puts
   * the core into its error state if they do not.
   */
  checkPair(): void {
    if (this.publicKey.verify(PAIRWISE_MESSAGE, this.signSync(PAIRWISE_MESSAGE))) return
    reportFailure({ test: `${this.algorithm}: pairwise consistency`, provider: 'module' })
    throw new InternalError('pqc.pairwise', `a new ${this.algorithm} key does not verify its own signature`)
  }

  /** A copy of the seed: the whole secret. Throws `UsageError` `pqc.key.no-seed` for a key that came without. */
  toSeed(): Uint8Array {
    const { seed } = this.#alive()
    if (seed !== undefined) return seed.slice()
    throw new UsageError('pqc.key.no-seed', 'the key came in its expanded form, from which its seed cannot be had')
  }

  /**
   * PKCS#8, in seed form unless another is asked for: the same bytes on every version of Node.js and as OpenSSL writes
   * them. A key without seed: in expanded form. Throws `UsageError` `pqc.key.form`, `pqc.key.no-seed`.
   */
  toPkcs8(form?: Pkcs8Form): Uint8Array {
    return writePkcs8(this.algorithm, this.#alive(), this.publicKey.raw, form)
  }

  /** A `PRIVATE KEY` block, as {@link toPkcs8}. */
  toPem(form?: Pkcs8Form): string {
    return encodePem('PRIVATE KEY', this.toPkcs8(form))
  }

  /** A JWK with the private key. Throws `UsageError` `pqc.key.no-seed`. */
  toPrivateJwk(): Jwk {
    return encodeJwk(this.algorithm, this.publicKey.raw, this.toSeed())
  }

  /** A COSE_Key with the private key. Throws `UsageError` `pqc.key.no-seed`. */
  toPrivateCoseKey(): Uint8Array {
    return encodeCoseKey(this.algorithm, this.publicKey.raw, { privateKey: this.toSeed() })
  }

  /** Overwrites the seed; the key signs no more. The provider's own copy goes with the garbage collector. */
  destroy(): void {
    this.#destroyed = true
    this.#secret.seed?.fill(0)
    this.#secret.expanded?.fill(0)
  }

  toString(): string {
    return `SigningKey(${this.publicKey.fingerprintText})`
  }

  toJSON(): string {
    return this.toString()
  }

  #ready(message: Uint8Array, options: SignOptions | undefined): Signer {
    needBytes(message, 'message')
    checkSignOptions(options, this.#info)
    needCurrent(this.algorithm, 'sign')
    this.#alive()
    if (options?.prehash === undefined) return this.#signer
    return (this.#prehashSigner ??= this.#import(prehashOptions(this.algorithm, this.#options)))
  }

  #alive(): PrivateKey {
    if (this.#destroyed) throw new UsageError('pqc.key.destroyed', 'the key has been destroyed')
    return this.#secret
  }

  #import(options: ProviderOptions): Signer {
    const implementation = signatureImplementation(this.algorithm, 'sign', options)
    const { seed, expanded } = this.#secret
    return seed === undefined ? implementation.expandedSigner!(expanded!) : implementation.signer(seed)
  }

  #mustMatch(publicKey: Uint8Array | undefined): this {
    if (publicKey === undefined || equalBytes(publicKey, this.publicKey.raw)) return this
    throw mismatch('publicKey', 'public and private key are not a pair')
  }
}

function needPrivate(privateKey: Uint8Array | undefined): Uint8Array {
  if (privateKey !== undefined) return privateKey
  throw new DecodeError('pqc.key.kind', 0, 'priv', 'there is no private key in it')
}

function mismatch(field: string, message: string): DecodeError {
  return new DecodeError('pqc.key.mismatch', 0, field, message)
}
