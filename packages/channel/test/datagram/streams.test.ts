import { expect } from 'chai'
import fc from 'fast-check'
import { mulberry32 } from '../../../../test/support/fault-proxy.ts'
import type { Segment } from '#src/datagram/content.ts'
import { ReceiveStream } from '#src/datagram/receive-stream.ts'
import { Recovery } from '#src/datagram/recovery.ts'
import { SendStream } from '#src/datagram/send-stream.ts'
import { MESSAGE_WINDOW, Streams } from '#src/datagram/streams.ts'
import { codeOf } from '../support/code-of.ts'

const BACKOFF = { first: 500, most: 8000 }

describe('channel over datagrams: streams', () => {
  it('put segments in order, however they come and overlap', () => {
    const all = Uint8Array.from({ length: 200 }, (_, n) => n)
    const cut = fc.record({ at: fc.integer({ min: 0, max: 199 }), length: fc.integer({ min: 1, max: 60 }) })
    fc.assert(
      fc.property(fc.array(cut), (cuts) => {
        const stream = new ReceiveStream(1000)
        const read: number[] = []
        const drain = (): void => {
          for (let bytes = stream.read(); bytes !== undefined; bytes = stream.read()) read.push(...bytes)
        }
        for (const { at, length } of cuts) {
          stream.take(at, all.subarray(at, at + length))
          drain()
        }
        stream.take(0, all)
        drain()
        expect(read).to.deep.equal([...all])
      }),
    )
  })

  it('hold no more than the window, and refuse what lies beyond it', () => {
    const stream = new ReceiveStream(100)
    expect(codeOf(() => stream.take(50, new Uint8Array(51)))).to.equal('channel.stream.window')
    stream.take(0, new Uint8Array(100))
    expect(stream.limit).to.equal(100)
    stream.read()
    expect(stream.limit).to.equal(200)
  })

  it('keep each byte once, however segments overlap, and nothing else of a padded record', () => {
    const stream = new ReceiveStream(10_000)
    for (let at = 9_000; at > 0; at -= 50) stream.take(at, new Uint8Array(5000).subarray(0, 1000))
    expect(stream.held).to.equal(9_950)
    const padded = new ReceiveStream(10_000)
    for (let at = 1; at < 1000; at += 2) padded.take(at, new Uint8Array(1170).subarray(8, 9))
    padded.take(0, new Uint8Array(1170).subarray(8, 9))
    expect([padded.held, padded.read()?.buffer.byteLength]).to.deep.equal([501, 1])
    stream.take(0, new Uint8Array(100))
    let read = 0
    for (let bytes = stream.read(); bytes !== undefined; bytes = stream.read()) read += bytes.length
    expect([read, stream.held]).to.deep.equal([10_000, 0])
  })

  it('end where somebody fills the window with crumbs that leave holes', () => {
    const stream = new ReceiveStream(8000)
    for (let n = 0; n < 1000; n++) stream.take(1 + 2 * n, new Uint8Array(1))
    expect(codeOf(() => stream.take(2001, new Uint8Array(1)))).to.equal('channel.stream.window')
    const honest = new ReceiveStream(8000)
    for (let n = 999; n >= 0; n--) honest.take(8 * n, new Uint8Array(8))
    expect(honest.held, 'the smallest messages that there are, whatever their order').to.equal(8000)
  })

  it('carry messages of any length in pieces that fit packets; what was lost goes first', () => {
    const [sender, receiver] = [new Streams(5000), new Streams(5000)]
    const message = Uint8Array.from({ length: 3000 }, (_, n) => n * 7)
    sender.writeMessage(9, message, undefined)
    sender.writeControl(Uint8Array.of(0x14, 0, 0, 0, 1, 5))
    const segments: Segment[] = []
    for (let next = sender.next(700); next !== undefined; next = sender.next(700)) segments.push(next)
    expect(segments.map(({ stream, bytes }) => [stream, bytes.length])).to.deep.equal([
      [0, 11],
      [1, 700],
      [1, 700],
      [1, 700],
      [1, 700],
      [1, 208],
    ])
    sender.lost(segments[2]!)
    expect(sender.next(700)).to.equal(segments[2])
    for (const segment of segments.toReversed()) {
      receiver.take(segment)
      sender.acked(segment)
    }
    expect(sender.pending).to.equal(0)
    expect(receiver.readControl()).to.deep.include({ kind: 'ticket', life: 1 })
    expect(receiver.readMessage()).to.deep.equal({ kind: 'data', port: 9, bytes: message })
    expect(receiver.readMessage()).to.equal(undefined)
  })

  it('send 200,000 small messages in a time that grows with their number, not with its square', () => {
    const stream = new SendStream(1, Number.MAX_SAFE_INTEGER)
    const message = Uint8Array.from({ length: 9 }, (_, n) => n)
    for (let n = 0; n < 200_000; n++) stream.write(message)
    const before = process.cpuUsage()
    let sent = 0
    for (let next = stream.next(1000); next !== undefined; next = stream.next(1000)) {
      expect(next.offset).to.equal(sent)
      if (next.bytes[0] !== sent % 9 || next.bytes.at(-1) !== (sent + next.bytes.length - 1) % 9)
        expect.fail('mixed up')
      sent += next.bytes.length
    }
    const { user, system } = process.cpuUsage(before)
    expect(sent).to.equal(9 * 200_000)
    // A tenth of a second, against ten.
    expect((user + system) / 1e6).to.be.below(2)
  })

  it('refuse a message that is longer than allowed before it is there', () => {
    const [sender, receiver] = [new Streams(5000), new Streams(100)]
    sender.writeMessage(9, new Uint8Array(200), undefined)
    receiver.take(sender.next(50)!)
    expect(codeOf(() => receiver.readMessage())).to.equal('channel.frame.length')
  })

  it('stop at the window until the receiver has read', () => {
    const [sender, receiver] = [new Streams(5000), new Streams(2 ** 21)]
    sender.writeMessage(9, new Uint8Array(2 ** 21 - 100), undefined)
    let sent = 0
    for (let next = sender.next(2 ** 16); next !== undefined; next = sender.next(2 ** 16)) {
      sent += next.bytes.length
      receiver.take(next)
    }
    expect([sent, sender.blocked, receiver.limitMoved]).to.deep.equal([MESSAGE_WINDOW, true, false])
    receiver.readMessage()
    expect(receiver.limitMoved).to.equal(true)
    sender.allow(receiver.tellLimit())
    expect([sender.blocked, sender.ready, receiver.limitMoved]).to.deep.equal([false, true, false])
  })
})

