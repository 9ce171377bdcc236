import { existsSync, globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect } from 'chai'
import { CaptureWalker, openCapture } from '@gridseal/pcap'
import { toHex } from '@gridseal/wire'
import { SHARED_PCAPS, needFolder } from '../../../../test/support/requirements.ts'

/** Packet number -> hex of the payload that the walk says it carried. */
async function payloads(path: string): Promise<Map<number, string>> {
  const carried = new Map<number, string>()
  const walker = new CaptureWalker()
  for await (const packets of openCapture(path)) {
    for (const event of walker.pushAll(packets)) {
      if (event.kind !== 'stream-data' && event.kind !== 'datagram') continue
      const { number } = event.kind === 'stream-data' ? event.carrier : event.packet
      carried.set(number, (carried.get(number) ?? '') + toHex(event.bytes))
    }
  }
  return carried
}

/** The rows of a digest that have a payload, as [packet number, hex]. */
function digestRows(path: string): [number, string][] {
  const [header = '', ...lines] = readFileSync(path, 'utf8').trimEnd().split('\n')
  const columns = header.split('\t')
  const rows = lines.map((line) => line.split('\t'))
  const cell = (row: string[], column: string): string => row[columns.indexOf(column)] ?? ''
  return rows
    .map((row): [number, string] => [
      Number(cell(row, 'frame.number')),
      cell(row, 'tcp.payload') || cell(row, 'udp.payload'),
    ])
    .filter(([, payload]) => payload !== '')
}

describe('the digests beside the captures', () => {
  for (const folder of ['c1222', 'dlms', 'dnp3', 'dnp3-conformance']) {
    it(`agree with the payload of every packet of ${folder}`, async function () {
      needFolder(this, join(SHARED_PCAPS, folder))
      let compared = 0
      for (const path of globSync(join(SHARED_PCAPS, folder, '*.{pcap,pcapng}')).sort()) {
        const digest = path.replace(/\.pcap(ng)?$/, '.expect.tsv')
        if (!existsSync(digest)) continue
        const carried = await payloads(path)
        for (const [number, payload] of digestRows(digest)) {
          expect(carried.get(number), `${basename(path)} packet ${number}`).to.equal(payload)
          compared++
        }
      }
      expect(compared).to.be.greaterThan(0)
    })
  }
})
