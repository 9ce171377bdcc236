import { randomBytes as nodeRandomBytes, timingSafeEqual } from 'node:crypto'
import { needBytes, needCount } from '../check.ts'
import { needOperational } from '../policy/module-state.ts'

/** `count` bytes from the system's generator. Throws `UsageError` `pqc.argument.range`. */
export function randomBytes(count: number): Uint8Array {
  needCount(count, 0, 0x7fff_ffff, 'count')
  needOperational()
  return plainBytes(nodeRandomBytes(count))
}

/** Whether two byte strings are equal, in time that depends on their lengths only. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  needBytes(a, 'a')
  needBytes(b, 'b')
  return a.length === b.length && timingSafeEqual(a, b)
}

/** The same bytes without the Buffer class, so that results compare and print alike whoever made them. */
export function plainBytes(buffer: Uint8Array): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
}
