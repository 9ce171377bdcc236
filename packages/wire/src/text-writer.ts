import { allocate } from './allocate.ts'

const ENCODER = new TextEncoder()
const ZERO = 0x30
/** Longer strings are left to the encoder, whose call costs as much as so many characters. */
const SHORT = 128
const SPACE = 0x20
const QUOTE = 0x22
const BACKSLASH = 0x5c
const LAST_ASCII = 0x7e
/** As many as fit a small integer. */
const MOST_DIGITS = 9
const BILLION = 1e9
const DOT = 0x2e
/** Four octets of three digits, a point behind each. */
const LONGEST_DOTTED = 16
const HEX_DIGITS = ENCODER.encode('0123456789abcdef')
/** The two digits of 0 to 99. */
const PAIRS = Uint8Array.from({ length: 200 }, (_, i) => ZERO + (i & 1 ? (i >> 1) % 10 : Math.floor((i >> 1) / 10)))

/** Text as octets of UTF-8, for what {@link TextWriter.octets} writes again and again. */
export function octetsOf(text: string): Uint8Array {
  return ENCODER.encode(text)
}

/**
 * Builds text as octets of UTF-8, for records by the million: nothing of a record is ever a string, which would have to
 * be put together, flattened, copied and collected. Cleared and used again for one text after the other.
 *
 * @example
 * const line = new TextWriter().octets(NAME).decimal(42).text(reason)
 * for (const record of records) writeLine(line.clear(), record)
 */
export class TextWriter {
  #bytes: Uint8Array<ArrayBuffer>
  #length = 0

  constructor(capacity = 64) {
    this.#bytes = allocate(capacity)
  }

  /** Octets written since it was last cleared. */
  get length(): number {
    return this.#length
  }

  /** Takes back what was written behind the first `length` octets; default: everything. */
  clear(length = 0): this {
    this.#length = length
    return this
  }

  /** Text that is octets already. */
  octets(text: Uint8Array): this {
    const at = this.#reserve(text.length)
    this.#bytes.set(text, at)
    return this
  }

  /** One octet of text. */
  octet(code: number): this {
    const at = this.#reserve(1)
    this.#bytes[at] = code
    return this
  }

  /** What another writer holds, which is best made no larger than its texts: all of its memory is copied. */
  append(other: TextWriter): this {
    const at = this.#reserve(other.#bytes.length)
    // A view of what is written would cost more than to copy a little more.
    this.#bytes.set(other.#bytes, at)
    this.#length = at + other.#length
    return this
  }

  /** A string, as UTF-8. */
  text(text: string): this {
    const { length } = text
    if (length > SHORT) return this.#encode(text)
    const at = this.#reserve(length)
    const bytes = this.#bytes
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i)
      if (code > LAST_ASCII) {
        this.#length = at
        return this.#encode(text)
      }
      bytes[at + i] = code
    }
    return this
  }

  /** A string as JSON, in quotation marks. */
  quoted(text: string): this {
    const { length } = text
    const start = this.#reserve(length + 2)
    const bytes = this.#bytes
    let at = start
    bytes[at++] = QUOTE
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i)
      if (code < SPACE || code > LAST_ASCII || code === QUOTE || code === BACKSLASH) {
        this.#length = start
        return this.text(JSON.stringify(text))
      }
      bytes[at++] = code
    }
    bytes[at] = QUOTE
    return this
  }

  /** Octets as two hexadecimal digits each. */
  hex(octets: Uint8Array): this {
    const count = octets.length
    let at = this.#reserve(2 * count)
    const bytes = this.#bytes
    for (let i = 0; i < count; i++) {
      const octet = octets[i]!
      bytes[at++] = HEX_DIGITS[octet >> 4]!
      bytes[at++] = HEX_DIGITS[octet & 0x0f]!
    }
    return this
  }

  /** A whole number that is not negative, in decimal digits. */
  decimal(value: number): this {
    if (value < 10) return this.octet(ZERO + value)
    if (value >= BILLION) {
      const high = Math.floor(value / BILLION)
      return this.decimal(high).digits(value - high * BILLION, MOST_DIGITS)
    }
    let count = 2
    for (let limit = 100; limit <= value; limit *= 10) count++
    return this.digits(value, count)
  }

  /** A whole number in `count` decimal digits, with zeros in front; it has no more than those. */
  digits(value: number, count: number): this {
    if (count > MOST_DIGITS) {
      const high = Math.floor(value / BILLION)
      return this.digits(high, count - MOST_DIGITS).digits(value - high * BILLION, MOST_DIGITS)
    }
    const start = this.#reserve(count)
    const bytes = this.#bytes
    let at = start + count
    let left = value | 0
    while (at > start + 1) {
      const rest = (left / 100) | 0
      const pair = (left - rest * 100) << 1
      bytes[--at] = PAIRS[pair + 1]!
      bytes[--at] = PAIRS[pair]!
      left = rest
    }
    if (at > start) bytes[start] = ZERO + left
    return this
  }

  /** An IPv4 address, given as a word in network order, in dotted form. */
  dotted(word: number): this {
    const start = this.#reserve(LONGEST_DOTTED)
    const bytes = this.#bytes
    let at = start
    for (let shift = 24; shift >= 0; shift -= 8) {
      const octet = (word >>> shift) & 0xff
      if (octet > 9) {
        const hundreds = octet > 199 ? 2 : octet > 99 ? 1 : 0
        if (hundreds > 0) bytes[at++] = ZERO + hundreds
        const pair = (octet - hundreds * 100) << 1
        bytes[at++] = PAIRS[pair]!
        bytes[at++] = PAIRS[pair + 1]!
      } else bytes[at++] = ZERO + octet
      bytes[at++] = DOT
    }
    this.#length = at - 1
    return this
  }

  /** Puts what another writer holds in the place of the octets from `from` to `to`. */
  replace(from: number, to: number, other: TextWriter): this {
    const end = this.#length
    const behind = from + other.#length
    if (behind > to) this.#reserve(behind - to)
    else this.#length = end - (to - behind)
    this.#bytes.copyWithin(behind, to, end)
    this.#bytes.set(other.view(), from)
    return this
  }

  /** What was written, as a view that holds until the next call. */
  view(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length)
  }

  /**
   * What was written, for good: the writer goes on in other memory, `capacity` octets of its own that are not shared with
   * others, or what it is given.
   */
  take(memory: number | ArrayBuffer): Uint8Array<ArrayBuffer> {
    const taken = this.view()
    // Not zeroed: what was not written is never seen.
    this.#bytes = new Uint8Array(typeof memory === 'number' ? Buffer.allocUnsafeSlow(memory).buffer : memory)
    this.#length = 0
    return taken
  }

  /** What was written, as a string. */
  toString(): string {
    return Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset, this.#length).toString()
  }

  #encode(text: string): this {
    // A character of a string takes three octets at most.
    const at = this.#reserve(text.length * 3)
    this.#length = at + ENCODER.encodeInto(text, this.#bytes.subarray(at)).written
    return this
  }

  /** Makes room for `count` octets; returns where they begin. */
  #reserve(count: number): number {
    const at = this.#length
    const end = at + count
    if (end > this.#bytes.length) {
      const bigger = new Uint8Array(Math.max(end, this.#bytes.length * 2))
      bigger.set(this.#bytes.subarray(0, at))
      this.#bytes = bigger
    }
    this.#length = end
    return at
  }
}
