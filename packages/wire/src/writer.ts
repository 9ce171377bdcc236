import { allocate } from './allocate.ts'
import { UsageError } from './errors.ts'
import { SCRATCH, SCRATCH_BYTES } from './scratch.ts'

/**
 * Builds a byte string field by field. Grows as needed; values that do not fit their field throw
 * {@link UsageError} `wire.range` instead of being cut. Multi-byte writes end in `BE` (network order) or `LE`.
 *
 * @example
 * const frame = new Writer().u16be(1).u16be(0).bytes(pdu).finish()
 */
export class Writer {
  #buffer: Uint8Array<ArrayBuffer>
  #length = 0

  constructor(capacity = 64) {
    this.#buffer = allocate(capacity)
  }

  /** Bytes written so far; also the offset of the next byte, for {@link patchU16be} and the like. */
  get length(): number {
    return this.#length
  }

  #grow(count: number): number {
    const at = this.#length
    const end = at + count
    if (end > this.#buffer.length) {
      const bigger = allocate(Math.max(end, this.#buffer.length * 2))
      bigger.set(this.#buffer.subarray(0, at))
      this.#buffer = bigger
    }
    this.#length = end
    return at
  }

  #unsigned(value: number, bits: number): number {
    if (!Number.isInteger(value) || value < 0 || value >= 2 ** bits) throw outOfRange(value, `u${bits}`)
    return value
  }

  #signed(value: number, bits: number): number {
    const limit = 2 ** (bits - 1)
    if (!Number.isInteger(value) || value < -limit || value >= limit) throw outOfRange(value, `i${bits}`)
    return value
  }

