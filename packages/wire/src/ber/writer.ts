import { UsageError } from '../errors.ts'
import { Writer } from '../writer.ts'
import { encodeInteger } from './integer.ts'
import { encodeOid, encodeRelativeOid } from './oid.ts'
import { BER, formatTag, isConstructed } from './tag.ts'
import type { BerTag } from './tag.ts'

const UTF8 = new TextEncoder()

/**
 * Writes elements in DER: definite lengths, the shortest unless asked otherwise. (SET OF is written in the order given.)
 *
 * @example
 * const der = new BerWriter()
 *   .constructed(BER.SEQUENCE, (w) => w.integer(0).octetString(key))
 *   .finish()
 */
export class BerWriter {
  readonly #out: Writer

  constructor(capacity = 64) {
    this.#out = new Writer(capacity)
  }

  /**
   * A constructed element whose contents are the elements that `body` writes. `lengthOctets`: the length field has at
   * least so many octets, where what is written must be what another encoder wrote; then it is no DER.
   */
  constructed(tag: BerTag, body: (writer: this) => void, lengthOctets = 1): this {
    if (!isConstructed(tag)) throw new UsageError('wire.ber.tag', `${formatTag(tag)} is not a constructed tag`)
    return this.wrapping(tag, body, lengthOctets)
  }

  /** Like {@link constructed} for any tag: an OCTET STRING that holds elements, as in PKCS#8 and X.509 extensions. */
  wrapping(tag: BerTag, body: (writer: this) => void, lengthOctets = 1): this {
    this.#identifier(tag)
    const lengthAt = this.#out.length
    this.#out.u8(0)
    body(this)
    const length = this.#out.length - lengthAt - 1
    if (length >= 0x80 || lengthOctets > 1) {
      const octets = longLength(length, lengthOctets - 1)
      this.#out.gap(lengthAt + 1, octets.length)
      octets.forEach((octet, i) => this.#out.patchU8(lengthAt + 1 + i, octet))
      this.#out.patchU8(lengthAt, 0x80 | octets.length)
    } else {
      this.#out.patchU8(lengthAt, length)
    }
    return this
  }

  /** An element with the given contents octets. `lengthOctets` as in {@link constructed}. */
  contents(tag: BerTag, contents: Uint8Array, lengthOctets = 1): this {
    this.#identifier(tag)
    if (contents.length < 0x80 && lengthOctets <= 1) this.#out.u8(contents.length)
    else {
      const octets = longLength(contents.length, lengthOctets - 1)
      this.#out.u8(0x80 | octets.length)
      for (const octet of octets) this.#out.u8(octet)
    }
    this.#out.bytes(contents)
    return this
  }

  /** Throws {@link UsageError} `wire.range` for a number that is not a safe integer. */
  integer(value: number | bigint, tag: BerTag = BER.INTEGER): this {
    return this.contents(tag, encodeInteger(value))
  }

  boolean(value: boolean, tag: BerTag = BER.BOOLEAN): this {
    return this.contents(tag, Uint8Array.of(value ? 0xff : 0))
  }

  null(tag: BerTag = BER.NULL): this {
    return this.contents(tag, new Uint8Array(0))
  }

  /** Throws {@link UsageError} `wire.ber.oid`. */
  oid(dotted: string, tag: BerTag = BER.OID): this {
    return this.contents(tag, encodeOid(dotted))
  }

  /** Throws {@link UsageError} `wire.ber.oid`. */
  relativeOid(dotted: string, tag: BerTag = BER.RELATIVE_OID): this {
    return this.contents(tag, encodeRelativeOid(dotted))
  }

  /** `unusedBits` (0 to 7) at the end of the last octet are written as zero. */
  bitString(bytes: Uint8Array, unusedBits = 0, tag: BerTag = BER.BIT_STRING): this {
    if (!Number.isInteger(unusedBits) || unusedBits < 0 || unusedBits > 7 || (unusedBits > 0 && bytes.length === 0)) {
      throw new UsageError('wire.range', `${unusedBits} unused bits in ${bytes.length} bytes`, { unusedBits })
    }
    const contents = new Uint8Array(bytes.length + 1)
    contents[0] = unusedBits
    contents.set(bytes, 1)
    if (unusedBits > 0) contents[bytes.length]! &= 0xff << unusedBits
    return this.contents(tag, contents)
  }

  octetString(bytes: Uint8Array, tag: BerTag = BER.OCTET_STRING): this {
    return this.contents(tag, bytes)
  }

  /** A character string in UTF-8. */
  text(value: string, tag: BerTag = BER.UTF8_STRING): this {
    return this.contents(tag, UTF8.encode(value))
  }

  /** Elements that are encoded already. */
  raw(elements: Uint8Array): this {
    this.#out.bytes(elements)
    return this
  }

  /** What was written, as a view: final once you stop writing. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#out.finish()
  }

  #identifier(tag: BerTag): void {
    this.#out.u8(tag & 0xff)
    if (tag <= 0xff) return
    const number = tag >> 8
    if (number > 0x3fff) this.#out.u8(0x80 | (number >> 14))
    if (number > 0x7f) this.#out.u8(0x80 | ((number >> 7) & 0x7f))
    this.#out.u8(number & 0x7f)
  }
}

/** The octets of a long form, most significant first, at least `least` of them. */
function longLength(length: number, least: number): number[] {
  const octets: number[] = []
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest & 0xff)
  while (octets.length < least) octets.unshift(0)
  return octets
}
