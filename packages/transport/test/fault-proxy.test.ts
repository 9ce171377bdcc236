import { connect, listen } from '@gridseal/transport'
import type { Connection, Listener } from '@gridseal/transport'
import { expect } from 'chai'
import { FaultProxy } from '../../../test/support/fault-proxy.ts'
import type { Faults } from '../../../test/support/fault-proxy.ts'
import { Collected, chunksOf, pattern, until, writeAll } from './support/collect.ts'
import { freePort, portOf } from './support/tcp-pair.ts'

describe('the fault proxy', () => {
  let listener: Listener
  let proxy: FaultProxy
  const far: Connection[] = []
  const near: Connection[] = []
  let url: string

  beforeEach(async () => {
    listener = await listen('tcp://127.0.0.1:0')
    listener.connections.subscribe((connection) => far.push(connection))
  })
  afterEach(async () => {
    for (const connection of [...far.splice(0), ...near.splice(0)]) connection.destroy()
    await proxy.close()
    await listener.close()
  })
  async function start(faults: Faults = {}, seed = 7): Promise<void> {
    proxy = new FaultProxy({ target: portOf(listener.url), seed, ...faults })
    url = await proxy.listen()
  }
  async function through(): Promise<[Connection, Connection]> {
    const connection = await connect(url)
    near.push(connection)
    const { length } = near
    await until('the target is reached', () => far.length >= length)
    return [connection, far[length - 1] as Connection]
  }

  it('passes everything on, both ways, and the end of it', async () => {
    await start()
    const [a, b] = await through()
    const [atA, atB] = [new Collected(a), new Collected(b)]
    await Promise.all([writeAll(a, chunksOf(pattern(500_000), 5000)), writeAll(b, [pattern(1000, 2)])])
    await atB.until(500_000)
    a.end()
    expect((await b.closed).kind).to.equal('peer')
    expect((await a.closed).kind).to.equal('local')
    expect(Buffer.compare(atB.bytes, pattern(500_000))).to.equal(0)
    expect(Buffer.compare(atA.bytes, pattern(1000, 2))).to.equal(0)
    await until('nothing is left', () => proxy.open === 0)
  })

  it('cuts: both ends see a reset', async () => {
    await start()
    const [a, b] = await through()
    new Collected(a)
    new Collected(b)
    proxy.cut()
    for (const end of [a, b]) expect((await end.closed).error).to.have.property('code', 'transport.connection.reset')
    expect(proxy.counters.cut).to.equal(1)
    const [again] = await through()
    expect(again.write(pattern(1))).to.equal(true)
  })

  it('cuts after a number of bytes', async () => {
    await start({ cutAfter: 100_000, maxChunk: 1000 })
    const [a, b] = await through()
    const atB = new Collected(b)
    a.write(pattern(200_000))
    expect((await b.closed).kind).to.equal('error')
    expect(atB.length).to.be.at.most(99_000)
  })

  it('refuses while asked to', async () => {
    await start()
    proxy.refuse(true)
    // The reset can come while the caller still connects, or just after.
    const outcome = await connect(url).then(
      async (connection) => {
        new Collected(connection)
        return (await connection.closed).kind
      },
      () => 'error',
    )
    expect(outcome).to.equal('error')
    expect(proxy.counters.refused).to.equal(1)
    expect(far).to.have.length(0)
    proxy.refuse(false)
    await through()
  })

  it('delays, in order', async () => {
    await start({ delay: 60, jitter: 20, maxChunk: 700 })
    const [a, b] = await through()
    const atB = new Collected(b)
    const begin = performance.now()
    a.write(pattern(20_000))
    await atB.until(20_000)
    expect(performance.now() - begin).to.be.greaterThan(59)
    expect(Buffer.compare(atB.bytes, pattern(20_000))).to.equal(0)
  })

  it('throttles', async () => {
    await start({ bytesPerSecond: 100_000 })
    const [a, b] = await through()
    const atB = new Collected(b)
    const begin = performance.now()
    a.write(pattern(30_000))
    await atB.until(30_000)
    expect(performance.now() - begin).to.be.greaterThan(200)
  })

  it('stalls: nothing passes and nobody is told', async () => {
    await start()
    const [a, b] = await through()
    const atB = new Collected(b)
    proxy.stall(true)
    a.write(pattern(100))
    await new Promise((resolve) => setTimeout(resolve, 40))
    expect(atB.length).to.equal(0)
    proxy.stall(false)
    await atB.until(100)
  })

  it('drops and doubles by its seed: the same again with the same, else with another', async () => {
    const outcomes: string[] = []
    for (const seed of [1, 1, 2]) {
      if (outcomes.length > 0) await proxy.close()
      await start({ drop: 0.3, duplicate: 0.3 }, seed)
      const [a, b] = await through()
      const atB = new Collected(b)
      for (let i = 0; i < 40; i++) {
        const before = proxy.counters.bytes + proxy.counters.dropped
        a.write(pattern(50, i))
        await until('it has passed', () => proxy.counters.bytes + proxy.counters.dropped >= before + 50)
      }
      await atB.until(proxy.counters.bytes)
      outcomes.push(Buffer.from(atB.bytes).toString('hex'))
      expect(proxy.counters.dropped).to.be.greaterThan(0)
      expect(proxy.counters.duplicated).to.be.greaterThan(0)
    }
    expect(outcomes[0]).to.equal(outcomes[1])
    expect(outcomes[0]).not.to.equal(outcomes[2])
  })

  it('resets who comes while the target is not there', async () => {
    proxy = new FaultProxy({ target: await freePort(), seed: 1 })
    url = await proxy.listen()
    const connection = await connect(url)
    near.push(connection)
    new Collected(connection)
    expect((await connection.closed).kind).to.equal('error')
  })
})
