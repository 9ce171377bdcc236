import type { Fragment } from './application.ts'
import type { Quality } from './flags.ts'
import { qualityOf } from './flags.ts'
import type { PointType } from './object-table.ts'
import type { FieldType, ObjectLayout } from './object-layout.ts'
import { groupOf, layoutOf } from './object-table.ts'
import type { ObjectHeader } from './object-walk.ts'
import { forEachObject } from './objects.ts'
import { countOf, prefixOf } from './qualifier.ts'

/** What a response says of one point. */
export interface Measurement {
  /** Group and variation of the object. */
  readonly group: number
  readonly variation: number
  /** The group by which the point is named: that of its present value. */
  readonly point: number
  readonly index: number
  readonly type: PointType
  /** Binary points booleans, double-bit points 0 intermediate, 1 off, 2 on, 3 indeterminate; octet strings octets. */
  readonly value: boolean | number | Uint8Array
  readonly flags: number | undefined
  readonly quality: Quality
  /** Milliseconds since 1970-01-01 UTC; relative times are resolved. Undefined where the object has none, or says 0. */
  readonly time: number | undefined
  /** Whether the outstation's clock was set by then, where the object says so (g51v1 or v2 before it). */
  readonly synchronised: boolean | undefined
  readonly event: boolean
}

const COMMON_TIME = 51
/** Indexes of points are 16 bits wide; packed bits under a wider range could claim half a million. */
const MOST_POINTS = 0x1_0000

/** The points of a response in wire order. Calls `take` instead of building an array. */
export function forEachMeasurement(
  fragment: Pick<Fragment, 'headers'>,
  take: (measurement: Measurement) => void,
): void {
  let common: Common
  for (const header of fragment.headers) {
    if (header.group === COMMON_TIME) {
      const { variation } = header
      forEachObject(header, ({ time }) => {
        if (time !== undefined) common = { time, synchronised: variation === 1 }
      })
      continue
    }
    const group = groupOf(header.group)
    if (group?.type === undefined || countOf(header.range) > MOST_POINTS) continue
    const { type, point = header.group, kind } = group
    measurementsOf(header, type, point, kind === 'event', common, take)
  }
}

type Common = { readonly time: number; readonly synchronised: boolean } | undefined

function measurementsOf(
  header: ObjectHeader,
  type: PointType,
  point: number,
  event: boolean,
  common: Common,
  take: (measurement: Measurement) => void,
): void {
  const { group, variation } = header
  const layout = layoutOf(group, variation)
  if (layout?.kind === 'fixed' && header.carriesObjects) {
    fixedMeasurements(header, layout, type, point, event, common, take)
    return
  }
  forEachObject(header, ({ index, state, value: octets }) => {
    const value = type === 'octets' ? octets : type === 'double-bit' ? state : state === 1
    if (value === undefined) return
    const quality = qualityOfValue(type, value)
    const rest = { flags: undefined, time: undefined, synchronised: undefined }
    take({ group, variation, point, index, type, value, quality, ...rest, event })
  })
}

/**
 * Points in one fixed layout, straight from the octets: this is where a master's time goes. The walk has made sure that all of
 * them are there.
 */
function fixedMeasurements(
  { group, variation, qualifier, range, data }: ObjectHeader,
  layout: Extract<ObjectLayout, { kind: 'fixed' }>,
  type: PointType,
  point: number,
  event: boolean,
  common: Common,
  take: (measurement: Measurement) => void,
): void {
  const width = prefixOf(qualifier)?.width ?? 0
  const isIndex = prefixOf(qualifier)?.kind === 'index'
  if (width > 0 && !isIndex) return
  const first = range.kind === 'start-stop' || range.kind === 'virtual' ? range.start : 0
  const { size, state } = layout
  const offsetOf = (name: string): number => layout.fields.find((field) => field.name === name)?.offset ?? -1
  const [flagsAt, timeAt, relativeAt] = [offsetOf('flags'), offsetOf('time'), offsetOf('relativeTime')]
  const valueField = layout.fields.find(({ name }) => name === 'value')
  const view = new DataView(data.buffer, data.byteOffset, data.length)
  for (let i = 0, at = 0; at < data.length; i++, at += size) {
    let index = first + i
    if (width > 0) {
      index = width === 1 ? view.getUint8(at) : width === 2 ? view.getUint16(at, true) : view.getUint32(at, true)
      at += width
    }
    const flags = flagsAt < 0 ? undefined : data[at + flagsAt]!
    let value: boolean | number
    if (state !== 0) value = state === 2 ? flags! >> 6 : flags! >> 7 === 1
    else if (valueField !== undefined && valueField.type !== 'octets')
      value = numberAt(view, valueField.type, at + valueField.offset)
    else continue
    let time: number | undefined
    let synchronised: boolean | undefined
    if (timeAt >= 0) time = view.getUint32(at + timeAt, true) + view.getUint16(at + timeAt + 4, true) * 0x1_0000_0000
    else if (relativeAt >= 0 && common !== undefined) {
      time = common.time + view.getUint16(at + relativeAt, true)
      synchronised = common.synchronised
    }
    if (time === 0) time = undefined
    const quality = worse(qualityOf(type, flags), qualityOfValue(type, value))
    take({ group, variation, point, index, type, value, flags, quality, time, synchronised, event })
  }
}

function numberAt(view: DataView, type: Exclude<FieldType, 'octets'>, at: number): number {
  switch (type) {
    case 'u8':
      return view.getUint8(at)
    case 'u16':
      return view.getUint16(at, true)
    case 'u32':
      return view.getUint32(at, true)
    case 'i16':
      return view.getInt16(at, true)
    case 'i32':
      return view.getInt32(at, true)
    case 'f32':
      return view.getFloat32(at, true)
    case 'f64':
      return view.getFloat64(at, true)
    case 'u48':
      return view.getUint32(at, true) + view.getUint16(at + 4, true) * 0x1_0000_0000
  }
}

/** What a value says of itself: floating point that is no number, double-bit points that are neither on nor off. */
function qualityOfValue(type: PointType, value: Measurement['value']): Quality {
  if (typeof value !== 'number') return 'good'
  if (!Number.isFinite(value)) return 'bad'
  return type === 'double-bit' && (value === 0 || value === 3) ? 'uncertain' : 'good'
}

function worse(a: Quality, b: Quality): Quality {
  if (a === 'bad' || b === 'bad') return 'bad'
  return a === 'uncertain' || b === 'uncertain' ? 'uncertain' : 'good'
}
