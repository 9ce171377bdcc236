import { DecodeError, UsageError } from '../errors.ts'

/**
 * INTEGER contents as a number. Throws {@link DecodeError} `decode.ber.integer` if there are none and
 * `decode.ber.range` if the value is not a safe integer.
 */
export function decodeInteger(contents: Uint8Array, offset: number, field: string): number {
  const length = contents.length
  if (length === 0) throw new DecodeError('decode.ber.integer', offset, field, 'an integer without contents')
  if (length > 6) {
    const value = decodeBigInteger(contents, offset, field)
    if (value > BigInt(Number.MAX_SAFE_INTEGER) || value < BigInt(Number.MIN_SAFE_INTEGER)) {
      throw new DecodeError('decode.ber.range', offset, field, 'integer beyond 53 bits')
    }
    return Number(value)
  }
  let value = contents[0]! >= 0x80 ? contents[0]! - 0x100 : contents[0]!
  for (let i = 1; i < length; i++) value = value * 256 + contents[i]!
  return value
}

/** INTEGER contents of any size. Throws {@link DecodeError} `decode.ber.integer` if there are none. */
export function decodeBigInteger(contents: Uint8Array, offset: number, field: string): bigint {
  if (contents.length === 0) throw new DecodeError('decode.ber.integer', offset, field, 'an integer without contents')
  const hex = Buffer.from(contents.buffer, contents.byteOffset, contents.length).toString('hex')
  return BigInt.asIntN(contents.length * 8, BigInt(`0x${hex}`))
}

/** Whether the first nine bits are equal, so that one octet less would do (X.690 8.3.2). */
export function isPadded(contents: Uint8Array): boolean {
  if (contents.length < 2) return false
  const second = contents[1]!
  return (contents[0] === 0x00 && second < 0x80) || (contents[0] === 0xff && second >= 0x80)
}

/** Shortest two's complement contents of an INTEGER. Throws {@link UsageError} `wire.range` for a fraction. */
export function encodeInteger(value: number | bigint): Uint8Array {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) {
    throw new UsageError('wire.range', `${value} is not a safe integer`, { value })
  }
  if (typeof value === 'number' && (value | 0) === value) return encodeInt32(value)
  const octets: number[] = []
  let rest = BigInt(value)
  for (;;) {
    const octet = Number(BigInt.asUintN(8, rest))
    octets.push(octet)
    rest >>= 8n
    if ((rest === 0n && octet < 0x80) || (rest === -1n && octet >= 0x80)) break
  }
  return Uint8Array.from(octets.reverse())
}

function encodeInt32(value: number): Uint8Array {
  let length = 1
  // The sign must be that of the octets' first bit.
  while (length < 4 && value >> (8 * length - 1) !== value >> 31) length++
  const octets = new Uint8Array(length)
  for (let i = 0; i < length; i++) octets[i] = value >> (8 * (length - 1 - i))
  return octets
}
