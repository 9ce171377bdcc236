import { DecodeError } from '@gridseal/wire'
import type { SignatureAlgorithm } from '../algorithms/info.ts'
import { signatureInfo } from '../algorithms/lookup.ts'
import { needBytes, needLength } from '../check.ts'
import type { Verifier } from '../providers/provider.ts'
import { selectProvider } from '../providers/select.ts'
import type { ProviderOptions } from '../providers/select.ts'
import { checkSignOptions } from './sign-options.ts'
import type { SignOptions } from '../providers/provider.ts'
import { fingerprintOf, formatFingerprint } from './fingerprint.ts'
import { decodePem, encodePem } from './pem.ts'
import { decodeSpki, encodeSpki } from './spki.ts'

/** A public signature key. Immutable; imported into its provider once, at the first verification. */
export class VerifyingKey {
  readonly algorithm: SignatureAlgorithm
  readonly #raw: Uint8Array
  readonly #fingerprint: Uint8Array
  readonly #options: ProviderOptions
  readonly #signatureLength: number
  #verifier: Verifier | undefined

  private constructor(algorithm: SignatureAlgorithm, raw: Uint8Array, options: ProviderOptions) {
    const info = signatureInfo(algorithm)
    needLength(raw, info.publicKeyLength, 'pqc.key.length', 'public key')
    this.algorithm = algorithm
    this.#raw = Uint8Array.from(raw)
    this.#fingerprint = fingerprintOf(algorithm, raw)
    this.#options = options
    this.#signatureLength = info.signatureLength
  }

  /** Throws `UsageError` `pqc.key.length`. The bytes are copied. */
  static fromRaw(algorithm: SignatureAlgorithm, bytes: Uint8Array, options: ProviderOptions = {}): VerifyingKey {
    return new VerifyingKey(algorithm, bytes, options)
  }

  /** Reads a SubjectPublicKeyInfo. Throws `DecodeError`, with `pqc.key.kind` for a key that cannot verify. */
  static fromSpki(der: Uint8Array, options: ProviderOptions = {}): VerifyingKey {
    needBytes(der, 'der')
    const { algorithm, publicKey } = decodeSpki(der)
    if (algorithm.kind !== 'signature') {
      throw new DecodeError('pqc.key.kind', 0, 'algorithm', `${algorithm.name} is not a signature algorithm`)
    }
    return new VerifyingKey(algorithm.name, publicKey, options)
  }

  /** Reads a `PUBLIC KEY` block. Throws `DecodeError`. */
  static fromPem(pem: string, options: ProviderOptions = {}): VerifyingKey {
    return VerifyingKey.fromSpki(decodePem(pem, 'PUBLIC KEY'), options)
  }

  /** The raw public key; do not write to it. */
  get raw(): Uint8Array {
    return this.#raw
  }

  /** COSE Key Thumbprint (RFC 9679), 32 bytes: the key's identity, and its COSE `kid`. Do not write to it. */
  get fingerprint(): Uint8Array {
    return this.#fingerprint
  }

  /** The fingerprint for people and configuration: `ml-dsa-65:` and 64 hex digits. */
  get fingerprintText(): string {
    return formatFingerprint(this.algorithm, this.#fingerprint)
  }

  /**
   * Whether `signature` is this key's signature over `message`. False for every signature that is not, whatever its
   * length. Throws `UsageError` `pqc.argument.type` for arguments that are not bytes.
   */
  verify(message: Uint8Array, signature: Uint8Array, options?: SignOptions): boolean {
    needBytes(message, 'message')
    needBytes(signature, 'signature')
    checkSignOptions(options)
    if (signature.length !== this.#signatureLength) return false
    this.#verifier ??= selectProvider(this.algorithm, this.#options).signatures.verifier(this.algorithm, this.#raw)
    return this.#verifier.verify(message, signature, options)
  }

  /** SubjectPublicKeyInfo in DER. */
  toSpki(): Uint8Array {
    return encodeSpki(this.algorithm, this.#raw)
  }

  /** A `PUBLIC KEY` block. */
  toPem(): string {
    return encodePem('PUBLIC KEY', this.toSpki())
  }

  equals(other: VerifyingKey): boolean {
    return this.algorithm === other.algorithm && Buffer.compare(this.#raw, other.raw) === 0
  }

  toString(): string {
    return this.fingerprintText
  }

  toJSON(): string {
    return this.fingerprintText
  }
}
