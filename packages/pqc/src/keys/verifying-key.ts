import { DecodeError } from '@gridseal/wire'
import type { AlgorithmInfo, SignatureAlgorithm, SignatureInfo } from '../algorithms/info.ts'
import { signatureInfo } from '../algorithms/lookup.ts'
import { needBytes, needLength } from '../check.ts'
import { needOperational } from '../policy/module-state.ts'
import type { SignOptions, Verifier } from '../providers/provider.ts'
import { signatureImplementation } from '../providers/select.ts'
import type { ProviderOptions } from '../providers/chosen.ts'
import { coseKeyMembers, decodeCoseKey, encodeCoseKey } from './cose-key.ts'
import { fingerprintOf, formatFingerprint } from './fingerprint.ts'
import { decodeJwk, encodeJwk, jwkThumbprint } from './jwk.ts'
import type { Jwk } from './jwk.ts'
import { decodePem, encodePem } from './pem.ts'
import { prehashOptions } from './prehash-options.ts'
import { checkSignOptions } from './sign-options.ts'
import { decodeSpki, encodeSpki } from './spki.ts'

/** A public signature key. Immutable; imported into its provider once, at the first verification. */
export class VerifyingKey {
  readonly algorithm: SignatureAlgorithm
  readonly #info: SignatureInfo
  readonly #raw: Uint8Array
  readonly #options: ProviderOptions
  #fingerprint: Uint8Array | undefined
  #verifier: Verifier | undefined
  #prehashVerifier: Verifier | undefined

  private constructor(algorithm: SignatureAlgorithm, raw: Uint8Array, options: ProviderOptions) {
    const info = signatureInfo(algorithm)
    needLength(raw, info.publicKeyLength, 'pqc.key.length', 'public key')
    this.algorithm = algorithm
    this.#info = info
    this.#raw = Uint8Array.from(raw)
    this.#options = options
    // A point may be off its curve, and that is cheap to find. Every string of the right length is an ML-DSA key.
    if (algorithm.includes('ECDSA')) this.#verifier = this.#import()
  }

  /** Throws `UsageError` `pqc.key.length` and `DecodeError` `pqc.key.invalid`. The bytes are copied. */
  static fromRaw(algorithm: SignatureAlgorithm, bytes: Uint8Array, options: ProviderOptions = {}): VerifyingKey {
    return new VerifyingKey(algorithm, bytes, options)
  }

  /** Reads a SubjectPublicKeyInfo. Throws `DecodeError`, with `pqc.key.kind` for a key that cannot verify. */
  static fromSpki(der: Uint8Array, options: ProviderOptions = {}): VerifyingKey {
    needBytes(der, 'der')
    const { algorithm, publicKey } = decodeSpki(der)
    return new VerifyingKey(needSignature(algorithm).name, publicKey, options)
  }

  /** Reads a `PUBLIC KEY` block. Throws `DecodeError`. */
  static fromPem(pem: string, options: ProviderOptions = {}): VerifyingKey {
    return VerifyingKey.fromSpki(decodePem(pem, 'PUBLIC KEY'), options)
  }

  /** Reads a public JWK. Throws `DecodeError`, with `pqc.key.private` for one that has the private key, too. */
  static fromJwk(jwk: unknown, options: ProviderOptions = {}): VerifyingKey {
    const { algorithm, publicKey, privateKey } = decodeJwk(jwk)
    if (privateKey !== undefined) throw isPrivate()
    return new VerifyingKey(needSignature(algorithm).name, publicKey, options)
  }

  /** Reads a public COSE_Key. Throws `DecodeError`, with `pqc.key.private` for one that has the private key, too. */
  static fromCoseKey(bytes: Uint8Array, options: ProviderOptions = {}): VerifyingKey {
    const { algorithm, publicKey, privateKey } = decodeCoseKey(bytes)
    if (privateKey !== undefined) throw isPrivate()
    return new VerifyingKey(algorithm.name, publicKey, options)
  }

  /** The raw public key; do not write to it. */
  get raw(): Uint8Array {
    return this.#raw
  }

  /** COSE Key Thumbprint (RFC 9679), 32 bytes: the key's identity, and its COSE `kid`. Do not write to it. */
  get fingerprint(): Uint8Array {
    return (this.#fingerprint ??= fingerprintOf(this.algorithm, this.#raw))
  }

  /** The fingerprint for people and configuration: `ml-dsa-65:` and 64 hex digits. */
  get fingerprintText(): string {
    return formatFingerprint(this.algorithm, this.fingerprint)
  }

  /** The JWK thumbprint (RFC 7638) in base64url. */
  get jwkThumbprint(): string {
    return jwkThumbprint(this.algorithm, this.#raw)
  }

  /**
   * Whether `signature` is this key's signature over `message`. False for every signature that is not, whatever its
   * length. Throws `UsageError` `pqc.argument.type` for arguments that are not bytes, and `AuthError`
   * `pqc.policy.refused`.
   */
  verify(message: Uint8Array, signature: Uint8Array, options?: SignOptions): boolean {
    needBytes(message, 'message')
    needBytes(signature, 'signature')
    checkSignOptions(options, this.#info)
    needOperational()
    const { signatureLength, variableLength } = this.#info
    if (variableLength ? signature.length > signatureLength : signature.length !== signatureLength) return false
    if (options?.prehash !== undefined) {
      this.#prehashVerifier ??= this.#import(prehashOptions(this.algorithm, this.#options))
      return this.#prehashVerifier.verify(message, signature, options)
    }
    this.#verifier ??= this.#import()
    return this.#verifier.verify(message, signature, options)
  }

  /** SubjectPublicKeyInfo in DER. Throws `UsageError` `pqc.key.form`. */
  toSpki(): Uint8Array {
    return encodeSpki(this.algorithm, this.#raw)
  }

  /** A `PUBLIC KEY` block. */
  toPem(): string {
    return encodePem('PUBLIC KEY', this.toSpki())
  }

  /** A JWK with its members in the order of the thumbprint. */
  toJwk(): Jwk {
    return encodeJwk(this.algorithm, this.#raw)
  }

  /** A COSE_Key in deterministic CBOR, with the fingerprint as its `kid` where asked. */
  toCoseKey(options: { readonly kid?: boolean } = {}): Uint8Array {
    return encodeCoseKey(this.algorithm, this.#raw, options.kid === true ? { kid: this.fingerprint } : {})
  }

  /** The members of the COSE_Key, for those who write it into a larger structure. */
  coseKeyMembers(): ReadonlyMap<number, number | string | Uint8Array> {
    return coseKeyMembers(this.algorithm, this.#raw)
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

  #import(options: ProviderOptions = this.#options): Verifier {
    return signatureImplementation(this.algorithm, 'verify', options).verifier(this.#raw)
  }
}

/** A key that came from outside and should be for signatures. Throws `DecodeError` `pqc.key.kind`. */
export function needSignature(algorithm: AlgorithmInfo): SignatureInfo {
  if (algorithm.kind === 'signature') return algorithm
  throw new DecodeError('pqc.key.kind', 0, 'algorithm', `${algorithm.name} is not a signature algorithm`)
}

function isPrivate(): DecodeError {
  const message = 'holds the private key: that must not be where public keys are'
  return new DecodeError('pqc.key.private', 0, 'priv', message)
}
