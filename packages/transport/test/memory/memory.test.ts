import { connect, listen, memoryPair } from '@gridseal/transport'
import { expect } from 'chai'
import { Collected, codeOf, pattern, rejection } from '../support/collect.ts'
import { settle } from '../support/virtual-clock.ts'

describe('a memory pair', () => {
  it('delivers later, never within the call', async () => {
    const [a, b] = memoryPair()
    const atB = new Collected(b)
    a.write(pattern(5))
    expect(atB.length).to.equal(0)
    await settle()
    expect(atB.length).to.equal(5)
  })

  it('gives each end bytes of its own', async () => {
    const [a, b] = memoryPair()
    const atB = new Collected(b)
    const sent = pattern(5)
    a.write(sent)
    await settle()
    atB.chunks[0]?.fill(0)
    expect(Buffer.compare(sent, pattern(5))).to.equal(0)
  })

  it('lets timers run while two ends flood each other', async () => {
    const [a, b] = memoryPair()
    a.data.subscribe((chunk) => a.write(chunk))
    b.data.subscribe((chunk) => b.write(chunk))
    for (let i = 0; i < 10; i++) a.write(pattern(10))
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(a.counters.bytesIn).to.be.greaterThan(10)
    a.destroy()
    await b.closed
  })

  it('takes a time for 200,000 chunks of a byte that grows with their number, not with its square', async () => {
    const [a, b] = memoryPair()
    let got = 0
    const all = new Promise<void>((resolve) => {
      b.data.subscribe(({ length }) => (got += length) === 200_000 && resolve())
    })
    const before = process.cpuUsage()
    for (let i = 0; i < 200_000; i++) a.write(pattern(1))
    await all
    const { user, system } = process.cpuUsage(before)
    expect(a.queued).to.equal(0)
    // Less than one, against fifteen and more.
    expect((user + system) / 1e6).to.be.below(8)
    a.destroy()
    await b.closed
  })

  it('keeps what is left in order when its reader pauses in the middle', async () => {
    const [a, b] = memoryPair({ maxChunk: 3 })
    const got: number[] = []
    b.data.subscribe((chunk) => {
      got.push(...chunk)
      if (got.length % 7 < 3) {
        b.pause()
        setImmediate(() => b.resume())
      }
    })
    const sent = Array.from({ length: 500 }, (_, n) => n % 251)
    for (let at = 0; at < 500; at += 5) {
      a.write(Uint8Array.from(sent.slice(at, at + 5)))
      if (at % 50 === 0) await settle()
    }
    while (got.length < 500) await settle()
    expect(got).to.deep.equal(sent)
    a.destroy()
    await b.closed
  })

  it('cuts chunks up if asked to', async () => {
    const [a, b] = memoryPair({ maxChunk: 4 })
    const atB = new Collected(b)
    a.write(pattern(10))
    await settle()
    await settle()
    expect(atB.chunks.map((chunk) => chunk.length)).to.deep.equal([4, 4, 2])
  })

  it('delivers what was written before the writer was destroyed, then ends', async () => {
    const [a, b] = memoryPair()
    a.write(pattern(10))
    a.destroy()
    expect(await a.closed).to.deep.equal({ kind: 'local' })
    const atB = new Collected(b)
    expect(await b.closed).to.deep.equal({ kind: 'peer' })
    expect([atB.length, atB.completed]).to.deep.equal([10, 1])
  })

  it('cuts an ending end off when the other reads nothing', async () => {
    const [a, b] = memoryPair({ linger: 20 })
    b.pause()
    a.write(pattern(10))
    a.end()
    const { error } = await a.closed
    expect(error).to.have.property('code', 'transport.close.timeout')
    new Collected(b)
    b.resume()
    expect((await b.closed).error).to.have.property('code', 'transport.connection.reset')
  })

  it('names its ends', () => {
    const [a, b] = memoryPair({ names: ['master', 'device'] })
    expect([a.local, a.remote, b.local, b.remote]).to.deep.equal([
      'memory://master',
      'memory://device',
      'memory://device',
      'memory://master',
    ])
  })

  it('refuses options that cannot be right', () => {
    for (const options of [{ maxChunk: 0 }, { queue: { low: 5, high: 1 } }, { size: 1 }]) {
      expect(codeOf(() => memoryPair(options as object))).to.equal('transport.option')
    }
  })
})

describe('listening in memory', () => {
  it('is by names that are taken once and freed by close', async () => {
    expect((await rejection(connect('memory://station'))).code).to.equal('transport.connect.refused')
    const listener = await listen('memory://station', { maxConnections: 1 })
    expect((await rejection(listen('memory://station'))).code).to.equal('transport.listen.in-use')
    const first = await connect('memory://station')
    const second = await connect('memory://station')
    new Collected(second)
    expect(await second.closed).to.deep.equal({ kind: 'peer' })
    expect(listener.counters).to.include({ open: 1, accepted: 1, refusedFull: 1 })
    await listener.close()
    new Collected(first)
    expect(await first.closed).to.deep.equal({ kind: 'peer' })
    await (await listen('memory://station')).close()
  })
})
