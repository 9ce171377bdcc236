import { DecodeError, InternalError } from '@gridseal/wire'

/*
 * As much of deterministic CBOR (RFC 8949 4.2.1) as a COSE_Key needs: a map from small integers to integers, text or
 * byte strings. The envelope package has the rest; it stands above this one.
 */

export type CborValue = number | string | Uint8Array
export type CborMap = ReadonlyMap<number, CborValue>

const UTF8 = new TextEncoder()
const TEXT = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** A map with its keys in the order of their encodings. */
export function encodeCborMap(map: CborMap): Uint8Array {
  const entries = [...map].map(([key, value]) => [encodeValue(key), encodeValue(value)] as const)
  entries.sort(([a], [b]) => Buffer.compare(a, b))
  const parts = [head(5, entries.length), ...entries.flat()]
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

/** Reads one deterministic map that fills `bytes`. Throws {@link DecodeError}. Strings are views. */
export function decodeCborMap(bytes: Uint8Array): CborMap {
  const reader = new CborReader(bytes)
  const count = reader.head(5, 'COSE_Key')
  const map = new Map<number, CborValue>()
  let previous: Uint8Array = new Uint8Array(0)
  for (let i = 0; i < count; i++) {
    const start = reader.at
    const key = reader.integer('label')
    const encoded = bytes.subarray(start, reader.at)
    if (Buffer.compare(previous, encoded) >= 0) throw reader.error('pqc.cose.order', start, 'label not in order')
    previous = encoded
    map.set(key, reader.value('value'))
  }
  if (reader.at !== bytes.length) throw reader.error('decode.trailing', reader.at, 'bytes left over')
  return map
}

function encodeValue(value: CborValue): Uint8Array {
  if (typeof value === 'number') return value >= 0 ? head(0, value) : head(1, -1 - value)
  const bytes = typeof value === 'string' ? UTF8.encode(value) : value
  return Buffer.concat([head(typeof value === 'string' ? 3 : 2, bytes.length), bytes])
}

function head(major: number, argument: number): Uint8Array {
  if (argument < 24) return Uint8Array.of((major << 5) | argument)
  if (argument < 0x100) return Uint8Array.of((major << 5) | 24, argument)
  if (argument < 0x1_0000) return Uint8Array.of((major << 5) | 25, argument >> 8, argument & 0xff)
  if (argument >= 0x8000_0000) throw new InternalError('pqc.cose.range', 'an argument beyond 31 bits')
  return Uint8Array.of(
    (major << 5) | 26,
    argument >>> 24,
    (argument >> 16) & 0xff,
    (argument >> 8) & 0xff,
    argument & 0xff,
  )
}

class CborReader {
  readonly #bytes: Uint8Array
  at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  integer(field: string): number {
    const start = this.at
    const [major, argument] = this.#head(field)
    if (major === 0) return argument
    if (major === 1) return -1 - argument
    throw this.error('pqc.cose.type', start, 'an integer belongs here')
  }

  value(field: string): CborValue {
    const start = this.at
    const [major, argument] = this.#head(field)
    if (major === 0) return argument
    if (major === 1) return -1 - argument
    if (major !== 2 && major !== 3) throw this.error('pqc.cose.type', start, 'an integer or a string belongs here')
    if (argument > this.#bytes.length - this.at) throw this.error('decode.truncated', start, 'the string is cut off')
    const string = this.#bytes.subarray(this.at, (this.at += argument))
    if (major === 2) return string
    try {
      return TEXT.decode(string)
    } catch {
      throw this.error('pqc.cose.type', start, 'not UTF-8')
    }
  }

  /** The argument of a head that must have this major type. */
  head(major: number, field: string): number {
    const start = this.at
    const [found, argument] = this.#head(field)
    if (found === major) return argument
    throw this.error('pqc.cose.type', start, 'a map belongs here')
  }

  error(code: string, offset: number, message: string): DecodeError {
    return new DecodeError(code, offset, 'COSE_Key', message)
  }

  /** Definite lengths in their shortest form, up to 31 bits. */
  #head(field: string): readonly [number, number] {
    const start = this.at
    const initial = this.#byte(field)
    const info = initial & 31
    if (info < 24) return [initial >> 5, info]
    if (info > 26) throw this.error('pqc.cose.form', start, 'not a definite length of at most 32 bits')
    const octets = 1 << (info - 24)
    let argument = 0
    for (let i = 0; i < octets; i++) argument = argument * 256 + this.#byte(field)
    const least = info === 24 ? 24 : info === 25 ? 0x100 : 0x1_0000
    if (argument < least || argument > 0x7fff_ffff) throw this.error('pqc.cose.form', start, 'not the shortest form')
    return [initial >> 5, argument]
  }

  #byte(field: string): number {
    const byte = this.#bytes[this.at]
    if (byte === undefined) throw new DecodeError('decode.truncated', this.at, field, 'the COSE_Key is cut off')
    this.at++
    return byte
  }
}
