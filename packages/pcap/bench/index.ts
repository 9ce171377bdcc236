import { existsSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { CaptureDecoder, CaptureWalker } from '@gridseal/pcap'
import { ROOT, SHARED_PCAPS } from '../../../test/support/requirements.ts'
import { loopedCapture } from '../test/support/looped-capture.ts'
import type { Figure } from '../../../test/support/bench.ts'

const CAPTURES: readonly string[] = [
  join(ROOT, 'fixtures/pcap/modbus-poll.pcap'),
  join(SHARED_PCAPS, 'modbus-tcp/iti_modbusBig.pcap'),
  join(SHARED_PCAPS, 'modbus-tcp/iti_mb2_first6000.pcap'),
  join(SHARED_PCAPS, 'sv/qut_zss_sv_scenario_a.pcap'),
]
const RUNS = 5
const BYTES = 48 * 1024 * 1024

interface Load {
  readonly chunks: readonly Uint8Array[]
  readonly bytes: number
}

/** Bytes and packets per second of reading alone and of reading and walking, over captures looped in memory. */
export async function run(report: (result: Figure) => void): Promise<void> {
  for (const path of CAPTURES) {
    if (!existsSync(path)) continue
    const load = loadOf(readFileSync(path))
    measure(`read ${basename(path)}`, load, () => decode(load, undefined), report)
    measure(`read and walk ${basename(path)}`, load, () => decode(load, new CaptureWalker()), report)
    // Lets the runner breathe between captures.
    await new Promise((resolve) => setImmediate(resolve))
  }
}

function loadOf(capture: Uint8Array): Load {
  const rounds = Math.ceil(BYTES / capture.length)
  const chunks = [...loopedCapture(capture, rounds)]
  return { chunks, bytes: chunks.reduce((sum, chunk) => sum + chunk.length, 0) }
}

/** Returns the packets read, and walks them if a walker is given. */
function decode(load: Load, walker: CaptureWalker | undefined): number {
  const decoder = new CaptureDecoder()
  let packets = 0
  for (const chunk of load.chunks) {
    const batch = decoder.push(chunk)
    packets += batch.length
    walker?.pushAll(batch)
  }
  decoder.finish()
  walker?.finish()
  return packets
}

function measure(name: string, load: Load, work: () => number, report: (result: Figure) => void): void {
  const rates: { bytes: number; packets: number }[] = []
  for (let run = 0; run < RUNS; run++) {
    const start = performance.now()
    const packets = work()
    const seconds = (performance.now() - start) / 1000
    rates.push({ bytes: load.bytes / seconds, packets: packets / seconds })
  }
  rates.sort((one, other) => one.bytes - other.bytes)
  const median = rates[RUNS >> 1]!
  const figure = { suite: 'pcap', case: name, runs: RUNS }
  report({ ...figure, metric: 'throughput', value: Math.round(median.bytes / 1e5) / 10, unit: 'MB/s' })
  report({ ...figure, metric: 'packets', value: Math.round(median.packets), unit: '1/s' })
}
