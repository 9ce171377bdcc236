import { InternalError } from '@gridseal/wire'
import type { ObjectLayout } from '../../codec/object-layout.ts'
import { layoutOf } from '../../codec/object-table.ts'

/** What an outstation has points of. */
export type PointKind =
  | 'binary-input'
  | 'double-bit-input'
  | 'binary-output'
  | 'counter'
  | 'frozen-counter'
  | 'analog-input'
  | 'frozen-analog'
  | 'analog-output'
  | 'octet-string'
  | 'bcd'
  | 'unsigned'
  | 'virtual-terminal'
  | 'data-set'
  | 'security-statistic'
  | 'binary-command'
  | 'analog-command'

/** What one kind of point is like on the wire. */
export interface PointKindSpec {
  readonly kind: PointKind
  /** Group of present values; undefined where there are events only. */
  readonly group: number | undefined
  /** Group of events; undefined where there are none. */
  readonly eventGroup: number | undefined
  /** Groups of the present value and the events of its frozen twin. */
  readonly frozen?: PointKind
  /** Variation for v0 and class 0. Of octets, the variation is the length. */
  readonly staticVariation: number
  /** Variation for v0 and classes 1 to 3. */
  readonly eventVariation: number
  /** Variations that may be asked for. */
  readonly statics: readonly number[]
  readonly events: readonly number[]
  /** Variation with flags, of the same width, for every static variation without: used when flags are not ONLINE alone. */
  readonly withFlags: Readonly<Record<number, number>>
  /** Part of class 0. */
  readonly class0: boolean
  /** Where the state lies in the flags octet: bit 7, bits 7 and 6, nowhere. */
  readonly state: 0 | 1 | 2
  /** Values are cut to the width of the variation (counters) rather than limited to it (analogs). */
  readonly wraps: boolean
  readonly octets: boolean
  /** Octets of any length behind a size prefix (qualifier 5B), which name their point themselves. */
  readonly sized: boolean
}

const kind = (name: PointKind, spec: Partial<PointKindSpec>): PointKindSpec => ({
  kind: name,
  group: undefined,
  eventGroup: undefined,
  staticVariation: 1,
  eventVariation: 1,
  statics: [],
  events: [],
  withFlags: {},
  class0: true,
  state: 0,
  wraps: false,
  octets: false,
  sized: false,
  ...spec,
})

const ANALOG_EVENTS = [1, 2, 3, 4, 5, 6, 7, 8]

/**
 * The kinds of points as data (IEEE 1815 annex A). Event variations by default carry the time: an event without it is worth
 * little. Class 0 reports them in this order: inputs before outputs. `counter` is g20 with g22 and is frozen into g21 with g23, and so on.
 */
export const POINT_KINDS: readonly PointKindSpec[] = [
  kind('binary-input', {
    group: 1,
    eventGroup: 2,
    staticVariation: 2,
    eventVariation: 2,
    statics: [1, 2],
    events: [1, 2, 3],
    withFlags: { 1: 2 },
    state: 1,
  }),
  kind('double-bit-input', {
    group: 3,
    eventGroup: 4,
    staticVariation: 2,
    eventVariation: 2,
    statics: [1, 2],
    events: [1, 2, 3],
    withFlags: { 1: 2 },
    state: 2,
  }),
  kind('analog-input', {
    group: 30,
    eventGroup: 32,
    frozen: 'frozen-analog',
    eventVariation: 3,
    statics: [1, 2, 3, 4, 5, 6],
    events: ANALOG_EVENTS,
    withFlags: { 3: 1, 4: 2 },
  }),
  kind('frozen-analog', {
    group: 31,
    eventGroup: 33,
    staticVariation: 3,
    eventVariation: 3,
    statics: [1, 2, 3, 4, 5, 6, 7, 8],
    events: ANALOG_EVENTS,
    withFlags: { 5: 1, 6: 2 },
  }),
  kind('counter', {
    group: 20,
    eventGroup: 22,
    frozen: 'frozen-counter',
    eventVariation: 5,
    statics: [1, 2, 5, 6],
    events: [1, 2, 5, 6],
    withFlags: { 5: 1, 6: 2 },
    wraps: true,
  }),
  kind('frozen-counter', {
    group: 21,
    eventGroup: 23,
    staticVariation: 5,
    eventVariation: 5,
    statics: [1, 2, 5, 6, 9, 10],
    events: [1, 2, 5, 6],
    withFlags: { 9: 1, 10: 2 },
    wraps: true,
  }),
  kind('binary-output', {
    group: 10,
    eventGroup: 11,
    staticVariation: 2,
    eventVariation: 2,
    statics: [1, 2],
    events: [1, 2],
    withFlags: { 1: 2 },
    state: 1,
  }),
  kind('analog-output', {
    group: 40,
    eventGroup: 42,
    eventVariation: 3,
    statics: [1, 2, 3, 4],
    events: ANALOG_EVENTS,
  }),
  kind('octet-string', { group: 110, eventGroup: 111, class0: false, octets: true }),
  kind('bcd', { group: 101, statics: [1, 2, 3], staticVariation: 2, class0: false }),
  kind('unsigned', { group: 102, statics: [1], class0: false, wraps: true }),
  kind('virtual-terminal', { eventGroup: 113, class0: false, octets: true }),
  kind('data-set', { eventGroup: 88, events: [1], class0: false, sized: true }),
  kind('security-statistic', {
    group: 121,
    eventGroup: 122,
    statics: [1],
    events: [1, 2],
    eventVariation: 2,
    class0: true,
    wraps: true,
  }),
  kind('binary-command', { eventGroup: 13, events: [1, 2], eventVariation: 2, class0: false }),
  kind('analog-command', { eventGroup: 43, events: ANALOG_EVENTS, eventVariation: 3, class0: false }),
]

/** The kind of a name. */
export function kindOf(name: PointKind): PointKindSpec {
  const spec = POINT_KINDS.find((row) => row.kind === name)
  if (spec === undefined) throw new InternalError('dnp3.table', `no such kind of points: ${name}`)
  return spec
}

const BY_STATIC: readonly (PointKindSpec | undefined)[] = Array.from({ length: 256 }, (_, group) =>
  POINT_KINDS.find((row) => row.group === group),
)
const BY_EVENT: readonly (PointKindSpec | undefined)[] = Array.from({ length: 256 }, (_, group) =>
  POINT_KINDS.find((row) => row.eventGroup === group),
)

/** The kind whose present values have a group. */
export function kindOfStatic(group: number): PointKindSpec | undefined {
  return BY_STATIC[group]
}

/** The kind whose events have a group. */
export function kindOfEvent(group: number): PointKindSpec | undefined {
  return BY_EVENT[group]
}

/** The layout of a group and variation that is in the table. */
export function knownLayout(group: number, variation: number): ObjectLayout {
  const layout = layoutOf(group, variation)
  if (layout === undefined) throw new InternalError('dnp3.table', `no layout of g${group}v${variation}`)
  return layout
}
