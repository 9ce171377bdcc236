import { DecodeError } from './errors.ts'

/** Lower-case hex of `bytes`, with `separator` between octets. */
export function toHex(bytes: Uint8Array, separator = ''): string {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
  return separator === '' ? hex : (hex.match(/../g) ?? []).join(separator)
}

/**
 * Bytes of a hex string. White space, `:` and `-` between octets are ignored, case does not matter.
 * Throws {@link DecodeError} `decode.hex` at the first character that is neither, or for half an octet.
 */
export function fromHex(text: string): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(text.length >> 1)
  let length = 0
  let high = -1
  for (let i = 0; i < text.length; i++) {
    const digit = hexDigit(text.charCodeAt(i))
    if (digit === SEPARATOR && high < 0) continue
    if (digit < 0 || digit === SEPARATOR) throw new DecodeError('decode.hex', i, 'hex', 'not a hex digit')
    if (high < 0) high = digit
    else {
      out[length++] = (high << 4) | digit
      high = -1
    }
  }
  if (high >= 0) throw new DecodeError('decode.hex', text.length, 'hex', 'half an octet at the end')
  return out.slice(0, length)
}

const SEPARATOR = 16

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  if (code >= 0x61 && code <= 0x66) return code - 0x57
  if (code >= 0x41 && code <= 0x46) return code - 0x37
  const separator = code === 0x20 || code === 0x3a || code === 0x2d || (code >= 0x09 && code <= 0x0d)
  return separator ? SEPARATOR : -1
}
