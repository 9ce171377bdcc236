import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { openCapture, readCapture } from '@gridseal/pcap'
import { describeEvents, walk } from './support/describe-event.ts'
import { FIXTURES, FIXTURE_FOLDER } from './support/fixtures.ts'

describe('the captures in fixtures/pcap', () => {
  for (const { name, shows, build } of FIXTURES) {
    describe(`${name}: ${shows}`, () => {
      it('is, byte for byte, what its description and the writers make', () => {
        expect(readFileSync(join(FIXTURE_FOLDER, name)).equals(build())).to.equal(true)
      })

      it('walks as written beside it', () => {
        const { packets, problem } = readCapture(readFileSync(join(FIXTURE_FOLDER, name)))
        const expected = readFileSync(join(FIXTURE_FOLDER, `${name}.events.txt`), 'utf8')
          .trimEnd()
          .split('\n')
        expect(problem).to.equal(undefined)
        expect(describeEvents(walk(packets))).to.deep.equal(expected)
      })

      it('reads the same from a file in pieces of any size', async () => {
        const whole = readCapture(readFileSync(join(FIXTURE_FOLDER, name))).packets.map(summary)
        for (const chunkSize of [11, 61, 4096]) {
          const packets: string[] = []
          for await (const batch of openCapture(join(FIXTURE_FOLDER, name), { chunkSize }))
            packets.push(...batch.map(summary))
          expect(packets, `chunks of ${chunkSize}`).to.deep.equal(whole)
        }
      })
    })
  }
})

function summary(packet: { number: number; time: bigint; bytes: Uint8Array; originalLength: number }): string {
  return `${packet.number} ${packet.time} ${packet.originalLength} ${Buffer.from(packet.bytes).toString('hex')}`
}
