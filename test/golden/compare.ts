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
