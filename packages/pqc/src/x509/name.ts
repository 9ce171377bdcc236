import { BER, BerReader, DecodeError, UsageError } from '@gridseal/wire'
import type { BerWriter } from '@gridseal/wire'
import { ATTRIBUTES } from './oids.ts'
import type { AttributeName } from './oids.ts'

/** A distinguished name of single-valued parts, in the order of the encoding: `{ C: 'AT', O: 'Netz', CN: 'meter 7' }`. */
export type Name = Readonly<Partial<Record<AttributeName, string>>>

const MAX_ATTRIBUTES = 32
const MAX_TEXT = 256

/** RFC 5280 4.1.2.4: countries and serial numbers are PrintableStrings, the rest is UTF-8. */
const PRINTABLE: ReadonlySet<string> = new Set<AttributeName>(['C', 'serialNumber'])
const STRINGS: ReadonlySet<number> = new Set([BER.UTF8_STRING, BER.PRINTABLE_STRING, BER.IA5_STRING])

/** Throws `UsageError` `pqc.x509.name`. */
export function writeName(writer: BerWriter, name: Name): void {
  writer.constructed(BER.SEQUENCE, (names) => {
    for (const [type, value] of Object.entries(name)) {
      const oid = Object.hasOwn(ATTRIBUTES, type) ? ATTRIBUTES[type as AttributeName] : undefined
      const printable = PRINTABLE.has(type)
      if (
        oid === undefined ||
        value.length === 0 ||
        value.length > 64 ||
        (printable && !/^[A-Za-z0-9 '()+,./:=?-]+$/.test(value)) ||
        (type === 'C' && value.length !== 2)
      ) {
        throw new UsageError('pqc.x509.name', `"${type}=${value}" is not an attribute that can be written`)
      }
      names.constructed(BER.SET, (set) =>
        set.constructed(BER.SEQUENCE, (w) =>
          w.oid(oid).text(value, printable ? BER.PRINTABLE_STRING : BER.UTF8_STRING),
        ),
      )
    }
  })
}

/** A name as it was read: as text (RFC 4514, but in the order of the encoding) and as the bytes it is compared by. */
export interface ReadName {
  readonly text: string
  readonly der: Uint8Array
  /** First value of each known attribute. */
  readonly attributes: Name
  /** The text of each relative distinguished name; `=#` stands for a value that is no text. */
  readonly rdns: readonly string[]
}

export function readName(reader: BerReader, field: string): ReadName {
  const start = reader.offset
  const rdns: string[] = []
  let count = 0
  const attributes: Record<string, string> = {}
  const der = reader.element(field)
  const names = BerReader.of(der, { der: true }, start).enter(BER.SEQUENCE, field)
  while (!names.atEnd) {
    const set = names.enter(BER.SET, field)
    const parts: string[] = []
    while (!set.atEnd) {
      const attribute = set.enter(BER.SEQUENCE, field)
      const oid = attribute.oid(field)
      const tag = attribute.peekTag(field)
      const type = Object.entries(ATTRIBUTES).find(([, value]) => value === oid)?.[0] ?? oid
      if (tag !== undefined && STRINGS.has(tag)) {
        const value = attribute.text(field, tag)
        if (value.length > MAX_TEXT) throw attribute.error('pqc.x509.name', field, 'an attribute is too long')
        attributes[type] ??= value
        parts.push(`${type}=${value.replaceAll(/[\\,+"<>;=\r\n\0]/g, (c) => `\\${c}`)}`)
      } else {
        attribute.skip(field)
        parts.push(`${type}=#`)
      }
      attribute.expectEnd(field)
      if (++count > MAX_ATTRIBUTES) {
        throw new DecodeError('pqc.x509.limit', start, field, `more than ${MAX_ATTRIBUTES} attributes`)
      }
    }
    rdns.push(parts.join('+'))
  }
  return { text: rdns.join(', '), der, attributes: attributes as Name, rdns }
}
