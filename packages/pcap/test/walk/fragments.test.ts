import { expect } from 'chai'
import fc from 'fast-check'
import { CaptureWalker, LINK_TYPE } from '@gridseal/pcap'
import type { WalkOptions } from '@gridseal/pcap'
import { describeEvents, walk } from '../support/describe-event.ts'
import { PacketSequence, ipv4, ipv6, ipv6Fragment, text, udp } from '../support/frames.ts'

const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789'
const DATAGRAM = udp(text(LETTERS))
const WHOLE = `datagram 10.0.0.1:40000 -> 10.0.0.2:20000 '${LETTERS}'`

/** Adds the bytes `from`..`to` of the datagram as a fragment. */
class Cutter {
  readonly sequence = new PacketSequence()

  cut(from: number, to: number, id = 1, datagram: Uint8Array = DATAGRAM): this {
    const fields = { protocol: 17, id, offset: from, more: to < datagram.length }
    this.sequence.add(ipv4(fields, datagram.subarray(from, to)), LINK_TYPE.RAW)
    return this
  }

  /** Time passes before the next fragment. */
  wait(seconds: number): this {
    this.sequence.delay += BigInt(seconds) * 1_000_000_000n
    return this
  }

  events(options: WalkOptions = {}): string[] {
    return describeEvents(walk(this.sequence.packets, options))
  }

  codes(options: WalkOptions = {}): string[] {
    return this.events(options).map((line) => line.replace(/ at .*/, ''))
  }
}

