import type { BerTag, BerWriter } from '@gridseal/wire'
import { BerReader, DecodeError, UsageError } from '@gridseal/wire'
import type { Data } from '../mms/data.ts'
import { latin1, readAllData, writeData } from '../mms/data.ts'
import { decodeInteger, encodeInteger } from '../mms/integer.ts'
import type { WireForm } from '../mms/wire-form.ts'
import { formOf } from '../mms/wire-form.ts'
import type { UtcTime } from '../utc-time.ts'
import { decodeUtcTime, encodeUtcTime } from '../utc-time.ts'

/** What a field of a PDU can hold. */
export type FieldType =
  | 'text'
  /** INTEGER of 0 to 2^32 - 1. */
  | 'unsigned'
  | 'boolean'
  | 'utcTime'
  /** OCTET STRING of one, two or four octets that is a number. */
  | 'u8'
  | 'u16'
  | 'u32'
  /** OCTET STRING, or what the standard leaves open. */
  | 'octets'
  /** SEQUENCE OF Data. */
  | 'data'

/** One row of a SEQUENCE, as the standard's table has it. */
export interface FieldRow<Name extends string> {
  readonly name: Name
  readonly tag: BerTag
  readonly type: FieldType
  readonly optional?: true
  /** Octets of its contents, where they are fixed. */
  readonly size?: number
}

/** How fields were written where it is not our own way, by their names. */
export type Forms = Readonly<Record<string, WireForm>>

export type FieldValue = string | number | boolean | UtcTime | Uint8Array | readonly Data[]

/** Fields of a SEQUENCE as far as they could be read, and all that is wrong with it. */
export interface ReadSequence {
  readonly values: Readonly<Record<string, FieldValue>>
  readonly forms: Forms | undefined
}

/** Deepest nesting of data; MMS peers agree on ten. */
const MAX_DEPTH = 16
const FIXED: Partial<Record<FieldType, number>> = { u8: 1, u16: 2, u32: 4, utcTime: 8, boolean: 1 }

/**
 * Reads the fields of a SEQUENCE in the order of its rows. What is wrong goes to `problems` and reading goes on where
 * it can: with the next field behind a bad value, no further behind a bad header.
 */
export function readSequence<Name extends string>(
  rows: readonly FieldRow<Name>[],
  contents: Uint8Array,
  base: number,
  problems: DecodeError[],
): ReadSequence {
  const values: Record<string, FieldValue> = {}
  const forms: Record<string, WireForm> = {}
  const r = BerReader.of(contents, { maxDepth: MAX_DEPTH }, base)
  let next = 0
  let complete = true
  try {
    while (!r.atEnd) {
      const tag = r.peekTag()
      const at = rows.findIndex((row, index) => index >= next && row.tag === tag)
      const row = rows[at]
      if (row === undefined) throw r.error('decode.ber.tag', 'tag', `no field [${(tag ?? 0) & 0x1f}] belongs here`)
      next = at + 1
      const octets = r.contents(row.tag, row.name)
      const form = formOf(r, octets.length)
      if (form !== undefined) forms[row.name] = form
      readField(row, octets, r.offset - octets.length, values, forms, problems)
    }
  } catch (error) {
    problems.push(decodeError(error))
    complete = false
  }
  const missing = rows.find(({ name, optional }) => optional !== true && values[name] === undefined)
  if (complete && missing !== undefined && problems.length === 0) {
    problems.push(r.error('decode.missing', missing.name, 'a mandatory field is missing'))
  }
  return { values, forms: Object.keys(forms).length === 0 ? undefined : forms }
}

function readField(
  { name, type, size = FIXED[type] }: FieldRow<string>,
  octets: Uint8Array,
  offset: number,
  values: Record<string, FieldValue>,
  forms: Record<string, WireForm>,
  problems: DecodeError[],
): void {
  try {
    if (size !== undefined && octets.length !== size) {
      throw new DecodeError('decode.length', offset, name, `${octets.length} octets where ${size} belong`)
    }
    switch (type) {
      case 'text':
        values[name] = latin1(octets)
        return
      case 'unsigned': {
        const { value, form } = decodeInteger(octets, offset, name)
        if (value < 0 || value > 0xffff_ffff) throw new DecodeError('decode.range', offset, name, `${value}`)
        values[name] = Number(value)
        if (form !== undefined) forms[name] = { ...forms[name], ...form }
        return
      }
      case 'boolean':
        values[name] = octets[0] !== 0
        if (octets[0]! > 1) forms[name] = { ...forms[name], truth: octets[0]! }
        return
      case 'utcTime':
        values[name] = decodeUtcTime(octets)
        return
      case 'u8':
      case 'u16':
      case 'u32':
        values[name] = octets.reduce((sum, octet) => sum * 256 + octet, 0)
        return
      case 'octets':
        values[name] = octets
        return
      case 'data':
        values[name] = readAllData(BerReader.of(octets, { maxDepth: MAX_DEPTH }, offset), name)
    }
  } catch (error) {
    problems.push(decodeError(error))
  }
}

/** Any other error is ours. */
export function decodeError(error: unknown): DecodeError {
  if (error instanceof DecodeError) return error
  throw error
}

/** Writes the fields of a SEQUENCE. Throws `UsageError` for one that is missing or does not fit. */
export function writeSequence<Name extends string>(
  rows: readonly FieldRow<Name>[],
  w: BerWriter,
  values: Readonly<Partial<Record<Name, FieldValue | undefined>>>,
  forms: Forms = {},
): void {
  for (const { name, tag, type, optional, size } of rows) {
    const value = values[name]
    if (value === undefined) {
      if (optional === true) continue
      throw new UsageError('iec61850.field', `${name} is missing`)
    }
    const form = forms[name]
    if (type === 'data') {
      w.constructed(tag, () => (value as readonly Data[]).forEach((one) => writeData(w, one)), form?.lengthOctets)
      continue
    }
    const contents = fieldContents(type, name, value, form)
    if (size !== undefined && contents.length !== size) {
      throw new UsageError('iec61850.field', `${name} has ${contents.length} octets, not ${size}`)
    }
    w.contents(tag, contents, form?.lengthOctets)
  }
}

function fieldContents(type: FieldType, name: string, value: FieldValue, form: WireForm | undefined): Uint8Array {
  switch (type) {
    case 'text':
      return Buffer.from(value as string, 'latin1')
    case 'unsigned':
      return encodeInteger(within(name, value as number, 4), form?.octets)
    case 'boolean':
      return Uint8Array.of(value === true ? (form?.truth ?? 1) : 0)
    case 'utcTime':
      return encodeUtcTime(value as UtcTime)
    case 'u8':
    case 'u16':
    case 'u32': {
      const octets = FIXED[type]!
      const contents = new Uint8Array(octets)
      let rest = within(name, value as number, octets)
      for (let i = octets - 1; i >= 0; i--) {
        contents[i] = rest
        rest = Math.floor(rest / 256)
      }
      return contents
    }
    case 'octets':
    case 'data':
      return value as Uint8Array
  }
}

function within(name: string, value: number, octets: number): number {
  if (Number.isInteger(value) && value >= 0 && value < 256 ** octets) return value
  throw new UsageError('iec61850.field', `${name} ${value} does not fit ${octets} octets`)
}
