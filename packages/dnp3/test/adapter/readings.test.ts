import { expect } from 'chai'
import type { Frame, Reading } from '@gridseal/adapter'
import { LINK, dnp3Adapter, encodeLinkFrame, segmentFragment } from '@gridseal/dnp3'
import { UsageError, fromHex } from '@gridseal/wire'
import { conversations, exchanges } from '../support/fixtures.ts'

const ARRIVAL = 1_800_000_000_000_000_000n

/** The frames of a fragment that outstation `source` sends to master 1. */
function framesOf(hex: string, source = 10, change: Partial<Frame> = {}): Frame[] {
  return segmentFragment(fromHex(hex), 0).map((user) => ({
    link: 'feeder 7',
    connection: 1,
    direction: 'to-master',
    time: ARRIVAL,
    bytes: encodeLinkFrame({
      fromMaster: false,
      primary: true,
      frameCount: false,
      countValidOrBusy: false,
      function: LINK.UNCONFIRMED_USER_DATA,
      destination: 1,
      source,
      user,
    }),
    ...change,
  }))
}

function readings(hex: string): Reading[] {
  const extractor = dnp3Adapter.readings()
  return framesOf(hex).flatMap((frame) => extractor.push(frame))
}

/** Point, value, quality, and the time in milliseconds where it is not that of the frame. */
const short = (list: readonly Reading[]): unknown[] =>
  list.map(({ point, value, quality, time }) =>
    time === ARRIVAL ? [point, value, quality] : [point, value, quality, Number(time / 1_000_000n)],
  )

