import { DecodeError } from '@gridseal/wire'
import type { AlgorithmInfo, KemAlgorithm, KemInfo } from '../algorithms/info.ts'
import { kemInfo } from '../algorithms/lookup.ts'
import { needBytes, needReceived } from '../check.ts'
import { decodeJwk, encodeJwk } from '../keys/jwk.ts'
import type { Jwk } from '../keys/jwk.ts'
import { decodePem, encodePem } from '../keys/pem.ts'
import { decodeSpki, encodeSpki } from '../keys/spki.ts'
import { needCurrent } from '../policy/module-state.ts'
import type { Encapsulation, Encapsulator } from '../providers/provider.ts'
import { kemImplementation } from '../providers/select.ts'
import type { ProviderOptions } from '../providers/chosen.ts'

/** A peer's public KEM key, checked and imported once: importing costs as much as encapsulating. */
export class EncapsulationKey {
  readonly algorithm: KemAlgorithm
  readonly #raw: Uint8Array
  readonly #encapsulator: Encapsulator

  private constructor(algorithm: KemAlgorithm, raw: Uint8Array, options: ProviderOptions) {
    needReceived(raw, kemInfo(algorithm).publicKeyLength, 'pqc.key.length', 'publicKey')
    this.algorithm = algorithm
    this.#raw = Uint8Array.from(raw)
    this.#encapsulator = kemImplementation(algorithm, 'encapsulate', options).encapsulator(this.#raw)
  }

  /**
   * Throws `DecodeError` `pqc.key.length` and, for an ML-KEM key that is not reduced (FIPS 203 7.2), `pqc.key.invalid`: the
   * key came from the peer. The point of a hybrid KEM is looked at when something is encapsulated to it. The bytes are
   * copied.
   */
  static fromRaw(algorithm: KemAlgorithm, bytes: Uint8Array, options: ProviderOptions = {}): EncapsulationKey {
    return new EncapsulationKey(algorithm, bytes, options)
  }

  /** Reads a SubjectPublicKeyInfo (RFC 9935). Throws `DecodeError`, with `pqc.key.kind` for a key of signatures. */
  static fromSpki(der: Uint8Array, options: ProviderOptions = {}): EncapsulationKey {
    needBytes(der, 'der')
    const { algorithm, publicKey } = decodeSpki(der)
    return new EncapsulationKey(needKem(algorithm).name, publicKey, options)
  }

  /** Reads a `PUBLIC KEY` block. Throws `DecodeError`. */
  static fromPem(pem: string, options: ProviderOptions = {}): EncapsulationKey {
    return EncapsulationKey.fromSpki(decodePem(pem, 'PUBLIC KEY'), options)
  }

  /** Reads a public JWK. Throws `DecodeError`. */
  static fromJwk(jwk: unknown, options: ProviderOptions = {}): EncapsulationKey {
    const { algorithm, publicKey, privateKey } = decodeJwk(jwk)
    if (privateKey !== undefined) throw new DecodeError('pqc.key.private', 0, 'priv', 'holds the private key')
    return new EncapsulationKey(needKem(algorithm).name, publicKey, options)
  }

  /** The raw public key; do not write to it. */
  get raw(): Uint8Array {
    return this.#raw
  }

  /**
   * A fresh secret for the owner of the key, and the ciphertext to send. Throws `UsageError` `pqc.policy.refused`, and for a
   * hybrid KEM `DecodeError` `pqc.key.invalid` (a point off its curve) or `AuthError` `pqc.x25519.low-order`.
   */
  encapsulate(): Encapsulation {
    needCurrent(this.algorithm, 'encapsulate')
    return this.#encapsulator.encapsulate()
  }

  /** SubjectPublicKeyInfo in DER. Throws `UsageError` `pqc.key.form` for KEMs without object identifier. */
  toSpki(): Uint8Array {
    return encodeSpki(this.algorithm, this.#raw)
  }

  toPem(): string {
    return encodePem('PUBLIC KEY', this.toSpki())
  }

  /** Throws `UsageError` `pqc.key.form` for hybrid KEMs. */
  toJwk(): Jwk {
    return encodeJwk(this.algorithm, this.#raw)
  }
}

/** A key that came from outside and should be of a KEM. Throws `DecodeError` `pqc.key.kind`. */
export function needKem(algorithm: AlgorithmInfo): KemInfo {
  if (algorithm.kind === 'kem') return algorithm
  throw new DecodeError('pqc.key.kind', 0, 'algorithm', `${algorithm.name} is not a KEM`)
}
