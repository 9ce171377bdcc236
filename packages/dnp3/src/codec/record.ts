import { DecodeError, InternalError, Reader, UsageError, Writer } from '@gridseal/wire'
import type { ScalarType } from './scalars.ts'
import { SCALAR_OCTETS, readScalar, writeScalar } from './scalars.ts'

/**
 * Objects that have octets of variable length (files, authentication, registration) as data: a record is a list of fields
 * in wire order, all numbers little-endian.
 *
 * - `name:u16` a number (u8, u16, u32, u48, i16, i32, f32, f64);
 * - `name:8` that many octets;
 * - `len(name):u16` the length of the octets `name[]` that come later;
 * - `name[]` those octets;
 * - `name[*]` all octets that are left;
 * - `@name:u16` the offset of `name[]` from the start of the object. Other offsets than the canonical one are refused:
 *   a parser that follows them reads what it was not shown.
 */
export interface RecordCodec<T> {
  /** Octets that every object of this kind has. */
  readonly min: number
  /** Throws {@link DecodeError} for octets that are missing or left over, or an offset that is not canonical. */
  decode(bytes: Uint8Array): T
  /** Throws {@link UsageError} `dnp3.record`, `wire.range` for a value that does not fit. */
  encode(value: T): Uint8Array<ArrayBuffer>
}

type Field =
  | { readonly kind: 'number'; readonly name: string; readonly type: ScalarType }
  | { readonly kind: 'fixed'; readonly name: string; readonly size: number }
  | { readonly kind: 'length' | 'offset'; readonly name: string; readonly type: ScalarType }
  | { readonly kind: 'octets' | 'rest'; readonly name: string }

const TOKEN = /^(?:len\((\w+)\):(\w+)|@(\w+):(\w+)|(\w+)\[(\*?)\]|(\w+):(\w+))$/

/** Compiles the notation of {@link RecordCodec}. */
export function record<T extends object>(notation: string): RecordCodec<T> {
  const fields = notation.split(' ').map(compileField)
  const min = fields.reduce((sum, field) => sum + sizeOf(field), 0)
  return {
    min,
    decode: (bytes) => decode(fields, bytes) as T,
    encode: (value) => encode(fields, min, value as Readonly<Record<string, unknown>>),
  }
}

function compileField(token: string): Field {
  const [, length, lengthType, offset, offsetType, octets, rest, name, type] = TOKEN.exec(token) ?? []
  if (length !== undefined) return { kind: 'length', name: length, type: scalarType(token, lengthType) }
  if (offset !== undefined) return { kind: 'offset', name: offset, type: scalarType(token, offsetType) }
  if (octets !== undefined) return { kind: rest === '*' ? 'rest' : 'octets', name: octets }
  if (name === undefined) throw new InternalError('dnp3.table', `no such field: ${token}`)
  if (/^\d+$/.test(type ?? '')) return { kind: 'fixed', name, size: Number(type) }
  return { kind: 'number', name, type: scalarType(token, type) }
}

function scalarType(token: string, type: string | undefined): ScalarType {
  if (type === undefined || !(type in SCALAR_OCTETS)) throw new InternalError('dnp3.table', `no such field: ${token}`)
  return type as ScalarType
}

function sizeOf(field: Field): number {
  switch (field.kind) {
    case 'octets':
    case 'rest':
      return 0
    case 'fixed':
      return field.size
    case 'number':
    case 'length':
    case 'offset':
      return SCALAR_OCTETS[field.type]
  }
}

function decode(fields: readonly Field[], bytes: Uint8Array): Record<string, number | Uint8Array> {
  const r = new Reader(bytes)
  const value: Record<string, number | Uint8Array> = {}
  const lengths = new Map<string, number>()
  const offsets = new Map<string, number>()
  for (const field of fields) {
    const { name } = field
    switch (field.kind) {
      case 'number':
        value[name] = readScalar(r, field.type, name)
        break
      case 'fixed':
        value[name] = r.take(field.size, name)
        break
      case 'length':
        lengths.set(name, readScalar(r, field.type, `length of ${name}`))
        break
      case 'offset':
        offsets.set(name, readScalar(r, field.type, `offset of ${name}`))
        break
      case 'octets': {
        const claimed = offsets.get(name)
        if (claimed !== undefined && claimed !== r.offset) {
          throw new DecodeError('dnp3.object.offset', r.offset, `offset of ${name}`, `says ${claimed}, is ${r.offset}`)
        }
        value[name] = r.take(lengths.get(name) ?? 0, name)
        break
      }
      case 'rest':
        value[name] = r.rest()
    }
  }
  r.expectEnd('object')
  return value
}

function encode(
  fields: readonly Field[],
  min: number,
  value: Readonly<Record<string, unknown>>,
): Uint8Array<ArrayBuffer> {
  const w = new Writer(min + 64)
  const octets = (name: string): Uint8Array => {
    const bytes = value[name]
    if (!(bytes instanceof Uint8Array)) throw new UsageError('dnp3.record', `${name} is octets`, { name })
    return bytes
  }
  for (const [i, field] of fields.entries()) {
    const { name } = field
    switch (field.kind) {
      case 'number': {
        const number = value[name]
        if (typeof number !== 'number') throw new UsageError('dnp3.record', `${name} is a number`, { name })
        writeScalar(w, field.type, number)
        break
      }
      case 'fixed':
        if (octets(name).length !== field.size)
          throw new UsageError('dnp3.record', `${name} takes ${field.size} octets`, { name })
        w.bytes(octets(name))
        break
      case 'length':
        writeScalar(w, field.type, octets(name).length)
        break
      case 'offset': {
        const behind = fields.slice(i).findIndex((later) => later.kind === 'octets' && later.name === name)
        const between = fields.slice(i, i + behind)
        const offset = between.reduce(
          (sum, one) => sum + (one.kind === 'octets' ? octets(one.name).length : sizeOf(one)),
          w.length,
        )
        writeScalar(w, field.type, offset)
        break
      }
      case 'octets':
      case 'rest':
        w.bytes(octets(name))
    }
  }
  return w.finish()
}
