import { DecodeError } from '../errors.ts'
import { MAX_TAG_NUMBER, isConstructed } from './tag.ts'
import type { BerTag } from './tag.ts'

/** Which encodings a `BerReader` accepts. */
export interface BerOptions {
  /**
   * Distinguished encoding only (X.690 10, 11): shortest lengths, tags and integers, no indefinite lengths, no
   * constructed strings, TRUE = FF, unused bits zero. Default false.
   */
  readonly der?: boolean
  /** Refuse lengths that could be shorter. Default: as `der`. */
  readonly minimalLengths?: boolean
  /** Accept indefinite lengths (never with `der`). Default false. */
  readonly indefinite?: boolean
  /** Deepest nesting that is entered. Default 32. */
  readonly maxDepth?: number
}

const LONG_FORM = 0x1f

/**
 * Reads the header of one element at a time from one message. Shared by the readers of all its levels: what a scan
 * found stands in the fields until the next.
 */
export class HeaderScanner {
  readonly bytes: Uint8Array
  readonly der: boolean
  readonly maxDepth: number
  readonly #base: number
  readonly #minimalLengths: boolean
  readonly #indefinite: boolean
  /** Where the contents of the element lie, and where the next element begins. */
  contents = 0
  contentsEnd = 0
  next = 0
  /** Octets of its length field; 1 in the short form. */
  lengthOctets = 0
  /** Where the octets of the tag end. */
  #tagEnd = 0

  constructor(bytes: Uint8Array, options: BerOptions, base: number) {
    this.bytes = bytes
    this.#base = base
    this.der = options.der ?? false
    this.maxDepth = options.maxDepth ?? 32
    this.#minimalLengths = options.minimalLengths ?? this.der
    this.#indefinite = !this.der && (options.indefinite ?? false)
  }

  /** Offset of a position in the whole input. */
  offset(position: number): number {
    return this.#base + position
  }

  error(code: string, position: number, field: string, message: string): DecodeError {
    return new DecodeError(code, this.#base + position, field, message)
  }

  /** Reads the header at `at` of an element which must end at or before `end`, `depth` levels down. */
  scan(at: number, end: number, depth: number, field: string): BerTag {
    const tag = this.tag(at, end, field)
    const lengthAt = this.#tagEnd
    const first = this.#octet(lengthAt, end, field)
    this.lengthOctets = first > 0x80 ? 1 + (first & 0x7f) : 1
    if (first === 0x80) {
      this.#scanIndefinite(lengthAt, end, isConstructed(tag), depth, field)
      return tag
    }
    let length = first
    let contents = lengthAt + 1
    if (first > 0x80) {
      length = this.#longLength(lengthAt, end, field)
      contents += first & 0x7f
    }
    if (length > end - contents) {
      throw this.error('decode.truncated', contents, field, `needs ${length} bytes, has ${end - contents}`)
    }
    this.contents = contents
    this.contentsEnd = this.next = contents + length
    return tag
  }

  /** The tag at `at`. */
  tag(at: number, end: number, field: string): BerTag {
    const first = this.#octet(at, end, field)
    this.#tagEnd = at + 1
    if ((first & LONG_FORM) !== LONG_FORM) return first
    let number = 0
    for (let octet = 0x80; octet >= 0x80; this.#tagEnd++) {
      octet = this.#octet(this.#tagEnd, end, field)
      if (number === 0 && octet === 0x80) throw this.error('decode.ber.tag', this.#tagEnd, field, 'padded tag number')
      number = number * 128 + (octet & 0x7f)
      if (number > MAX_TAG_NUMBER) throw this.error('decode.ber.tag', this.#tagEnd, field, 'tag number too large')
    }
    if (number < LONG_FORM) throw this.error('decode.ber.tag', at, field, 'long form of a small tag number')
    return (number << 8) | first
  }

  /** The long form of a length (X.690 8.1.3.5). A huge one loses precision and is refused as truncated all the same. */
  #longLength(at: number, end: number, field: string): number {
    const first = this.bytes[at]!
    if (first === 0xff) throw this.error('decode.ber.length', at, field, 'reserved length octet')
    const count = first & 0x7f
    let length = 0
    for (let i = 1; i <= count; i++) length = length * 256 + this.#octet(at + i, end, field)
    if (this.#minimalLengths && (length < 0x80 || length < 256 ** (count - 1))) {
      throw this.error('decode.ber.length', at, field, 'length could be shorter')
    }
    return length
  }

  /** Finds the end-of-contents octets that match an indefinite length (X.690 8.1.5). */
  #scanIndefinite(lengthAt: number, end: number, constructed: boolean, depth: number, field: string): void {
    if (!this.#indefinite || !constructed) {
      throw this.error('decode.ber.indefinite', lengthAt, field, 'indefinite length')
    }
    if (depth >= this.maxDepth) throw this.tooDeep(lengthAt + 1, field)
    const contents = lengthAt + 1
    let at = contents
    while (this.tag(at, end, field) !== 0) {
      this.scan(at, end, depth + 1, field)
      at = this.next
    }
    if (this.#octet(at + 1, end, field) !== 0) {
      throw this.error('decode.ber.length', at + 1, field, 'end-of-contents with a length')
    }
    this.contents = contents
    this.contentsEnd = at
    this.next = at + 2
  }

  tooDeep(position: number, field: string): DecodeError {
    return this.error('decode.ber.depth', position, field, `nested deeper than ${this.maxDepth}`)
  }

  #octet(at: number, end: number, field: string): number {
    if (at >= end) throw this.error('decode.truncated', at, field, 'ends within a header')
    return this.bytes[at]!
  }
}
