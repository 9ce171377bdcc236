import type { Direction, Framer } from '@gridseal/adapter'
import { createFramer, dnp3Adapter } from '@gridseal/dnp3'
import { OWN_PCAPS, SHARED_DNP3, captures, readDigest } from '../test/support/digest.ts'
import type { Figure } from '../../../test/support/bench.ts'
import { polls } from './polls.ts'
import { sessions } from './stations.ts'

const RUNS = 5
const WINDOW_MS = 200

/** What one side of one conversation sends, in the pieces in which it came. */
interface Load {
  readonly direction: Direction
  readonly chunks: readonly Uint8Array[]
}

/** Link frames per second on one core: the framer with every check sum checked, and what the adapter makes of frames. */
export async function run(report: (result: Figure) => void): Promise<void> {
  const loads = trafficMix()
  const frames = loads.flatMap(({ chunks, direction }) => cut(chunks).map((bytes) => ({ bytes, direction })))
  const octets = frames.reduce((sum, { bytes }) => sum + bytes.length, 0)
  const figure = async (name: string, work: () => number): Promise<void> => {
    const rounds = await roundsPerSecond(work)
    const result = { suite: 'dnp3', case: name, runs: RUNS }
    report({ ...result, metric: 'rate', value: Math.round(frames.length * rounds), unit: 'frames/s' })
    report({ ...result, metric: 'throughput', value: Math.round((octets * rounds) / 1e6), unit: 'MB/s' })
  }
  const framing = (pieces: readonly (readonly Uint8Array[])[]): (() => number) => {
    return () => pieces.reduce((sum, chunks) => sum + pushAll(newFramer(), chunks), 0)
  }
  const streams = loads.map(({ chunks }) => chunks)
  await figure('framer, segments as captured', framing(streams))
  await figure('framer, 64 KiB chunks', framing([recut(streams, 65_536)]))
  await figure('framer, 100-byte chunks', framing([recut(streams, 100)]))

  const inspector = dnp3Adapter.inspector()
  await figure('inspector', () => {
    for (const { bytes, direction } of frames) inspector.push(bytes, direction)
    return frames.length
  })
  await figure('operation', () => {
    let critical = 0
    for (const { bytes, direction } of frames) if (dnp3Adapter.operation(bytes, direction).critical) critical++
    return critical
  })
  const readings = dnp3Adapter.readings()
  await figure('readings', () => {
    let points = 0
    for (const { bytes, direction } of frames) {
      points += readings.push({ link: 'bench', connection: 0, direction, time: 0n, bytes }).length
    }
    return points
  })
  await polls(report)
  await sessions(report)
}

/** Both sides of every conversation of the captures at hand. */
function trafficMix(): Load[] {
  const loads = new Map<string, { direction: Direction; chunks: Uint8Array[] }>()
  const folder = captures(SHARED_DNP3).length > 0 ? SHARED_DNP3 : OWN_PCAPS
  for (const capture of captures(folder)) {
    for (const { flow, toDevice, payload } of readDigest(folder, capture)) {
      const name = `${capture} ${flow}`
      let load = loads.get(name)
      if (load === undefined) loads.set(name, (load = { direction: toDevice ? 'to-device' : 'to-master', chunks: [] }))
      load.chunks.push(payload)
    }
  }
  return [...loads.values()]
}

function newFramer(): Framer {
  return createFramer({ medium: 'stream', direction: 'to-device' })
}

function cut(chunks: readonly Uint8Array[]): Uint8Array[] {
  const framer = newFramer()
  return chunks.flatMap((chunk) => framer.push(chunk))
}

function pushAll(framer: Framer, chunks: readonly Uint8Array[]): number {
  let count = 0
  for (const chunk of chunks) count += framer.push(chunk).length
  return count
}

/** All streams as one, in chunks of one size. */
function recut(streams: readonly (readonly Uint8Array[])[], size: number): Uint8Array[] {
  const whole = Buffer.concat(streams.flat())
  const chunks: Uint8Array[] = []
  for (let at = 0; at < whole.length; at += size) chunks.push(whole.subarray(at, at + size))
  return chunks
}

/** Median of {@link RUNS} windows, after one to warm up. */
async function roundsPerSecond(work: () => number): Promise<number> {
  const rates: number[] = []
  for (let run = 0; run <= RUNS; run++) {
    let rounds = 0
    const start = performance.now()
    let elapsed: number
    do {
      work()
      rounds++
      elapsed = performance.now() - start
    } while (elapsed < WINDOW_MS)
    if (run > 0) rates.push((rounds * 1000) / elapsed)
    await new Promise((resolve) => setImmediate(resolve))
  }
  return rates.sort((a, b) => a - b)[RUNS >> 1] ?? 0
}
