import { existsSync, readdirSync, statSync } from 'node:fs'
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { inspectFile } from '@gridseal/cli'
import type { InspectOptions } from '@gridseal/cli'
import type { Packet } from '@gridseal/pcap'
import { LINK_TYPE, PcapngWriter, openCapture } from '@gridseal/pcap'
import type { Figure } from '../../../test/support/bench.ts'
import { median } from '../../../test/support/bench.ts'
import { writeLastingConnections } from './lasting-connections.ts'

const ROOT = join(import.meta.dirname, '../../..')
const RUNS = 5
const CAPTURE_BYTES = 60e6
const SHARED = 'shared'

/** How often the capture of a mix is repeated for the case in threads: their start is to be a small part of it. */
const REPEATED = 10
const LARGE_RUNS = 3

/**
 * `gridseal inspect --json` without the pipe behind it: read, reassemble, decode, write the lines as UTF-8. Each mix is
 * one large capture, made of the captures again and again with other addresses each time, so that every copy is a stream
 * of its own. Once in one thread, as it is when all code is warm; and, of the captures beside the checkout, ten times as
 * large in as many threads as the command would take, their start included.
 */
export async function run(report: (figure: Figure) => void): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'gridseal-bench-'))
  try {
    for (const [name, make] of mixes()) {
      const capture = join(folder, 'capture.pcapng')
      await make(capture)
      const size = statSync(capture).size
      await inspectFile(capture, { json: true, threads: 1 }, () => {})
      const one = await rates(capture, RUNS, { json: true, threads: 1 })
      const figures = (title: string, runs: number, values: readonly [string, number, string][]): void => {
        for (const [metric, value, unit] of values) {
          report({ suite: 'cli', case: `inspect --json, ${name}${title}`, metric, value, unit, runs })
        }
      }
      figures('', RUNS, [
        ['capture', median(one.wall), 'MB/s'],
        ['capture per CPU time', median(one.cpu), 'MB/CPU-s'],
        ['records', one.records / (size / 1e6), 'records/MB'],
      ])
      if (!name.startsWith(SHARED)) continue
      const chunk = await readFile(capture)
      // Sections of pcapng follow one another.
      for (let i = 1; i < REPEATED; i++) await appendFile(capture, chunk)
      const many = await rates(capture, LARGE_RUNS, { json: true })
      figures(', large, in threads', LARGE_RUNS, [['capture', median(many.wall), 'MB/s']])
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

interface Rates {
  /** MB of capture per second, and per second of CPU time. */
  readonly wall: number[]
  readonly cpu: number[]
  readonly records: number
}

async function rates(capture: string, runs: number, options: InspectOptions): Promise<Rates> {
  const size = statSync(capture).size
  const wall: number[] = []
  const cpu: number[] = []
  let records = 0
  for (let i = 0; i < runs; i++) {
    const start = performance.now()
    const before = process.cpuUsage()
    ;({ records } = await inspectFile(capture, options, () => {}))
    const { user, system } = process.cpuUsage(before)
    wall.push(size / 1e3 / (performance.now() - start))
    cpu.push(size / (user + system))
  }
  return { wall, cpu, records }
}

/** Writes the packets of `files` over and over until the capture has {@link CAPTURE_BYTES}. */
async function multiply(files: readonly string[], capture: string): Promise<void> {
  const packets: Packet[] = []
  for (const file of files) for await (const batch of openCapture(file)) packets.push(...batch)
  const writer = new PcapngWriter()
  const chunks: Uint8Array[] = []
  let size = 0
  for (let round = 1; size < CAPTURE_BYTES; round++) {
    for (const packet of packets) {
      const { linkType, time, originalLength } = packet
      const bytes = withOtherAddresses(Uint8Array.from(packet.bytes), linkType, round)
      writer.add({ time, bytes, originalLength, linkType })
    }
    const chunk = writer.take()
    chunks.push(chunk)
    size += chunk.length
  }
  await writeFile(capture, chunks)
}

/** Puts the round into both IPv4 addresses, so that no stream is taken for a repetition of another. */
function withOtherAddresses(bytes: Uint8Array, linkType: number, round: number): Uint8Array {
  const ip = linkType === LINK_TYPE.ETHERNET ? 14 : 4
  if (bytes.length < ip + 20 || (bytes[ip] ?? 0) >> 4 !== 4) return bytes
  for (const address of [ip + 12, ip + 16]) bytes.set([10, round & 0xff, round >> 8], address)
  return bytes
}

/**
 * The captures beside the checkout where they are, and the project's own: as they are (tests of a few frames, so that
 * most of the work is opening connections), and their conversations as connections that last.
 */
function mixes(): [string, (capture: string) => Promise<void>][] {
  const shared = process.env['GRIDSEAL_PCAPS'] ?? join(ROOT, '../shared/pcaps')
  const sources: [string, string[]][] = [['the captures of pcaps/', captures(join(ROOT, 'pcaps'))]]
  for (const folder of ['modbus-tcp', 'dnp3']) {
    const files = captures(join(shared, folder))
    if (files.length > 0) sources.push([`${SHARED} ${folder}`, files])
  }
  return sources.flatMap(([name, files]) => [
    [name, (capture) => multiply(files, capture)],
    [`${name}, lasting connections`, (capture) => writeLastingConnections(files, CAPTURE_BYTES, capture)],
  ])
}

function captures(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((name) => /\.pcap(ng)?$/.test(name))
    .map((name) => join(folder, name))
}
