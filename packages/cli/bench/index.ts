import { existsSync, readdirSync, statSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { inspectFile } from '@gridseal/cli'
import type { Packet } from '@gridseal/pcap'
import { LINK_TYPE, PcapngWriter, openCapture } from '@gridseal/pcap'
import type { Figure } from '../../../test/support/bench.ts'
import { median } from '../../../test/support/bench.ts'
import { writeLastingConnections } from './lasting-connections.ts'

const ROOT = join(import.meta.dirname, '../../..')
const RUNS = 5
const CAPTURE_BYTES = 60e6

/**
 * `gridseal inspect --json` without the pipe behind it: read, reassemble, decode, write the line as UTF-8. Each mix is one large
 * capture, made of the captures again and again with other addresses each time, so that every copy is a stream of its own.
 */
export async function run(report: (figure: Figure) => void): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'gridseal-bench-'))
  try {
    for (const [name, make] of mixes()) {
      const capture = join(folder, `${name.replaceAll(/\W+/g, '-')}.pcapng`)
      await make(capture)
      await inspectOnce(capture)
      const rates: number[] = []
      let records = 0
      for (let i = 0; i < RUNS; i++) {
        const start = performance.now()
        records = await inspectOnce(capture)
        rates.push(statSync(capture).size / 1e3 / (performance.now() - start))
      }
      const figure = (metric: string, value: number, unit: string): void =>
        report({ suite: 'cli', case: `inspect --json, ${name}`, metric, value, unit, runs: RUNS })
      figure('capture', median(rates), 'MB/s')
      figure('records', records / (statSync(capture).size / 1e6), 'records/MB')
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function inspectOnce(capture: string): Promise<number> {
  const { records } = await inspectFile(capture, { json: true }, () => {})
  return records
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
    if (files.length > 0) sources.push([`shared ${folder}`, files])
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
