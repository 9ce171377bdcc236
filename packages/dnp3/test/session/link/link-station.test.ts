import { expect } from 'chai'
import { toHex } from '@gridseal/wire'
import { decodeLinkFrame, encodeFragmentFrames, encodeLinkFrame } from '#src/codec/link-frame.ts'
import type { LinkFrame } from '#src/codec/link-frame.ts'
import { LINK } from '#src/codec/link-functions.ts'
import { encodeSegment, segmentFragment } from '#src/codec/transport.ts'
import { createFramer } from '#src/framing/framer.ts'
import type { LinkLayerOptions } from '#src/session/link/link-options.ts'
import { LinkStation } from '#src/session/link/link-station.ts'
import { Outbox } from '#src/session/outbox.ts'

class Bench {
  readonly outbox = new Outbox()
  readonly received: Uint8Array[] = []
  lost = 0
  readonly station: LinkStation

  constructor(options: Partial<LinkLayerOptions> = {}) {
    const user = {
      fragmentReceived: (fragment: Uint8Array) => void this.received.push(fragment),
      linkLost: () => void this.lost++,
    }
    this.station = new LinkStation('outstation', { local: 10, remote: 1, keepAlive: 0, ...options }, user, this.outbox)
    this.station.opened(0)
  }

  /** Frames sent since the last look, as `PRM function FCB`. */
  sent(): string[] {
    const octets = this.outbox.take()
    if (octets === undefined) return []
    return createFramer({ medium: 'datagram', direction: 'to-master' })
      .push(octets)
      .map(decodeLinkFrame)
      .map(
        ({ primary, function: code, frameCount }) =>
          `${primary ? 'primary' : 'secondary'} ${code}${frameCount ? ' FCB' : ''}`,
      )
  }

  frame(fields: Partial<LinkFrame>, now = 0): void {
    const frame: LinkFrame = {
      fromMaster: true,
      primary: true,
      frameCount: false,
      countValidOrBusy: false,
      function: LINK.UNCONFIRMED_USER_DATA,
      destination: 10,
      source: 1,
      user: new Uint8Array(0),
      ...fields,
    }
    if (this.station.accepts(frame)) this.station.receive(frame, now)
  }

  confirmed(frameCount: boolean, octet: number): void {
    const user = encodeSegment({ first: true, final: true, sequence: 0, data: new Uint8Array([octet]) })
    this.frame({ function: LINK.CONFIRMED_USER_DATA, countValidOrBusy: true, frameCount, user })
  }
}

