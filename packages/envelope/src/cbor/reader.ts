import { DecodeError, Reader } from '@gridseal/wire'
import { MAJOR } from './writer.ts'

/**
 * Pulls deterministic CBOR item by item from a bounds-checked reader. Refuses what a signed format must not leave
 * open: indefinite lengths, heads that are not in the shortest form, invalid UTF-8, text or byte strings longer than
 * the input. Throws only {@link DecodeError}. Byte strings are views of the input.
 */
export class CborReader {
  readonly #reader: Reader

  constructor(bytes: Uint8Array, start?: number, end?: number) {
    this.#reader = new Reader(bytes, start, end)
  }

  get offset(): number {
    return this.#reader.offset
  }
  get atEnd(): boolean {
    return this.#reader.atEnd
  }
  get remaining(): number {
    return this.#reader.remaining
  }

  /** Major type (as in {@link MAJOR}) of the next item, without consuming it. */
  peekMajor(field: string): number {
    return this.#reader.peek(field) & 0xe0
  }

  /** Argument of the next head, which must be of `major`. Numbers above 2^53 - 1 come as bigint. */
  head(major: number, field: string): number | bigint {
    const start = this.#reader.offset
    const initial = this.#reader.u8(field)
    if ((initial & 0xe0) !== major) throw new DecodeError('cbor.type', start, field, `not ${nameOf(major)}`)
    const additional = initial & 0x1f
    if (additional < 24) return additional
    const r = this.#reader
    switch (additional) {
      case 24:
        return shortest(r.u8(field), 24, start, field)
      case 25:
        return shortest(r.u16be(field), 0x100, start, field)
      case 26:
        return shortest(r.u32be(field), 0x1_0000, start, field)
      case 27: {
        const value = r.u64be(field)
        if (value < 0x1_0000_0000n) throw new DecodeError('cbor.shortest', start, field, 'not in the shortest form')
        return value <= MAX_SAFE ? Number(value) : value
      }
      case 31:
        throw new DecodeError('cbor.indefinite', start, field, 'indefinite length')
      default:
        throw new DecodeError('cbor.reserved', start, field, `additional information ${additional} is reserved`)
    }
  }

  /** An argument that counts or measures something: a safe integer. */
  #size(major: number, field: string): number {
    const start = this.offset
    const value = this.head(major, field)
    if (typeof value === 'bigint') throw new DecodeError('cbor.range', start, field, `${value} is out of range`)
    return value
  }

  /** An unsigned integer up to 2^53 - 1. */
  uint(field: string): number {
    return this.#size(MAJOR.uint, field)
  }

  /** An unsigned 64-bit integer. */
  uint64(field: string): bigint {
    return BigInt(this.head(MAJOR.uint, field))
  }

  /** An integer of either sign within the safe range. */
  int(field: string): number {
    if (this.peekMajor(field) === MAJOR.negative) return -1 - this.#size(MAJOR.negative, field)
    return this.uint(field)
  }

  bytes(field: string): Uint8Array {
    return this.#reader.take(this.#size(MAJOR.bytes, field), field)
  }

  /** A byte string of exactly `length` bytes. */
  fixedBytes(length: number, field: string): Uint8Array {
    const start = this.offset
    const value = this.bytes(field)
    if (value.length !== length) {
      throw new DecodeError('cbor.length', start, field, `${value.length} bytes where ${length} are due`)
    }
    return value
  }

  text(field: string): string {
    const start = this.offset
    const bytes = this.#reader.take(this.#size(MAJOR.text, field), field)
    try {
      return UTF8.decode(bytes)
    } catch {
      throw new DecodeError('cbor.utf8', start, field, 'invalid UTF-8')
    }
  }

  /** Number of items; each needs at least one byte, which is checked here. */
  array(field: string): number {
    const count = this.#size(MAJOR.array, field)
    this.#reader.need(count, field)
    return count
  }

  /** An array of exactly `count` items. */
  fixedArray(count: number, field: string): void {
    const start = this.offset
    const actual = this.array(field)
    if (actual !== count) throw new DecodeError('cbor.length', start, field, `${actual} items where ${count} are due`)
  }

  map(field: string): number {
    const count = this.#size(MAJOR.map, field)
    this.#reader.need(count * 2, field)
    return count
  }

  tag(field: string): number {
    return this.#size(MAJOR.tag, field)
  }

  null(field: string): void {
    const start = this.offset
    if (this.#reader.u8(field) !== (MAJOR.simple | 22)) throw new DecodeError('cbor.type', start, field, 'not null')
  }

  /** Consumes a null if the next item is one. */
  tryNull(field: string): boolean {
    if (this.#reader.peek(field) !== (MAJOR.simple | 22)) return false
    this.#reader.skip(1, field)
    return true
  }

  bool(field: string): boolean {
    const start = this.offset
    const value = this.#reader.u8(field)
    if (value !== (MAJOR.simple | 20) && value !== (MAJOR.simple | 21)) {
      throw new DecodeError('cbor.type', start, field, 'not a boolean')
    }
    return value === (MAJOR.simple | 21)
  }

  expectEnd(field: string): void {
    this.#reader.expectEnd(field)
  }

  error(code: string, field: string, message?: string): DecodeError {
    return this.#reader.error(code, field, message)
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER)

function shortest(value: number, least: number, offset: number, field: string): number {
  if (value < least) throw new DecodeError('cbor.shortest', offset, field, 'not in the shortest form')
  return value
}

function nameOf(major: number): string {
  return Object.entries(MAJOR).find(([, value]) => value === major)?.[0] ?? 'known'
}
