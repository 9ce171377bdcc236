import { expect } from 'chai'
import { Packet, readCapture } from '@gridseal/pcap'
import { DecodeError } from '@gridseal/wire'
import { mutations } from '../../../../test/support/mutate.ts'
import { describeEvents, walk } from '../support/describe-event.ts'
import { FIXTURES } from '../support/fixtures.ts'

const SMALL = FIXTURES.filter(({ name }) => name !== 'modbus-poll.pcap')

describe('hostile input', () => {
  for (const { name, build } of SMALL) {
    it(`is read or refused with DecodeError, whatever happens to a byte of ${name}`, function () {
      this.timeout(20_000)
      let walked = 0
      // What packets hold is mutated in full below, each packet by itself.
      const file = build()
      const held = readCapture(file).packets.map(({ bytes }): [number, number] => {
        expect(bytes.buffer, 'a view').to.equal(file.buffer)
        const from = bytes.byteOffset - file.byteOffset
        return [from, from + bytes.length]
      })
      for (const mutation of mutations(file, ...held)) {
        try {
          const { packets } = readCapture(mutation)
          walked += walk(packets).length
          for (const packet of packets) expect(packet.time >= -(1n << 96n)).to.equal(true)
        } catch (error) {
          if (!(error instanceof DecodeError)) throw error
          expect(error.code).to.equal('pcap.magic')
        }
      }
      expect(walked).to.be.greaterThan(0)
    })
  }

  it('never makes the walk look beyond its packet', () => {
    for (const { name, build } of SMALL) {
      for (const packet of readCapture(build()).packets) {
        for (const bytes of mutations(packet.bytes)) {
          // The same packet alone, and in the middle of a chunk full of other bytes.
          const alone = new Packet(1, packet.linkType, bytes.length, 0, bytes, 0, bytes.length, CLOCK, 0, 0)
          const chunk = new Uint8Array(bytes.length + 200).fill(0x45)
          chunk.set(bytes, 100)
          const amid = new Packet(1, packet.linkType, bytes.length, 0, chunk, 100, 100 + bytes.length, CLOCK, 0, 0)
          expect(describeEvents(walk([amid])), name).to.deep.equal(describeEvents(walk([alone])))
        }
      }
    }
  }).timeout(20_000)
})

const CLOCK = { nanoseconds: (): bigint => 0n, write: (): void => {} }