describe('the DNP3 link layer (clause 9)', () => {
  it('confirmed user data: not before the link is reset; each once, acknowledged as often as it comes', () => {
    const bench = new Bench()
    bench.confirmed(true, 1)
    expect([bench.sent(), bench.received.length]).to.deep.equal([[], 0])
    bench.frame({ function: LINK.RESET_LINK_STATES })
    expect(bench.sent()).to.deep.equal(['secondary 0'])
    bench.confirmed(true, 1)
    bench.confirmed(true, 1)
    bench.confirmed(false, 2)
    expect([bench.sent(), bench.received.map((octets) => octets[0])]).to.deep.equal([
      Array(3).fill('secondary 0'),
      [1, 2],
    ])
    expect(bench.station.counters).to.include({ notReset: 1, repeated: 1 })
  })

  it('sends confirmed: reset first, then one frame at a time with a toggling frame count bit', () => {
    const bench = new Bench({ confirm: true })
    bench.station.send(new Uint8Array(600), 1, 0)
    const ack = (): void => bench.frame({ primary: false, function: LINK.ACK })
    expect(bench.sent()).to.deep.equal(['primary 0'])
    for (const expected of ['primary 3 FCB', 'primary 3', 'primary 3 FCB']) {
      ack()
      expect(bench.sent()).to.deep.equal([expected])
    }
    ack()
    expect([bench.sent(), bench.station.wake]).to.deep.equal([[], Infinity])
  })

  it('sends again what is not acknowledged, with the same bit, and gives the fragment up in the end', () => {
    const bench = new Bench({ confirm: true, ackTimeout: 100, retries: 2 })
    bench.station.send(new Uint8Array(300), 1, 0)
    bench.frame({ primary: false, function: LINK.ACK })
    bench.sent()
    for (const now of [100, 200]) {
      bench.station.advance(now)
      expect(bench.sent()).to.deep.equal(['primary 3 FCB'])
    }
    bench.station.advance(300)
    expect([bench.sent(), bench.station.counters.failures, bench.station.wake]).to.deep.equal([[], 1, Infinity])
    bench.station.send(new Uint8Array(10), 1, 400)
    expect(bench.sent()).to.deep.equal(['primary 0'])
    bench.frame({ primary: false, function: LINK.NACK })
    expect(bench.sent()).to.deep.equal(['primary 0'])
  })

  it('keeps alive: asks after silence, and calls the link lost when nobody answers', () => {
    const bench = new Bench({ keepAlive: 1000, ackTimeout: 200 })
    bench.station.advance(1000)
    expect(bench.sent()).to.deep.equal(['primary 9'])
    bench.frame({ primary: false, function: LINK.LINK_STATUS }, 1100)
    expect(bench.station.wake).to.equal(2100)
    bench.station.advance(2100)
    bench.station.advance(2300)
    expect([bench.lost, bench.station.counters.keepAliveFailures]).to.deep.equal([1, 1])
  })

  it('any master: confirmed data, and the question whether it is there, go to the one that speaks', () => {
    const bench = new Bench({ anyRemote: true, confirm: true, keepAlive: 60_000 })
    const destinations = (): [number, number][] => {
      const octets = bench.outbox.take() ?? new Uint8Array(0)
      const frames = createFramer({ medium: 'datagram', direction: 'to-master' }).push(octets).map(decodeLinkFrame)
      return frames.map(({ function: code, destination }) => [code, destination])
    }
    bench.frame({ function: LINK.REQUEST_LINK_STATUS, source: 3 })
    destinations()
    bench.station.send(new Uint8Array([1]), 3, 0)
    bench.station.send(new Uint8Array([2]), 4, 0)
    expect(destinations()).to.deep.equal([[LINK.RESET_LINK_STATES, 3]])
    const acknowledge = (source: number): void => bench.frame({ primary: false, function: LINK.ACK, source })
    acknowledge(4)
    expect(destinations()).to.deep.equal([])
    acknowledge(3)
    expect(destinations()).to.deep.equal([[LINK.CONFIRMED_USER_DATA, 3]])
    acknowledge(3)
    expect(destinations()).to.deep.equal([[LINK.RESET_LINK_STATES, 4]])
    acknowledge(4)
    expect(destinations()).to.deep.equal([[LINK.CONFIRMED_USER_DATA, 4]])
    acknowledge(4)
    bench.station.advance(60_000)
    expect(destinations()).to.deep.equal([[LINK.REQUEST_LINK_STATUS, 4]])
  })

  it('takes its own address, broadcast and, if told, the self-address; answers none but its own', () => {
    const user = encodeSegment({ first: true, final: true, sequence: 0, data: new Uint8Array([7]) })
    for (const [destination, options, taken] of [
      [10, {}, 1],
      [11, {}, 0],
      [0xffff, {}, 1],
      [0xfffc, {}, 0],
      [0xfffc, { selfAddress: true }, 1],
      [0xfff3, {}, 0],
    ] as const) {
      const bench = new Bench(options)
      bench.frame({ destination, user })
      expect(bench.received.length, destination.toString(16)).to.equal(taken)
      bench.frame({ destination, function: LINK.REQUEST_LINK_STATUS })
      expect(bench.sent().length, destination.toString(16)).to.equal(taken === 1 && destination < 0xfffd ? 1 : 0)
    }
    const bench = new Bench()
    bench.frame({ source: 2, user })
    bench.frame({ fromMaster: false, user })
    expect([bench.received.length, bench.station.counters.foreignSource]).to.deep.equal([0, 1])
  })

  it('a fragment as frames in one go is what segments and frames one by one are', () => {
    for (const length of [1, 15, 16, 248, 249, 250, 498, 2048]) {
      const fragment = new Uint8Array(length).map((_, i) => i * 7)
      const addresses = { control: 0x44, destination: 1, source: 10 }
      const single = segmentFragment(fragment, 60).map((user) =>
        encodeLinkFrame({
          fromMaster: false,
          primary: true,
          frameCount: false,
          countValidOrBusy: false,
          function: 4,
          destination: 1,
          source: 10,
          user,
        }),
      )
      expect(toHex(encodeFragmentFrames(fragment, 60, addresses))).to.equal(toHex(Buffer.concat(single)))
    }
  })
})
