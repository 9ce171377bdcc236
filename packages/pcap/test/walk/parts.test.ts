import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { CaptureWalker, Packet, readCapture } from '@gridseal/pcap'
import type { CapturePart, WalkEvent } from '@gridseal/pcap'
import { UsageError } from '@gridseal/wire'
import { describeEvents } from '../support/describe-event.ts'

const ROOT = join(import.meta.dirname, '../../../..')

/** The packets of all captures of the project, as if one tap had seen them one after the other. */
function packetsOfAll(): Packet[] {
  const packets: Packet[] = []
  for (const folder of ['pcaps', 'fixtures/pcap']) {
    for (const name of readdirSync(join(ROOT, folder)).filter((file) => /\.pcap(ng)?$/.test(file))) {
      for (const { time, linkType, bytes, originalLength } of readCapture(readFileSync(join(ROOT, folder, name)))
        .packets) {
        packets.push(Packet.of({ number: packets.length + 1, time, linkType, bytes, originalLength }))
      }
    }
  }
  return packets
}

interface Told {
  /** The packet that brought it; behind all packets, by the one with which its stream began, what the end brings. */
  readonly place: number
  readonly line: string
}

/** What a walk tells; streams are named by their first packet, for each walk counts them itself. */
function told(packets: readonly Packet[], part?: CapturePart): Told[] {
  const walker = new CaptureWalker(part === undefined ? {} : { part })
  const during = walker.pushAll(packets).map((event) => ({ event, place: event.packet!.number }))
  const after = walker.finish().map((event) => ({
    event,
    place: packets.length + ('stream' in event ? event.stream.firstPacket : 0.5),
  }))
  return [...during, ...after].map(({ event, place }) => ({ place, line: describeEvents([named(event)])[0]! }))
}

function named(event: WalkEvent): WalkEvent {
  if (!('stream' in event)) return event
  const { client, server, firstPacket, midStream } = event.stream
  return { ...event, stream: { index: firstPacket, firstPacket, client, server, midStream } }
}

describe('parts of a capture', () => {
  const packets = packetsOfAll()
  const whole = told(packets)

  for (const parts of [2, 3, 7]) {
    it(`${parts} walks see together what one walk sees, each packet once`, () => {
      const each = Array.from({ length: parts }, (_, index) => told(packets, { index, of: parts }))
      expect(each.filter((part) => part.length > 0).length).to.be.greaterThan(1)
      const merged = each.flat().sort((one, other) => one.place - other.place || 0)
      expect(merged.map(({ line }) => line)).to.deep.equal(whole.map(({ line }) => line))
    })
  }

  it('counts all packets in each part', () => {
    const walker = new CaptureWalker({ part: { index: 1, of: 2 } })
    walker.pushAll(packets)
    expect(walker.counters.packets).to.equal(packets.length)
  })

  it('refuses parts that there are not', () => {
    for (const part of [
      { index: 2, of: 2 },
      { index: -1, of: 2 },
      { index: 0, of: 0 },
      { index: 0.5, of: 2 },
    ]) {
      expect(() => new CaptureWalker({ part })).to.throw(UsageError, 'there is no part')
    }
  })
})
