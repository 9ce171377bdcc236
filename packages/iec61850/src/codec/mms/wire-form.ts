import type { BerReader } from '@gridseal/wire'

/**
 * How a sender wrote an element where the rules leave a choice and it did not take ours: what makes an encoded value the
 * octets that were decoded. Absent where it is our own way.
 */
export interface WireForm {
  /** Octets of the length field, more than the length needs. */
  readonly lengthOctets?: number
  /** Octets of an integer, more than its value needs: the fixed length of IEC 61850-8-1 Annex A, for example. */
  readonly octets?: number
  /** The octet of a TRUE, other than 01. */
  readonly truth?: number
  /** The octets of a floating point number that is none. */
  readonly nan?: Uint8Array
}

/** What a length field needs: one octet up to 127, then one more than the length has octets. */
export function neededLengthOctets(length: number): number {
  if (length < 0x80) return 1
  return length < 0x100 ? 2 : length < 0x1_0000 ? 3 : 4
}

/** The form of the element just read, of `length` octets, with what else is special about it. */
export function formOf(r: BerReader, length: number, more?: WireForm): WireForm | undefined {
  const { lengthOctets } = r
  if (lengthOctets === neededLengthOctets(length)) return more
  return { ...more, lengthOctets }
}
