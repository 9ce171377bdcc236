import { readFileSync } from 'node:fs'
import type { FieldValue } from '@gridseal/adapter'
import { functionByCode } from '@gridseal/modbus'
import type { CapturedFrame } from './captures.ts'

/** What one packet says, as lists in wire order; comparable whoever decoded it. */
export interface PacketRecord {
  readonly transactions: string
  readonly units: string
  readonly functions: string
  readonly exceptions: string
  readonly addresses: string
  /** Quantities of registers. */
  readonly words: string
  /** Quantities of coils and discrete inputs. */
  readonly bits: string
  readonly malformed: boolean
}

/** The records of a tshark digest (`NAME.expect.tsv`) by packet number; packets without a function code have none. */
export function readDigest(path: string): Map<number, PacketRecord> {
  const [header = '', ...rows] = readFileSync(path, 'utf8').trimEnd().split('\n')
  const names = header.split('\t')
  const records = new Map<number, PacketRecord>()
  for (const row of rows) {
    const cells = row.split('\t')
    const cell = (name: string): string => cells[names.indexOf(name)] ?? ''
    if (cell('modbus.func_code') === '') continue
    records.set(Number(cell('frame.number')), {
      transactions: cell('mbtcp.trans_id'),
      units: cell('mbtcp.unit_id'),
      functions: cell('modbus.func_code'),
      exceptions: cell('modbus.exception_code'),
      addresses: cell('modbus.reference_num'),
      words: cell('modbus.word_cnt'),
      bits: cell('modbus.bit_cnt'),
      malformed: cell('_ws.malformed') !== '',
    })
  }
  return records
}

/** The same, from the adapter's descriptions. */
export function recordsOf(frames: readonly CapturedFrame[]): Map<number, PacketRecord> {
  const byPacket = new Map<number, CapturedFrame[]>()
  for (const frame of frames) {
    const others = byPacket.get(frame.packet)
    if (others === undefined) byPacket.set(frame.packet, [frame])
    else others.push(frame)
  }
  return new Map([...byPacket].map(([packet, inPacket]) => [packet, recordOf(inPacket)]))
}

function recordOf(frames: readonly CapturedFrame[]): PacketRecord {
  const fields = frames.map((frame) => frame.description.fields)
  const list = (values: readonly (FieldValue | undefined)[]): string =>
    values.filter((value) => value !== null && value !== undefined).join(',')
  const quantities = (areBits: boolean): string =>
    list(fields.filter((f) => countsBits(f['function']) === areBits).map((f) => f['quantity']))
  return {
    transactions: list(fields.map((f) => f['transaction'])),
    units: list(fields.map((f) => f['unit'])),
    functions: list(fields.map((f) => f['function'])),
    exceptions: list(fields.map((f) => f['exception'])),
    addresses: list(fields.map((f) => f['address'])),
    words: quantities(false),
    bits: quantities(true),
    malformed: frames.some((frame) => frame.description.malformed !== null),
  }
}

function countsBits(code: FieldValue | undefined): boolean {
  const table = functionByCode(Number(code))?.table
  return table === 'co' || table === 'di'
}
