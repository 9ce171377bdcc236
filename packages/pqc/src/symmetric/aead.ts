import { createCipheriv, createDecipheriv, createSecretKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { AuthError, UsageError } from '@gridseal/wire'
import { needBytes, needLength } from '../check.ts'
import { plainBytes } from './bytes.ts'

export type AeadAlgorithm = 'AES-256-GCM'

/** Sizes in bytes. Only 96-bit nonces: others make GCM weaker (SP 800-38D 8). */
const ALGORITHMS: Readonly<
  Record<AeadAlgorithm, { cipher: 'aes-256-gcm'; keyLength: number; nonceLength: number; tagLength: number }>
> = {
  'AES-256-GCM': { cipher: 'aes-256-gcm', keyLength: 32, nonceLength: 12, tagLength: 16 },
}

/** A symmetric key for authenticated encryption. Made once per epoch: a raw key at every call costs five times as much. */
export class AeadKey {
  readonly algorithm: AeadAlgorithm
  readonly #key: KeyObject
  readonly #cipher: 'aes-256-gcm'
  readonly #nonceLength: number
  readonly #tagLength: number

  /** Throws {@link UsageError} `pqc.algorithm.unknown`, `pqc.key.length`. The key is copied. */
  constructor(algorithm: AeadAlgorithm, key: Uint8Array) {
    if (!Object.hasOwn(ALGORITHMS, algorithm)) {
      const allowed = Object.keys(ALGORITHMS)
      throw new UsageError('pqc.algorithm.unknown', `the algorithm is not one of ${allowed.join(', ')}`, { allowed })
    }
    const { cipher, keyLength, nonceLength, tagLength } = ALGORITHMS[algorithm]
    needLength(key, keyLength, 'pqc.key.length', 'key')
    this.algorithm = algorithm
    this.#key = createSecretKey(key)
    this.#cipher = cipher
    this.#nonceLength = nonceLength
    this.#tagLength = tagLength
  }

  /**
   * Ciphertext || tag (16 bytes). A nonce (12 bytes) must never be used twice with one key. Throws {@link UsageError}
   * `pqc.nonce.length`.
   */
  seal(nonce: Uint8Array, plaintext: Uint8Array, aad: Uint8Array): Uint8Array {
    needLength(nonce, this.#nonceLength, 'pqc.nonce.length', 'nonce')
    needBytes(plaintext, 'plaintext')
    needBytes(aad, 'aad')
    const cipher = createCipheriv(this.#cipher, this.#key, nonce, { authTagLength: this.#tagLength })
    cipher.setAAD(aad)
    // Not zeroed first: every byte is written below.
    const sealed = Buffer.allocUnsafe(plaintext.length + this.#tagLength)
    sealed.set(cipher.update(plaintext))
    cipher.final()
    sealed.set(cipher.getAuthTag(), plaintext.length)
    return plainBytes(sealed)
  }

  /** The plaintext. Throws {@link AuthError} `pqc.aead.open` if anything does not fit, without saying what. */
  open(nonce: Uint8Array, sealed: Uint8Array, aad: Uint8Array): Uint8Array {
    needLength(nonce, this.#nonceLength, 'pqc.nonce.length', 'nonce')
    needBytes(sealed, 'sealed')
    needBytes(aad, 'aad')
    const length = sealed.length - this.#tagLength
    if (length < 0) throw new AuthError('pqc.aead.open', 'shorter than its authentication tag')
    const decipher = createDecipheriv(this.#cipher, this.#key, nonce, { authTagLength: this.#tagLength })
    decipher.setAAD(aad)
    decipher.setAuthTag(sealed.subarray(length))
    const plaintext = decipher.update(sealed.subarray(0, length))
    try {
      decipher.final()
    } catch (error) {
      throw new AuthError('pqc.aead.open', 'authentication failed', {}, error)
    }
    return plainBytes(plaintext)
  }
}
