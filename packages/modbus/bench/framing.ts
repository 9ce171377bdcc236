import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Direction, Framer, Medium } from '@gridseal/adapter'
import { ADU_CODECS, modbusAdapter } from '@gridseal/modbus'
import type { Framing } from '@gridseal/modbus'
import { SHARED_PCAPS } from '../../../test/support/requirements.ts'
import { capturedSegments } from '../test/support/captures.ts'
import { fixtureSegments } from '../test/support/fixtures.ts'
import type { Figure } from '../../../test/support/bench.ts'

const RUNS = 5
const WINDOW_MS = 150

/** Bytes of one direction, in the pieces in which they come. */
interface Load {
  readonly direction: Direction
  readonly chunks: readonly Uint8Array[]
}

/** Frames per second, on one core: framers over the mix of the captures, and what the adapter makes of frames. */
export async function benchFraming(report: (result: Figure) => void): Promise<void> {
  const segments = trafficMix()
  const frames = segments.flatMap((load) =>
    cut(load, 'tcp', 'stream').map((bytes) => ({ bytes, direction: load.direction })),
  )
  const figure = async (name: string, count: number, work: () => number): Promise<void> => {
    const value = Math.round(count * (await roundsPerSecond(work)))
    report({ suite: 'modbus', case: name, metric: 'rate', value, unit: 'frames/s', runs: RUNS })
  }
  const framerFigure = (name: string, loads: readonly Load[], framing: Framing, medium: Medium): Promise<void> => {
    const count = loads.reduce((sum, load) => sum + cut(load, framing, medium).length, 0)
    return figure(name, count, () => loads.reduce((sum, load) => sum + framed(load, framing, medium), 0))
  }
  await framerFigure('TCP framer, segments as captured', segments, 'tcp', 'stream')
  await framerFigure('TCP framer, 64 KiB chunks', recut(segments, 65_536), 'tcp', 'stream')
  await framerFigure('TCP framer, 100-byte chunks', recut(segments, 100), 'tcp', 'stream')
  const lines = segments.map((load) => ({ ...load, chunks: [asRtu(cut(load, 'tcp', 'stream'))] }))
  await framerFigure('RTU framer with CRC, 64 KiB chunks', recut(lines, 65_536), 'rtu', 'stream')
  await framerFigure('RTU framer with CRC, 32-byte chunks', recut(lines, 32), 'rtu', 'serial')

  const inspector = modbusAdapter.inspector()
  await figure('inspector', frames.length, () => {
    for (const { bytes, direction } of frames) inspector.push(bytes, direction)
    return frames.length
  })
  await figure('operation', frames.length, () => {
    let critical = 0
    for (const { bytes, direction } of frames) if (modbusAdapter.operation(bytes, direction).critical) critical++
    return critical
  })
  const readings = modbusAdapter.readings()
  await figure('readings', frames.length, () => {
    let count = 0
    for (const { bytes, direction } of frames) {
      count += readings.push({ link: 'line', connection: 1, direction, time: 0n, bytes }).length
    }
    return count
  })
}

/** Segments of all captures beside the checkout, else of the fixture. */
function trafficMix(): Load[] {
  const folder = join(SHARED_PCAPS, 'modbus-tcp')
  // The captures with many packets; the others are made of what is wrong, which is no traffic mix.
  const captures = ['iti_mb2_first6000', 'iti_modbusBig', 'iti_modbus_test', 'iti_modbusSmall', 'icsnpp_modbus']
  const present = existsSync(folder) ? readdirSync(folder) : []
  const loads = captures
    .map((name) => `${name}.pcap`)
    .filter((name) => present.includes(name))
    .flatMap((name) => capturedSegments(join(folder, name)))
  if (loads.length > 0) return loads
  const { toDevice, toMaster } = fixtureSegments()
  return [
    { direction: 'to-device', chunks: toDevice },
    { direction: 'to-master', chunks: toMaster },
  ]
}

function framerOf({ direction }: Load, framing: Framing, medium: Medium): Framer {
  return modbusAdapter.framer({ medium, direction, framing })
}

function cut(load: Load, framing: Framing, medium: Medium): Uint8Array[] {
  const framer = framerOf(load, framing, medium)
  return load.chunks.flatMap((chunk) => framer.push(chunk))
}

function framed(load: Load, framing: Framing, medium: Medium): number {
  const framer = framerOf(load, framing, medium)
  let count = 0
  for (const chunk of load.chunks) count += framer.push(chunk).length
  return count
}

/** The bytes of all loads of a direction in chunks of `size`. */
function recut(loads: readonly Load[], size: number): Load[] {
  return (['to-device', 'to-master'] as const).map((direction) => {
    const bytes = Buffer.concat(loads.filter((load) => load.direction === direction).flatMap((load) => load.chunks))
    const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
      bytes.subarray(i * size, (i + 1) * size),
    )
    return { direction, chunks }
  })
}

function asRtu(frames: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(frames.map((frame) => ADU_CODECS.rtu.encode(ADU_CODECS.tcp.decode(frame))))
}

let kept = 0

/** Median over the runs. */
async function roundsPerSecond(work: () => number): Promise<number> {
  const rates: number[] = []
  for (let run = 0; run <= RUNS; run++) {
    let rounds = 0
    const start = performance.now()
    let elapsed = 0
    while (elapsed < WINDOW_MS) {
      kept += work()
      rounds++
      elapsed = performance.now() - start
    }
    // The first run warms up.
    if (run > 0) rates.push((rounds * 1000) / elapsed)
    await new Promise((resolve) => setImmediate(resolve))
  }
  return rates.sort((a, b) => a - b)[RUNS >> 1]!
}

/** What the work brought: exported, so that none of it can be optimised away. */
export const result = (): number => kept
