import type { BerReader, BerTag, BerWriter, BitString } from '@gridseal/wire'
import { DecodeError, UsageError, isConstructed } from '@gridseal/wire'
import type { UtcTime } from '../utc-time.ts'
import { decodeUtcTime, encodeUtcTime } from '../utc-time.ts'
import { decodeInteger, encodeInteger } from './integer.ts'
import type { WireForm } from './wire-form.ts'
import { formOf } from './wire-form.ts'

/** What all kinds of value have. */
interface Of<Kind extends string> {
  readonly kind: Kind
  readonly form?: WireForm
}

/**
 * A value of MMS type Data (ISO 9506-2 14.4.2): what GOOSE entries, MMS reads and writes, and reports consist of.
 * Integers are numbers where they are safe, else bigints.
 */
export type Data =
  | (Of<'array' | 'structure'> & { readonly elements: readonly Data[] })
  | (Of<'boolean'> & { readonly value: boolean })
  | (Of<'bitString' | 'booleanArray'> & { readonly value: BitString })
  | (Of<'integer' | 'unsigned' | 'bcd'> & { readonly value: number | bigint })
  /** Single (exponent of 8 bits) or double precision (11). */
  | (Of<'floatingPoint'> & { readonly value: number; readonly double: boolean })
  /** Kept as they are: `real` (BER REAL), octet strings, binary times, object identifiers. */
  | (Of<'real' | 'octetString' | 'binaryTime' | 'objId'> & { readonly value: Uint8Array })
  /** ISO 646, an octet a character; others are taken as ISO 8859-1. */
  | (Of<'visibleString' | 'generalizedTime'> & { readonly value: string })
  /** UTF-8. */
  | (Of<'mmsString'> & { readonly value: string })
  | (Of<'utcTime'> & { readonly value: UtcTime })

export type DataKind = Data['kind']

/** One alternative of the CHOICE. */
interface Row {
  readonly kind: DataKind
  readonly tag: BerTag
  /** Octets that its contents must have. */
  readonly sizes?: readonly number[]
}

/** The alternatives by their context tags. */
const ROWS: readonly Row[] = [
  { kind: 'array', tag: 0xa1 },
  { kind: 'structure', tag: 0xa2 },
  { kind: 'boolean', tag: 0x83, sizes: [1] },
  { kind: 'bitString', tag: 0x84 },
  { kind: 'integer', tag: 0x85 },
  { kind: 'unsigned', tag: 0x86 },
  { kind: 'floatingPoint', tag: 0x87, sizes: [5, 9] },
  { kind: 'real', tag: 0x88 },
  { kind: 'octetString', tag: 0x89 },
  { kind: 'visibleString', tag: 0x8a },
  { kind: 'generalizedTime', tag: 0x8b },
  { kind: 'binaryTime', tag: 0x8c, sizes: [4, 6] },
  { kind: 'bcd', tag: 0x8d },
  { kind: 'booleanArray', tag: 0x8e },
  { kind: 'objId', tag: 0x8f },
  { kind: 'mmsString', tag: 0x90 },
  { kind: 'utcTime', tag: 0x91, sizes: [8] },
]

const BY_TAG: ReadonlyMap<BerTag, Row> = new Map(ROWS.map((row) => [row.tag, row]))
const BY_KIND: ReadonlyMap<DataKind, Row> = new Map(ROWS.map((row) => [row.kind, row]))

const SINGLE_EXPONENT = 8
const DOUBLE_EXPONENT = 11
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const TO_UTF8 = new TextEncoder()
const FLOAT = new DataView(new ArrayBuffer(8))

/** Reads the next value. Depth is bounded by the reader's. Throws `DecodeError`. */
export function readData(r: BerReader, field: string): Data {
  const tag = r.peekTag(field)
  const row = tag === undefined ? undefined : BY_TAG.get(tag)
  if (row === undefined) {
    if (tag === undefined) throw r.error('decode.truncated', field, 'a value is missing')
    const isArray = tag === 0x81 || tag === 0x82
    throw r.error('decode.ber.tag', field, isArray ? 'an array or structure that is not constructed' : 'no MMS Data')
  }
  if (isConstructed(row.tag)) return readElements(r, row, field)
  const contents = r.contents(row.tag, field)
  const offset = r.offset - contents.length
  if (row.sizes?.includes(contents.length) === false) {
    throw new DecodeError('decode.length', offset, field, `${row.kind} of ${contents.length} octets`)
  }
  const data = decodeContents(row.kind, contents, offset, field)
  const form = formOf(r, contents.length, data.form)
  return form === undefined ? data : { ...data, form }
}

/** Values one after the other to the end of a reader. Throws `DecodeError`. */
export function readAllData(r: BerReader, field: string): Data[] {
  const all: Data[] = []
  while (!r.atEnd) all.push(readData(r, field))
  return all
}

function readElements(r: BerReader, { kind, tag }: Row, field: string): Data {
  const inner = r.enter(tag, field)
  const form = formOf(r, inner.remaining)
  const elements = readAllData(inner, field)
  const data = { kind: kind as 'array' | 'structure', elements }
  return form === undefined ? data : { ...data, form }
}

