import { DecodeError, UsageError } from '@gridseal/wire'
import type { WireForm } from './wire-form.ts'

/** Longest integer that is taken: 16 octets, INT128 of edition 1, and one more for an unsigned one. */
const MOST_OCTETS = 17

/** A two's complement integer of any length up to 17 octets; `form` where it is longer than needed. Throws `DecodeError`. */
export function decodeInteger(
  contents: Uint8Array,
  offset: number,
  field: string,
): { readonly value: number | bigint; readonly form?: WireForm } {
  const { length } = contents
  if (length === 0 || length > MOST_OCTETS) {
    throw new DecodeError('decode.ber.integer', offset, field, `an integer of ${length} octets`)
  }
  const value = length <= 6 ? small(contents) : large(contents)
  return length > neededOctets(value) ? { value, form: { octets: length } } : { value }
}

function small(contents: Uint8Array): number {
  let value = contents[0]! >= 0x80 ? contents[0]! - 0x100 : contents[0]!
  for (let i = 1; i < contents.length; i++) value = value * 256 + contents[i]!
  return value
}

function large(contents: Uint8Array): number | bigint {
  const hex = Buffer.from(contents.buffer, contents.byteOffset, contents.length).toString('hex')
  const value = BigInt.asIntN(contents.length * 8, BigInt(`0x${hex}`))
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

/** Octets of the shortest two's complement. */
function neededOctets(value: number | bigint): number {
  let octets = 1
  if (typeof value === 'number') {
    for (let limit = 128; value >= limit || value < -limit; limit *= 256) octets++
  } else {
    for (let limit = 128n; value >= limit || value < -limit; limit <<= 8n) octets++
  }
  return octets
}

/** `octets`: at least so many. Throws `UsageError` `iec61850.integer` for a number that is not a safe integer. */
export function encodeInteger(value: number | bigint, octets = 1): Uint8Array {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) {
    throw new UsageError('iec61850.integer', `${value} is not a safe integer`, { value })
  }
  const length = Math.max(neededOctets(value), octets)
  if (length > MOST_OCTETS) throw new UsageError('iec61850.integer', `${value} has more than ${MOST_OCTETS} octets`)
  const contents = new Uint8Array(length)
  if (typeof value === 'number') {
    let rest = value
    for (let i = length - 1; i >= 0; i--) {
      contents[i] = rest
      rest = Math.floor(rest / 256)
    }
  } else {
    let rest = value
    for (let i = length - 1; i >= 0; i--) {
      contents[i] = Number(BigInt.asUintN(8, rest))
      rest >>= 8n
    }
  }
  return contents
}
