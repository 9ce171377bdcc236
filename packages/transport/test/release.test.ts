import { once } from 'node:events'
import { expect } from 'chai'
import { memoryPair, release } from '@gridseal/transport'
import { plainServer } from './support/tcp-pair.ts'

describe('release', () => {
  it('gives the memory back of bytes that have a buffer of their own: they and their views are empty', () => {
    const bytes = new Uint8Array(100)
    const view = bytes.subarray(10)
    release(bytes)
    expect([bytes.length, view.length]).to.deep.equal([0, 0])
    release(bytes)
  })

  it('leaves bytes alone that share a buffer with others', () => {
    const whole = new Uint8Array(100)
    release(whole.subarray(1))
    release(whole.subarray(0, 99))
    const small = Buffer.from('of the pool')
    release(small)
    const shared = new Uint8Array(new SharedArrayBuffer(10))
    release(shared)
    expect([whole.length, small.toString(), shared.length]).to.deep.equal([100, 'of the pool', 10])
  })
})

describe('connections: chunks that belong together', () => {
  const chunks = [Buffer.from('one '), Buffer.from(''), Buffer.alloc(300_000, 'x'), Buffer.from(' three')]
  const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0)

  it('arrive in order, are one write, and are reported when the system has taken all', async () => {
    const { connection, socket, close } = await plainServer()
    const got: Uint8Array[] = []
    socket.on('data', (chunk) => got.push(chunk))
    const ended = once(socket, 'end')
    await new Promise<void>((taken) => connection.writeAll(chunks, taken))
    expect([connection.counters.writes, connection.counters.bytesOut, connection.queued]).to.deep.equal([1, length, 0])
    connection.end()
    await ended
    expect(Buffer.concat(got)).to.deep.equal(Buffer.concat(chunks))
    await close()
  })

  it('are not reported while the system may read them: neither before the peer takes them nor when the connection breaks', async () => {
    const { connection: near, close } = await plainServer()
    let taken = 0
    // The other end does not read.
    for (let i = 0; i < 15; i++) near.writeAll([Buffer.alloc(1_000_000), Buffer.alloc(10)], () => taken++)
    // What the system holds for the peer it has taken.
    await new Promise((resolve) => setTimeout(resolve, 50))
    const before = taken
    expect(before).to.be.lessThan(15)
    expect(near.queued).to.be.greaterThan(0)
    near.destroy()
    await near.closed
    expect(taken).to.equal(before)
    expect(near.writeAll([Buffer.alloc(1)], () => taken++)).to.equal(false)
    await close()
  })

  it('also arrive over memory', async () => {
    const [a, b] = memoryPair()
    const got: Uint8Array[] = []
    b.data.subscribe((chunk) => got.push(chunk))
    a.writeAll(chunks)
    a.end()
    b.end()
    await b.closed
    expect(Buffer.concat(got)).to.deep.equal(Buffer.concat(chunks))
  })
})
