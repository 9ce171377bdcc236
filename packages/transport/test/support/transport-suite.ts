import type { CloseReason, Connection, ConnectionOptions } from '@gridseal/transport'
import { ProtocolError } from '@gridseal/wire'
import { expect } from 'chai'
import { Collected, chunksOf, nextOf, pattern, until, writeAll } from './collect.ts'

/** Two ends of one connection. */
export interface OpenPair {
  readonly a: Connection
  readonly b: Connection
  /** Whatever else must go. */
  close?(): Promise<void>
}

export interface Traits {
  readonly medium: 'stream' | 'serial'
  /** Bytes that a test may move in a moment. */
  readonly volume: number
  /** Whether an end learns how the other closed. A serial line has no such thing. */
  readonly tellsPeer: boolean
}

/** What every transport must do, whatever carries the bytes. */
export function describeTransport(
  name: string,
  { medium, volume, tellsPeer }: Traits,
  open: (options: ConnectionOptions) => Promise<OpenPair>,
): void {
  describe(`${name} as a transport`, () => {
    let pair: OpenPair
    let a: Connection
    let b: Connection
    async function start(options: ConnectionOptions = {}): Promise<void> {
      pair = await open(options)
      a = pair.a
      b = pair.b
    }
    afterEach(async () => {
      a.destroy()
      b.destroy()
      await Promise.all([a.closed, b.closed])
      await pair.close?.()
    })

    it('says what it is', async () => {
      await start()
      expect([a.medium, b.medium]).to.deep.equal([medium, medium])
      for (const url of [a.local, a.remote, b.local, b.remote]) expect(url).to.match(/^(tcp|ws|serial|memory):\/\/./)
    })

    it('carries bytes both ways at once, unchanged and in order', async () => {
      await start()
      const there = pattern(volume, 1)
      const back = pattern(volume, 2)
      const [atA, atB] = [new Collected(a), new Collected(b)]
      await Promise.all([
        writeAll(a, chunksOf(there, 700)),
        writeAll(b, chunksOf(back, 300)),
        atA.until(volume),
        atB.until(volume),
      ])
      expect(Buffer.compare(atB.bytes, there)).to.equal(0)
      expect(Buffer.compare(atA.bytes, back)).to.equal(0)
    })

    it('carries every value of a byte', async () => {
      await start()
      const all = Uint8Array.from({ length: 256 }, (_, i) => i)
      const atB = new Collected(b)
      a.write(all)
      await atB.until(256)
      expect([...atB.bytes]).to.deep.equal([...all])
    })

    for (const end of ['a', 'b'] as const) {
      it(`keeps bytes that arrive before anyone has subscribed, at end ${end}`, async () => {
        await start()
        const [reader, writer] = end === 'a' ? [a, b] : [b, a]
        writer.write(pattern(40))
        await new Promise((resolve) => setTimeout(resolve, 20))
        writer.write(pattern(40, 2))
        const collected = new Collected(reader)
        await collected.until(80)
        expect(Buffer.compare(collected.bytes, Buffer.concat([pattern(40), pattern(40, 2)]))).to.equal(0)
      })
    }

    it('has one subscriber at a time; the next goes on where the last stopped', async () => {
      await start()
      const first = new Collected(b)
      let refused: unknown
      b.data.subscribe({ error: (error: unknown) => (refused = error) })
      expect(refused).to.have.property('code', 'transport.data.subscribed')
      a.write(pattern(10))
      await first.until(10)
      first.subscription.unsubscribe()
      a.write(pattern(10, 2))
      await new Promise((resolve) => setTimeout(resolve, 20))
      const second = new Collected(b)
      await second.until(10)
      expect(first.length).to.equal(10)
      expect(Buffer.compare(second.bytes, pattern(10, 2))).to.equal(0)
    })

    it('stops delivering when paused within a delivery, and loses nothing', async () => {
      await start()
      let atPause = 0
      const atB = new Collected(b)
      a.write(pattern(volume))
      await atB.until(1)
      b.pause()
      atPause = atB.length
      await new Promise((resolve) => setTimeout(resolve, 30))
      expect(atB.length).to.equal(atPause)
      b.resume()
      await atB.until(volume)
      expect(Buffer.compare(atB.bytes, pattern(volume))).to.equal(0)
    })

    it('lets the writer feel a paused reader, and tells it when there is room again', async () => {
      await start({ queue: { low: 2_000, high: 8_000 } })
      const atB = new Collected(b)
      b.pause()
      const chunk = pattern(16_384)
      let written = 0
      // A system holds up to some megabytes on the way.
      for (let i = 0; i < 2048; i++) {
        written += chunk.length
        if (!a.write(chunk)) {
          // Some of it may still fit into what lies between; only a queue that stays is back-pressure.
          await new Promise((resolve) => setTimeout(resolve, 10))
          if (a.queued > 8_000) break
        }
      }
      expect(a.queued).to.be.greaterThan(8_000)
      expect(a.counters.congested).to.be.greaterThan(0)
      const drained = nextOf(a.drained).then(() => a.queued)
      b.resume()
      expect(await drained).to.be.at.most(2_000)
      await atB.until(written)
      expect(atB.length).to.equal(written)
    })

    it('is destroyed when more waits than the hard limit', async () => {
      await start({ queue: { low: 0, high: 1_000, limit: 50_000 } })
      b.pause()
      const chunk = pattern(20_000)
      for (let i = 0; i < 4096 && a.counters.errors === 0; i++) {
        a.write(chunk)
        if (i % 16 === 0) await new Promise((resolve) => setImmediate(resolve))
      }
      const reason = await a.closed
      expect(reason.kind).to.equal('error')
      expect(reason.error).to.have.property('code', 'transport.queue.full')
      expect(a.counters.errors).to.equal(1)
    })

    it('sends what is queued before it ends', async () => {
      await start()
      const atB = new Collected(b)
      const bytes = pattern(volume)
      for (const chunk of chunksOf(bytes, 900)) a.write(chunk)
      a.end()
      expect(await a.closed).to.deep.equal({ kind: 'local' })
      await atB.until(volume)
      expect(Buffer.compare(atB.bytes, bytes)).to.equal(0)
      if (!tellsPeer) return
      expect(await b.closed).to.deep.equal({ kind: 'peer' })
      expect(atB.completed).to.equal(1)
    })

    it('ends once: later ends, destroys and writes change nothing', async () => {
      await start()
      const atA = new Collected(a)
      let drainedEnds = 0
      a.drained.subscribe({ complete: () => drainedEnds++ })
      a.destroy()
      a.end()
      a.destroy(new ProtocolError('test.late', 'too late'))
      expect(a.write(pattern(5))).to.equal(false)
      const reasons: CloseReason[] = [await a.closed, await a.closed]
      expect(reasons).to.deep.equal([{ kind: 'local' }, { kind: 'local' }])
      expect(a.write(pattern(5))).to.equal(false)
      expect(a.counters).to.include({ refused: 2, writes: 0, bytesOut: 0, errors: 0 })
      expect([atA.completed, drainedEnds]).to.deep.equal([1, 1])
      const late = new Collected(a)
      expect(late.completed).to.equal(1)
    })

    it('tells the error it was destroyed with', async () => {
      await start()
      const atB = new Collected(b)
      const error = new ProtocolError('test.broken', 'enough')
      a.destroy(error)
      expect(await a.closed).to.deep.equal({ kind: 'error', error })
      if (!tellsPeer) return
      const reason = await b.closed
      expect(reason.kind).to.equal('error')
      expect(reason.error).to.have.property('code', 'transport.connection.reset')
      expect(atB.completed).to.equal(1)
    })

    it('ends also when nobody has subscribed; what comes then is counted as discarded', async () => {
      await start()
      b.write(pattern(30))
      await new Promise((resolve) => setTimeout(resolve, 20))
      a.end()
      const atB = new Collected(b)
      expect(await a.closed).to.deep.equal({ kind: 'local' })
      if (!tellsPeer) return
      expect(atB.length).to.equal(0)
      expect(await b.closed).to.deep.equal({ kind: 'peer' })
      expect(a.counters).to.include({ discarded: 30, bytesIn: 0 })
    })

    it('counts', async () => {
      await start()
      const atB = new Collected(b)
      a.write(pattern(100))
      a.write(pattern(11))
      await atB.until(111)
      expect(a.counters).to.include({ writes: 2, bytesOut: 111, bytesIn: 0, errors: 0, refused: 0, congested: 0 })
      expect(b.counters).to.include({ bytesIn: 111, chunksIn: atB.chunks.length, bytesOut: 0, discarded: 0 })
      await until('everything has left', () => a.queued === 0)
    })
  })
}
