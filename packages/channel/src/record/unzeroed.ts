/**
 * `length` bytes that the caller writes in full: they are not zeroed and, where small, come from Node's pool, which
 * makes small records cheaper. Not a Buffer, whose `slice` is a view.
 */
export function unzeroed(length: number): Uint8Array {
  const { buffer, byteOffset } = Buffer.allocUnsafe(length)
  return new Uint8Array(buffer, byteOffset, length)
}
