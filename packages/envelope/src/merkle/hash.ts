import { hash } from 'node:crypto'
import { InternalError } from '@gridseal/wire'

/** Octets of a SHA-256 hash. */
export const HASH_LENGTH = 32

/**
 * SHA-256 of `input` into `out` at `offset`. The string detour looks odd and is five times as fast as a digest buffer:
 * `crypto.hash` allocates an ArrayBuffer for each digest, but a Latin-1 string comes from the young heap. So short a
 * string is copied faster here than by `Buffer.write`, which is a call out of JavaScript.
 */
export function sha256Into(out: Uint8Array, offset: number, input: Uint8Array): void {
  if (offset + HASH_LENGTH > out.length) throw new InternalError('merkle.hash', 'no room for a hash')
  const digest = hash('sha256', input, 'binary')
  for (let i = 0; i < HASH_LENGTH; i++) out[offset + i] = digest.charCodeAt(i)
}

const pair = new Uint8Array(1 + 2 * HASH_LENGTH)
pair[0] = 0x01

/** SHA-256(01 ‖ left ‖ right) (RFC 9162 2.1.1) of two hashes that lie one after the other at `offset`; over the left one. */
export function mergeInPlace(hashes: Uint8Array, offset: number): void {
  for (let i = 0; i < 2 * HASH_LENGTH; i++) pair[1 + i] = hashes[offset + i]!
  sha256Into(hashes, offset, pair)
}

/** SHA-256(01 ‖ left ‖ right) (RFC 9162 2.1.1). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  pair.set(left, 1)
  pair.set(right, 1 + HASH_LENGTH)
  const out = Buffer.allocUnsafe(HASH_LENGTH)
  sha256Into(out, 0, pair)
  return out
}

/** What a leaf is hashed with before it (RFC 9162 2.1.1), so that none can pass for a node. */
export const LEAF_PREFIX: Uint8Array = Uint8Array.of(0x00)

let scratch = Buffer.alloc(4096)

/** SHA-256(00 ‖ entry) (RFC 9162 2.1.1) into `out` at `offset`. */
export function leafHashInto(out: Uint8Array, offset: number, entry: Uint8Array): void {
  if (entry.length + 1 > scratch.length) scratch = Buffer.alloc(entry.length * 2)
  scratch.set(entry, 1)
  sha256Into(out, offset, scratch.subarray(0, entry.length + 1))
}

export function leafHash(entry: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(HASH_LENGTH)
  leafHashInto(out, 0, entry)
  return out
}
