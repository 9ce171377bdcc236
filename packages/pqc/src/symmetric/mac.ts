import { createHmac, createSecretKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { UsageError } from '@gridseal/wire'
import { needBytes, needCount } from '../check.ts'
import { plainBytes } from './bytes.ts'
import { Gate } from './gate.ts'

const HMAC = new Gate('HMAC')
const HKDF = new Gate('HKDF')

/** Hashes of HMAC and HKDF, and their lengths in bytes. */
const HASHES = {
  'SHA-256': ['sha256', 32],
  'SHA-384': ['sha384', 48],
  'SHA-512': ['sha512', 64],
  'SHA3-256': ['sha3-256', 32],
} as const

export type HmacHash = keyof typeof HASHES

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
    return this.hmac('SHA-256', ...parts)
  }

  /** HMAC (RFC 2104) over the concatenation of `parts`, as long as the hash. */
  hmac(hash: HmacHash, ...parts: readonly Uint8Array[]): Uint8Array {
    HMAC.pass()
    const state = createHmac(rowOf(hash)[0], this.#key)
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

/** HMAC (RFC 2104) over the concatenation of `parts`. Throws `UsageError` `pqc.algorithm.unknown`. */
export function hmac(hash: HmacHash, key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  return new MacKey(key).hmac(hash, ...parts)
}

/** HKDF (RFC 5869), extract and expand. Throws `UsageError` `pqc.argument.range` beyond 255 times the hash's length. */
export function hkdf(hash: HmacHash, ikm: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number): Uint8Array {
  return hkdfExpand(hash, hmac(hash, salt, ikm), info, length)
}

/** The expand step of HKDF (RFC 5869 2.3) alone, from a pseudo-random key. Throws as {@link hkdf}. */
export function hkdfExpand(hash: HmacHash, prk: Uint8Array, info: Uint8Array, length: number): Uint8Array {
  const hashLength = rowOf(hash)[1]
  needBytes(info, 'info')
  needCount(length, 0, 255 * hashLength, 'length')
  HKDF.pass()
  const key = new MacKey(prk)
  const out = new Uint8Array(Math.ceil(length / hashLength) * hashLength)
  let block: Uint8Array = new Uint8Array(0)
  for (let i = 0; i * hashLength < length; i++) {
    block = key.hmac(hash, block, info, Uint8Array.of(i + 1))
    out.set(block, i * hashLength)
  }
  return out.subarray(0, length)
}

/** {@link hkdf} with SHA-256: up to 8160 bytes. */
export function hkdfSha256(ikm: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number): Uint8Array {
  return hkdf('SHA-256', ikm, salt, info, length)
}

/** {@link hkdfExpand} with SHA-256. */
export function hkdfExpandSha256(prk: Uint8Array, info: Uint8Array, length: number): Uint8Array {
  return hkdfExpand('SHA-256', prk, info, length)
}

function rowOf(hash: HmacHash): (typeof HASHES)[HmacHash] {
  if (Object.hasOwn(HASHES, hash)) return HASHES[hash]
  const allowed = Object.keys(HASHES)
  throw new UsageError('pqc.algorithm.unknown', `the hash is not one of ${allowed.join(', ')}`, { allowed })
}
