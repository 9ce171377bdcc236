import { DecodeError, InternalError, UsageError } from '@gridseal/wire'
import type { KemAlgorithm } from '../algorithms/info.ts'
import { kemInfo } from '../algorithms/lookup.ts'
import { needBytes, needLength, needReceived } from '../check.ts'
import { decodeJwk, encodeJwk } from '../keys/jwk.ts'
import type { Jwk } from '../keys/jwk.ts'
import { decodePem, encodePem } from '../keys/pem.ts'
import { decodePkcs8 } from '../keys/pkcs8.ts'
import { writePkcs8 } from '../keys/pkcs8-forms.ts'
import type { Pkcs8Form, PrivateKey } from '../keys/pkcs8-forms.ts'
import { needOperational, reportFailure } from '../policy/module-state.ts'
import type { Decapsulator } from '../providers/provider.ts'
import { kemImplementation, selectProvider } from '../providers/select.ts'
import type { ProviderOptions } from '../providers/chosen.ts'
import { equalBytes, randomBytes } from '../symmetric/bytes.ts'
import { needKem } from './encapsulation-key.ts'

/** A decapsulation key with its public half. */
export interface KemKeyPair {
  readonly algorithm: KemAlgorithm
  readonly publicKey: Uint8Array
  /** A copy of the seed, for ML-KEM d || z: the whole secret. */
  readonly seed: Uint8Array
  /**
   * The shared secret. A wrong ciphertext of the right length gives another secret and no error (implicit rejection):
   * confirm keys before you trust them. Throws `DecodeError` `pqc.ciphertext.length`.
   */
  decapsulate(ciphertext: Uint8Array): Uint8Array
}

/** A private KEM key. Its canonical form is the seed (RFC 9935). It does not show its secret in logs or JSON. */
export class DecapsulationKey implements KemKeyPair {
  readonly algorithm: KemAlgorithm
  readonly publicKey: Uint8Array
  readonly #secret: PrivateKey
  readonly #decapsulator: Decapsulator
  readonly #ciphertextLength: number
  readonly #options: ProviderOptions

  private constructor(algorithm: KemAlgorithm, secret: PrivateKey, options: ProviderOptions) {
    const implementation = kemImplementation(algorithm, 'decapsulate', options)
    this.algorithm = algorithm
    this.#secret = secret
    this.#options = options
    this.#decapsulator =
      secret.seed === undefined
        ? implementation.expandedDecapsulator!(secret.expanded!)
        : implementation.decapsulator(secret.seed)
    this.publicKey = this.#decapsulator.publicKey
    this.#ciphertextLength = kemInfo(algorithm).ciphertextLength
  }

  /** A new key, which has passed the pairwise consistency test (FIPS 140-3 IG 10.3.A). */
  static generate(algorithm: KemAlgorithm, options: ProviderOptions = {}): DecapsulationKey {
    // Asked for `generate` beside `decapsulate`: policy may still let old keys open what it would not make anew.
    kemImplementation(algorithm, 'generate', options)
    const key = new DecapsulationKey(algorithm, { seed: randomBytes(kemInfo(algorithm).seedLength) }, options)
    key.checkPair()
    return key
  }

  /** Throws `UsageError` `pqc.seed.length`. The seed is copied. */
  static fromSeed(algorithm: KemAlgorithm, seed: Uint8Array, options: ProviderOptions = {}): DecapsulationKey {
    needLength(seed, kemInfo(algorithm).seedLength, 'pqc.seed.length', 'seed')
    return new DecapsulationKey(algorithm, { seed: Uint8Array.from(seed) }, options)
  }

  /**
   * The key that FIPS 203 expands a seed to. Its hash is checked (7.3). Throws `DecodeError` `pqc.key.length` and
   * `pqc.key.invalid`, `UsageError` `pqc.key.form` for hybrid KEMs.
   */
  static fromExpanded(algorithm: KemAlgorithm, bytes: Uint8Array, options: ProviderOptions = {}): DecapsulationKey {
    const { expandedLength } = kemInfo(algorithm)
    if (expandedLength === 0) throw new UsageError('pqc.key.form', `${algorithm} has no expanded key`)
    needReceived(bytes, expandedLength, 'pqc.key.length', 'expandedKey')
    const key = new DecapsulationKey(algorithm, { expanded: Uint8Array.from(bytes) }, options)
    // The public half inside must be a key, too.
    kemImplementation(algorithm, 'decapsulate', options).encapsulator(key.publicKey)
    return key
  }

