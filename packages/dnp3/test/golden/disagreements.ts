import type { Description } from '@gridseal/adapter'
import type { DigestRow } from '../support/digest.ts'

/** One value of one packet in which our reading is not tshark's. */
export interface Difference {
  /** Last part of the column's name, or `malformed`. */
  readonly column: string
  readonly ours: readonly string[]
  readonly tshark: readonly string[]
  readonly records: readonly Description[]
  readonly row: DigestRow
}

const AUTHENTICATION = new Set([32, 33, 131])
const NOT_DISSECTED = new Set([11, 12, 16, 17, 18, 22, 28, 29, 30, 31])

/** Objects at which tshark 4.0.17 gives up the rest of a fragment, as groups or as group * 256 + variation. */
const UNKNOWN_GROUPS = new Set([85, 86, 87, 88, 101, 102, 112, 113])
const UNKNOWN_OBJECTS = new Set([
  4 * 256 + 3,
  ...[1, 2, 3, 4, 5, 6].map((v) => 31 * 256 + v),
  ...[1, 2, 3, 4].map((v) => 33 * 256 + v),
  ...[2, 4].map((v) => 50 * 256 + v),
  51 * 256 + 2,
  52 * 256 + 1,
  ...[1, 2, 7, 8].map((v) => 70 * 256 + v),
])

function unknownToTshark(object: string | undefined): boolean {
  const id = Number(object)
  return UNKNOWN_OBJECTS.has(id) || UNKNOWN_GROUPS.has(id >> 8)
}

/** What a column would hold without the fragments of some functions. */
function without(functions: ReadonlySet<number>, { column, records }: Difference): string[] {
  return records
    .map(({ fields }) => fields)
    .filter((fields) => 'function' in fields && !functions.has(fields['function'] as number))
    .flatMap((fields) =>
      column === 'iin'
        ? fields['iin'] === null
          ? []
          : [Number(fields['iin'])]
        : (fields['objects'] as readonly (readonly [number, number])[]).map(
            ([group, variation]) => group * 256 + variation,
          ),
    )
    .map((value) => `0x${value.toString(16).padStart(4, '0')}`)
}

function startsWith(list: readonly string[], start: readonly string[]): boolean {
  return start.every((value, i) => value === list[i])
}

function faults(difference: Difference): string[] {
  return difference.records.flatMap(({ malformed }) => malformed ?? [])
}

/**
 * Why our reading of a packet may differ from that of tshark 4.0.17: `golden-notes.md` gives the reasons. Each rule holds
 * for exactly the differences that its quirk can make.
 */
export const RULES: Readonly<Record<string, (difference: Difference) => boolean>> = {
  /** Fragments of functions 32, 33 and 131 are not decoded behind the function code. */
  authentication: (d) =>
    (d.column === 'obj' || d.column === 'iin') && without(AUTHENTICATION, d).join() === d.tshark.join(),

  /** Nor are the objects of some other functions. */
  'function not dissected': (d) => d.column === 'obj' && without(NOT_DISSECTED, d).join() === d.tshark.join(),

  /** Objects that tshark does not know end its reading of a fragment. */
  'object unknown to tshark': (d) =>
    d.column === 'obj' && unknownToTshark(d.tshark.at(-1)) && startsWith(d.ours, d.tshark),

  /** Of some of them it reads on inside their data and takes those for a fault. */
  'data taken for a fault': (d) =>
    d.column === 'malformed' && d.ours[0] === 'false' && unknownToTshark(d.row.list('dnp3.al.obj').at(-1)),

  /** Range codes 3 to 5 are read as one address, not as start and stop. */
  'virtual address range': (d) =>
    d.column === 'obj' &&
    startsWith(d.tshark, d.ours) &&
    faults(d).length > 0 &&
    d.row.list('dnp3.al.objq.range').some((range) => range === '3' || range === '4' || range === '5'),

  /** Reserved range codes are taken for "all objects", and what follows for another header. */
  'reserved qualifier': (d) =>
    (d.column === 'obj' ? startsWith(d.tshark, d.ours) : d.column === 'malformed' && d.tshark[0] === 'false') &&
    faults(d).some((fault) => fault.startsWith('dnp3.object.qualifier')),

  /** Link frames that carry no user data by right are taken for cut short. */
  'link frame without user data': (d) =>
    d.column === 'malformed' &&
    d.ours[0] === 'false' &&
    d.records.some(({ fields }) =>
      ['TEST_LINK_STATES', 'NACK', 'NOT_SUPPORTED'].includes(String(fields['linkFunctionName'])),
    ),
}

/** The rules that explain a difference. */
export function explanations(difference: Difference): string[] {
  return Object.entries(RULES)
    .filter(([, holds]) => holds(difference))
    .map(([name]) => name)
}

/** How often each rule is needed in the captures that we know, by capture. */
export const SEEN: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  iti_auth_change_session_keys: { authentication: 6 },
  iti_auth_control_challenge_response: { authentication: 3 },
  iti_dataset_exchange: { 'data taken for a fault': 1 },
  opendnp3conf_8_14_2_13: { 'object unknown to tshark': 2 },
  opendnp3conf_8_15_2: { 'object unknown to tshark': 1 },
  openics_malformed_first99: { 'virtual address range': 13, 'reserved qualifier': 15 },
  zeek_dnp3: { 'function not dissected': 4, 'reserved qualifier': 6 },
}