describe('channel over datagrams: loss and congestion', () => {
  const segment = (offset: number): Segment => ({ stream: 1, offset, bytes: new Uint8Array(100) })
  const sent = (recovery: Recovery, count: number, now: number, from = 0): void => {
    for (let n = from; n < from + count; n++) recovery.sent(n, 1000, segment(n), now + n)
  }

  it('what was sent well before something that has arrived is lost', () => {
    const recovery = new Recovery(1200, BACKOFF)
    sent(recovery, 5, 0)
    const { acked, lost } = recovery.acked([{ low: 4, high: 4 }], 100)
    expect([acked.map(({ offset }) => offset), lost]).to.deep.equal([[4], []])
    expect(recovery.wake, '9/8 of the round trip after it was sent').to.equal(108)
    expect(recovery.timeout(110).lost.map(({ offset }) => offset)).to.deep.equal([0, 1, 2])
    expect(recovery.timeout(111).lost.map(({ offset }) => offset)).to.deep.equal([3])
    expect(recovery.busy).to.equal(false)
  })

  it('asks again after 500 ms without any answer, twice as long each time, at most every 8 s', () => {
    const recovery = new Recovery(1200, BACKOFF)
    const times: number[] = []
    let number = 0
    recovery.sent(number++, 1000, segment(0), 0)
    while (times.length < 7) {
      const now = recovery.wake
      expect(recovery.timeout(now - 1).late).to.equal(false)
      const { lost, late } = recovery.timeout(now)
      expect([late, lost.length]).to.deep.equal([true, 1])
      recovery.sent(number++, 1000, lost[0], now)
      times.push(now)
    }
    expect(times).to.deep.equal([500, 1500, 3500, 7500, 15_500, 23_500, 31_500])
    expect(recovery.probes).to.equal(7)
    recovery.acked([{ low: 0, high: number - 1 }], 31_600)
    expect(recovery.probes).to.equal(0)
  })

  it('the window doubles while nothing is lost, shrinks once per round trip of losses, and has a least', () => {
    const recovery = new Recovery(1200, BACKOFF)
    expect(recovery.window).to.equal(12_000)
    sent(recovery, 10, 0)
    expect(recovery.open).to.equal(true)
    recovery.acked([{ low: 0, high: 9 }], 100)
    expect(recovery.window).to.equal(22_000)
    sent(recovery, 18, 200, 10)
    recovery.acked([{ low: 27, high: 27 }], 400)
    expect(recovery.timeout(600).lost.length, 'one by one or all').to.be.greaterThan(5)
    expect(recovery.window, 'one step, for all of them').to.be.closeTo(23_000 * 0.7, 1000)
    for (let n = 0; n < 10; n++) {
      recovery.sent(100 + n, 1000, segment(n), 1000 * n)
      recovery.timeout(recovery.wake)
    }
    expect(recovery.window).to.equal(4 * 1200)
  })

  it('nothing is lost for good and nothing acked twice, whatever the acks say', () => {
    const random = mulberry32(7)
    const recovery = new Recovery(1200, BACKOFF)
    const waiting = Array.from({ length: 300 }, (_, n) => segment(n))
    const done: number[] = []
    let number = 0
    for (let now = 0; done.length < 300 && now < 1_000_000; now += 7) {
      while (recovery.open && waiting.length > 0) recovery.sent(number++, 1000, waiting.shift(), now)
      const low = Math.floor(random() * number)
      const verdicts = [recovery.acked([{ low, high: Math.min(number - 1, low + 3) }], now), recovery.timeout(now)]
      for (const { acked, lost } of verdicts) {
        done.push(...acked.map(({ offset }) => offset))
        waiting.push(...lost)
      }
    }
    expect(done.toSorted((a, b) => a - b)).to.deep.equal(Array.from({ length: 300 }, (_, n) => n))
  })
})