describe('IP fragments', () => {
  it('are put together in whatever order they come', () => {
    expect(new Cutter().cut(0, 16).cut(16, 24).cut(24, 44).events()).to.deep.equal([`3 ${WHOLE}`])
    expect(new Cutter().cut(24, 44).cut(16, 24).cut(0, 16).events()).to.deep.equal([`3 ${WHOLE}`])
    expect(new Cutter().cut(16, 24).cut(24, 44).cut(0, 16).events()).to.deep.equal([`3 ${WHOLE}`])
  })

  it('are told apart by addresses, protocol and identification', () => {
    const cutter = new Cutter().cut(0, 24, 1).cut(24, 44, 2).cut(0, 24, 2).cut(24, 44, 1)
    expect(cutter.events()).to.deep.equal([`3 ${WHOLE}`, `4 ${WHOLE}`])
  })

  it('may come twice, before and after the datagram is whole', () => {
    const cutter = new Cutter().cut(0, 24).cut(0, 24).cut(24, 44).cut(24, 44).cut(0, 24)
    expect(cutter.events()).to.deep.equal([`3 ${WHOLE}`])
  })

  it('begin a new datagram when an identification comes round again', () => {
    const cutter = new Cutter().cut(0, 24).cut(24, 44)
    for (let n = 0; n < 70; n++) cutter.cut(0, 44, 1000)
    cutter.cut(24, 44).cut(0, 24)
    expect(cutter.events().filter((line) => /^(2|74) /.test(line))).to.deep.equal([`2 ${WHOLE}`, `74 ${WHOLE}`])
  })

  it('that overlap discard their datagram', () => {
    for (const cutter of [
      new Cutter().cut(0, 24).cut(16, 44),
      new Cutter().cut(16, 44).cut(0, 24),
      new Cutter().cut(0, 24).cut(0, 32),
      new Cutter().cut(24, 44).cut(16, 32),
    ]) {
      expect(cutter.codes()).to.deep.equal(['2 problem pcap.fragment.overlap'])
    }
  })

  it('behind the last one, or with two different last ones, discard their datagram', () => {
    const longer = udp(text(LETTERS + LETTERS))
    expect(new Cutter().cut(24, 44).cut(48, 56, 1, longer).codes()).to.deep.equal(['2 problem pcap.fragment.overlap'])
    expect(new Cutter().cut(48, 56, 1, longer).cut(24, 44).codes()).to.deep.equal(['2 problem pcap.fragment.overlap'])
  })

  it('are refused when they reach beyond the longest datagram (ping of death)', () => {
    const sequence = new PacketSequence()
    sequence.add(ipv4({ protocol: 17, offset: 65_528 }, new Uint8Array(8)), LINK_TYPE.RAW)
    expect(describeEvents(walk(sequence.packets))).to.deep.equal([
      '1 problem pcap.fragment.length at 20: fragment ends at 65536',
    ])
  })

  it('are refused when they are cut by the snap length, or not a multiple of eight before the last', () => {
    const sequence = new PacketSequence()
    const fragment = ipv4({ protocol: 17, more: true }, DATAGRAM.subarray(0, 24))
    sequence.add(fragment.subarray(0, 30), LINK_TYPE.RAW, fragment.length)
    sequence.add(ipv4({ protocol: 17, more: true }, DATAGRAM.subarray(0, 23)), LINK_TYPE.RAW)
    expect(describeEvents(walk(sequence.packets)).map((line) => line.replace(/ at .*/, ''))).to.deep.equal([
      '1 problem pcap.fragment.truncated',
      '2 problem pcap.fragment.length',
    ])
  })

  it('are given up after maxFragmentSeconds of capture time', () => {
    const cutter = new Cutter().cut(0, 24).wait(59).cut(0, 24, 2).wait(2).cut(24, 44, 2).cut(24, 44)
    expect(cutter.codes()).to.deep.equal([
      '3 problem pcap.fragment.timeout',
      `3 ${WHOLE}`,
      'end problem pcap.fragment.incomplete',
    ])
  })

  it('are given up, the oldest first, beyond maxFragmentedDatagrams', () => {
    const cutter = new Cutter().cut(0, 24, 1).cut(0, 24, 2).cut(0, 24, 3).cut(24, 44, 2).cut(24, 44, 3)
    expect(cutter.codes({ maxFragmentedDatagrams: 2 })).to.deep.equal([
      '3 problem pcap.fragment.limit',
      `4 ${WHOLE}`,
      `5 ${WHOLE}`,
    ])
  })

  it('are given up, the oldest first, beyond maxFragmentBytes', () => {
    const cutter = new Cutter().cut(0, 24, 1).cut(0, 24, 2).cut(24, 44, 2)
    expect(cutter.codes({ maxFragmentBytes: 200 })).to.deep.equal(['2 problem pcap.fragment.limit', `3 ${WHOLE}`])
  })

  it('stay within bounds however many are sent', () => {
    const walker = new CaptureWalker({ maxFragmentedDatagrams: 100, maxFragmentBytes: 10_000 })
    let problems = 0
    for (let id = 0; id < 2000; id++) {
      problems += walker.pushAll(new Cutter().cut(0, 24, id).sequence.packets).length
    }
    problems += walker.finish().length
    expect(problems).to.equal(2000)
    expect(walker.counters.fragments).to.equal(2000)
  })

  it('of IPv6 may carry extension headers behind the fragment header', () => {
    const sequence = new PacketSequence()
    const options = new Uint8Array([17, 0, 0, 0, 0, 0, 0, 0])
    const payload = new Uint8Array([...options, ...DATAGRAM])
    sequence.add(ipv6({ next: 44 }, ipv6Fragment(60, 7, 0, true, payload.subarray(0, 32))), LINK_TYPE.RAW)
    sequence.add(ipv6({ next: 44 }, ipv6Fragment(60, 7, 32, false, payload.subarray(32))), LINK_TYPE.RAW)
    expect(describeEvents(walk(sequence.packets))).to.deep.equal([
      `2 datagram [2001:db8::1]:40000 -> [2001:db8::2]:20000 '${LETTERS}'`,
    ])
  })

  it('inside reassembled datagrams are refused', () => {
    const sequence = new PacketSequence()
    const inner = ipv6Fragment(17, 8, 0, true, DATAGRAM.subarray(0, 24))
    sequence.add(ipv6({ next: 44 }, ipv6Fragment(44, 7, 0, true, inner.subarray(0, 16))), LINK_TYPE.RAW)
    sequence.add(ipv6({ next: 44 }, ipv6Fragment(44, 7, 16, false, inner.subarray(16))), LINK_TYPE.RAW)
    expect(describeEvents(walk(sequence.packets))[0]).to.include('2 problem pcap.fragment.nested')
  })

  it('give the datagram back however it is cut, shuffled and doubled', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 3000 }),
        fc.integer({ min: 1, max: 40 }),
        fc.infiniteStream(fc.nat(1000)),
        (payload, step, dice) => {
          const datagram = udp(payload)
          const cuts: [number, number][] = []
          for (let from = 0; from < datagram.length; from += step * 8) {
            cuts.push([from, Math.min(from + step * 8, datagram.length)])
          }
          const order = [...cuts, ...cuts.slice(0, 2)]
            .map((cut) => ({ cut, at: dice.next().value as number }))
            .sort((one, other) => one.at - other.at)
          const cutter = new Cutter()
          for (const { cut } of order) cutter.cut(...cut, 1, datagram)
          const datagrams = walk(cutter.sequence.packets).filter((event) => event.kind === 'datagram')
          expect(datagrams).to.have.length(datagram.length <= step * 8 ? order.length : 1)
          expect(datagrams[0]?.bytes).to.deep.equal(payload)
        },
      ),
      { numRuns: 50 },
    )
  })
})
