import type { ObjectLayout } from '../../codec/object-layout.ts'
import { FLAGS } from './point.ts'
import type { Sample } from './point.ts'
import type { PointKindSpec } from './point-kinds.ts'

const FLOAT_MAX = 3.4028234663852886e38

const VIEW_BYTES = new Uint8Array(8)
const VIEW = new DataView(VIEW_BYTES.buffer)

/** Octets of an object of this layout without a prefix; of octets, the length is the sample's. */
export function sampleSize(layout: ObjectLayout, sample: Sample): number {
  if (layout.kind === 'fixed') return layout.size
  const { value } = sample
  return (layout.kind === 'octets' || layout.kind === 'sized') && value instanceof Uint8Array ? value.length : 0
}

/** The flags that the object of a sample will carry, state included: limiting a value to a width shows in them. */
export function flagsOf(spec: PointKindSpec, layout: ObjectLayout, sample: Sample): number {
  const { value, flags } = sample
  if (typeof value !== 'number') return flags
  if (spec.state !== 0) return flags | (value << (8 - spec.state))
  if (spec.wraps || layout.kind !== 'fixed') return flags
  for (const { name, type } of layout.fields) if (name === 'value') return flags | limitFlags(type, value)
  return flags
}

function limitFlags(type: string, value: number): number {
  if (Number.isNaN(value)) return type === 'f32' || type === 'f64' ? 0 : FLAGS.REFERENCE_ERR
  switch (type) {
    case 'i16':
      return value < -0x8000 || value > 0x7fff ? FLAGS.OVER_RANGE : 0
    case 'i32':
      return value < -0x8000_0000 || value > 0x7fff_ffff ? FLAGS.OVER_RANGE : 0
    case 'f32':
      return value < -FLOAT_MAX || value > FLOAT_MAX ? FLAGS.OVER_RANGE : 0
    default:
      return 0
  }
}

/**
 * Writes one object and returns the offset behind it; the caller has seen to it that {@link sampleSize} octets fit. Counters
 * are cut to their width, analogs limited to it with OVER_RANGE, fractions cut towards zero. `commonTime` is what relative
 * times count from.
 */
export function encodeSample(
  spec: PointKindSpec,
  layout: ObjectLayout,
  sample: Sample,
  commonTime: number,
  bytes: Uint8Array,
  at: number,
): number {
  if (layout.kind === 'octets' || layout.kind === 'sized') {
    const { value } = sample
    if (value instanceof Uint8Array) bytes.set(value, at)
    return at + sampleSize(layout, sample)
  }
  if (layout.kind !== 'fixed') return at
  const value = typeof sample.value === 'number' ? sample.value : 0
  for (const { name, type, offset } of layout.fields) {
    const to = at + offset
    switch (name) {
      case 'flags':
        bytes[to] = flagsOf(spec, layout, sample)
        break
      case 'value':
        putValue(type, spec.wraps, value, bytes, to)
        break
      case 'time':
        putTime(sample.time, bytes, to)
        break
      case 'relativeTime': {
        const relative = sample.time - commonTime
        bytes[to] = relative
        bytes[to + 1] = relative >> 8
        break
      }
      case 'association':
        bytes[to] = sample.extra
        bytes[to + 1] = sample.extra >> 8
        break
      case 'status':
        // Of a binary command event, the commanded state is bit 7.
        bytes[to] = (sample.extra & 0x7f) | (spec.kind === 'binary-command' && value !== 0 ? 0x80 : 0)
        break
      default:
        break
    }
  }
  return at + layout.size
}

function putValue(type: string, wraps: boolean, value: number, bytes: Uint8Array, to: number): void {
  switch (type) {
    case 'u8':
      bytes[to] = value
      return
    case 'u16':
    case 'i16': {
      const whole = wraps ? value : limit(value, -0x8000, 0x7fff)
      bytes[to] = whole
      bytes[to + 1] = whole >> 8
      return
    }
    case 'u32':
    case 'i32': {
      const whole = wraps ? value : limit(value, -0x8000_0000, 0x7fff_ffff)
      bytes[to] = whole
      bytes[to + 1] = whole >> 8
      bytes[to + 2] = whole >> 16
      bytes[to + 3] = whole >> 24
      return
    }
    case 'f32':
      VIEW.setFloat32(0, Number.isNaN(value) ? value : Math.min(Math.max(value, -FLOAT_MAX), FLOAT_MAX), true)
      for (let i = 0; i < 4; i++) bytes[to + i] = VIEW_BYTES[i]!
      return
    case 'f64':
      VIEW.setFloat64(0, value, true)
      for (let i = 0; i < 8; i++) bytes[to + i] = VIEW_BYTES[i]!
      return
    case 'octets':
      putBcd(value, bytes, to)
  }
}

function limit(value: number, least: number, most: number): number {
  if (!(value > least)) return Number.isNaN(value) ? 0 : least
  return value < most ? Math.trunc(value) : most
}

/** 48 bits, low octet first. */
export function putTime(time: number, bytes: Uint8Array, to: number): void {
  const high = Math.floor(time / 0x1_0000_0000)
  bytes[to] = time
  bytes[to + 1] = time >>> 8
  bytes[to + 2] = time >>> 16
  bytes[to + 3] = time >>> 24
  bytes[to + 4] = high
  bytes[to + 5] = high >> 8
}

/** Four decimal digits of g101, lowest first; the rest of the object's octets are 0 already. */
function putBcd(value: number, bytes: Uint8Array, to: number): void {
  let rest = Math.trunc(Math.abs(value))
  for (let i = 0; rest > 0 && i < 8; i++) {
    bytes[to + i] = (rest % 10) | ((Math.floor(rest / 10) % 10) << 4)
    rest = Math.floor(rest / 100)
  }
}
