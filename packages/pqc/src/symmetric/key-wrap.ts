import { createCipheriv, createDecipheriv, createSecretKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { createRequire } from 'node:module'
import type * as Aes from '@noble/ciphers/aes.js'
import { AuthError, UsageError, fromHex } from '@gridseal/wire'
import { needBytes, needLength } from '../check.ts'
import { admit } from '../policy/module-state.ts'
import type { ProviderName } from '../providers/provider.ts'
import { chosenName } from '../providers/chosen.ts'
import type { ProviderOptions } from '../providers/chosen.ts'
import { needSymmetric } from '../selftest/symmetric-tests.ts'
import { plainBytes } from './bytes.ts'

/** `KW` wraps whole 8-byte blocks (RFC 3394), `KWP` any length (RFC 5649). Both SP 800-38F, with 256-bit keys. */
export type KeyWrapMode = 'KW' | 'KWP'

interface Row {
  readonly cipher: string
  readonly iv: Uint8Array
  /** Bytes of the shortest ciphertext. */
  readonly least: number
}

const MODES: Readonly<Record<KeyWrapMode, Row>> = {
  KW: { cipher: 'id-aes256-wrap', iv: fromHex('a6a6a6a6a6a6a6a6'), least: 24 },
  KWP: { cipher: 'id-aes256-wrap-pad', iv: fromHex('a65959a6'), least: 16 },
}
const KEY_LENGTH = 32
/** More is no key. */
const MAX_LENGTH = 2 ** 16

const load = createRequire(import.meta.url)

/** An AES-256 key that wraps other keys. */
export class KeyWrapKey {
  readonly #key: KeyObject
  readonly #noble: Uint8Array | undefined
  readonly #provider: ProviderName

  /** Throws {@link UsageError} `pqc.key.length`. The key is copied. */
  constructor(key: Uint8Array, options: ProviderOptions = {}) {
    needLength(key, KEY_LENGTH, 'pqc.key.length', 'key')
    this.#provider = chosenName(options) ?? 'native'
    needSymmetric()
    this.#key = createSecretKey(key)
    this.#noble = this.#provider === 'noble' ? Uint8Array.from(key) : undefined
  }

  /** Throws {@link UsageError} `pqc.policy.refused`, `pqc.wrap.length`: KW takes 16 bytes or more in blocks of 8, KWP one byte or more. */
  wrap(mode: KeyWrapMode, secret: Uint8Array): Uint8Array {
    const { cipher, iv } = rowOf(mode)
    needBytes(secret, 'secret')
    const whole = mode === 'KWP' ? secret.length > 0 : secret.length >= 16 && secret.length % 8 === 0
    if (!whole || secret.length > MAX_LENGTH) {
      throw new UsageError('pqc.wrap.length', `${mode} cannot wrap ${secret.length} bytes`, { mode })
    }
    admit(`AES-256-${mode}`, 'seal', this.#provider)
    if (this.#noble !== undefined) return this.#nobleMode(mode, this.#noble).encrypt(secret)
    const state = createCipheriv(cipher, this.#key, iv)
    return plainBytes(Buffer.concat([state.update(secret), state.final()]))
  }

  /** Throws {@link AuthError} `pqc.policy.refused`, and `pqc.wrap.open` for whatever was not wrapped with this key. */
  unwrap(mode: KeyWrapMode, wrapped: Uint8Array): Uint8Array {
    const { cipher, iv, least } = rowOf(mode)
    needBytes(wrapped, 'wrapped')
    admit(`AES-256-${mode}`, 'open', this.#provider)
    if (wrapped.length < least || wrapped.length % 8 !== 0 || wrapped.length > MAX_LENGTH + 8) {
      throw new AuthError('pqc.wrap.open', `${wrapped.length} bytes are no wrapped key`)
    }
    try {
      if (this.#noble !== undefined) return this.#nobleMode(mode, this.#noble).decrypt(wrapped)
      const state = createDecipheriv(cipher, this.#key, iv)
      return plainBytes(Buffer.concat([state.update(wrapped), state.final()]))
    } catch (error) {
      throw new AuthError('pqc.wrap.open', 'the integrity check failed', {}, error)
    }
  }

  #nobleMode(
    mode: KeyWrapMode,
    key: Uint8Array,
  ): { encrypt(b: Uint8Array): Uint8Array; decrypt(b: Uint8Array): Uint8Array } {
    const { aeskw, aeskwp } = load('@noble/ciphers/aes.js') as typeof Aes
    return mode === 'KW' ? aeskw(key) : aeskwp(key)
  }
}

function rowOf(mode: KeyWrapMode): Row {
  if (Object.hasOwn(MODES, mode)) return MODES[mode]
  throw new UsageError('pqc.algorithm.unknown', 'the mode is not one of KW, KWP', { allowed: Object.keys(MODES) })
}
