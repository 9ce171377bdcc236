import { BER, BerReader, BerWriter, CRC_MODELS, Reader, Writer, fromHex, makeCrc, toHex } from '@gridseal/wire'
import { crc32 } from 'node:zlib'
import type { Figure } from '../../../test/support/bench.ts'

/** The last result: exported, so that no work can be optimised away. */
export let kept: unknown

const RUNS = 5
const WINDOW_MS = 100

/** Readers, writers, check sums and BER on one core, beside what Node.js offers for the same. */
export async function run(report: (figure: Figure) => void): Promise<void> {
  const rate = (suite: string, name: string, work: () => unknown, versus?: string): void => {
    const value = Math.round(operationsPerSecond(work))
    const figure = { suite, case: name, metric: 'rate', value, unit: 'ops/s', runs: RUNS }
    report(versus === undefined ? figure : { ...figure, versus })
  }
  const throughput = (suite: string, name: string, bytes: number, work: () => unknown, versus?: string): void => {
    const value = Math.round((operationsPerSecond(work) * bytes) / 1e6)
    const figure = { suite, case: name, metric: 'throughput', value, unit: 'MB/s', runs: RUNS }
    report(versus === undefined ? figure : { ...figure, versus })
  }

  const header = fromHex('0007 0000 0006 01 03 0028 0002')
  const headerView = new DataView(header.buffer, header.byteOffset, header.length)
  rate('wire.read', 'Modbus TCP request, Reader', () => readRequest(header), 'DataView')
  rate('wire.read', 'DataView', () => readRequestUnchecked(headerView))

  rate('wire.write', 'Modbus TCP request, Writer', writeRequest, 'Buffer.allocUnsafe')
  rate('wire.write', 'Buffer.allocUnsafe', writeRequestBuffer)

  const block = Uint8Array.from({ length: 4096 }, (_, i) => i & 0xff)
  const small = block.subarray(0, 16)
  for (const model of Object.values(CRC_MODELS)) {
    const crc = makeCrc(model)
    throughput('wire.crc', `${model.name}, 4 KiB`, block.length, () => crc(block), 'zlib.crc32, 4 KiB')
    throughput('wire.crc', `${model.name}, 16 B`, small.length, () => crc(small), 'zlib.crc32, 16 B')
  }
  throughput('wire.crc', 'zlib.crc32, 4 KiB', block.length, () => crc32(block))
  throughput('wire.crc', 'zlib.crc32, 16 B', small.length, () => crc32(small))

  const hex = toHex(block)
  throughput('wire.hex', 'fromHex', block.length, () => fromHex(hex), 'Buffer.from')
  throughput('wire.hex', 'Buffer.from', block.length, () => Buffer.from(hex, 'hex'))
  throughput('wire.hex', 'toHex', block.length, () => toHex(block))

  const initiate = writeInitiate()
  rate('wire.ber', 'decode MMS initiate', () => readInitiate(initiate))
  rate('wire.ber', 'encode MMS initiate', writeInitiate)
}

function readRequest(bytes: Uint8Array): number {
  const r = new Reader(bytes)
  const sum = r.u16be('transaction') + r.u16be('protocol')
  const adu = r.sub(r.u16be('length'), 'adu')
  return sum + adu.u8('unit') + adu.u8('function') + adu.u16be('address') + adu.u16be('quantity')
}

function readRequestUnchecked(v: DataView): number {
  return (
    v.getUint16(0) + v.getUint16(2) + v.getUint16(4) + v.getUint8(6) + v.getUint8(7) + v.getUint16(8) + v.getUint16(10)
  )
}

function writeRequest(): Uint8Array {
  return new Writer(12).u16be(7).u16be(0).u16be(6).u8(1).u8(3).u16be(40).u16be(2).finish()
}

function writeRequestBuffer(): Uint8Array {
  const b = Buffer.allocUnsafe(12)
  b.writeUInt16BE(7, 0)
  b.writeUInt16BE(0, 2)
  b.writeUInt16BE(6, 4)
  b.writeUInt8(1, 6)
  b.writeUInt8(3, 7)
  b.writeUInt16BE(40, 8)
  b.writeUInt16BE(2, 10)
  return b
}

function writeInitiate(): Uint8Array {
  return new BerWriter()
    .constructed(0xa8, (w) =>
      w
        .integer(65000, 0x80)
        .integer(5, 0x81)
        .integer(10, 0x83)
        .constructed(0xa4, (detail) =>
          detail.integer(1, 0x80).octetString(INITIATE_SERVICES, 0x82).oid('1.0.9506.2.3'),
        ),
    )
    .finish()
}

const INITIATE_SERVICES = fromHex('03ee1c00000408000079ef18')

function readInitiate(bytes: Uint8Array): string {
  const pdu = BerReader.of(bytes).enter(0xa8, 'initiate')
  for (const tag of [0x80, 0x81, 0x83]) pdu.integer('parameter', tag)
  const detail = pdu.enter(0xa4, 'detail')
  detail.integer('version', 0x80)
  detail.octetString('services', 0x82)
  return detail.oid('context', BER.OID)
}

/** Median over the runs, after one run to warm up. */
function operationsPerSecond(work: () => unknown): number {
  const rates: number[] = []
  for (let i = 0; i <= RUNS; i++) {
    let operations = 0
    let batch = 1
    const start = performance.now()
    let elapsed = 0
    while (elapsed < WINDOW_MS) {
      for (let k = 0; k < batch; k++) kept = work()
      operations += batch
      batch = Math.min(batch * 2, 4096)
      elapsed = performance.now() - start
    }
    if (i > 0) rates.push((operations * 1000) / elapsed)
  }
  return rates.sort((a, b) => a - b)[RUNS >> 1]!
}
