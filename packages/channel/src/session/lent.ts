import { release } from '@gridseal/transport'

/*
 * Buffers of messages that are only lent to who handles them. A short one goes back to the system, which hands the same
 * memory out again. A long one would be mapped and unmapped each time; so it is taken from those that have a view of it, and
 * kept for the next of the same length.
 */

/** Longer buffers are mapped by the system. */
const LONG = 2 ** 17
/** Longer ones are not kept. */
const LONGEST = 2 ** 22

/** For all channels of the process together. */
let kept: ArrayBuffer | undefined

/** A buffer of its own for a message that is lent, with any content. */
export function lendable(length: number): Uint8Array {
  if (kept === undefined || kept.byteLength !== length) return Buffer.allocUnsafeSlow(length)
  const bytes = new Uint8Array(kept)
  kept = undefined
  return bytes
}

/** The end of it: the bytes and every view of them are empty from here on. */
export function takeBack(bytes: Uint8Array): void {
  const { buffer, length } = bytes
  if (length > LONG && length <= LONGEST && buffer instanceof ArrayBuffer && buffer.byteLength === length) {
    kept = buffer.transfer()
  } else release(bytes)
}
