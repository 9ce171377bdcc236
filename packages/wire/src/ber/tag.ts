import { UsageError } from '../errors.ts'

/**
 * A BER tag as one number: for tag numbers up to 30 the identifier octet itself (`0x30` SEQUENCE, `0xa0` [0]
 * constructed), above that the first identifier octet plus the tag number times 256. Compare tags with `===`.
 */
export type BerTag = number

/** Universal tags (X.680 table 1). */
export const BER: Readonly<
  Record<
    | 'BOOLEAN'
    | 'INTEGER'
    | 'BIT_STRING'
    | 'OCTET_STRING'
    | 'NULL'
    | 'OID'
    | 'EXTERNAL'
    | 'ENUMERATED'
    | 'UTF8_STRING'
    | 'RELATIVE_OID'
    | 'SEQUENCE'
    | 'SET'
    | 'PRINTABLE_STRING'
    | 'IA5_STRING'
    | 'UTC_TIME'
    | 'GENERALIZED_TIME'
    | 'GRAPHIC_STRING'
    | 'VISIBLE_STRING',
    BerTag
  >
> = {
  BOOLEAN: 0x01,
  INTEGER: 0x02,
  BIT_STRING: 0x03,
  OCTET_STRING: 0x04,
  NULL: 0x05,
  OID: 0x06,
  EXTERNAL: 0x28,
  ENUMERATED: 0x0a,
  UTF8_STRING: 0x0c,
  RELATIVE_OID: 0x0d,
  SEQUENCE: 0x30,
  SET: 0x31,
  PRINTABLE_STRING: 0x13,
  IA5_STRING: 0x16,
  UTC_TIME: 0x17,
  GENERALIZED_TIME: 0x18,
  GRAPHIC_STRING: 0x19,
  VISIBLE_STRING: 0x1a,
}

export type BerTagClass = 'universal' | 'application' | 'context' | 'private'

const CLASSES: readonly BerTagClass[] = ['universal', 'application', 'context', 'private']

const CONSTRUCTED = 0x20
const LONG_FORM = 0x1f

/** Largest tag number that is read or written: three octets, so that a tag stays a small integer. */
export const MAX_TAG_NUMBER = 0x1f_ffff

/** The tag of a class and number. Throws {@link UsageError} `wire.ber.tag` for a number out of range. */
export function berTag(tagClass: BerTagClass, number: number, constructed = false): BerTag {
  if (!Number.isInteger(number) || number < 0 || number > MAX_TAG_NUMBER) {
    throw new UsageError('wire.ber.tag', `${number} is not a tag number`)
  }
  const first = (CLASSES.indexOf(tagClass) << 6) | (constructed ? CONSTRUCTED : 0)
  return number < LONG_FORM ? first | number : (number << 8) | first | LONG_FORM
}

/** [n] with primitive contents. */
export function contextTag(number: number): BerTag {
  return berTag('context', number)
}

/** [n] with constructed contents. */
export function contextConstructed(number: number): BerTag {
  return berTag('context', number, true)
}

/** [APPLICATION n] with constructed contents. */
export function applicationConstructed(number: number): BerTag {
  return berTag('application', number, true)
}

export function tagClass(tag: BerTag): BerTagClass {
  return CLASSES[(tag >> 6) & 3]!
}

export function tagNumber(tag: BerTag): number {
  return tag > 0xff ? tag >> 8 : tag & LONG_FORM
}

export function isConstructed(tag: BerTag): boolean {
  return (tag & CONSTRUCTED) !== 0
}

/** The same tag with constructed contents. */
export function constructedForm(tag: BerTag): BerTag {
  return tag | CONSTRUCTED
}

/** A tag in the standard's notation, for messages: `SEQUENCE`, `[3]`, `[APPLICATION 0]`. */
export function formatTag(tag: BerTag): string {
  const number = tagNumber(tag)
  switch (tagClass(tag)) {
    case 'universal':
      return Object.entries(BER).find(([, value]) => (value & LONG_FORM) === number)?.[0] ?? `[UNIVERSAL ${number}]`
    case 'application':
      return `[APPLICATION ${number}]`
    case 'context':
      return `[${number}]`
    case 'private':
      return `[PRIVATE ${number}]`
  }
}
