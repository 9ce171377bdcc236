import { expect } from 'chai'
import fc from 'fast-check'
import { CaptureWalker } from '@gridseal/pcap'
import type { WalkEvent } from '@gridseal/pcap'
import { TcpScript } from '../support/frames.ts'
import { walk } from '../support/describe-event.ts'

/** A piece of the stream that is sent: where it begins and ends, and which of its copies gets lost. */
interface Sending {
  readonly from: number
  readonly to: number
}

const stream = fc.uint8Array({ minLength: 1, maxLength: 400 })
const initial = fc.oneof(fc.constantFrom(0, 0x7fff_fff0, 0xffff_fff0, 0xffff_ffff), fc.nat(0xffff_ffff))

/** Cuts that cover the stream, further cuts that repeat and overlap, all in any order. */
const sendings = (length: number, cuts: number[], extra: [number, number][], order: number[]): Sending[] => {
  const edges = [0, ...new Set(cuts.map((cut) => cut % length)), length].sort((a, b) => a - b)
  const cover = edges.slice(1).map((to, index) => ({ from: edges[index]!, to }))
  const overlap = extra.map(([a, b]) => ({
    from: Math.min(a % length, b % length),
    to: Math.max(a % length, b % length) + 1,
  }))
  return [...cover, ...overlap]
    .filter(({ from, to }) => to > from)
    .map((sending, index) => ({ sending, at: order[index % order.length]! * 1000 + index }))
    .sort((one, other) => one.at - other.at)
    .map(({ sending }) => sending)
}

const plan = fc.record({
  content: stream,
  isn: initial,
  cuts: fc.array(fc.nat(400), { maxLength: 12 }),
  extra: fc.array(fc.tuple(fc.nat(400), fc.nat(400)), { maxLength: 8 }),
  order: fc.array(fc.nat(50), { minLength: 1, maxLength: 20 }),
})

/** Rebuilds the stream from data and gaps; what is missing stays 0 and is marked so. */
function rebuilt(events: readonly WalkEvent[]): { bytes: number[]; missing: number } {
  const bytes: number[] = []
  let missing = 0
  for (const event of events) {
    if (event.kind === 'stream-data' && event.direction === 'client-to-server') bytes.push(...event.bytes)
    if (event.kind !== 'stream-gap') continue
    missing += event.missing
    for (let n = 0; n < event.missing; n++) bytes.push(-1)
  }
  return { bytes, missing }
}

describe('TCP reassembly, for any stream', () => {
  it('delivers the bytes once and in order, however they are cut, repeated, overlapped and reordered', () => {
    fc.assert(
      fc.property(plan, ({ content, isn, cuts, extra, order }) => {
        const script = new TcpScript()
        script.handshake(isn, 5000)
        for (const { from, to } of sendings(content.length, cuts, extra, order)) {
          script.master(isn + 1 + from, 5001, content.subarray(from, to))
        }
        const events = walk(script.sequence.packets)
        expect(rebuilt(events)).to.deep.equal({ bytes: [...content], missing: 0 })
        for (const event of events) {
          if (event.kind === 'stream-data') expect(event.packet.number).to.be.at.least(event.carrier.number)
        }
      }),
      { numRuns: 300 },
    )
  })

  it('keeps every byte in its place when packets are missing from the capture', () => {
    fc.assert(
      fc.property(plan, fc.array(fc.boolean(), { minLength: 1, maxLength: 9 }), fc.boolean(), (given, losses, acks) => {
        const { content, isn, cuts, extra, order } = given
        const script = new TcpScript()
        script.handshake(isn, 5000)
        const present = new Set<number>()
        let acknowledged = 0
        for (const [index, { from, to }] of sendings(content.length, cuts, extra, order).entries()) {
          acknowledged = acks ? Math.max(acknowledged, index % 3 === 0 ? from : 0) : 0
          if (losses[index % losses.length] === true) continue
          script.master(isn + 1 + from, 5001, content.subarray(from, to))
          for (let at = from; at < to; at++) present.add(at)
          if (acknowledged > 0) script.device(5001, isn + 1 + acknowledged)
        }
        const { bytes } = rebuilt(walk(script.sequence.packets))
        for (const [at, byte] of bytes.entries()) {
          if (byte >= 0) expect(byte, `byte ${at}`).to.equal(content[at])
          // Only an acknowledgement may give up bytes that come later after all.
          else if (!acks) expect(present.has(at), `byte ${at} is there, but was reported missing`).to.equal(false)
        }
        if (!acks) expect(bytes.length).to.equal(Math.max(0, ...[...present].map((at) => at + 1)))
      }),
      { numRuns: 300 },
    )
  })

  it('holds nothing when all is delivered, and never more than it may', () => {
    fc.assert(
      fc.property(plan, ({ content, isn, cuts, extra, order }) => {
        const script = new TcpScript()
        script.handshake(isn, 5000)
        for (const { from, to } of sendings(content.length, cuts, extra, order)) {
          script.master(isn + 1 + from, 5001, content.subarray(from, to))
        }
        const walker = new CaptureWalker({ maxHeld: 3000 })
        for (const packet of script.sequence.packets) {
          walker.push(packet)
          expect(walker.held).to.be.at.most(3000)
        }
        walker.finish()
        expect(walker.held).to.equal(0)
      }),
      { numRuns: 100 },
    )
  })
})
