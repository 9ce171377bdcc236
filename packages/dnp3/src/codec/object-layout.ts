import { InternalError } from '@gridseal/wire'
import type { ScalarType } from './scalars.ts'
import { SCALAR_OCTETS } from './scalars.ts'

/** How a field is coded; all are little-endian. */
export type FieldType = ScalarType | 'octets'

/** One field of an object. */
export interface ObjectField {
  readonly name: FieldName
  readonly type: FieldType
  readonly offset: number
  readonly size: number
}

/** The standard's terms for what objects are made of. */
export type FieldName =
  | 'flags'
  | 'state'
  | 'value'
  | 'time'
  | 'relativeTime'
  | 'status'
  | 'code'
  | 'count'
  | 'onTime'
  | 'offTime'
  | 'interval'
  | 'units'
  | 'association'
  | 'sequence'
  | 'user'
  | 'characteristics'
  | 'fill'
  | 'group'
  | 'variation'

/** How the objects of one variation lie in a fragment. */
export type ObjectLayout =
  /** Octets by a fixed list of fields. */
  | {
      readonly kind: 'fixed'
      readonly size: number
      readonly fields: readonly ObjectField[]
      readonly state: StateBits
    }
  /** One or two bits per point, the first point in the lowest bits, padded to an octet at the end of a header. */
  | { readonly kind: 'packed'; readonly bits: 1 | 2 }
  /** The variation is the length. */
  | { readonly kind: 'octets' }
  /** Only a size prefix tells the length; at least `min` octets. */
  | { readonly kind: 'sized'; readonly min: number }
  /** Data type, length, value (device attributes). */
  | { readonly kind: 'attribute' }
  /** Nothing but a header. */
  | { readonly kind: 'none' }

/** Where the state of a binary point lies in its flags octet: bit 7, bits 7 and 6, or nowhere. */
export type StateBits = 0 | 1 | 2

/** Short forms of the reference's tables; other fields are written `name.type`. */
const TOKENS: Readonly<Record<string, string>> = {
  F: 'flags.u8',
  B: 'flags.u8',
  D: 'flags.u8',
  S: 'status.u8',
  C: 'status.u8',
  T: 'time.u48',
  R: 'relativeTime.u16',
  u8: 'value.u8',
  u16: 'value.u16',
  u32: 'value.u32',
  i16: 'value.i16',
  i32: 'value.i32',
  f: 'value.f32',
  d: 'value.f64',
}

/**
 * Compiles the notation of the object table: `bit`, `bit2`, `octets`, `sized` or `sized(min)`, `attribute`, `none`, or a
 * list of fields: F flags, B flags with a state in bit 7, D with a state in bits 7 and 6, S status, C status with a state
 * in bit 7, T milliseconds since 1970, R milliseconds since the common time of occurrence, f and d floating point, `xN` N
 * octets as they are, and `name.type`.
 */
export function compileLayout(notation: string): ObjectLayout {
  switch (notation) {
    case 'bit':
      return { kind: 'packed', bits: 1 }
    case 'bit2':
      return { kind: 'packed', bits: 2 }
    case 'octets':
    case 'attribute':
    case 'none':
      return { kind: notation }
  }
  if (notation.startsWith('sized')) return { kind: 'sized', min: Number(notation.slice(6, -1)) }
  const fields: ObjectField[] = []
  let size = 0
  for (const token of notation.split(' ')) {
    const field = compileField(token, size)
    fields.push(field)
    size += field.size
  }
  return { kind: 'fixed', size, fields, state: stateBits(notation) }
}

function compileField(token: string, offset: number): ObjectField {
  if (token.startsWith('x')) return { name: 'value', type: 'octets', offset, size: Number(token.slice(1)) }
  const [name, type] = (TOKENS[token] ?? token).split('.')
  const size = SCALAR_OCTETS[type as ScalarType]
  if (size === undefined) throw new InternalError('dnp3.table', `no such field: ${token}`)
  return { name: name as FieldName, type: type as FieldType, offset, size }
}

function stateBits(notation: string): StateBits {
  const first = notation[0]
  return first === 'D' ? 2 : first === 'B' || first === 'C' ? 1 : 0
}