describe('readings of DNP3', () => {
  it('have link, time, point, value and quality', () => {
    expect(readings('c0 81 0000 1e02 00 0c 0c 01 1900')).to.deep.equal([
      { link: 'feeder 7', time: ARRIVAL, point: 'g30/12', value: 25, quality: 'good' },
    ])
  })

  it('points have the names of a model where it gives any, polled or as events', () => {
    const model = `
points:
  - { kind: analog-input, index: 12, name: Voltage L1 }
  - { kind: binary-input, index: 0..1, name: Breaker }`
    const extractor = dnp3Adapter.readings(undefined, dnp3Adapter.pointNames?.(model, 'feeder.yaml'))
    const polled = framesOf('c0 81 0000 1e02 00 0c 0d 01 1900 01 1a00 0102 00 01 01 81')
    const event = framesOf('f1 82 0000 2001 28 0100 0c00 01 1b000000')
    expect(short([...polled, ...event].flatMap((frame) => extractor.push(frame)))).to.deep.equal([
      ['Voltage L1', 25, 'good'],
      ['g30/13', 26, 'good'],
      ['Breaker 1', true, 'good'],
      ['Voltage L1', 27, 'good'],
    ])
    expect(() => dnp3Adapter.pointNames?.('points: 1', 'feeder.yaml')).to.throw(UsageError, 'feeder.yaml: points')
  })

  it('points of every type', () => {
    const objects = [
      '0101 00 00 01 02',
      '0302 00 05 05 81',
      '0a02 00 00 00 81',
      '1405 00 02 02 ffffffff',
      '1509 00 03 03 05000000',
      '1e05 00 00 00 01 0080f742',
      '1f05 00 04 04 fbffffff',
      '2804 00 01 01 01 000000000000e0bf',
      '6e05 00 00 00 48656c6c6f',
      '6e02 00 01 01 00ff',
    ]
    expect(short(readings(`c0 81 0000 ${objects.join('')}`))).to.deep.equal([
      ['g1/0', false, 'good'],
      ['g1/1', true, 'good'],
      ['g3/5', 2, 'good'],
      ['g10/0', true, 'good'],
      ['g20/2', 4_294_967_295, 'good'],
      ['g21/3', 5, 'good'],
      ['g30/0', 123.75, 'good'],
      ['g31/4', -5, 'good'],
      ['g40/1', -0.5, 'good'],
      ['g110/0', 'Hello', 'good'],
      ['g110/1', '0x00ff', 'good'],
    ])
  })

  it('an event is of the same point as its present value', () => {
    const points = (hex: string): string[] => readings(hex).map(({ point }) => point)
    expect(points('f0 82 0000 2001 17 01 0c 01 19000000')).to.deep.equal(['g30/12'])
    expect(points('f0 82 0000 0201 28 0100 0500 81 1701 28 0100 0300 01 05000000')).to.deep.equal(['g1/5', 'g21/3'])
  })

  describe('time', () => {
    it('of the event where it has one, else of the frame', () => {
      expect(short(readings('e0 81 0000 0202 28 0100 0200 81 839a9300a201'))).to.deep.equal([
        ['g1/2', true, 'good', 1_795_306_003_075],
      ])
    })
    it('relative to the common time of occurrence before it', () => {
      const hex =
        'e0 81 0000 3301 07 01 00000000a201 0203 28 0100 0300 01 0a00 3302 07 01 e8030000a201 0203 28 0100 0400 81 0000'
      expect(short(readings(hex))).to.deep.equal([
        ['g1/3', false, 'good', 0x01a2_0000_0000 + 10],
        ['g1/4', true, 'good', 0x01a2_0000_0000 + 1000],
      ])
    })
    it('relative to nothing: the event is kept, with the time of the frame', () => {
      expect(short(readings('e0 81 0000 0203 28 0100 0300 01 0a00'))).to.deep.equal([['g1/3', false, 'good']])
    })
    it('0 is no time', () => {
      expect(short(readings('e0 81 0000 0202 28 0100 0200 81 000000000000'))).to.deep.equal([['g1/2', true, 'good']])
    })
    it('the largest there is', () => {
      expect(readings('e0 81 0000 0202 28 0100 0200 81 ffffffffffff')[0]?.time).to.equal((2n ** 48n - 1n) * 1_000_000n)
    })
  })

  describe('quality', () => {
    const analog = (flags: string): string | undefined => readings(`c0 81 0000 1e02 00 00 00 ${flags} 0100`)[0]?.quality
    for (const [flags, what, quality] of [
      ['01', 'ONLINE', 'good'],
      ['00', 'not ONLINE', 'bad'],
      ['05', 'COMM_LOST', 'bad'],
      ['03', 'RESTART', 'uncertain'],
      ['09', 'REMOTE_FORCED', 'uncertain'],
      ['11', 'LOCAL_FORCED', 'uncertain'],
      ['21', 'OVER_RANGE', 'uncertain'],
      ['41', 'REFERENCE_ERR', 'uncertain'],
    ] as const) {
      it(`${what}: ${quality}`, () => {
        expect(analog(flags)).to.equal(quality)
      })
    }
    it('of a counter that rolled over: good; that has a gap: uncertain', () => {
      const counter = (flags: string): string | undefined =>
        readings(`c0 81 0000 1402 00 00 00 ${flags} 0100`)[0]?.quality
      expect([counter('21'), counter('41')]).to.deep.equal(['good', 'uncertain'])
    })
    it('of an output in local mode: good', () => {
      expect(readings('c0 81 0000 0a02 00 00 00 11')[0]?.quality).to.equal('good')
    })
    it('of a double-bit point that is neither on nor off: uncertain', () => {
      expect(readings('c0 81 0000 0302 00 00 01 01 c1').map(({ quality }) => quality)).to.deep.equal([
        'uncertain',
        'uncertain',
      ])
    })
    it('of what is no number: bad', () => {
      expect(readings('c0 81 0000 1e05 00 00 00 01 0000c07f')[0]?.quality).to.equal('bad')
      expect(readings('c0 81 0000 1e05 00 00 00 01 0000807f')[0]?.quality).to.equal('bad')
    })
  })

  it('a response in several frames comes with the last', () => {
    const frames = framesOf(`c0 81 0000 1e01 01 0000 c700 ${'0119000000'.repeat(200)}`)
    expect(frames).to.have.length(5)
    const extractor = dnp3Adapter.readings()
    expect(frames.map((frame) => extractor.push(frame).length)).to.deep.equal([0, 0, 0, 0, 200])
  })

  it('connections, links and stations do not mix', () => {
    const extractor = dnp3Adapter.readings()
    const value = (n: string): string => `c0 81 0000 1e03 01 0000 6300 ${n.repeat(100)}`
    const [a, b, c, d] = [
      framesOf(value('01000000')),
      framesOf(value('02000000'), 10, { connection: 2 }),
      framesOf(value('03000000'), 10, { link: 'feeder 8' }),
      framesOf(value('04000000'), 11),
    ]
    const order = a!.flatMap((_, i) => [a![i]!, b![i]!, c![i]!, d![i]!])
    const ends = order.map((frame) => extractor.push(frame)).filter((list) => list.length > 0)
    expect(ends.map((list) => [list.length, list[99]?.value])).to.deep.equal([
      [100, 1],
      [100, 2],
      [100, 3],
      [100, 4],
    ])
  })

  it('what is cut short keeps what came before', () => {
    expect(short(readings('c0 81 0000 1e02 00 00 00 01 1900 1e02 00 01 05 01'))).to.deep.equal([['g30/0', 25, 'good']])
  })

  it('no more than there can be points', () => {
    const bits = `c0 81 0000 0101 02 00000000 ff7f0600 ${'ff'.repeat(0x6_8000 / 8)}`
    expect(readings(bits)).to.be.empty
    expect(readings('c0 81 0000 6e00 02 00000000 ffffffff')).to.be.empty
  })

  it('none in requests, in echoes of commands, nor in damaged frames', () => {
    expect(readings('c0 01 1e01 00 00 09')).to.be.empty
    expect(readings('c0 81 0000 0c01 28 0100 0100 03 01 64000000 64000000 00')).to.be.empty
    const extractor = dnp3Adapter.readings()
    const [frame] = framesOf('c0 81 0000 1e02 00 0c 0c 01 1900')
    const bytes = frame!.bytes.slice()
    bytes[15]! ^= 1
    expect(extractor.push({ ...frame!, bytes })).to.be.empty
    expect(extractor.push({ ...frame!, bytes: new Uint8Array(0) })).to.be.empty
  })

  it('agree with what a third-party master took from the same responses', () => {
    let compared = 0
    for (const { name, apdus, decoded } of exchanges()) {
      if (decoded === undefined || decoded === null) continue
      const ours = apdus.filter(([from]) => from === 'O>M').flatMap(([, apdu]) => readings(apdu))
      expect(
        ours.map(({ point }) => Number(point.split('/')[1])),
        name,
      ).to.deep.equal(decoded.map(({ index }) => index))
      const timed = decoded.filter(({ time }) => time !== undefined)
      expect(ours.filter(({ time }) => time !== ARRIVAL).map(({ time }) => Number(time / 1_000_000n))).to.deep.equal(
        timed.map(({ time }) => time),
      )
      compared += ours.length
    }
    expect(compared).to.be.above(150)
  })

  it('of a captured integrity poll over 17 frames', () => {
    const { packets } = conversations().find(({ name }) => name === 'zeek_dnp3_link_only')!
    const extractor = dnp3Adapter.readings()
    const all = packets.flatMap(({ hex, toDevice }) =>
      extractor.push({
        link: 'a',
        connection: 1,
        direction: toDevice ? 'to-device' : 'to-master',
        time: ARRIVAL,
        bytes: fromHex(hex),
      }),
    )
    const count = (prefix: string): number => all.filter(({ point }) => point.startsWith(prefix)).length
    expect([count('g1/'), count('g10/'), count('g30/'), count('g40/')]).to.deep.equal([1024, 512, 500, 100])
  })
})
