import { byFrame } from '../support/inspection.ts'
import type { InspectRecord } from '../support/inspection.ts'
import type { DigestRow } from '../support/digest.ts'
import { list } from '../support/digest.ts'

/** One field of one packet in which our record and tshark's digest differ. */
export interface Difference {
  readonly frame: number
  readonly field: string
  readonly ours: string
  readonly tshark: string
}

/** A digest column and what our records say of the same thing, in the digest's notation. */
export interface Column {
  readonly field: string
  readonly tshark: (row: DigestRow) => readonly string[]
  readonly ours: (record: InspectRecord) => readonly string[]
  /** Compare as sets of values, not as a sequence. */
  readonly unordered?: boolean
}

/** Every difference between records and digest: packets that only one side has, and columns that differ. */
export function differences(
  records: readonly InspectRecord[],
  rows: readonly DigestRow[],
  protocol: string,
  columns: readonly Column[],
): Difference[] {
  const found: Difference[] = []
  const mine = byFrame(records, protocol)
  const theirs = new Map(rows.map((row) => [Number(row['frame.number']), row]))
  for (const frame of new Set([...mine.keys(), ...theirs.keys()])) {
    const ours = mine.get(frame)
    const row = theirs.get(frame)
    if (ours === undefined || row === undefined) {
      found.push({
        frame,
        field: 'packet',
        ours: ours === undefined ? 'absent' : 'there',
        tshark: row === undefined ? 'absent' : 'there',
      })
      continue
    }
    for (const column of columns) {
      const arrange = (values: readonly string[]): string =>
        (column.unordered === true ? [...values].sort() : values).join(',')
      const a = arrange(ours.flatMap((record) => column.ours(record)))
      const b = arrange(column.tshark(row))
      if (a !== b) found.push({ frame, field: column.field, ours: a, tshark: b })
    }
  }
  return found.sort((a, b) => a.frame - b.frame)
}

const text = (value: unknown): string[] => (value === null || value === undefined ? [] : [String(value)])

export const MODBUS_COLUMNS: readonly Column[] = [
  { field: 'transaction', tshark: (row) => list(row['mbtcp.trans_id']), ours: (r) => text(r['transaction']) },
  { field: 'unit', tshark: (row) => list(row['mbtcp.unit_id']), ours: (r) => text(r['unit']) },
  { field: 'function', tshark: (row) => list(row['modbus.func_code']), ours: (r) => text(r['function']) },
  { field: 'exception', tshark: (row) => list(row['modbus.exception_code']), ours: (r) => text(r['exception']) },
  { field: 'address', tshark: (row) => list(row['modbus.reference_num']), ours: (r) => text(r['address']) },
  {
    field: 'quantity',
    // tshark has a column for words and one for bits; in a packet with both, wire order is lost there.
    tshark: (row) => [...list(row['modbus.word_cnt']), ...list(row['modbus.bit_cnt'])],
    ours: (r) => text(r['quantity']),
    unordered: true,
  },
  {
    field: 'malformed',
    tshark: (row) => (row['_ws.malformed'] === '' ? [] : ['yes']),
    ours: (r) => (r.malformed === null ? [] : ['yes']),
  },
]

/** The digest of a sniffed serial line has other names for the frame's own fields. */
export const RTU_COLUMNS: readonly Column[] = [
  { field: 'unit', tshark: (row) => list(row['mbrtu.unit_id']), ours: (r) => text(r['unit']) },
  ...MODBUS_COLUMNS.filter(({ field }) => !['transaction', 'unit'].includes(field)),
]

const hex = (value: string): string => String(Number(value))

export const DNP3_COLUMNS: readonly Column[] = [
  { field: 'linkSource', tshark: (row) => list(row['dnp3.src']), ours: (r) => text(r['linkSource']) },
  { field: 'linkDestination', tshark: (row) => list(row['dnp3.dst']), ours: (r) => text(r['linkDestination']) },
  {
    field: 'linkFunction',
    // tshark has a column for each side; in a packet with both, wire order is lost there.
    tshark: (row) => [...list(row['dnp3.ctl.prifunc']), ...list(row['dnp3.ctl.secfunc'])].map(hex),
    ours: (r) => text(r['linkFunction']),
    unordered: true,
  },
  { field: 'function', tshark: (row) => list(row['dnp3.al.func']).map(hex), ours: (r) => text(r['function']) },
  { field: 'iin', tshark: (row) => list(row['dnp3.al.iin']).map(hex), ours: (r) => text(r['iin']) },
  {
    field: 'objects',
    tshark: (row) => list(row['dnp3.al.obj']).map((object) => `${Number(object) >> 8}/${Number(object) & 0xff}`),
    ours: (r) => ((r['objects'] ?? []) as [number, number][]).map(([group, variation]) => `${group}/${variation}`),
  },
  {
    field: 'malformed',
    tshark: (row) => (row['_ws.malformed'] === '' ? [] : ['yes']),
    ours: (r) => (r.malformed === null ? [] : ['yes']),
  },
]

