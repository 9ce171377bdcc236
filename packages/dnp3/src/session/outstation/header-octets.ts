import { Writer } from '@gridseal/wire'
import { encodeObjects } from '../../codec/objects.ts'
import type { ObjectValue } from '../../codec/objects.ts'

/** A header with its objects, as octets. */
export function headerOctets(
  group: number,
  variation: number,
  qualifier: number,
  objects: readonly ObjectValue[],
): Uint8Array {
  const { range, data } = encodeObjects({ group, variation, qualifier }, objects)
  const w = new Writer(data.length + 8).u8(group).u8(variation).u8(qualifier)
  const wide = (qualifier & 0x0f) === 0x01 || (qualifier & 0x0f) === 0x08
  const put = (value: number): unknown => (wide ? w.u16le(value) : w.u8(value))
  if (range.kind === 'count') put(range.count)
  else if (range.kind !== 'all') {
    put(range.start)
    put(range.stop)
  }
  return w.bytes(data).finish()
}

/** One object with a size prefix (qualifier 5B, count 1), as octets. */
export function sizedOctets(group: number, variation: number, ...objects: readonly Uint8Array[]): Uint8Array {
  return headerOctets(
    group,
    variation,
    0x5b,
    objects.map((value, index) => ({ index, value })),
  )
}
