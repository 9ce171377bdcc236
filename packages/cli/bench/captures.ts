import { existsSync, readdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Packet } from '@gridseal/pcap'
import { LINK_TYPE, PcapngWriter, openCapture } from '@gridseal/pcap'
import { writeLastingConnections } from './lasting-connections.ts'

const ROOT = join(import.meta.dirname, '../../..')
/** Begins the names of mixes of captures beside the checkout. */
export const SHARED = 'shared'

/** Writes the packets of `files` over and over until the capture has `bytes`. */
async function multiply(files: readonly string[], bytes: number, capture: string): Promise<void> {
  const packets: Packet[] = []
  for (const file of files) for await (const batch of openCapture(file)) packets.push(...batch)
  const writer = new PcapngWriter()
  const chunks: Uint8Array[] = []
  let written = 0
  for (let round = 1; written < bytes; round++) {
    for (const packet of packets) {
      const { linkType, time, originalLength } = packet
      const copy = withOtherAddresses(Uint8Array.from(packet.bytes), linkType, round)
      writer.add({ time, bytes: copy, originalLength, linkType })
    }
    const chunk = writer.take()
    chunks.push(chunk)
    written += chunk.length
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
export function mixes(): [string, (capture: string, bytes: number) => Promise<void>][] {
  const shared = process.env['GRIDSEAL_PCAPS'] ?? join(ROOT, '../shared/pcaps')
  const sources: [string, string[]][] = [['the captures of pcaps/', captures(join(ROOT, 'pcaps'))]]
  for (const folder of ['modbus-tcp', 'dnp3']) {
    const files = captures(join(shared, folder))
    if (files.length > 0) sources.push([`${SHARED} ${folder}`, files])
  }
  return sources.flatMap(([name, files]) => [
    [name, (capture, bytes) => multiply(files, bytes, capture)],
    [`${name}, lasting connections`, (capture, bytes) => writeLastingConnections(files, bytes, capture)],
  ])
}

function captures(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((name) => /\.pcap(ng)?$/.test(name))
    .map((name) => join(folder, name))
}
