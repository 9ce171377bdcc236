import { createCipheriv, createDecipheriv, createSecretKey } from 'node:crypto'
import type { CipherGCM, DecipherGCM, KeyObject } from 'node:crypto'
import { createRequire } from 'node:module'
import type * as Aes from '@noble/ciphers/aes.js'
import type * as ChaCha from '@noble/ciphers/chacha.js'
import { AuthError, UsageError } from '@gridseal/wire'
import { needBytes, needLength } from '../check.ts'
import { admit, currentPolicy, demand, needOperational } from '../policy/module-state.ts'
import { needSymmetric } from '../selftest/symmetric-tests.ts'
import type { ProviderName } from '../providers/provider.ts'
import { chosenName } from '../providers/chosen.ts'
import type { ProviderOptions } from '../providers/chosen.ts'
import { plainBytes } from './bytes.ts'

export type AeadAlgorithm = 'AES-256-GCM' | 'ChaCha20-Poly1305'

/** Only 96-bit nonces: others make GCM weaker (SP 800-38D 8). Both have keys of 32 and tags of 16 bytes. */
const CIPHERS: Readonly<Record<AeadAlgorithm, 'aes-256-gcm' | 'chacha20-poly1305'>> = {
  'AES-256-GCM': 'aes-256-gcm',
  'ChaCha20-Poly1305': 'chacha20-poly1305',
}
const KEY_LENGTH = 32
const NONCE_LENGTH = 12
const TAG_LENGTH = 16

/** The two operations of one key. Arguments have been checked; a failed `open` throws anything. */
interface Cipher {
  seal(nonce: Uint8Array, plaintext: Uint8Array, aad: Uint8Array): Uint8Array
  open(nonce: Uint8Array, sealed: Uint8Array, aad: Uint8Array): Uint8Array
}

/** A symmetric key for authenticated encryption. Made once per epoch: a raw key at every call costs five times as much. */
export class AeadKey {
  readonly algorithm: AeadAlgorithm
  readonly #cipher: Cipher
  /** What is deprecated still opens. */
  readonly #opensOnly: boolean

  /** Throws {@link UsageError} `pqc.algorithm.unknown`, `pqc.key.length`, `pqc.policy.refused`. The key is copied. */
  constructor(algorithm: AeadAlgorithm, key: Uint8Array, options: ProviderOptions = {}) {
    if (!Object.hasOwn(CIPHERS, algorithm)) {
      const allowed = Object.keys(CIPHERS)
      throw new UsageError('pqc.algorithm.unknown', `the algorithm is not one of ${allowed.join(', ')}`, { allowed })
    }
    needLength(key, KEY_LENGTH, 'pqc.key.length', 'key')
    const provider: ProviderName = chosenName(options) ?? 'native'
    const may = (use: 'seal' | 'open'): boolean => currentPolicy().judge(algorithm, use, Date.now()).allowed
    this.#opensOnly = may('open') && !may('seal')
    admit(algorithm, this.#opensOnly ? 'open' : 'seal', provider)
    needSymmetric()
    this.algorithm = algorithm
    this.#cipher =
      provider === 'native' ? new NativeCipher(CIPHERS[algorithm], createSecretKey(key)) : nobleCipher(algorithm, key)
  }

  /**
   * Ciphertext || tag (16 bytes). A nonce (12 bytes) must never be used twice with one key. Throws {@link UsageError}
   * `pqc.nonce.length`.
   */
  seal(nonce: Uint8Array, plaintext: Uint8Array, aad: Uint8Array): Uint8Array {
    needLength(nonce, NONCE_LENGTH, 'pqc.nonce.length', 'nonce')
    needBytes(plaintext, 'plaintext')
    needBytes(aad, 'aad')
    if (this.#opensOnly) demand(this.algorithm, 'seal')
    needOperational()
    return this.#cipher.seal(nonce, plaintext, aad)
  }

  /** The plaintext. Throws {@link AuthError} `pqc.aead.open` if anything does not fit, without saying what. */
  open(nonce: Uint8Array, sealed: Uint8Array, aad: Uint8Array): Uint8Array {
    needLength(nonce, NONCE_LENGTH, 'pqc.nonce.length', 'nonce')
    needBytes(sealed, 'sealed')
    needBytes(aad, 'aad')
    needOperational()
    if (sealed.length < TAG_LENGTH) throw new AuthError('pqc.aead.open', 'shorter than its authentication tag')
    try {
      return this.#cipher.open(nonce, sealed, aad)
    } catch (error) {
      throw new AuthError('pqc.aead.open', 'authentication failed', {}, error)
    }
  }
}

class NativeCipher implements Cipher {
  readonly #key: KeyObject
  // Both modes have the interface of GCM; the declarations have one overload for each.
  readonly #mode: 'aes-256-gcm'

  constructor(mode: 'aes-256-gcm' | 'chacha20-poly1305', key: KeyObject) {
    this.#key = key
    this.#mode = mode as 'aes-256-gcm'
  }

  seal(nonce: Uint8Array, plaintext: Uint8Array, aad: Uint8Array): Uint8Array {
    const cipher: CipherGCM = createCipheriv(this.#mode, this.#key, nonce, { authTagLength: TAG_LENGTH })
    cipher.setAAD(aad)
    // Not zeroed first: every byte is written below.
    const sealed = Buffer.allocUnsafe(plaintext.length + TAG_LENGTH)
    sealed.set(cipher.update(plaintext))
    cipher.final()
    sealed.set(cipher.getAuthTag(), plaintext.length)
    return plainBytes(sealed)
  }

  open(nonce: Uint8Array, sealed: Uint8Array, aad: Uint8Array): Uint8Array {
    const length = sealed.length - TAG_LENGTH
    const decipher: DecipherGCM = createDecipheriv(this.#mode, this.#key, nonce, { authTagLength: TAG_LENGTH })
    decipher.setAAD(aad)
    decipher.setAuthTag(sealed.subarray(length))
    const plaintext = decipher.update(sealed.subarray(0, length))
    decipher.final()
    return plainBytes(plaintext)
  }
}

const load = createRequire(import.meta.url)

/** @noble/ciphers, loaded at first use. */
function nobleCipher(algorithm: AeadAlgorithm, key: Uint8Array): Cipher {
  const copy = Uint8Array.from(key)
  const make =
    algorithm === 'AES-256-GCM'
      ? (load('@noble/ciphers/aes.js') as typeof Aes).gcm
      : (load('@noble/ciphers/chacha.js') as typeof ChaCha).chacha20poly1305
  return {
    seal: (nonce, plaintext, aad) => make(copy, nonce, aad).encrypt(plaintext),
    open: (nonce, sealed, aad) => make(copy, nonce, aad).decrypt(sealed),
  }
}
