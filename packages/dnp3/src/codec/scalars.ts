import type { Reader, Writer } from '@gridseal/wire'

/** How a number is coded; all are little-endian. */
export type ScalarType = 'u8' | 'u16' | 'u32' | 'u48' | 'i16' | 'i32' | 'f32' | 'f64'

/** Octets of each. */
export const SCALAR_OCTETS: Readonly<Record<ScalarType, number>> = {
  u8: 1,
  u16: 2,
  u32: 4,
  u48: 6,
  i16: 2,
  i32: 4,
  f32: 4,
  f64: 8,
}

/** Throws `DecodeError` `decode.truncated` that names the field. */
export function readScalar(r: Reader, type: ScalarType, name: string): number {
  switch (type) {
    case 'u8':
      return r.u8(name)
    case 'u16':
      return r.u16le(name)
    case 'u32':
      return r.u32le(name)
    case 'u48':
      return r.u48le(name)
    case 'i16':
      return r.i16le(name)
    case 'i32':
      return r.i32le(name)
    case 'f32':
      return r.f32le(name)
    case 'f64':
      return r.f64le(name)
  }
}

/** Throws `UsageError` `wire.range` for a value that does not fit. */
export function writeScalar(w: Writer, type: ScalarType, value: number): void {
  switch (type) {
    case 'u8':
      w.u8(value)
      return
    case 'u16':
      w.u16le(value)
      return
    case 'u32':
      w.u32le(value)
      return
    case 'u48':
      w.u48le(value)
      return
    case 'i16':
      w.i16le(value)
      return
    case 'i32':
      w.i32le(value)
      return
    case 'f32':
      w.f32le(value)
      return
    case 'f64':
      w.f64le(value)
  }
}
