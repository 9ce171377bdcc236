import { hash } from 'node:crypto'
import { InternalError } from '@gridseal/wire'

/** Octets of a SHA-256 hash. */
export const HASH_LENGTH = 32

/**
 * SHA-256 of `input` into `out` at `offset`. The string detour looks odd and is five times as fast as a digest buffer:
 * `crypto.hash` allocates an ArrayBuffer for each digest, but a Latin-1 string comes from the young heap.
 */
export function sha256Into(out: Buffer, offset: number, input: Uint8Array): void {
  if (out.write(hash('sha256', input, 'binary'), offset, HASH_LENGTH, 'latin1') !== HASH_LENGTH) {
    throw new InternalError('merkle.hash', 'no room for a hash')
  }
}

const pair = Buffer.alloc(1 + 2 * HASH_LENGTH)
pair[0] = 0x01

/** SHA-256(01 ‖ left ‖ right) (RFC 9162 2.1.1) into `out` at `offset`; the inputs may lie in `out`. */
export function nodeHashInto(out: Buffer, offset: number, left: Uint8Array, right: Uint8Array): void {
  pair.set(left, 1)
  pair.set(right, 1 + HASH_LENGTH)
  sha256Into(out, offset, pair)
}

export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(HASH_LENGTH)
  nodeHashInto(out, 0, left, right)
  return out
}

let scratch = Buffer.alloc(4096)

/** SHA-256(00 ‖ entry) (RFC 9162 2.1.1) into `out` at `offset`. */
export function leafHashInto(out: Buffer, offset: number, entry: Uint8Array): void {
  if (entry.length + 1 > scratch.length) scratch = Buffer.alloc(entry.length * 2)
  scratch.set(entry, 1)
  sha256Into(out, offset, scratch.subarray(0, entry.length + 1))
}

export function leafHash(entry: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(HASH_LENGTH)
  leafHashInto(out, 0, entry)
  return out
}