  #put1(a: number): this {
    const at = this.#grow(1)
    this.#buffer[at] = a
    return this
  }

  #put2(a: number, b: number): this {
    const at = this.#grow(2)
    this.#buffer[at] = a
    this.#buffer[at + 1] = b
    return this
  }

  #put4(a: number, b: number, c: number, d: number): this {
    const at = this.#grow(4)
    const buffer = this.#buffer
    buffer[at] = a
    buffer[at + 1] = b
    buffer[at + 2] = c
    buffer[at + 3] = d
    return this
  }

  #putScratch(count: number): this {
    const at = this.#grow(count)
    for (let i = 0; i < count; i++) this.#buffer[at + i] = SCRATCH_BYTES[i]!
    return this
  }

  u8(value: number): this {
    this.#unsigned(value, 8)
    return this.#put1(value)
  }
  i8(value: number): this {
    this.#signed(value, 8)
    return this.#put1(value)
  }
  u16be(value: number): this {
    this.#unsigned(value, 16)
    return this.#put2(value >> 8, value)
  }
  u16le(value: number): this {
    this.#unsigned(value, 16)
    return this.#put2(value, value >> 8)
  }
  i16be(value: number): this {
    this.#signed(value, 16)
    return this.#put2(value >> 8, value)
  }
  i16le(value: number): this {
    this.#signed(value, 16)
    return this.#put2(value, value >> 8)
  }
  u24be(value: number): this {
    this.#unsigned(value, 24)
    return this.#put1(value >> 16).#put2(value >> 8, value)
  }
  u24le(value: number): this {
    this.#unsigned(value, 24)
    return this.#put2(value, value >> 8).#put1(value >> 16)
  }
  i24be(value: number): this {
    this.#signed(value, 24)
    return this.u24be(value & 0xff_ffff)
  }
  i24le(value: number): this {
    this.#signed(value, 24)
    return this.u24le(value & 0xff_ffff)
  }
  u32be(value: number): this {
    this.#unsigned(value, 32)
    return this.#put4(value >> 24, value >> 16, value >> 8, value)
  }
  u32le(value: number): this {
    this.#unsigned(value, 32)
    return this.#put4(value, value >> 8, value >> 16, value >> 24)
  }
  i32be(value: number): this {
    this.#signed(value, 32)
    return this.#put4(value >> 24, value >> 16, value >> 8, value)
  }
  i32le(value: number): this {
    this.#signed(value, 32)
    return this.#put4(value, value >> 8, value >> 16, value >> 24)
  }
  u48be(value: number): this {
    this.#unsigned(value, 48)
    const high = Math.floor(value / 0x1_0000_0000)
    return this.#put2(high >> 8, high).#put4(value >> 24, value >> 16, value >> 8, value)
  }
  u48le(value: number): this {
    this.#unsigned(value, 48)
    const high = Math.floor(value / 0x1_0000_0000)
    return this.#put4(value, value >> 8, value >> 16, value >> 24).#put2(high, high >> 8)
  }
  u64be(value: bigint): this {
    if (BigInt.asUintN(64, value) !== value) throw outOfRange(value, 'u64')
    SCRATCH.setBigUint64(0, value, false)
    return this.#putScratch(8)
  }
  u64le(value: bigint): this {
    if (BigInt.asUintN(64, value) !== value) throw outOfRange(value, 'u64')
    SCRATCH.setBigUint64(0, value, true)
    return this.#putScratch(8)
  }
  i64be(value: bigint): this {
    if (BigInt.asIntN(64, value) !== value) throw outOfRange(value, 'i64')
    SCRATCH.setBigInt64(0, value, false)
    return this.#putScratch(8)
  }
  i64le(value: bigint): this {
    if (BigInt.asIntN(64, value) !== value) throw outOfRange(value, 'i64')
    SCRATCH.setBigInt64(0, value, true)
    return this.#putScratch(8)
  }
  f32be(value: number): this {
    SCRATCH.setFloat32(0, value, false)
    return this.#putScratch(4)
  }
  f32le(value: number): this {
    SCRATCH.setFloat32(0, value, true)
    return this.#putScratch(4)
  }
  f64be(value: number): this {
    SCRATCH.setFloat64(0, value, false)
    return this.#putScratch(8)
  }
  f64le(value: number): this {
    SCRATCH.setFloat64(0, value, true)
    return this.#putScratch(8)
  }

  bytes(value: Uint8Array): this {
    const at = this.#grow(value.length)
    this.#buffer.set(value, at)
    return this
  }

  zeros(count: number): this {
    const at = this.#grow(count)
    this.#buffer.fill(0, at, at + count)
    return this
  }

  /** Opens `count` zero bytes at offset `at`; what was written from there on moves up. */
  gap(at: number, count: number): this {
    this.#patchable(at, 0)
    const end = this.#grow(count)
    this.#buffer.copyWithin(at + count, at, end)
    this.#buffer.fill(0, at, at + count)
    return this
  }

  /** Overwrites an octet written earlier. */
  patchU8(at: number, value: number): this {
    this.#patchable(at, 1)
    this.#buffer[at] = this.#unsigned(value, 8)
    return this
  }
  /** Overwrites a 16-bit field written earlier, e.g. a length known only at the end. */
  patchU16be(at: number, value: number): this {
    this.#patchable(at, 2)
    this.#buffer[at] = this.#unsigned(value, 16) >> 8
    this.#buffer[at + 1] = value
    return this
  }
  patchU16le(at: number, value: number): this {
    this.#patchable(at, 2)
    this.#buffer[at] = this.#unsigned(value, 16)
    this.#buffer[at + 1] = value >> 8
    return this
  }
  patchU32be(at: number, value: number): this {
    this.#patchable(at, 4)
    this.#unsigned(value, 32)
    for (let i = 0; i < 4; i++) this.#buffer[at + i] = value >> (24 - 8 * i)
    return this
  }
  patchU32le(at: number, value: number): this {
    this.#patchable(at, 4)
    this.#unsigned(value, 32)
    for (let i = 0; i < 4; i++) this.#buffer[at + i] = value >> (8 * i)
    return this
  }

  #patchable(at: number, count: number): void {
    if (!Number.isInteger(at) || at < 0 || at + count > this.#length) {
      throw new UsageError('wire.range', `cannot patch ${count} bytes at ${at} of ${this.#length}`)
    }
  }

  /** What was written, as a view of the internal buffer (see {@link allocate}): final once you stop writing. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#buffer.subarray(0, this.#length)
  }
}

function outOfRange(value: number | bigint, type: string): UsageError {
  return new UsageError('wire.range', `${value} does not fit ${type}`, { value, type })
}