function decodeContents(kind: DataKind, contents: Uint8Array, offset: number, field: string): Data {
  switch (kind) {
    case 'boolean': {
      const octet = contents[0]!
      return octet > 1 ? { kind, value: true, form: { truth: octet } } : { kind, value: octet === 1 }
    }
    case 'bitString':
    case 'booleanArray': {
      const unusedBits = contents[0] ?? 8
      if (unusedBits > 7 || (contents.length === 1 && unusedBits > 0)) {
        throw new DecodeError('decode.ber.bits', offset, field, 'bad bit string padding')
      }
      return { kind, value: { bytes: contents.subarray(1), unusedBits } }
    }
    case 'integer':
    case 'unsigned':
    case 'bcd':
      return { kind, ...decodeInteger(contents, offset, field) }
    case 'floatingPoint':
      return decodeFloat(contents, offset, field)
    case 'visibleString':
    case 'generalizedTime':
      return { kind, value: latin1(contents) }
    case 'mmsString':
      try {
        return { kind, value: UTF8.decode(contents) }
      } catch {
        throw new DecodeError('decode.ber.text', offset, field, 'not UTF-8')
      }
    case 'utcTime':
      return { kind, value: decodeUtcTime(contents) }
    case 'real':
    case 'octetString':
    case 'binaryTime':
    case 'objId':
      return { kind, value: contents }
    case 'array':
    case 'structure':
      throw new DecodeError('decode.ber.tag', offset, field, `${kind} is constructed`)
  }
}

/** Writes a value. Throws `UsageError` for one that does not fit its kind. */
export function writeData(w: BerWriter, data: Data): void {
  const { tag, sizes } = BY_KIND.get(data.kind)!
  const lengthOctets = data.form?.lengthOctets
  if ('elements' in data) {
    w.constructed(tag, () => data.elements.forEach((element) => writeData(w, element)), lengthOctets)
    return
  }
  const contents = encodeContents(data)
  if (sizes?.includes(contents.length) === false) {
    throw new UsageError('iec61850.data', `${data.kind} of ${contents.length} octets`)
  }
  w.contents(tag, contents, lengthOctets)
}

function encodeContents(data: Exclude<Data, { readonly elements: unknown }>): Uint8Array {
  switch (data.kind) {
    case 'boolean':
      return Uint8Array.of(data.value ? (data.form?.truth ?? 1) : 0)
    case 'bitString':
    case 'booleanArray': {
      const { bytes, unusedBits } = data.value
      const contents = new Uint8Array(bytes.length + 1)
      contents[0] = unusedBits
      contents.set(bytes, 1)
      return contents
    }
    case 'integer':
    case 'unsigned':
    case 'bcd':
      return encodeInteger(data.value, data.form?.octets)
    case 'floatingPoint':
      return encodeFloat(data.value, data.double, data.form?.nan)
    case 'visibleString':
    case 'generalizedTime':
      return Buffer.from(data.value, 'latin1')
    case 'mmsString':
      return TO_UTF8.encode(data.value)
    case 'utcTime':
      return encodeUtcTime(data.value)
    case 'real':
    case 'octetString':
    case 'binaryTime':
    case 'objId':
      return data.value
  }
}

/** ISO 9506-2 14.4.2.7: the width of the exponent, then the number as IEEE 754 has it. */
function decodeFloat(contents: Uint8Array, offset: number, field: string): Data {
  const double = contents.length === 9
  if (contents[0] !== (double ? DOUBLE_EXPONENT : SINGLE_EXPONENT)) {
    throw new DecodeError('decode.ber.float', offset, field, `an exponent of ${contents[0]} bits`)
  }
  for (let i = 1; i < contents.length; i++) FLOAT.setUint8(i - 1, contents[i]!)
  const value = double ? FLOAT.getFloat64(0) : FLOAT.getFloat32(0)
  const data = { kind: 'floatingPoint', value, double } as const
  return Number.isNaN(value) ? { ...data, form: { nan: contents.slice(1) } } : data
}

function encodeFloat(value: number, double: boolean, nan: Uint8Array | undefined): Uint8Array {
  const contents = new Uint8Array(double ? 9 : 5)
  contents[0] = double ? DOUBLE_EXPONENT : SINGLE_EXPONENT
  if (Number.isNaN(value) && nan?.length === contents.length - 1) {
    contents.set(nan, 1)
    return contents
  }
  if (double) FLOAT.setFloat64(0, value)
  else FLOAT.setFloat32(0, value)
  for (let i = 1; i < contents.length; i++) contents[i] = FLOAT.getUint8(i - 1)
  return contents
}

/** Without the detour by a Buffer, which takes longer than the few characters of a name. */
export function latin1(octets: Uint8Array): string {
  let text = ''
  for (let i = 0; i < octets.length; i++) text += String.fromCharCode(octets[i]!)
  return text
}
