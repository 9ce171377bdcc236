import { UsageError } from '@gridseal/wire'
import { CborReader } from './reader.ts'
import { CborWriter, MAJOR } from './writer.ts'

/** A CBOR tag and what it tags. */
export class Tagged {
  readonly tag: number
  readonly value: CborValue
  constructor(tag: number, value: CborValue) {
    this.tag = tag
    this.value = value
  }
}

/** The part of CBOR that signed data uses: no floats, no simple values but booleans and null. */
export type CborValue =
  | number
  | bigint
  | string
  | boolean
  | null
  | Uint8Array
  | readonly CborValue[]
  | ReadonlyMap<CborValue, CborValue>
  | Tagged

const MAX_DEPTH = 16

/**
 * Deterministic CBOR of a value (RFC 8949 4.2.1): map keys in bytewise order of their encodings. Throws
 * {@link UsageError} for numbers that are not safe integers and for maps with two keys of the same encoding.
 */
export function encodeCbor(value: CborValue): Uint8Array<ArrayBuffer> {
  const writer = new CborWriter()
  write(writer, value, 0)
  return writer.finish()
}

function write(writer: CborWriter, value: CborValue, depth: number): void {
  if (depth > MAX_DEPTH) throw new UsageError('cbor.depth', `nested deeper than ${MAX_DEPTH}`)
  if (typeof value === 'number' || typeof value === 'bigint') writer.int(value)
  else if (typeof value === 'string') writer.text(value)
  else if (typeof value === 'boolean') writer.bool(value)
  else if (value === null) writer.null()
  else if (value instanceof Uint8Array) writer.bytes(value)
  else if (value instanceof Tagged) {
    writer.tag(value.tag)
    write(writer, value.value, depth + 1)
  } else if (value instanceof Map) writeMap(writer, value as ReadonlyMap<CborValue, CborValue>, depth)
  else {
    const items = value as readonly CborValue[]
    writer.array(items.length)
    for (const item of items) write(writer, item, depth + 1)
  }
}

function writeMap(writer: CborWriter, map: ReadonlyMap<CborValue, CborValue>, depth: number): void {
  const pairs = [...map].map(([key, value]) => [encodeCbor(key), value] as const)
  pairs.sort(([a], [b]) => Buffer.compare(a, b))
  writer.map(pairs.length)
  let previous: Uint8Array | undefined
  for (const [key, value] of pairs) {
    if (previous !== undefined && Buffer.compare(previous, key) === 0) {
      throw new UsageError('cbor.duplicate', 'two map keys with the same encoding')
    }
    previous = key
    writer.raw(key)
    write(writer, value, depth + 1)
  }
}

/**
 * The value of one deterministic CBOR item that fills `bytes`. Maps come as `Map`, never as objects. Throws
 * `DecodeError` for everything that {@link encodeCbor} would not have written.
 */
export function decodeCbor(bytes: Uint8Array): CborValue {
  const reader = new CborReader(bytes)
  const value = readValue(bytes, reader, 0)
  reader.expectEnd('end')
  return value
}

function readValue(bytes: Uint8Array, r: CborReader, depth: number): CborValue {
  if (depth > MAX_DEPTH) throw r.error('cbor.depth', 'item', `nested deeper than ${MAX_DEPTH}`)
  switch (r.peekMajor('item')) {
    case MAJOR.uint:
      return r.head(MAJOR.uint, 'integer')
    case MAJOR.negative: {
      const argument = r.head(MAJOR.negative, 'integer')
      if (typeof argument === 'number' && argument < Number.MAX_SAFE_INTEGER) return -1 - argument
      return -1n - BigInt(argument)
    }
    case MAJOR.bytes:
      return r.bytes('bytes')
    case MAJOR.text:
      return r.text('text')
    case MAJOR.array: {
      const items: CborValue[] = []
      for (let left = r.array('array'); left > 0; left--) items.push(readValue(bytes, r, depth + 1))
      return items
    }
    case MAJOR.map: {
      const map = new Map<CborValue, CborValue>()
      let previous: Uint8Array | undefined
      for (let left = r.map('map'); left > 0; left--) {
        const start = r.offset
        const key = readValue(bytes, r, depth + 1)
        const encoded = bytes.subarray(start, r.offset)
        if (previous !== undefined && Buffer.compare(previous, encoded) >= 0) {
          throw r.error('cbor.map-order', 'key', 'map keys doubled or not in order')
        }
        previous = encoded
        map.set(key, readValue(bytes, r, depth + 1))
      }
      return map
    }
    case MAJOR.tag:
      return new Tagged(r.tag('tag'), readValue(bytes, r, depth + 1))
    default:
      return r.tryNull('simple') ? null : r.bool('simple')
  }
}
