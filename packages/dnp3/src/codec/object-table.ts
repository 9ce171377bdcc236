import type { ObjectLayout } from './object-layout.ts'
import { compileLayout } from './object-layout.ts'

/** What the objects of a group are about. */
export type GroupKind =
  /** Present values of points. */
  | 'static'
  /** Changes of points. */
  | 'event'
  /** Commands to outputs, and what became of them. */
  | 'command'
  /** Neither: time, classes, files, configuration, security. */
  | 'other'

/** Which bits a flags octet has beyond ONLINE, RESTART, COMM_LOST and the two FORCED (IEEE 1815 clause 11). */
export type PointType = 'binary' | 'double-bit' | 'output' | 'counter' | 'analog' | 'octets'

/** One object group. */
export interface ObjectGroup {
  readonly group: number
  readonly name: string
  readonly kind: GroupKind
  /** Type of the points, for groups whose objects are values of points. */
  readonly type?: PointType
  /** The group by which a point is named: that of its present value. */
  readonly point?: number
  /** Layout by variation, in the notation of {@link compileLayout}; `any` stands for all that are not listed. */
  readonly variations: Readonly<Record<number, string>> & { readonly any?: string }
}

const COUNTER = { 1: 'F u32', 2: 'F u16', 3: 'F u32', 4: 'F u16' }
const COUNTER_EVENT = { ...COUNTER, 5: 'F u32 T', 6: 'F u16 T', 7: 'F u32 T', 8: 'F u16 T' }
const ANALOG_EVENT = {
  1: 'F i32',
  2: 'F i16',
  3: 'F i32 T',
  4: 'F i16 T',
  5: 'F f',
  6: 'F d',
  7: 'F f T',
  8: 'F d T',
}
const CROB = 'code.u8 count.u8 onTime.u32 offTime.u32 status.u8'

/**
 * The object groups of IEEE 1815 (clause 11 and annex A) as data: `[bits]` and sizes follow from the notation. Counter
 * variations with "delta" in their name are obsolete and lie as their counterparts do.
 */
