import type { PointKindSpec } from './point-kinds.ts'

/** Bits of the flags octet that a point's owner sets (IEEE 1815 clause 11). */
export const FLAGS: Readonly<
  Record<
    | 'ONLINE'
    | 'RESTART'
    | 'COMM_LOST'
    | 'REMOTE_FORCED'
    | 'LOCAL_FORCED'
    | 'CHATTER_FILTER'
    | 'OVER_RANGE'
    | 'DISCONTINUITY'
    | 'REFERENCE_ERR',
    number
  >
> = {
  ONLINE: 0x01,
  RESTART: 0x02,
  COMM_LOST: 0x04,
  REMOTE_FORCED: 0x08,
  LOCAL_FORCED: 0x10,
  CHATTER_FILTER: 0x20,
  OVER_RANGE: 0x20,
  DISCONTINUITY: 0x40,
  REFERENCE_ERR: 0x40,
}

export type EventClass = 0 | 1 | 2 | 3

/** What a point is worth now, or was worth when an event happened. */
export interface Sample {
  /** State of a binary (0, 1) or double-bit point (0..3), counter, analog, or octets. */
  readonly value: number | Uint8Array
  /** Flags without the state of a binary point. */
  readonly flags: number
  /** Milliseconds since 1970-01-01 UTC. */
  readonly time: number
  /** Of g121: the association that a statistic is about. Of g13 and g43: status of the command. */
  readonly extra: number
}

/** One point of the database. */
export interface Point extends Sample {
  readonly spec: PointKindSpec
  readonly index: number
  readonly name: string | undefined
  value: number | Uint8Array
  flags: number
  time: number
  extra: number
  /** Class of its events; 0: it has none, but is part of class 0. */
  eventClass: EventClass
  /** In class 0. */
  class0: boolean
  staticVariation: number
  eventVariation: number
  /** A change up to this gives no event. */
  deadband: number
  /** What was reported last: by an event, or at the start. */
  reportedValue: number | Uint8Array
  reportedFlags: number
}

/** Whether a point differs from what was last reported of it, by more than its deadband. */
export function isEvent(point: Point, value: number | Uint8Array, flags: number): boolean {
  if (flags !== point.reportedFlags) return true
  const last = point.reportedValue
  if (typeof value === 'number' && typeof last === 'number') {
    if (Number.isNaN(value) || Number.isNaN(last)) return Number.isNaN(value) !== Number.isNaN(last)
    return value !== last && Math.abs(value - last) > point.deadband
  }
  return !(value instanceof Uint8Array && last instanceof Uint8Array && sameOctets(value, last))
}

export function sameOctets(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
