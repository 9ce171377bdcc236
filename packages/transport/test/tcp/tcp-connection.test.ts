import { expect } from 'chai'
import { median } from '../../../../test/support/bench.ts'
import { Collected, nextOf, pattern, until } from '../support/collect.ts'
import { plainClient, plainServer } from '../support/tcp-pair.ts'
import type { HalfPlain } from '../support/tcp-pair.ts'

describe('a TCP connection', () => {
  let rig: HalfPlain
  afterEach(() => rig.close())

  it('names both ends by URL', async () => {
    rig = await plainServer()
    const { connection, socket } = rig
    expect(connection.remote).to.equal(`tcp://127.0.0.1:${socket.localPort}`)
    expect(connection.local).to.equal(`tcp://127.0.0.1:${socket.remotePort}`)
  })

  for (const open of [plainServer, plainClient]) {
    it(`sends a small chunk at once (TCP_NODELAY), ${open === plainServer ? 'calling' : 'called'}`, async () => {
      rig = await open()
      const { connection, socket } = rig
      let asked = 0
      socket.on('data', (chunk: Buffer) => {
        asked += chunk.length
        if (asked % 20 === 0) socket.write('k')
      })
      const answers = new Collected(connection)
      // Without it the second of two writes waits for the delayed acknowledgement of the first: 40 ms each time.
      const rounds: number[] = []
      for (let i = 1; i <= 20; i++) {
        const start = performance.now()
        connection.write(pattern(10))
        await new Promise((resolve) => setImmediate(resolve))
        connection.write(pattern(10))
        await answers.until(i)
        rounds.push(performance.now() - start)
      }
      expect(median(rounds)).to.be.below(20)
    })
  }

  it('hands a chunk of the socket on as it is', async () => {
    rig = await plainServer()
    const atUs = new Collected(rig.connection)
    rig.socket.write(pattern(1000))
    await atUs.until(1000)
    expect(atUs.chunks).to.have.length(1)
  })

  it('keeps what it has read, whatever other connections read after it', async () => {
    rig = await plainServer()
    const other = await plainServer()
    try {
      const [ours, theirs] = [new Collected(rig.connection), new Collected(other.connection)]
      for (let i = 0; i < 50; i++) {
        rig.socket.write(new Uint8Array(1000).fill(i))
        other.socket.write(new Uint8Array(1000).fill(255 - i))
        await Promise.all([ours.until(1000 * (i + 1)), theirs.until(1000 * (i + 1))])
      }
      for (let i = 0; i < 50; i++) {
        const [one, two] = [ours, theirs].map(({ bytes }) => new Set(bytes.subarray(1000 * i, 1000 * (i + 1))))
        expect([[...one!], [...two!]]).to.deep.equal([[i], [255 - i]])
      }
    } finally {
      await other.close()
    }
  })

  it('loses nothing and keeps the order when it is paused and resumed at every chunk', async () => {
    rig = await plainServer()
    const { connection, socket } = rig
    const total = 4 << 20
    const bytes = pattern(total)
    let at = 0
    let same = true
    connection.data.subscribe((chunk) => {
      same &&= Buffer.from(bytes.buffer, bytes.byteOffset + at, chunk.length).equals(chunk)
      at += chunk.length
      connection.pause()
      if (at % 3 === 0) setImmediate(() => connection.resume())
      else {
        connection.resume()
        connection.pause()
        queueMicrotask(() => connection.resume())
      }
    })
    socket.end(bytes)
    await until('all is there', () => at === total)
    expect(same).to.equal(true)
    expect((await connection.closed).kind).to.equal('peer')
  })

  it('really stops reading when paused: the peer cannot write on', async () => {
    rig = await plainServer()
    const { connection, socket } = rig
    const atUs = new Collected(connection)
    connection.pause()
    const total = 16 << 20
    socket.write(new Uint8Array(total))
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(atUs.length).to.equal(0)
    expect(socket.writableLength).to.be.greaterThan(0)
    connection.resume()
    await atUs.until(total)
    await until('it has left', () => socket.writableLength === 0)
  })

  it('closes behind a peer that has closed, after it has sent what is queued', async () => {
    rig = await plainServer()
    const { connection, socket } = rig
    const atUs = new Collected(connection)
    socket.pause()
    const large = pattern(8 << 20)
    connection.write(large)
    socket.end('bye')
    await until('the peer has ended', () => atUs.completed === 1)
    expect(connection.write(pattern(1))).to.equal(false)
    let received = 0
    socket.on('data', (chunk: Buffer) => (received += chunk.length))
    socket.resume()
    expect(await connection.closed).to.deep.equal({ kind: 'peer' })
    await until('everything has arrived', () => received === large.length)
    expect(Buffer.from(atUs.bytes).toString()).to.equal('bye')
  })

  it('reports a reset as an error, once', async () => {
    rig = await plainServer()
    const { connection, socket } = rig
    const atUs = new Collected(connection)
    socket.resetAndDestroy()
    const { kind, error } = await connection.closed
    expect(kind).to.equal('error')
    expect(error).to.include({ name: 'ProtocolError', code: 'transport.connection.reset' })
    expect(error?.details).to.include({ errno: 'ECONNRESET', where: connection.remote })
    expect([connection.counters.errors, atUs.completed]).to.deep.equal([1, 1])
  })

  it('goes on delivering after end, until the peer has closed too', async () => {
    rig = await plainServer()
    const { connection, socket } = rig
    const atUs = new Collected(connection)
    socket.on('end', () => socket.end(pattern(5000)))
    socket.resume()
    connection.write(pattern(10))
    connection.end()
    expect(await connection.closed).to.deep.equal({ kind: 'local' })
    expect(atUs.length).to.equal(5000)
  })

  it('does not wait for ever for a peer that never closes', async () => {
    rig = await plainServer({ linger: 50 })
    const { connection, socket } = rig
    let received = 0
    socket.on('data', (chunk: Buffer) => (received += chunk.length))
    connection.write(pattern(10))
    connection.end()
    expect(await connection.closed).to.deep.equal({ kind: 'local' })
    await until('the bytes have arrived', () => received === 10)
  })

  it('does not wait for ever for a peer that reads nothing: the loss is an error', async () => {
    rig = await plainServer({ linger: 50 })
    const { connection } = rig
    connection.write(pattern(12 << 20))
    connection.end()
    const { kind, error } = await connection.closed
    expect(kind).to.equal('error')
    expect(error).to.have.property('code', 'transport.close.timeout')
  })

  it('does not wait for ever for a peer that reads nothing and keeps sending', async () => {
    rig = await plainServer({ linger: 60, queue: { limit: 64 << 20 } })
    const { connection, socket } = rig
    new Collected(connection)
    // What the system does not take stays in the queue, cut so that little of it is left to wait for.
    while (connection.queued < 300) connection.write(pattern(500))
    const { queued } = connection
    connection.end()
    const dribble = setInterval(() => socket.write('x'), 20)
    const { error } = await connection.closed
    clearInterval(dribble)
    expect(error).to.have.property('code', 'transport.close.timeout')
    expect(queued).to.be.below(5000)
  })

  it('waits as long as a slow peer goes on reading one large chunk', async () => {
    rig = await plainServer({ linger: 150 })
    const { connection, socket } = rig
    const total = 12 << 20
    let received = 0
    socket.on('data', (chunk: Buffer) => {
      received += chunk.length
      // About a megabyte at a time, so that all of it takes longer than the patience with silence.
      if (Math.floor(received / 2 ** 20) > Math.floor((received - chunk.length) / 2 ** 20)) {
        socket.pause()
        setTimeout(() => socket.resume(), 40)
      }
    })
    connection.write(pattern(total))
    const start = performance.now()
    connection.end()
    await until('all has arrived', () => received === total)
    expect(performance.now() - start).to.be.greaterThan(300)
    socket.end()
    expect(await connection.closed).to.deep.equal({ kind: 'local' })
  })

  it('is destroyed when it idles, if asked for', async () => {
    rig = await plainServer({ idleTimeout: 500 })
    const { connection, socket } = rig
    new Collected(connection)
    const start = performance.now()
    await new Promise((resolve) => setTimeout(resolve, 100))
    socket.write('x')
    const { kind, error } = await connection.closed
    expect(kind).to.equal('error')
    expect(error).to.have.property('code', 'transport.connection.idle')
    expect(performance.now() - start).to.be.greaterThan(590)
  })

  it('tells of room in the queue once per congestion', async () => {
    rig = await plainServer({ queue: { low: 1000, high: 10_000 } })
    const { connection, socket } = rig
    socket.pause()
    let drained = 0
    connection.drained.subscribe(() => drained++)
    for (let i = 0; i < 200; i++) connection.write(pattern(65_536))
    expect(connection.counters.congested).to.equal(1)
    const next = nextOf(connection.drained)
    socket.resume()
    await next
    await until('the queue is empty', () => connection.queued === 0)
    expect(drained).to.equal(1)
    expect(connection.write(pattern(10))).to.equal(true)
  })
})
