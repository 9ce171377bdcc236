import { DecodeError, Reader, UsageError, Writer } from '@gridseal/wire'

/** How the value of a device attribute is coded (IEEE 1815 annex A, g0). */
export const ATTRIBUTE_TYPE: Readonly<
  Record<'VSTR' | 'UINT' | 'INT' | 'FLT' | 'OSTR' | 'BSTR' | 'TIME' | 'LIST' | 'EXTENDED', number>
> = { VSTR: 1, UINT: 2, INT: 3, FLT: 4, OSTR: 5, BSTR: 6, TIME: 7, LIST: 254, EXTENDED: 255 }

/** A device attribute's value. */
export type AttributeValue =
  | { readonly type: 'VSTR'; readonly value: string }
  /** UINT and INT of 1, 2 or 4 octets, FLT of 4 or 8; TIME milliseconds since 1970-01-01 UTC. */
  | { readonly type: 'UINT' | 'INT' | 'FLT'; readonly value: number; readonly size?: number }
  | { readonly type: 'TIME'; readonly value: number }
  | { readonly type: 'OSTR' | 'BSTR'; readonly value: Uint8Array }
  | { readonly type: 'LIST'; readonly value: readonly AttributeListEntry[] }

export interface AttributeListEntry {
  readonly variation: number
  readonly writable: boolean
}

/** What a row of {@link ATTRIBUTES} says. */
export interface AttributeSpec {
  readonly variation: number
  readonly name: string
  readonly type: AttributeValue['type']
  readonly writable: boolean
}

const row = (variation: number, name: string, type: AttributeValue['type'], writable = false): AttributeSpec => ({
  variation,
  name,
  type,
  writable,
})

/** The attributes of set 0. "Supported" ones are INT 0 or 1. */
export const ATTRIBUTES: readonly AttributeSpec[] = [
  row(196, 'configuration id', 'VSTR'),
  row(197, 'configuration version', 'VSTR'),
  row(198, 'configuration build date', 'TIME'),
  row(199, 'configuration last change date', 'TIME'),
  row(200, 'configuration digest', 'OSTR'),
  row(201, 'configuration digest algorithm', 'VSTR'),
  row(202, 'master resource id', 'VSTR'),
  row(203, 'device location altitude', 'FLT'),
  row(204, 'device location longitude', 'FLT'),
  row(205, 'device location latitude', 'FLT'),
  row(206, 'secondary operator name', 'VSTR'),
  row(207, 'primary operator name', 'VSTR'),
  row(208, 'system name', 'VSTR'),
  row(209, 'secure authentication version', 'UINT'),
  row(210, 'security statistics per association', 'UINT'),
  row(211, 'identifier of user-specific attributes', 'VSTR'),
  row(212, 'data set prototypes defined by the master', 'UINT'),
  row(213, 'data set prototypes defined by the outstation', 'UINT'),
  row(214, 'data sets defined by the master', 'UINT'),
  row(215, 'data sets defined by the outstation', 'UINT'),
  row(216, 'binary outputs per request', 'UINT'),
  row(217, 'local timing accuracy, microseconds', 'UINT'),
  row(218, 'duration of timing accuracy, seconds', 'UINT'),
  row(219, 'analog output events supported', 'INT'),
  row(220, 'largest analog output index', 'UINT'),
  row(221, 'number of analog outputs', 'UINT'),
  row(222, 'binary output events supported', 'INT'),
  row(223, 'largest binary output index', 'UINT'),
  row(224, 'number of binary outputs', 'UINT'),
  row(225, 'frozen counter events supported', 'INT'),
  row(226, 'frozen counters supported', 'INT'),
  row(227, 'counter events supported', 'INT'),
  row(228, 'largest counter index', 'UINT'),
  row(229, 'number of counters', 'UINT'),
  row(230, 'frozen analog inputs supported', 'INT'),
  row(231, 'analog input events supported', 'INT'),
  row(232, 'largest analog input index', 'UINT'),
  row(233, 'number of analog inputs', 'UINT'),
  row(234, 'double-bit events supported', 'INT'),
  row(235, 'largest double-bit index', 'UINT'),
  row(236, 'number of double-bit inputs', 'UINT'),
  row(237, 'binary input events supported', 'INT'),
  row(238, 'largest binary input index', 'UINT'),
  row(239, 'number of binary inputs', 'UINT'),
  row(240, 'largest fragment transmitted', 'UINT', true),
  row(241, 'largest fragment received', 'UINT'),
  row(242, 'software version', 'VSTR'),
  row(243, 'hardware version', 'VSTR'),
  row(244, 'owner name', 'VSTR'),
  row(245, 'location name', 'VSTR', true),
  row(246, 'identification code', 'VSTR', true),
  row(247, 'device name', 'VSTR', true),
  row(248, 'serial number', 'VSTR'),
  row(249, 'subset and conformance', 'VSTR'),
  row(250, 'product name and model', 'VSTR'),
  row(252, 'manufacturer name', 'VSTR'),
]

