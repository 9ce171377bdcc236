import { UsageError } from '@gridseal/wire'

/** CBOR major types (RFC 8949 3.1), shifted into the initial byte. */
export const MAJOR: Readonly<
  Record<'uint' | 'negative' | 'bytes' | 'text' | 'array' | 'map' | 'tag' | 'simple', number>
> = { uint: 0x00, negative: 0x20, bytes: 0x40, text: 0x60, array: 0x80, map: 0xa0, tag: 0xc0, simple: 0xe0 }

/** Texts below this length have a head of one octet. */
const SHORT_TEXT = 24

/**
 * Writes deterministic CBOR (RFC 8949 4.2.1) item by item: shortest heads, definite lengths. The order of map keys is
 * the caller's: use {@link encodeCbor} where it must be sorted for you.
 */
export class CborWriter {
  #buffer: Buffer<ArrayBuffer>
  /** The same octets, for numbers. */
  #numbers: DataView
  #length = 0

  constructor(capacity = 256) {
    this.#buffer = Buffer.allocUnsafe(capacity)
    this.#numbers = numbersOf(this.#buffer)
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length
  }

  /** What was written, as a view: valid until the next {@link reset} or write. */
  view(start = 0): Buffer<ArrayBuffer> {
    return this.#buffer.subarray(start, this.#length)
  }

  /** What was written, as a copy. */
  finish(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#buffer.subarray(0, this.#length))
  }

  /** What was written, for a writer that is not used again: no copy where its buffer is its own and about filled. */
  take(): Uint8Array<ArrayBuffer> {
    const { buffer, byteOffset } = this.#buffer
    const wasted = buffer.byteLength - this.#length
    return wasted <= this.#length / 16 ? new Uint8Array(buffer, byteOffset, this.#length) : this.finish()
  }

  reset(): this {
    this.#length = 0
    return this
  }

  /** Where the next `count` octets go. Ask first, then name the buffer: it may be another one now. */
  #grow(count: number): number {
    const at = this.#length
    this.#length = at + count
    if (this.#length > this.#buffer.length) {
      const bigger = Buffer.allocUnsafe(Math.max(this.#length, this.#buffer.length * 2))
      this.#buffer.copy(bigger, 0, 0, at)
      this.#buffer = bigger
      this.#numbers = numbersOf(bigger)
    }
    return at
  }

  /** The head of an item: its major type and argument, in the shortest form. */
  head(major: number, argument: number | bigint): this {
    if (argument < 24) {
      const at = this.#grow(1)
      this.#buffer[at] = major | Number(argument)
    } else if (argument < 0x100) {
      const at = this.#grow(2)
      this.#buffer[at] = major | 24
      this.#buffer[at + 1] = Number(argument)
    } else if (argument < 0x1_0000) {
      const at = this.#grow(3)
      this.#buffer[at] = major | 25
      this.#numbers.setUint16(at + 1, Number(argument))
    } else if (argument < 0x1_0000_0000) {
      const at = this.#grow(5)
      this.#buffer[at] = major | 26
      this.#numbers.setUint32(at + 1, Number(argument))
    } else {
      const at = this.#grow(9)
      this.#buffer[at] = major | 27
      this.#numbers.setBigUint64(at + 1, BigInt(argument))
    }
    return this
  }

  /** An unsigned integer below 2^64; a `number` must be a safe integer. */
  uint(value: number | bigint): this {
    if (typeof value === 'number' ? !Number.isSafeInteger(value) || value < 0 : BigInt.asUintN(64, value) !== value) {
      throw new UsageError('cbor.range', `${value} is not an unsigned 64-bit integer`)
    }
    return this.head(MAJOR.uint, value)
  }

  /** An integer of either sign. */
  int(value: number | bigint): this {
    if (value >= 0) return this.uint(value)
    if (typeof value === 'number' ? !Number.isSafeInteger(value) : value < -(2n ** 64n)) {
      throw new UsageError('cbor.range', `${value} is not a 65-bit integer`)
    }
    return this.head(MAJOR.negative, typeof value === 'number' ? -1 - value : -1n - value)
  }

  bytes(value: Uint8Array): this {
    return this.head(MAJOR.bytes, value.length).raw(value)
  }

  text(value: string): this {
    return value.length < SHORT_TEXT && this.#ascii(value) ? this : this.#utf8(value)
  }

  /** Names and the like without a call out of JavaScript. False, and nothing written, if one character is not ASCII. */
  #ascii(value: string): boolean {
    const { length } = value
    const at = this.#grow(1 + length)
    this.#buffer[at] = MAJOR.text | length
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i)
      if (code > 0x7f) {
        this.#length = at
        return false
      }
      this.#buffer[at + 1 + i] = code
    }
    return true
  }

  #utf8(value: string): this {
    const length = Buffer.byteLength(value, 'utf8')
    this.head(MAJOR.text, length)
    const at = this.#grow(length)
    this.#buffer.write(value, at, length, 'utf8')
    return this
  }

  array(count: number): this {
    return this.head(MAJOR.array, count)
  }
  map(count: number): this {
    return this.head(MAJOR.map, count)
  }
  tag(number: number): this {
    return this.head(MAJOR.tag, number)
  }
  bool(value: boolean): this {
    return this.head(MAJOR.simple, value ? 21 : 20)
  }
  null(): this {
    return this.head(MAJOR.simple, 22)
  }

  /** Bytes that are CBOR already. */
  raw(value: Uint8Array): this {
    const at = this.#grow(value.length)
    this.#buffer.set(value, at)
    return this
  }
}

function numbersOf({ buffer, byteOffset, length }: Buffer<ArrayBuffer>): DataView {
  return new DataView(buffer, byteOffset, length)
}
