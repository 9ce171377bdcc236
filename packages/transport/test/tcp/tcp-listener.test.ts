import { connect as plainConnect } from 'node:net'
import type { Socket } from 'node:net'
import { connect, listen } from '@gridseal/transport'
import type { Connection, Listener } from '@gridseal/transport'
import { expect } from 'chai'
import { needIpv6, needLinux } from '../../../../test/support/requirements.ts'
import { askAndEnd } from '../../../../test/support/half-close.ts'
import { Collected, nextOf, pattern, rejection, until } from '../support/collect.ts'
import { portOf } from '../support/tcp-pair.ts'

describe('a TCP listener', () => {
  let listener: Listener
  const sockets: Socket[] = []
  const accepted: Connection[] = []
  function dial(options: { localAddress?: string; host?: string } = {}): Promise<Socket> {
    const socket = plainConnect({ host: '127.0.0.1', port: portOf(listener.url), ...options })
    socket.on('error', () => undefined)
    socket.resume()
    sockets.push(socket)
    return new Promise((resolve) => socket.once('connect', () => resolve(socket)))
  }
  function ended(socket: Socket): Promise<void> {
    return new Promise((resolve) => socket.once('close', () => resolve()))
  }
  function takeAll(): void {
    listener.connections.subscribe((connection) => {
      accepted.push(connection)
      new Collected(connection)
    })
  }
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy()
    for (const connection of accepted.splice(0)) connection.destroy()
    await listener.close()
  })

  it('tells its real port', async () => {
    listener = await listen('tcp://127.0.0.1:0')
    expect(listener.url).to.match(/^tcp:\/\/127\.0\.0\.1:[1-9]\d*$/)
  })

  it('holds connections, and what they send, until somebody takes them', async () => {
    listener = await listen('tcp://127.0.0.1:0')
    const socket = await dial()
    socket.write('early')
    await until('it is accepted', () => listener.counters.accepted === 1)
    await new Promise((resolve) => setTimeout(resolve, 20))
    const connection = (await nextOf(listener.connections)) as Connection
    accepted.push(connection)
    const atUs = new Collected(connection)
    await atUs.until(5)
    expect(Buffer.from(atUs.bytes).toString()).to.equal('early')
  })

  describe('with a peer that ends its half and waits', () => {
    /** The connection of such a peer, when all that it has sent is here, and what the peer gets. */
    async function halfClosed(halfOpen: number): Promise<{ connection: Connection; answer: Promise<Buffer> }> {
      listener = await listen('tcp://127.0.0.1:0', { halfOpen })
      const answer = askAndEnd(listener.url, Buffer.from('request'))
      const connection = (await nextOf(listener.connections)) as Connection
      accepted.push(connection)
      const atUs = new Collected(connection)
      await until('all is here', () => atUs.completed > 0)
      expect(Buffer.from(atUs.bytes).toString()).to.equal('request')
      return { connection, answer }
    }

    it('writes what it waits for, and ends with it', async () => {
      const { connection, answer } = await halfClosed(60_000)
      await new Promise((resolve) => setTimeout(resolve, 50))
      expect(connection.write(Buffer.from('answer'))).to.equal(true)
      connection.end()
      expect((await answer).toString()).to.equal('answer')
      expect(await connection.closed).to.deep.equal({ kind: 'peer' })
    })

    it('waits as long as it was told, and no longer, also while it writes', async () => {
      const { connection, answer } = await halfClosed(100)
      const timer = setInterval(() => connection.write(pattern(1)), 5)
      expect(await connection.closed).to.deep.equal({ kind: 'peer' })
      clearInterval(timer)
      expect((await answer).length).to.be.greaterThan(0)
    })

    it('ends at once where it was told nothing', async () => {
      const { connection, answer } = await halfClosed(0)
      expect(connection.write(Buffer.from('answer'))).to.equal(false)
      expect((await answer).length).to.equal(0)
    })

    it('is destroyed at once', async () => {
      const { connection, answer } = await halfClosed(60_000)
      connection.destroy()
      expect(await connection.closed).to.deep.equal({ kind: 'peer' })
      await answer.catch(() => undefined)
    })
  })

  it('destroys what the allow-list does not name, at once and unread', async function () {
    needLinux(this)
    listener = await listen('tcp://127.0.0.1:0', { allow: ['127.0.0.2', '10.0.0.0/8'] })
    takeAll()
    const stranger = await dial()
    stranger.write(pattern(100))
    await ended(stranger)
    const friend = await dial({ localAddress: '127.0.0.2' })
    await until('the friend is accepted', () => accepted.length === 1)
    expect(accepted[0]?.remote).to.equal(`tcp://127.0.0.2:${friend.localPort}`)
    expect(listener.counters).to.deep.equal({ open: 1, accepted: 1, refusedAddress: 1, refusedFull: 0, errors: 0 })
  })

  it('knows IPv4 callers on an IPv6 socket by their IPv4 address', async function () {
    needIpv6(this)
    listener = await listen('tcp://[::]:0', { allow: ['127.0.0.1'] })
    takeAll()
    const socket = await dial()
    await until('it is accepted', () => accepted.length === 1)
    expect(accepted[0]?.remote).to.equal(`tcp://127.0.0.1:${socket.localPort}`)
    const other = await dial({ host: '::1' })
    await ended(other)
    expect(listener.counters).to.include({ accepted: 1, refusedAddress: 1 })
  })

  it('takes no more than the most connections, and a new one when one has gone', async () => {
    listener = await listen('tcp://127.0.0.1:0', { maxConnections: 2 })
    takeAll()
    const first = await dial()
    await dial()
    await until('both are accepted', () => accepted.length === 2)
    await ended(await dial())
    expect(listener.counters).to.include({ open: 2, accepted: 2, refusedFull: 1 })
    first.end()
    await until('one has gone', () => listener.counters.open === 1)
    await dial()
    await until('the next is accepted', () => accepted.length === 3)
  })

  it('counts held connections too, so that a flood is bounded', async () => {
    listener = await listen('tcp://127.0.0.1:0', { maxConnections: 3 })
    const dialled = await Promise.all(Array.from({ length: 10 }, () => dial()))
    await until('the rest is refused', () => listener.counters.refusedFull === 7)
    expect(listener.counters.open).to.equal(3)
    for (const socket of dialled) socket.destroy()
  })

  it('frees its port at once when closed, and completes; connections that were taken live on', async () => {
    listener = await listen('tcp://127.0.0.1:0')
    let completed = false
    listener.connections.subscribe({ next: (c) => accepted.push(c), complete: () => (completed = true) })
    const socket = await dial()
    await until('it is accepted', () => accepted.length === 1)
    await listener.close()
    expect(completed).to.equal(true)
    const again = await listen(listener.url)
    await again.close()
    const [connection] = accepted
    const atUs = connection === undefined ? undefined : new Collected(connection)
    socket.write('still here')
    await atUs?.until(10)
  })

  it('destroys what nobody has taken when closed', async () => {
    listener = await listen('tcp://127.0.0.1:0')
    const socket = await dial()
    await until('it is accepted', () => listener.counters.accepted === 1)
    const gone = ended(socket)
    await listener.close()
    await gone
    expect(listener.counters.open).to.equal(0)
  })

  it('cannot take a port that is taken, an address of others, or an option it does not know', async () => {
    listener = await listen('tcp://127.0.0.1:0')
    expect(await rejection(listen(listener.url))).to.include({ name: 'UsageError', code: 'transport.listen.in-use' })
    expect((await rejection(listen('tcp://192.0.2.1:0'))).code).to.equal('transport.listen.address')
    expect((await rejection(listen('tcp://127.0.0.1:0', { allow: ['10.0.0.1/8'] }))).code).to.equal('transport.allow')
    for (const options of [{ maxConnections: 0 }, { alow: [] }]) {
      expect((await rejection(listen('tcp://127.0.0.1:0', options as object))).code).to.equal('transport.option')
    }
    for (const url of ['udp://127.0.0.1:0', 'serial:///dev/null']) {
      expect((await rejection(listen(url))).code).to.equal('transport.url.scheme')
    }
  })

  it('serves several hundred connections at once', async () => {
    listener = await listen('tcp://127.0.0.1:0')
    listener.connections.subscribe((connection) => {
      accepted.push(connection)
      connection.data.subscribe((chunk) => connection.write(chunk))
    })
    const clients = await Promise.all(Array.from({ length: 300 }, () => connect(listener.url)))
    const collected = clients.map((client, i) => {
      client.write(pattern(100, i))
      return new Collected(client)
    })
    await Promise.all(collected.map((one) => one.until(100)))
    for (const [i, one] of collected.entries()) expect(Buffer.compare(one.bytes, pattern(100, i))).to.equal(0)
    for (const client of clients) client.end()
    await Promise.all(clients.map((client) => client.closed))
    await until('the listener has let go of all', () => listener.counters.open === 0)
  })
})
