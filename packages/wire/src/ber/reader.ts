import { DecodeError } from '../errors.ts'
import { HeaderScanner } from './header.ts'
import type { BerOptions } from './header.ts'
import { decodeBigInteger, decodeInteger, isPadded } from './integer.ts'
import { decodeOid, decodeRelativeOid } from './oid.ts'
import { BER, constructedForm, formatTag, isConstructed } from './tag.ts'
import type { BerTag } from './tag.ts'

/** BIT STRING contents: bit 0 is the most significant bit of the first octet. */
export interface BitString {
  readonly bytes: Uint8Array
  /** Padding bits at the end of the last octet, 0 to 7. */
  readonly unusedBits: number
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Reads BER or DER elements (X.690) one after another. {@link enter} gives a reader over a constructed element's
 * contents which cannot leave them. Byte results are views of the input (of a copy for segmented strings). Throws
 * only {@link DecodeError}, with offsets of the whole input; no length field makes it allocate.
 *
 * @example
 * const key = BerReader.of(der, { der: true }).enter(BER.SEQUENCE, 'PrivateKeyInfo')
 * const version = key.integer('version')
 * const oid = key.enter(BER.SEQUENCE, 'privateKeyAlgorithm').oid('algorithm')
 */
export class BerReader {
  readonly #scanner: HeaderScanner
  readonly #end: number
  readonly #depth: number
  #position: number

  private constructor(scanner: HeaderScanner, start: number, end: number, depth: number) {
    this.#scanner = scanner
    this.#position = start
    this.#end = end
    this.#depth = depth
  }

  /** A reader over a whole message. `base` is added to the offsets in errors, where it is part of a larger one. */
  static of(bytes: Uint8Array, options: BerOptions = {}, base = 0): BerReader {
    return new BerReader(new HeaderScanner(bytes, options, base), 0, bytes.length, 0)
  }

  /** Offset of the next element in the whole input. */
  get offset(): number {
    return this.#scanner.offset(this.#position)
  }

  /** Bytes left. */
  get remaining(): number {
    return this.#end - this.#position
  }

  get atEnd(): boolean {
    return this.#position >= this.#end
  }

  /** Octets of the length field of the element just read, which BER lets be longer than needed; 1 in the short form. */
  get lengthOctets(): number {
    return this.#scanner.lengthOctets
  }

  /** The next element's tag without consuming it; undefined at the end. */
  peekTag(field = 'tag'): BerTag | undefined {
    return this.atEnd ? undefined : this.#scanner.tag(this.#position, this.#end, field)
  }

  /** Whether the next element has this tag: for OPTIONAL and CHOICE. */
  is(tag: BerTag): boolean {
    return this.peekTag() === tag
  }

