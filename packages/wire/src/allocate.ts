/** Small arrays are cut from slabs of this size; as large as the pool of Node's Buffer. */
const SLAB = 8192
const LARGEST = SLAB >> 1

let slab = new ArrayBuffer(SLAB)
let used = 0

/**
 * `length` zero bytes. Up to 4 KiB they are part of a larger ArrayBuffer that is shared with others (never hand
 * `.buffer` on, e.g. to `transfer`): an ArrayBuffer of its own costs twenty times as much as a small array is worth.
 */
export function allocate(length: number): Uint8Array<ArrayBuffer> {
  if (length > LARGEST) return new Uint8Array(length)
  if (used + length > SLAB) {
    slab = new ArrayBuffer(SLAB)
    used = 0
  }
  const bytes = new Uint8Array(slab, used, length)
  // The next array starts on a word.
  used = (used + length + 7) & ~7
  return bytes
}
