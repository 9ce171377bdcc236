import type { PointType } from './object-table.ts'

/** What the flags of a point say of its value. */
export type Quality = 'good' | 'uncertain' | 'bad'

const ONLINE = 0x01
const RESTART = 0x02
const COMM_LOST = 0x04
const REMOTE_FORCED = 0x08
const LOCAL_FORCED = 0x10
const CHATTER_FILTER = 0x20
const OVER_RANGE = 0x20
const DISCONTINUITY = 0x40
const REFERENCE_ERR = 0x40

const FORCED = REMOTE_FORCED | LOCAL_FORCED

/**
 * Flags that make a value doubtful. Of outputs, bit 4 means that the output is under local control, not that its value
 * is forced; the ROLLOVER bit of counters is obsolete and says nothing.
 */
const DOUBTFUL: Readonly<Record<PointType, number>> = {
  binary: RESTART | FORCED | CHATTER_FILTER,
  'double-bit': RESTART | FORCED | CHATTER_FILTER,
  output: RESTART | REMOTE_FORCED,
  counter: RESTART | FORCED | DISCONTINUITY,
  analog: RESTART | FORCED | OVER_RANGE | REFERENCE_ERR,
  octets: 0,
}

/**
 * Quality by the flags octet (IEEE 1815 clause 11): not ONLINE or COMM_LOST is bad; restarted, forced, chattering, over
 * range, without reference or discontinuous is uncertain. An object without flags is one whose flags are ONLINE alone.
 */
export function qualityOf(type: PointType, flags: number | undefined): Quality {
  if (flags === undefined) return 'good'
  if ((flags & ONLINE) === 0 || (flags & COMM_LOST) !== 0) return 'bad'
  return (flags & DOUBTFUL[type]) === 0 ? 'good' : 'uncertain'
}
