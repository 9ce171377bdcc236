import { mkdtempSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { connect as plainConnect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import type { Connection, Listener } from '@gridseal/transport'
import { connect, formatEndpoint, listen, parseEndpoint } from '@gridseal/transport'
import { needPeer } from '../../../../test/support/requirements.ts'
import { makeCertificates } from '../support/certificates.ts'
import { Collected, nextOf, pattern, rejection, until } from '../support/collect.ts'
import { portOf } from '../support/tcp-pair.ts'

describe('WebSocket', () => {
  let listener: Listener

  beforeEach(async () => {
    listener = await listen('ws://127.0.0.1:0/grid')
  })
  afterEach(() => listener.close())

  const accepted = (): Promise<Connection> => nextOf(listener.connections) as Promise<Connection>
  const at = (path: string): string => `ws://127.0.0.1:${portOf(listener.url)}${path}`

  it('has URLs with a path', () => {
    expect(parseEndpoint('ws://h:1')).to.deep.equal({ kind: 'ws', host: 'h', port: 1, path: '/' })
    expect(parseEndpoint('wss://[::1]:443/a/b')).to.deep.equal({ kind: 'wss', host: '::1', port: 443, path: '/a/b' })
    for (const url of ['ws://h:1', 'wss://[::1]:443/a/b']) expect(formatEndpoint(parseEndpoint(url))).to.equal(url)
    for (const url of ['ws://h', 'ws://h:1/a?b', 'ws://h:1/a b', 'ws://h:70000/']) {
      expect(() => parseEndpoint(url))
        .to.throw()
        .with.property('code')
        .that.matches(/^transport\.url\./)
    }
    expect(listener.url).to.match(/^ws:\/\/127\.0\.0\.1:\d+\/grid$/)
  })

  it("is spoken by Node's own client, in both directions, in binary messages", async () => {
    const client = new WebSocket(listener.url)
    client.binaryType = 'arraybuffer'
    const got: string[] = []
    client.addEventListener('message', ({ data }) => got.push(Buffer.from(data as ArrayBuffer).toString()))
    await new Promise((resolve) => client.addEventListener('open', resolve))
    const connection = await accepted()
    const collected = new Collected(connection)
    client.send(Buffer.from('request'))
    connection.write(Buffer.from('answer'))
    await collected.until(7)
    await until('the answer', () => got.length === 1)
    expect([Buffer.from(collected.bytes).toString(), got]).to.deep.equal(['request', ['answer']])
    client.close()
    expect(await connection.closed).to.deep.equal({ kind: 'peer' })
  })

  it('a text message ends it', async () => {
    const client = new WebSocket(listener.url)
    await new Promise((resolve) => client.addEventListener('open', resolve))
    const connection = await accepted()
    connection.data.subscribe()
    client.send('text')
    expect((await connection.closed).error?.code).to.equal('transport.connection.text')
  })

  it('a chunk of any length goes through, in messages that any end takes', async () => {
    const [client, server] = await Promise.all([connect(listener.url), accepted()])
    const collected = new Collected(server)
    const chunk = pattern(5_000_000)
    client.write(chunk)
    await collected.until(chunk.length)
    expect(Buffer.compare(collected.bytes, chunk)).to.equal(0)
    expect(collected.chunks.every(({ length }) => length <= 1 << 20)).to.equal(true)
    client.end()
    server.end()
    await Promise.all([client.closed, server.closed])
  })

  it('other paths are 404, plain requests 426; the client says which', async () => {
    expect((await rejection(connect(at('/other'))))?.code).to.equal('transport.connect.http')
    for (const [path, status] of [
      ['/grid', 426],
      ['/other', 404],
    ] as const) {
      const answer = await new Promise((resolve) => {
        request({ port: portOf(listener.url), path }, (response) => resolve(response.resume().statusCode)).end()
      })
      expect(answer).to.equal(status)
    }
    expect([listener.counters.accepted, listener.counters.refusedAddress]).to.deep.equal([0, 0])
  })

  it('whoever is not on the allow-list is not read, and limits count those that only shake hands', async () => {
    const strict = await listen('ws://127.0.0.1:0', { allow: ['10.0.0.0/8'] })
    expect((await rejection(connect(strict.url)))?.code).to.match(/^transport\.connect\./)
    expect(strict.counters.refusedAddress).to.equal(1)
    await strict.close()
    const small = await listen('ws://127.0.0.1:0', { maxConnections: 1 })
    const idle = plainConnect(portOf(small.url), '127.0.0.1')
    await until('it is there', () => small.counters.open === 1)
    expect((await rejection(connect(small.url)))?.code).to.match(/^transport\.connect\./)
    idle.destroy()
    await small.close()
  })

  it('noise in place of a request ends the connection and nothing else', async () => {
    const noise = plainConnect(portOf(listener.url), '127.0.0.1')
    noise.on('error', () => undefined)
    noise.write(Buffer.from(pattern(1000)))
    await new Promise((resolve) => noise.once('close', resolve))
    const [client, server] = await Promise.all([connect(listener.url), accepted()])
    client.destroy()
    server.data.subscribe()
    expect((await server.closed).kind).to.equal('error')
  })

  it('a port where nothing or something else listens, a name that is unknown, an attempt that is given up', async () => {
    const other = await listen('tcp://127.0.0.1:0')
    const silent = connect(`ws://127.0.0.1:${portOf(other.url)}`, { timeout: 50 })
    expect((await rejection(silent))?.code).to.equal('transport.connect.timeout')
    await other.close()
    const { signal } = { signal: AbortSignal.abort() }
    expect((await rejection(connect(listener.url, { signal })))?.code).to.equal('transport.connect.aborted')
    expect((await rejection(connect('ws://nowhere.invalid:1')))?.code).to.equal('transport.connect.host')
    expect((await rejection(connect('ws://127.0.0.1:0')))?.code).to.equal('transport.url.port')
  })

  it('is destroyed after idleTimeout without a byte', async () => {
    const [client, server] = await Promise.all([connect(listener.url, { idleTimeout: 50 }), accepted()])
    server.data.subscribe()
    client.data.subscribe()
    expect((await client.closed).error?.code).to.equal('transport.connection.idle')
    await server.closed
  })

  describe('under TLS', () => {
    let folder: string | undefined

    before(function () {
      needPeer(this, 'openssl')
      folder = mkdtempSync(join(tmpdir(), 'gridseal-wss-'))
    })
    after(() => folder !== undefined && rmSync(folder, { recursive: true }))

    it('carries bytes between those whose certificates fit, and nobody else', async () => {
      const { ca, otherCa, server, client } = makeCertificates(folder!)
      const secure = await listen('wss://127.0.0.1:0/grid', { tls: { ...server, ca } })
      const incoming = nextOf(secure.connections) as Promise<Connection>
      const connection = await connect(secure.url, { tls: { ca, ...client } })
      const far = await incoming
      const collected = new Collected(far)
      connection.write(pattern(10_000))
      await collected.until(10_000)
      expect(far.remote).to.match(/^wss:/)
      connection.end()
      far.end()
      await Promise.all([connection.closed, far.closed])
      const strangers = connect(secure.url, { tls: { ca: otherCa, ...client } })
      expect((await rejection(strangers))?.code).to.equal('transport.connect.tls')
      expect((await rejection(connect(secure.url, { tls: { ca } })))?.code).to.match(/^transport\.connect\./)
      await secure.close()
      expect((await rejection(listen('wss://127.0.0.1:0')))?.code).to.equal('transport.option')
    })
  })
})
