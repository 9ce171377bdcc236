import type { Fragment } from './application.ts'
import type { Quality } from './flags.ts'
import { qualityOf } from './flags.ts'
import type { PointType } from './object-table.ts'
import { groupOf } from './object-table.ts'
import type { ObjectHeader } from './object-walk.ts'
import { forEachObject } from './objects.ts'
import type { ObjectValue } from './objects.ts'
import { countOf } from './qualifier.ts'

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
  let common: { readonly time: number; readonly synchronised: boolean } | undefined
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

function measurementsOf(
  { group, variation, ...header }: ObjectHeader,
  type: PointType,
  point: number,
  event: boolean,
  common: { readonly time: number; readonly synchronised: boolean } | undefined,
  take: (measurement: Measurement) => void,
): void {
  forEachObject({ group, variation, ...header }, (object) => {
    const value = valueOf(type, object)
    if (value === undefined) return
    const { index, flags, relativeTime } = object
    const relative = relativeTime !== undefined && common !== undefined
    const time = relative ? common.time + relativeTime : object.time
    take({
      group,
      variation,
      point,
      index,
      type,
      value,
      flags,
      quality: worse(qualityOf(type, flags), qualityOfValue(type, value)),
      time: time === 0 ? undefined : time,
      synchronised: relative ? common.synchronised : undefined,
      event,
    })
  })
}

function valueOf(type: PointType, object: ObjectValue): Measurement['value'] | undefined {
  switch (type) {
    case 'binary':
    case 'output':
      return object.state === 1
    case 'double-bit':
      return object.state
    case 'counter':
    case 'analog':
      return typeof object.value === 'number' ? object.value : undefined
    case 'octets':
      return object.value instanceof Uint8Array ? object.value : undefined
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