/** Asks for all attributes of a set. */
export const ALL_ATTRIBUTES = 254
/** Asks which attributes a set has. */
export const ATTRIBUTE_LIST = 255

export function attributeOf(variation: number): AttributeSpec | undefined {
  return ATTRIBUTES.find((spec) => spec.variation === variation)
}

const utf8 = new TextDecoder()

/** Decodes type, length and value. Throws {@link DecodeError}: `dnp3.attribute.type`, `dnp3.attribute.length`, `decode.…`. */
export function decodeAttribute(bytes: Uint8Array): AttributeValue {
  const r = new Reader(bytes)
  const code = r.u8('type')
  const length = r.u8('length') + (code === ATTRIBUTE_TYPE.EXTENDED ? 256 : 0)
  const body = r.sub(length, 'value')
  r.expectEnd('attribute')
  const value = decodeValue(code, length, body)
  body.expectEnd('value')
  return value
}

function decodeValue(code: number, length: number, r: Reader): AttributeValue {
  switch (code) {
    case ATTRIBUTE_TYPE.VSTR:
      return { type: 'VSTR', value: utf8.decode(r.rest()) }
    case ATTRIBUTE_TYPE.UINT:
      sized(r, length, [1, 2, 4])
      return {
        type: 'UINT',
        value: length === 1 ? r.u8('value') : length === 2 ? r.u16le('value') : r.u32le('value'),
        size: length,
      }
    case ATTRIBUTE_TYPE.INT:
      sized(r, length, [1, 2, 4])
      return {
        type: 'INT',
        value: length === 1 ? r.i8('value') : length === 2 ? r.i16le('value') : r.i32le('value'),
        size: length,
      }
    case ATTRIBUTE_TYPE.FLT:
      sized(r, length, [4, 8])
      return { type: 'FLT', value: length === 4 ? r.f32le('value') : r.f64le('value'), size: length }
    case ATTRIBUTE_TYPE.TIME:
      sized(r, length, [6])
      return { type: 'TIME', value: r.u48le('value') }
    case ATTRIBUTE_TYPE.OSTR:
      return { type: 'OSTR', value: r.rest() }
    case ATTRIBUTE_TYPE.BSTR:
      return { type: 'BSTR', value: r.rest() }
    case ATTRIBUTE_TYPE.LIST:
    case ATTRIBUTE_TYPE.EXTENDED: {
      const entries: AttributeListEntry[] = []
      while (!r.atEnd) entries.push({ variation: r.u8('variation'), writable: (r.u8('properties') & 1) !== 0 })
      return { type: 'LIST', value: entries }
    }
    default:
      throw new DecodeError('dnp3.attribute.type', 0, 'type', `no such data type: ${code}`)
  }
}

function sized(r: Reader, length: number, allowed: readonly number[]): void {
  if (!allowed.includes(length)) throw r.error('dnp3.attribute.length', 'length', `${length} octets for such a value`)
}

/** Encodes type, length and value. Throws {@link UsageError} `dnp3.attribute.length` for what is too long. */
export function encodeAttribute(attribute: AttributeValue): Uint8Array<ArrayBuffer> {
  const body = encodeValue(attribute)
  const { length } = body
  const extended = attribute.type === 'LIST' && length > 255
  if (length > (extended ? 511 : 255)) {
    throw new UsageError('dnp3.attribute.length', `${length} octets do not fit an attribute`)
  }
  const code = extended ? ATTRIBUTE_TYPE.EXTENDED : ATTRIBUTE_TYPE[attribute.type]
  return new Writer(2 + length)
    .u8(code)
    .u8(length & 0xff)
    .bytes(body)
    .finish()
}

function encodeValue(attribute: AttributeValue): Uint8Array {
  const w = new Writer(16)
  switch (attribute.type) {
    case 'VSTR':
      return new TextEncoder().encode(attribute.value)
    case 'OSTR':
    case 'BSTR':
      return attribute.value
    case 'TIME':
      return w.u48le(attribute.value).finish()
    case 'UINT': {
      const { value, size = value < 0x100 ? 1 : value < 0x1_0000 ? 2 : 4 } = attribute
      return (size === 1 ? w.u8(value) : size === 2 ? w.u16le(value) : w.u32le(value)).finish()
    }
    case 'INT': {
      const { value, size = value === (value << 24) >> 24 ? 1 : value === (value << 16) >> 16 ? 2 : 4 } = attribute
      return (size === 1 ? w.i8(value) : size === 2 ? w.i16le(value) : w.i32le(value)).finish()
    }
    case 'FLT':
      return (attribute.size === 4 ? w.f32le(attribute.value) : w.f64le(attribute.value)).finish()
    case 'LIST':
      for (const { variation, writable } of attribute.value) w.u8(variation).u8(writable ? 1 : 0)
      return w.finish()
  }
}