export const OBJECT_GROUPS: readonly ObjectGroup[] = [
  { group: 0, name: 'Device Attribute', kind: 'other', variations: { any: 'attribute' } },

  { group: 1, name: 'Binary Input', kind: 'static', type: 'binary', point: 1, variations: { 1: 'bit', 2: 'B' } },
  {
    group: 2,
    name: 'Binary Input Event',
    kind: 'event',
    type: 'binary',
    point: 1,
    variations: { 1: 'B', 2: 'B T', 3: 'B R' },
  },
  {
    group: 3,
    name: 'Double-bit Binary Input',
    kind: 'static',
    type: 'double-bit',
    point: 3,
    variations: { 1: 'bit2', 2: 'D' },
  },
  {
    group: 4,
    name: 'Double-bit Binary Input Event',
    kind: 'event',
    type: 'double-bit',
    point: 3,
    variations: { 1: 'D', 2: 'D T', 3: 'D R' },
  },

  { group: 10, name: 'Binary Output', kind: 'static', type: 'output', point: 10, variations: { 1: 'bit', 2: 'B' } },
  {
    group: 11,
    name: 'Binary Output Event',
    kind: 'event',
    type: 'output',
    point: 10,
    variations: { 1: 'B', 2: 'B T' },
  },
  { group: 12, name: 'Binary Output Command', kind: 'command', variations: { 1: CROB, 2: CROB, 3: 'bit' } },
  { group: 13, name: 'Binary Output Command Event', kind: 'command', variations: { 1: 'C', 2: 'C T' } },

  {
    group: 20,
    name: 'Counter',
    kind: 'static',
    type: 'counter',
    point: 20,
    variations: { ...COUNTER, 5: 'u32', 6: 'u16', 7: 'u32', 8: 'u16' },
  },
  {
    group: 21,
    name: 'Frozen Counter',
    kind: 'static',
    type: 'counter',
    point: 21,
    variations: { ...COUNTER_EVENT, 9: 'u32', 10: 'u16', 11: 'u32', 12: 'u16' },
  },
  { group: 22, name: 'Counter Event', kind: 'event', type: 'counter', point: 20, variations: COUNTER_EVENT },
  { group: 23, name: 'Frozen Counter Event', kind: 'event', type: 'counter', point: 21, variations: COUNTER_EVENT },

  {
    group: 30,
    name: 'Analog Input',
    kind: 'static',
    type: 'analog',
    point: 30,
    variations: { 1: 'F i32', 2: 'F i16', 3: 'i32', 4: 'i16', 5: 'F f', 6: 'F d' },
  },
  {
    group: 31,
    name: 'Frozen Analog Input',
    kind: 'static',
    type: 'analog',
    point: 31,
    variations: { 1: 'F i32', 2: 'F i16', 3: 'F i32 T', 4: 'F i16 T', 5: 'i32', 6: 'i16', 7: 'F f', 8: 'F d' },
  },
  { group: 32, name: 'Analog Input Event', kind: 'event', type: 'analog', point: 30, variations: ANALOG_EVENT },
  { group: 33, name: 'Frozen Analog Input Event', kind: 'event', type: 'analog', point: 31, variations: ANALOG_EVENT },
  { group: 34, name: 'Analog Input Deadband', kind: 'other', variations: { 1: 'u16', 2: 'u32', 3: 'f' } },

  {
    group: 40,
    name: 'Analog Output Status',
    kind: 'static',
    type: 'analog',
    point: 40,
    variations: { 1: 'F i32', 2: 'F i16', 3: 'F f', 4: 'F d' },
  },
  { group: 41, name: 'Analog Output', kind: 'command', variations: { 1: 'i32 S', 2: 'i16 S', 3: 'f S', 4: 'd S' } },
  { group: 42, name: 'Analog Output Event', kind: 'event', type: 'analog', point: 40, variations: ANALOG_EVENT },
  {
    group: 43,
    name: 'Analog Output Command Event',
    kind: 'command',
    variations: {
      1: 'S i32',
      2: 'S i16',
      3: 'S i32 T',
      4: 'S i16 T',
      5: 'S f',
      6: 'S d',
      7: 'S f T',
      8: 'S d T',
    },
  },

  {
    group: 50,
    name: 'Time and Date',
    kind: 'other',
    variations: { 1: 'T', 2: 'T interval.u32', 3: 'T', 4: 'T interval.u32 units.u8' },
  },
  { group: 51, name: 'Time and Date CTO', kind: 'other', variations: { 1: 'T', 2: 'T' } },
  { group: 52, name: 'Time Delay', kind: 'other', variations: { 1: 'u16', 2: 'u16' } },
  { group: 60, name: 'Class Objects', kind: 'other', variations: { 1: 'none', 2: 'none', 3: 'none', 4: 'none' } },

  {
    group: 70,
    name: 'File Control',
    kind: 'other',
    variations: {
      1: 'sized(34)',
      2: 'sized(12)',
      3: 'sized(26)',
      4: 'sized(13)',
      5: 'sized(8)',
      6: 'sized(9)',
      7: 'sized(20)',
      8: 'sized(0)',
    },
  },
  { group: 80, name: 'Internal Indications', kind: 'other', variations: { 1: 'bit' } },
  { group: 81, name: 'Device Storage', kind: 'other', variations: { 1: 'fill.u8 group.u8 variation.u8' } },
  { group: 82, name: 'Device Profile', kind: 'other', variations: { 1: 'sized(10)' } },
  { group: 83, name: 'Private Registration', kind: 'other', variations: { 1: 'sized(8)', 2: 'sized(8)' } },
  { group: 85, name: 'Data Set Prototype', kind: 'other', variations: { 1: 'sized(0)' } },
  {
    group: 86,
    name: 'Data Set Descriptor',
    kind: 'other',
    variations: { 1: 'sized(0)', 2: 'characteristics.u8', 3: 'sized(0)' },
  },
  { group: 87, name: 'Data Set', kind: 'other', variations: { 1: 'sized(0)' } },
  { group: 88, name: 'Data Set Event', kind: 'other', variations: { 1: 'sized(0)' } },
  { group: 90, name: 'Application', kind: 'other', variations: { 1: 'sized(0)' } },
  { group: 91, name: 'Status of Requested Operation', kind: 'other', variations: { 1: 'sized(5)' } },

  { group: 101, name: 'Binary-Coded Decimal Integer', kind: 'other', variations: { 1: 'x2', 2: 'x4', 3: 'x8' } },
  { group: 102, name: 'Unsigned Integer', kind: 'other', variations: { 1: 'u8' } },
  { group: 110, name: 'Octet String', kind: 'static', type: 'octets', point: 110, variations: { any: 'octets' } },
  { group: 111, name: 'Octet String Event', kind: 'event', type: 'octets', point: 110, variations: { any: 'octets' } },
  { group: 112, name: 'Virtual Terminal Output Block', kind: 'other', variations: { any: 'octets' } },
  { group: 113, name: 'Virtual Terminal Event Data', kind: 'other', variations: { any: 'octets' } },
  { group: 114, name: 'Extended Octet String', kind: 'other', variations: { any: 'sized(0)' } },
  { group: 115, name: 'Extended Octet String Event', kind: 'other', variations: { any: 'sized(0)' } },

  {
    group: 120,
    name: 'Authentication',
    kind: 'other',
    variations: {
      1: 'sized(8)',
      2: 'sized(6)',
      3: 'sequence.u32 user.u16',
      4: 'user.u16',
      5: 'sized(11)',
      6: 'sized(6)',
      7: 'sized(15)',
      8: 'sized(2)',
      9: 'sized(0)',
      10: 'sized(16)',
      11: 'sized(5)',
      12: 'sized(8)',
      13: 'sized(8)',
      14: 'sized(0)',
      15: 'sized(0)',
    },
  },
  { group: 121, name: 'Security Statistic', kind: 'other', variations: { 1: 'F association.u16 u32' } },
  {
    group: 122,
    name: 'Security Statistic Event',
    kind: 'other',
    variations: { 1: 'F association.u16 u32', 2: 'F association.u16 u32 T' },
  },
]

const GROUPS: readonly (ObjectGroup | undefined)[] = Array.from({ length: 256 }, (_, group) =>
  OBJECT_GROUPS.find((row) => row.group === group),
)

/** Layouts by group * 256 + variation. */
const LAYOUTS: readonly (ObjectLayout | undefined)[] = compileAll()

function compileAll(): (ObjectLayout | undefined)[] {
  const layouts = Array.from<ObjectLayout | undefined>({ length: 65_536 })
  for (const { group, variations } of OBJECT_GROUPS) {
    const { any, ...listed } = variations
    if (any !== undefined) layouts.fill(compileLayout(any), group * 256, group * 256 + 256)
    for (const [variation, notation] of Object.entries(listed)) {
      layouts[group * 256 + Number(variation)] = compileLayout(notation)
    }
  }
  return layouts
}

/** The group of a number, or undefined for one that the standard does not have. */
export function groupOf(group: number): ObjectGroup | undefined {
  return GROUPS[group]
}

/** How objects of a variation lie in a fragment, or undefined where that is not known; variation 0 only asks. */
export function layoutOf(group: number, variation: number): ObjectLayout | undefined {
  return LAYOUTS[group * 256 + variation]
}
