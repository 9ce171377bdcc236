import type { Description, FieldValue, Framer } from '@gridseal/adapter'
import { dnp3Adapter } from '@gridseal/dnp3'
import type { DigestRow } from './digest.ts'

export interface InspectedPacket {
  readonly row: DigestRow
  /** One per link frame that the packet completes. */
  readonly records: readonly Description[]
}

/** Runs the packets of a capture through framers and one inspector, as `gridseal inspect` does. */
export function inspectRows(rows: readonly DigestRow[]): { packets: InspectedPacket[]; framers: Framer[] } {
  const framers = new Map<string, Framer>()
  const inspector = dnp3Adapter.inspector()
  const packets = rows.map((row) => {
    const direction = row.toDevice ? 'to-device' : 'to-master'
    let framer = framers.get(row.flow)
    if (framer === undefined) {
      framer = dnp3Adapter.framer({ medium: row.datagram ? 'datagram' : 'stream', direction, keepInvalid: true })
      framers.set(row.flow, framer)
    }
    return { row, records: framer.push(row.payload).map((frame) => inspector.push(frame, direction)) }
  })
  return { packets, framers: [...framers.values()] }
}

/** The columns of a digest that a packet's records have something to say to, computed from the records. */
export function columnsOf(records: readonly Description[]): Record<string, string[]> {
  const frames = records.map(({ fields }) => fields)
  const fragments = frames.filter((fields) => 'function' in fields)
  const of = (list: readonly Readonly<Record<string, FieldValue>>[], name: string): string[] =>
    list.map((fields) => text(fields[name]))
  const flag = (list: readonly Readonly<Record<string, FieldValue>>[], group: string, name: string): string[] =>
    list.map((fields) => text((fields[group] as Record<string, FieldValue>)[name]))
  const segments = frames.filter((fields) => 'transport' in fields)
  return {
    'dnp3.ctl.dir': frames.map((fields) => (fields['direction'] === 'to-device' ? '1' : '0')),
    'dnp3.ctl.prm': of(frames, 'primary'),
    'dnp3.ctl.prifunc': of(
      frames.filter((fields) => fields['primary'] === true),
      'linkFunction',
    ),
    'dnp3.ctl.secfunc': of(
      frames.filter((fields) => fields['primary'] === false),
      'linkFunction',
    ),
    'dnp3.src': of(frames, 'linkSource'),
    'dnp3.dst': of(frames, 'linkDestination'),
    'dnp3.tr.fir': flag(segments, 'transport', 'first'),
    'dnp3.tr.fin': flag(segments, 'transport', 'final'),
    'dnp3.tr.seq': flag(segments, 'transport', 'sequence'),
    'dnp3.al.fir': flag(fragments, 'control', 'first'),
    'dnp3.al.fin': flag(fragments, 'control', 'final'),
    'dnp3.al.con': flag(fragments, 'control', 'confirm'),
    'dnp3.al.uns': flag(fragments, 'control', 'unsolicited'),
    'dnp3.al.seq': of(fragments, 'sequence'),
    'dnp3.al.func': of(fragments, 'function'),
    'dnp3.al.iin': fragments
      .filter((fields) => fields['iin'] !== null)
      .map((fields) => `0x${(fields['iin'] as number).toString(16).padStart(4, '0')}`),
    'dnp3.al.obj': fragments.flatMap((fields) =>
      (fields['objects'] as readonly (readonly [number, number])[]).map(
        ([group, variation]) => `0x${(group * 256 + variation).toString(16).padStart(4, '0')}`,
      ),
    ),
  }
}

function text(value: FieldValue | undefined): string {
  return typeof value === 'boolean' ? (value ? '1' : '0') : String(value)
}
