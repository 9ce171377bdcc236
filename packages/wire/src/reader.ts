import { DecodeError } from './errors.ts'
import { SCRATCH, SCRATCH_BYTES } from './scratch.ts'

/**
 * Reads fields from a byte buffer. Every read checks bounds first and throws {@link DecodeError} `decode.truncated`
 * with the absolute offset and the field's name; there are no short reads. Byte slices are views of the input, never
 * copies. Multi-byte reads end in `BE` (network order) or `LE`.
 *
 * @example
 * const r = new Reader(frame)
 * const length = r.u16be('length')
 * const body = r.sub(length, 'body') // a reader that cannot leave the body
 */
export class Reader {
  readonly bytes: Uint8Array
  #position: number
  readonly #end: number
  /** Added to positions in errors, so that a sub-reader names offsets of the whole input. */
  readonly #base: number

  constructor(bytes: Uint8Array, start = 0, end: number = bytes.length, base = 0) {
    this.bytes = bytes
    this.#position = start
    this.#end = Math.min(end, bytes.length)
    this.#base = base
  }

  /** Offset of the next byte in the whole input. */
  get offset(): number {
    return this.#base + this.#position
  }

  /** Bytes left. */
  get remaining(): number {
    return this.#end - this.#position
  }

  get atEnd(): boolean {
    return this.#position >= this.#end
  }

  /**
   * Throws `decode.truncated` unless `count` more bytes are there, and `decode.length` for a negative count (a length
   * field smaller than what it must cover). Call it before allocating by a length field.
   */
  need(count: number, field: string): void {
    if (count >= 0 && count <= this.#end - this.#position) return
    if (count >= 0) {
      throw new DecodeError('decode.truncated', this.offset, field, `needs ${count} bytes, has ${this.remaining}`)
    }
    throw new DecodeError('decode.length', this.offset, field, `impossible length ${count}`)
  }

  #take(count: number, field: string): number {
    this.need(count, field)
    const at = this.#position
    this.#position = at + count
    return at
  }

  u8(field: string): number {
    return this.bytes[this.#take(1, field)]!
  }
  i8(field: string): number {
    return (this.u8(field) << 24) >> 24
  }
  u16be(field: string): number {
    const at = this.#take(2, field)
    return (this.bytes[at]! << 8) | this.bytes[at + 1]!
  }
  u16le(field: string): number {
    const at = this.#take(2, field)
    return this.bytes[at]! | (this.bytes[at + 1]! << 8)
  }
  i16be(field: string): number {
    return (this.u16be(field) << 16) >> 16
  }
  i16le(field: string): number {
    return (this.u16le(field) << 16) >> 16
  }
  u24be(field: string): number {
    const at = this.#take(3, field)
    return (this.bytes[at]! << 16) | (this.bytes[at + 1]! << 8) | this.bytes[at + 2]!
  }
  u24le(field: string): number {
    const at = this.#take(3, field)
    return this.bytes[at]! | (this.bytes[at + 1]! << 8) | (this.bytes[at + 2]! << 16)
  }
  i24be(field: string): number {
    return (this.u24be(field) << 8) >> 8
  }
  i24le(field: string): number {
    return (this.u24le(field) << 8) >> 8
  }
  u32be(field: string): number {
    return this.i32be(field) >>> 0
  }
  u32le(field: string): number {
    return this.i32le(field) >>> 0
  }
  i32be(field: string): number {
    const at = this.#take(4, field)
    const { bytes } = this
    return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
  }
  i32le(field: string): number {
    const at = this.#take(4, field)
    const { bytes } = this
    return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
  }
  /** 48 bits, exact in a number. */
  u48be(field: string): number {
    this.need(6, field)
    return this.u16be(field) * 0x1_0000_0000 + this.u32be(field)
  }
  u48le(field: string): number {
    this.need(6, field)
    return this.u32le(field) + this.u16le(field) * 0x1_0000_0000
  }
  u64be(field: string): bigint {
    return this.#scratch(8, field).getBigUint64(0, false)
  }
  u64le(field: string): bigint {
    return this.#scratch(8, field).getBigUint64(0, true)
  }
  i64be(field: string): bigint {
    return this.#scratch(8, field).getBigInt64(0, false)
  }
  i64le(field: string): bigint {
    return this.#scratch(8, field).getBigInt64(0, true)
  }
  f32be(field: string): number {
    return this.#scratch(4, field).getFloat32(0, false)
  }
  f32le(field: string): number {
    return this.#scratch(4, field).getFloat32(0, true)
  }
  f64be(field: string): number {
    return this.#scratch(8, field).getFloat64(0, false)
  }
  f64le(field: string): number {
    return this.#scratch(8, field).getFloat64(0, true)
  }

  /** The next bytes in {@link SCRATCH}. */
  #scratch(count: number, field: string): DataView {
    const at = this.#take(count, field)
    for (let i = 0; i < count; i++) SCRATCH_BYTES[i] = this.bytes[at + i]!
    return SCRATCH
  }

  /** The next `count` bytes as a view of the input. */
  take(count: number, field: string): Uint8Array {
    const at = this.#take(count, field)
    return this.bytes.subarray(at, at + count)
  }

  /** All bytes left, as a view. */
  rest(): Uint8Array {
    const at = this.#position
    this.#position = this.#end
    return this.bytes.subarray(at, this.#end)
  }

  skip(count: number, field: string): void {
    this.#take(count, field)
  }

  /** The next byte without consuming it. */
  peek(field: string): number {
    this.need(1, field)
    return this.bytes[this.#position]!
  }

  /** A reader over the next `count` bytes, which are consumed here; the child cannot read past them. */
  sub(count: number, field: string): Reader {
    const at = this.#take(count, field)
    return new Reader(this.bytes, at, at + count, this.#base)
  }

  /** Throws `decode.trailing` if bytes are left. */
  expectEnd(field: string): void {
    if (!this.atEnd) throw new DecodeError('decode.trailing', this.offset, field, `${this.remaining} bytes left over`)
  }

  /** A `DecodeError` at the current offset, for values that are there but wrong. Throw what it returns. */
  error(code: string, field: string, message?: string): DecodeError {
    return new DecodeError(code, this.offset, field, message)
  }
}

/** Bits `high`..`low` (inclusive, 0 = least significant) of `value` as an unsigned number. */
export function bits(value: number, high: number, low: number): number {
  return (value << (31 - high)) >>> (31 - high + low)
}

/** Whether bit `index` (0 = least significant) of `value` is set. */
export function bit(value: number, index: number): boolean {
  return ((value >>> index) & 1) === 1
}