const flag = (cell: string | undefined): string[] => list(cell).map((one) => String(one === '1' || one === 'True'))
const malformed: Column = {
  field: 'malformed',
  tshark: (row) => (row['_ws.malformed'] === '' ? [] : ['yes']),
  ours: (r) => (r.malformed === null ? [] : ['yes']),
}

const session = (
  record: InspectRecord,
): { readonly spduNumber: number; readonly version: number; readonly keyId: number } | undefined =>
  record['session'] as ReturnType<typeof session>

/** Frames of the process bus: where they go, and who sent them. */
const ETHERNET_COLUMNS: readonly Column[] = [
  { field: 'src', tshark: (row) => list(row['eth.src']), ours: (r) => text(r['src']) },
  { field: 'dst', tshark: (row) => list(row['eth.dst']), ours: (r) => text(r['dst']) },
  {
    field: 'vlan',
    tshark: (row) => list(row['vlan.id']),
    ours: (r) => text((r['vlan'] as { readonly id: number } | null)?.id),
  },
]

export const GOOSE_COLUMNS: readonly Column[] = [
  ...ETHERNET_COLUMNS,
  { field: 'appId', tshark: (row) => list(row['goose.appid']).map(hex), ours: (r) => text(r['appId']) },
  { field: 'simulated', tshark: (row) => flag(row['goose.reserve1.s_bit']), ours: (r) => text(r['simulated']) },
  { field: 'gocbRef', tshark: (row) => list(row['goose.gocbRef']), ours: (r) => text(r['gocbRef']) },
  { field: 'datSet', tshark: (row) => list(row['goose.datSet']), ours: (r) => text(r['datSet']) },
  { field: 'goId', tshark: (row) => list(row['goose.goID']), ours: (r) => text(r['goId']) },
  {
    field: 'timeAllowedToLive',
    tshark: (row) => list(row['goose.timeAllowedtoLive']),
    ours: (r) => text(r['timeAllowedToLive']),
  },
  { field: 'stNum', tshark: (row) => list(row['goose.stNum']), ours: (r) => text(r['stNum']) },
  { field: 'sqNum', tshark: (row) => list(row['goose.sqNum']), ours: (r) => text(r['sqNum']) },
  { field: 'confRev', tshark: (row) => list(row['goose.confRev']), ours: (r) => text(r['confRev']) },
  { field: 'simulation', tshark: (row) => flag(row['goose.simulation']), ours: (r) => text(r['simulation']) },
  { field: 'ndsCom', tshark: (row) => flag(row['goose.ndsCom']), ours: (r) => text(r['ndsCom']) },
  { field: 'entries', tshark: (row) => list(row['goose.numDatSetEntries']), ours: (r) => text(r['entries']) },
  {
    field: 'booleans',
    tshark: (row) => flag(row['goose.boolean']),
    ours: (r) =>
      [r['values'] ?? []]
        .flat(16)
        .filter((value) => typeof value === 'boolean')
        .map(String),
  },
  malformed,
]

/** R-GOOSE has its APPID, and a session, in other columns, and no addresses of Ethernet. */
export const ROUTABLE_COLUMNS: readonly Column[] = [
  ...GOOSE_COLUMNS.filter(({ field }) =>
    ['gocbRef', 'datSet', 'goId', 'stNum', 'sqNum', 'confRev', 'entries', 'booleans', 'malformed'].includes(field),
  ),
  { field: 'appId', tshark: (row) => list(row['rgoose.appid']).map(hex), ours: (r) => text(r['appId']) },
  { field: 'spduNumber', tshark: (row) => list(row['rgoose.spdu_num']), ours: (r) => text(session(r)?.spduNumber) },
  { field: 'version', tshark: (row) => list(row['rgoose.version']).map(hex), ours: (r) => text(session(r)?.version) },
  { field: 'keyId', tshark: (row) => list(row['rgoose.key_id']).map(hex), ours: (r) => text(session(r)?.keyId) },
]

export const SV_COLUMNS: readonly Column[] = [
  ...ETHERNET_COLUMNS,
  { field: 'appId', tshark: (row) => list(row['sv.appid']).map(hex), ours: (r) => text(r['appId']) },
  { field: 'asdus', tshark: (row) => list(row['sv.noASDU']), ours: (r) => text(r['asdus']) },
  { field: 'svId', tshark: (row) => list(row['sv.svID']), ours: (r) => (r['svId'] as string[]) ?? [] },
  { field: 'smpCnt', tshark: (row) => list(row['sv.smpCnt']), ours: (r) => (r['smpCnt'] as number[]).map(String) },
  { field: 'confRev', tshark: (row) => list(row['sv.confRev']), ours: (r) => (r['confRev'] as number[]).map(String) },
  {
    field: 'smpSynch',
    tshark: (row) => list(row['sv.smpSynch']),
    ours: (r) => (r['smpSynch'] as number[]).map(String),
  },
  malformed,
]