  /** A reader over the contents of a constructed element. Throws `decode.ber.tag`, `decode.ber.depth`. */
  enter(tag: BerTag, field: string): BerReader {
    this.#expect(tag, field)
    if (this.#depth >= this.#scanner.maxDepth) throw this.#scanner.tooDeep(this.#position, field)
    const { contents, contentsEnd, next } = this.#scanner
    this.#position = next
    return new BerReader(this.#scanner, contents, contentsEnd, this.#depth + 1)
  }

  /** The contents of an element as a view, whatever its type. Throws `decode.ber.tag`. */
  contents(tag: BerTag, field: string): Uint8Array {
    this.#expect(tag, field)
    const { bytes, contents, contentsEnd, next } = this.#scanner
    this.#position = next
    return bytes.subarray(contents, contentsEnd)
  }

  /** The next element, whatever it is, header included, as a view. */
  element(field: string): Uint8Array {
    const start = this.#position
    this.skip(field)
    return this.#scanner.bytes.subarray(start, this.#position)
  }

  /** An INTEGER, ENUMERATED or implicitly tagged integer. Throws `decode.ber.range` beyond 53 bits. */
  integer(field: string, tag: BerTag = BER.INTEGER): number {
    const contents = this.#integerContents(tag, field)
    return decodeInteger(contents, this.#contentsOffset, field)
  }

  /** An INTEGER of any size. */
  bigInteger(field: string, tag: BerTag = BER.INTEGER): bigint {
    const contents = this.#integerContents(tag, field)
    return decodeBigInteger(contents, this.#contentsOffset, field)
  }

  boolean(field: string, tag: BerTag = BER.BOOLEAN): boolean {
    const contents = this.contents(tag, field)
    const value = contents[0]
    if (contents.length !== 1 || (this.#scanner.der && value !== 0 && value !== 0xff)) {
      throw this.#wrong('decode.ber.boolean', field, 'not a BOOLEAN')
    }
    return value !== 0
  }

  null(field: string, tag: BerTag = BER.NULL): void {
    if (this.contents(tag, field).length !== 0) throw this.#wrong('decode.ber.null', field, 'NULL with contents')
  }

  /** An OBJECT IDENTIFIER in dotted form. */
  oid(field: string, tag: BerTag = BER.OID): string {
    const contents = this.contents(tag, field)
    return decodeOid(contents, this.#contentsOffset, field)
  }

  /** A RELATIVE-OID in dotted form. */
  relativeOid(field: string, tag: BerTag = BER.RELATIVE_OID): string {
    const contents = this.contents(tag, field)
    return decodeRelativeOid(contents, this.#contentsOffset, field)
  }

  bitString(field: string, tag: BerTag = BER.BIT_STRING): BitString {
    const contents = this.contents(tag, field)
    const unusedBits = contents[0] ?? 8
    const last = contents.length > 1 ? contents[contents.length - 1]! : 0
    const padding = last & ((1 << unusedBits) - 1)
    if (unusedBits > 7 || (contents.length === 1 && unusedBits > 0) || (this.#scanner.der && padding !== 0)) {
      throw this.#wrong('decode.ber.bits', field, 'bad BIT STRING padding')
    }
    return { bytes: contents.subarray(1), unusedBits }
  }

  /** An OCTET STRING; outside DER it may come in segments (X.690 8.7.3), which are joined. */
  octetString(field: string, tag: BerTag = BER.OCTET_STRING): Uint8Array {
    if (!this.#scanner.der && !isConstructed(tag) && this.is(constructedForm(tag))) return this.#segments(tag, field)
    return this.contents(tag, field)
  }

  /** A character string of any type that is UTF-8 or a subset of it. Throws `decode.ber.text`. */
  text(field: string, tag: BerTag = BER.UTF8_STRING): string {
    const contents = this.octetString(field, tag)
    try {
      return UTF8.decode(contents)
    } catch {
      throw this.#wrong('decode.ber.text', field, 'not UTF-8')
    }
  }

  /** Consumes an element of any type. */
  skip(field: string): void {
    this.#scanner.scan(this.#position, this.#end, this.#depth, field)
    this.#position = this.#scanner.next
  }

  /** Throws `decode.trailing` if bytes are left. */
  expectEnd(field: string): void {
    if (!this.atEnd) throw new DecodeError('decode.trailing', this.offset, field, `${this.remaining} bytes left over`)
  }

  /** A `DecodeError` at the current offset, for values that are there but wrong. Throw what it returns. */
  error(code: string, field: string, message?: string): DecodeError {
    return new DecodeError(code, this.offset, field, message)
  }

  #integerContents(tag: BerTag, field: string): Uint8Array {
    const contents = this.contents(tag, field)
    if (this.#scanner.der && isPadded(contents)) throw this.#wrong('decode.ber.integer', field, 'padded integer')
    return contents
  }

  #segments(tag: BerTag, field: string): Uint8Array {
    const inner = this.enter(constructedForm(tag), field)
    const parts: Uint8Array[] = []
    while (!inner.atEnd) parts.push(inner.octetString(field))
    return Buffer.concat(parts)
  }

  /** Reads the next header, which must have this tag, and steps over the element. */
  #expect(tag: BerTag, field: string): void {
    if (this.atEnd) throw new DecodeError('decode.truncated', this.offset, field, `${formatTag(tag)} is missing`)
    const found = this.#scanner.scan(this.#position, this.#end, this.#depth, field)
    if (found !== tag) {
      throw new DecodeError('decode.ber.tag', this.offset, field, `${formatTag(found)} where ${formatTag(tag)} belongs`)
    }
  }

  /** Where the contents of the element just read begin, in the whole input. */
  get #contentsOffset(): number {
    return this.#scanner.offset(this.#scanner.contents)
  }

  /** An error at the contents of the element just read. */
  #wrong(code: string, field: string, message: string): DecodeError {
    return new DecodeError(code, this.#contentsOffset, field, message)
  }
}