  /** Reads PKCS#8 in all forms. Throws `DecodeError`: `pqc.key.mismatch`, `pqc.key.kind`, as `SigningKey.fromPkcs8`. */
  static fromPkcs8(der: Uint8Array, options: ProviderOptions = {}): DecapsulationKey {
    needBytes(der, 'der')
    const { algorithm, seed, expanded, publicKey } = decodePkcs8(der)
    const { name } = needKem(algorithm)
    if (seed !== undefined && expanded !== undefined) {
      const matches = selectProvider(name, options).kem(name)?.matchesExpanded?.(seed, expanded)
      if (matches !== true) throw mismatch('expandedKey', 'expanded key and seed are not of one key')
    }
    const key =
      seed === undefined
        ? DecapsulationKey.fromExpanded(name, expanded!, options)
        : DecapsulationKey.fromSeed(name, seed, options)
    return key.#mustMatch(publicKey)
  }

  /** Reads a `PRIVATE KEY` block. Throws as {@link fromPkcs8}. */
  static fromPem(pem: string, options: ProviderOptions = {}): DecapsulationKey {
    return DecapsulationKey.fromPkcs8(decodePem(pem, 'PRIVATE KEY'), options)
  }

  /** Reads a private JWK, whose public key must be its own. Throws `DecodeError`. */
  static fromJwk(jwk: unknown, options: ProviderOptions = {}): DecapsulationKey {
    const { algorithm, publicKey, privateKey } = decodeJwk(jwk)
    const { name } = needKem(algorithm)
    if (privateKey === undefined) throw new DecodeError('pqc.key.kind', 0, 'priv', 'there is no private key in it')
    return DecapsulationKey.fromSeed(name, privateKey, options).#mustMatch(publicKey)
  }

  /** A copy of the seed. Throws `UsageError` `pqc.key.no-seed` for a key that came in its expanded form. */
  get seed(): Uint8Array {
    if (this.#secret.seed !== undefined) return this.#secret.seed.slice()
    throw new UsageError('pqc.key.no-seed', 'the key came in its expanded form, from which its seed cannot be had')
  }

  decapsulate(ciphertext: Uint8Array): Uint8Array {
    needReceived(ciphertext, this.#ciphertextLength, 'pqc.ciphertext.length', 'ciphertext')
    needOperational()
    return this.#decapsulator.decapsulate(ciphertext)
  }

  /** Encapsulates and decapsulates. Throws `InternalError` `pqc.pairwise` and stops the core if the secrets differ. */
  checkPair(): void {
    const encapsulator = selectProvider(this.algorithm, this.#options).kem(this.algorithm)!.encapsulator(this.publicKey)
    const { ciphertext, sharedSecret } = encapsulator.encapsulate()
    if (equalBytes(this.#decapsulator.decapsulate(ciphertext), sharedSecret)) return
    reportFailure({ test: `${this.algorithm}: pairwise consistency`, provider: 'module' })
    throw new InternalError('pqc.pairwise', `a new ${this.algorithm} key does not open its own ciphertext`)
  }

  /**
   * PKCS#8 in seed form, in expanded form without seed, or as asked. Throws `UsageError` `pqc.key.form` for hybrid KEMs
   * without a form, `pqc.key.no-seed`.
   */
  toPkcs8(form?: Pkcs8Form): Uint8Array {
    return writePkcs8(this.algorithm, this.#secret, this.publicKey, form)
  }

  toPem(form?: Pkcs8Form): string {
    return encodePem('PRIVATE KEY', this.toPkcs8(form))
  }

  /** A JWK with the private key. Throws `UsageError` `pqc.key.no-seed`, `pqc.key.form`. */
  toPrivateJwk(): Jwk {
    return encodeJwk(this.algorithm, this.publicKey, this.seed)
  }

  toString(): string {
    return `DecapsulationKey(${this.algorithm})`
  }

  toJSON(): string {
    return this.toString()
  }

  #mustMatch(publicKey: Uint8Array | undefined): this {
    if (publicKey === undefined || equalBytes(publicKey, this.publicKey)) return this
    throw mismatch('publicKey', 'public and private key are not a pair')
  }
}

function mismatch(field: string, message: string): DecodeError {
  return new DecodeError('pqc.key.mismatch', 0, field, message)
}
