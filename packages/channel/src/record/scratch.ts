import { unzeroed } from './unzeroed.ts'

/*
 * Buffers that are used again. A record of hundreds of kilobytes passes through several; to have each from the system
 * and give it back costs as much as a third of its encryption.
 */

/** Shorter ones are cheap as they are. */
const MIN = 2 ** 14
/** Longer ones are not kept. */
const MAX = 2 ** 20
/** How many are kept, for all channels of the process together. */
const KEEP = 8

const free: Uint8Array[] = []

/** A buffer of `length` bytes with any content, until {@link giveBack}. */
export function borrow(length: number): Uint8Array {
  if (length < MIN || length > MAX) return unzeroed(length)
  const at = free.findIndex((buffer) => buffer.length >= length)
  const whole = at < 0 ? new Uint8Array(roundUp(length)) : free.splice(at, 1)[0]!
  return whole.subarray(0, length)
}

/** The end of a {@link borrow}: nobody may look at the buffer or a view of it any more. */
export function giveBack(buffer: Uint8Array): void {
  if (buffer.length >= MIN && buffer.length <= MAX && free.length < KEEP) free.push(new Uint8Array(buffer.buffer))
}

/** The next power of two, so that sizes which differ a little share buffers. */
function roundUp(length: number): number {
  return 2 ** Math.ceil(Math.log2(length))
}
