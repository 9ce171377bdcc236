import type { BitString } from '@gridseal/wire'
import { UsageError } from '@gridseal/wire'

/** Bits of a bit string; bit 0 is the first on the wire, the most significant of the first octet. */
export function bitCount({ bytes, unusedBits }: BitString): number {
  return bytes.length * 8 - unusedBits
}

/** Whether a bit is set; bits that are not there are not. */
export function bitOf({ bytes }: BitString, index: number): boolean {
  return ((bytes[index >> 3] ?? 0) & (0x80 >> (index & 7))) !== 0
}

/** `0` and `1` in wire order. */
export function bitText(bits: BitString): string {
  let text = ''
  const count = bitCount(bits)
  for (let i = 0; i < count; i++) text += bitOf(bits, i) ? '1' : '0'
  return text
}

/** The bit string of a text of `0` and `1`. Throws `UsageError` `iec61850.bits`. */
export function bitsFrom(text: string): BitString {
  if (!/^[01]*$/.test(text)) throw new UsageError('iec61850.bits', `"${text}" is no bit string`)
  const bytes = new Uint8Array((text.length + 7) >> 3)
  for (let i = 0; i < text.length; i++) if (text[i] === '1') bytes[i >> 3]! |= 0x80 >> (i & 7)
  return { bytes, unusedBits: bytes.length * 8 - text.length }
}
