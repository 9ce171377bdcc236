import { Writer } from '@gridseal/wire'
import type { ObjectHeader } from './object-walk.ts'
import { encodeObjects } from './objects.ts'
import type { ObjectValue } from './objects.ts'
import { rangeOf, writeRange } from './qualifier.ts'

/** Writes a header and what belongs to it. */
export function writeHeader(w: Writer, header: ObjectHeader): void {
  w.u8(header.group).u8(header.variation).u8(header.qualifier)
  const spec = rangeOf(header.qualifier)
  if (spec !== undefined) writeRange(w, spec, header.range)
  w.bytes(header.data)
}

/** A header with its objects, as octets. */
export function headerOctets(
  group: number,
  variation: number,
  qualifier: number,
  objects: readonly ObjectValue[],
): Uint8Array {
  const header = encodeObjects({ group, variation, qualifier }, objects)
  const w = new Writer(header.data.length + 11)
  writeHeader(w, header)
  return w.finish()
}

/** Objects with a size prefix (qualifier 5B), as octets. */
export function sizedOctets(group: number, variation: number, ...objects: readonly Uint8Array[]): Uint8Array {
  return headerOctets(
    group,
    variation,
    0x5b,
    objects.map((value, index) => ({ index, value })),
  )
}

/** A header that means all objects of a group (qualifier 06), as octets. */
export function allOctets(group: number, variation: number): Uint8Array {
  return new Uint8Array([group, variation, 0x06])
}

/** A header that means a range, or the first so many, and brings nothing; as octets. */
export function rangeOctets(group: number, variation: number, start: number, stop: number): Uint8Array {
  const w = new Writer(7).u8(group).u8(variation)
  if (stop <= 0xff) return w.u8(0x00).u8(start).u8(stop).finish()
  return w.u8(0x01).u16le(start).u16le(stop).finish()
}

/** Asks for at most `count` objects (qualifier 07 or 08), as octets. */
export function countOctets(group: number, variation: number, count: number): Uint8Array {
  const w = new Writer(5).u8(group).u8(variation)
  return (count <= 0xff ? w.u8(0x07).u8(count) : w.u8(0x08).u16le(count)).finish()
}
