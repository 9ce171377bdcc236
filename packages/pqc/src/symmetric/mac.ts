import { createHmac, createSecretKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { needBytes, needCount } from '../check.ts'
import { plainBytes } from './bytes.ts'

/** A key for many MACs, made once: a raw key at every call costs several times as much. */
export class MacKey {
  readonly #key: KeyObject

  /** Any length. The key is copied. */
  constructor(key: Uint8Array) {
    needBytes(key, 'key')
    this.#key = createSecretKey(key)
  }

  /** HMAC-SHA-256 (RFC 2104) over the concatenation of `parts`, 32 bytes. */
  hmacSha256(...parts: readonly Uint8Array[]): Uint8Array {
    const state = createHmac('sha256', this.#key)
    for (const part of parts) {
      needBytes(part, 'data')
      state.update(part)
    }
    return plainBytes(state.digest())
  }
}

/** HMAC-SHA-256 (RFC 2104) over the concatenation of `parts`, 32 bytes. */
export function hmacSha256(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  return new MacKey(key).hmacSha256(...parts)
}

const HASH_LENGTH = 32

/** HKDF-SHA-256 (RFC 5869), extract and expand. Throws `UsageError` `pqc.argument.range` beyond 8160 bytes. */
export function hkdfSha256(ikm: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number): Uint8Array {
  return hkdfExpandSha256(hmacSha256(salt, ikm), info, length)
}

/** The expand step of HKDF-SHA-256 (RFC 5869 2.3) alone, from a pseudo-random key. Throws as {@link hkdfSha256}. */
export function hkdfExpandSha256(prk: Uint8Array, info: Uint8Array, length: number): Uint8Array {
  needBytes(info, 'info')
  needCount(length, 0, 255 * HASH_LENGTH, 'length')
  const key = new MacKey(prk)
  const out = new Uint8Array(Math.ceil(length / HASH_LENGTH) * HASH_LENGTH)
  let block: Uint8Array = new Uint8Array(0)
  for (let i = 0; i * HASH_LENGTH < length; i++) {
    block = key.hmacSha256(block, info, Uint8Array.of(i + 1))
    out.set(block, i * HASH_LENGTH)
  }
  return out.subarray(0, length)
}
