import { DecodeError, Reader, UsageError, Writer } from '@gridseal/wire'

// Data sets (IEEE 1815 clause 11, g85 to g88). What v1 of g87 and g88 holds is not public in every detail; the layout here
// is: the identifier, the time, then the elements in the order of the descriptor, each behind its length.

/** What an element of a prototype or descriptor says. */
export const DATA_SET_ELEMENT: Readonly<
  Record<'ID' | 'UUID' | 'NSPC' | 'NAME' | 'DAEL' | 'PTYP' | 'CTLV' | 'CTLS', number>
> = { ID: 1, UUID: 2, NSPC: 3, NAME: 4, DAEL: 5, PTYP: 6, CTLV: 7, CTLS: 8 }

/** How the value of an element is coded. */
export const DATA_TYPE: Readonly<
  Record<'NONE' | 'VSTR' | 'UINT' | 'INT' | 'FLT' | 'OSTR' | 'BSTR' | 'TIME' | 'UNCD', number>
> = { NONE: 0, VSTR: 1, UINT: 2, INT: 3, FLT: 4, OSTR: 5, BSTR: 6, TIME: 7, UNCD: 8 }

/** One element of g85v1 or g86v1. */
export interface DescriptorElement {
  /** See {@link DATA_SET_ELEMENT}. */
  readonly code: number
  /** See {@link DATA_TYPE}. */
  readonly type: number
  /** Octets of the longest value. */
  readonly maxLength: number
  /** Identifier, UUID, name or name space. */
  readonly ancillary: Uint8Array
}

/** Decodes the octets of a g85v1 or g86v1. Throws {@link DecodeError} `dnp3.data-set.length`, `decode.truncated`. */
export function decodeDescriptor(bytes: Uint8Array): DescriptorElement[] {
  const r = new Reader(bytes)
  const elements: DescriptorElement[] = []
  while (!r.atEnd) {
    const { offset } = r
    const length = r.u8('length')
    if (length < 3)
      throw new DecodeError('dnp3.data-set.length', offset, 'length', `an element takes 3 octets at least`)
    const code = r.u8('code')
    const type = r.u8('type')
    const maxLength = r.u8('maxLength')
    elements.push({ code, type, maxLength, ancillary: r.take(length - 3, 'ancillary') })
  }
  return elements
}

export function encodeDescriptor(elements: readonly DescriptorElement[]): Uint8Array<ArrayBuffer> {
  const w = new Writer(32 * elements.length)
  for (const { code, type, maxLength, ancillary } of elements) {
    w.u8(3 + ancillary.length)
      .u8(code)
      .u8(type)
      .u8(maxLength)
      .bytes(ancillary)
  }
  return w.finish()
}

/** A data set's identifier, time and values; g87v1 present values, g88v1 a snapshot. */
export interface DataSetValue {
  readonly id: number
  /** Milliseconds since 1970-01-01 UTC; undefined where the length of it is 0. */
  readonly time: number | undefined
  /** Octets of each element, in the order of the descriptor; empty: no value. */
  readonly values: readonly Uint8Array[]
}

/** Decodes the octets of a g87v1 or g88v1. Throws {@link DecodeError}. */
export function decodeDataSet(bytes: Uint8Array): DataSetValue {
  const r = new Reader(bytes)
  const idLength = r.u8('id length')
  if (idLength < 1 || idLength > 4)
    throw r.error('dnp3.data-set.length', 'id length', `${idLength} octets of identifier`)
  const id = unsigned(r.take(idLength, 'id'))
  const timeLength = r.u8('time length')
  if (timeLength !== 0 && timeLength !== 6) {
    throw r.error('dnp3.data-set.length', 'time length', `${timeLength} octets of time`)
  }
  const time = timeLength === 0 ? undefined : r.u48le('time')
  const values: Uint8Array[] = []
  while (!r.atEnd) values.push(r.take(r.u8('value length'), 'value'))
  return { id, time, values }
}

/** Offset of the octets of the value at `place` in a g87v1 or g88v1 that {@link decodeDataSet} has taken. */
export function dataSetValueOffset(bytes: Uint8Array, place: number): number {
  let at = 1 + bytes[0]!
  at += 1 + bytes[at]!
  for (let i = 0; i < place; i++) at += 1 + bytes[at]!
  return at + 1
}

export function encodeDataSet({ id, time, values }: DataSetValue): Uint8Array<ArrayBuffer> {
  const w = new Writer(64)
  const octets = shortestUnsigned(id)
  w.u8(octets.length).bytes(octets)
  if (time === undefined) w.u8(0)
  else w.u8(6).u48le(time)
  for (const value of values) w.u8(value.length).bytes(value)
  return w.finish()
}

function unsigned(bytes: Uint8Array): number {
  let value = 0
  for (let i = bytes.length - 1; i >= 0; i--) value = value * 256 + bytes[i]!
  return value
}

/** The identifier of a data set as an ID element carries it: as many octets as it needs. */
export function shortestUnsigned(value: number): Uint8Array<ArrayBuffer> {
  if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff) {
    throw new UsageError('dnp3.data-set.id', `no identifier: ${value}`)
  }
  const w = new Writer(4)
  if (value < 0x100) return w.u8(value).finish()
  return (value < 0x1_0000 ? w.u16le(value) : w.u32le(value)).finish()
}

/**
 * The elements that have values, in order: a prototype that is used stands for its own. Prototypes are looked up by their UUID;
 * one that is not known, or refers to others in turn, has no values.
 */
export function valueElements(
  descriptor: readonly DescriptorElement[],
  prototypes: readonly (readonly DescriptorElement[])[],
): DescriptorElement[] {
  return descriptor.flatMap((element) => {
    if (VALUED.includes(element.code)) return [element]
    if (element.code !== DATA_SET_ELEMENT.PTYP) return []
    const uuid = Buffer.from(element.ancillary.subarray(0, UUID_OCTETS))
    const used = prototypes.find((elements) =>
      elements.some(({ code, ancillary }) => code === DATA_SET_ELEMENT.UUID && uuid.equals(ancillary)),
    )
    return used?.filter(({ code }) => VALUED.includes(code)) ?? []
  })
}

const UUID_OCTETS = 16
const VALUED: readonly number[] = [DATA_SET_ELEMENT.DAEL, DATA_SET_ELEMENT.CTLV, DATA_SET_ELEMENT.CTLS]

/** The identifier that a prototype or descriptor has. */
export function dataSetId(elements: readonly DescriptorElement[]): number | undefined {
  const id = elements.find(({ code }) => code === DATA_SET_ELEMENT.ID)
  return id === undefined ? undefined : unsigned(id.ancillary)
}
