import { mkdtempSync, rmSync } from 'node:fs'
import { Socket, connect as plainConnect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import type { Connection, ListenOptions } from '@gridseal/transport'
import { connect, formatEndpoint, listen, parseEndpoint } from '@gridseal/transport'
import { UsageError } from '@gridseal/wire'
import { firstValueFrom } from 'rxjs'
import { needPeer } from '../../../../test/support/requirements.ts'
import { makeCertificates } from '../support/certificates.ts'
import type { Certificates } from '../support/certificates.ts'
import { rejection } from '../support/collect.ts'

describe('TLS', () => {
  let folder: string | undefined
  let certificates: Certificates
  const closers: (() => unknown)[] = []
  before(function () {
    needPeer(this, 'openssl')
    folder = mkdtempSync(join(tmpdir(), 'gridseal-tls-'))
    certificates = makeCertificates(folder)
  })
  after(() => folder !== undefined && rmSync(folder, { recursive: true }))
  afterEach(async () => {
    for (const close of closers.splice(0)) await close()
  })

  async function server(options: ListenOptions = {}): Promise<{ url: string; accepted: Promise<Connection> }> {
    const { cert, key } = certificates.server
    const listener = await listen('tls://127.0.0.1:0', { ...options, tls: { cert, key, ...options.tls } })
    closers.push(() => listener.close())
    return { url: listener.url, accepted: firstValueFrom(listener.connections) }
  }

  it('carries bytes both ways once the certificate is found good', async () => {
    const { url, accepted } = await server()
    expect(url).to.match(/^tls:\/\/127\.0\.0\.1:\d+$/)
    const client = await connect(url, { tls: { ca: certificates.ca } })
    const peer = await accepted
    closers.push(
      () => client.destroy(),
      () => peer.destroy(),
    )
    const [got, back] = [firstValueFrom(peer.data), firstValueFrom(client.data)]
    client.write(new Uint8Array([1, 2, 3]))
    peer.write(new Uint8Array([4, 5]))
    expect([...(await got)]).to.deep.equal([1, 2, 3])
    expect([...(await back)]).to.deep.equal([4, 5])
    client.end()
    expect((await peer.closed).kind).to.equal('peer')
  })

  it('asks after silence whether the peer is still there, as TCP does', async () => {
    const { url } = await server()
    const asked: unknown[][] = []
    const own = Object.getOwnPropertyDescriptor(Socket.prototype, 'setKeepAlive')!
    Socket.prototype.setKeepAlive = function (this: Socket, enable?: unknown, initialDelay?: number): Socket {
      asked.push([enable, initialDelay])
      return this
    }
    try {
      for (const keepAlive of [7000, 0]) {
        const client = await connect(url, { keepAlive, tls: { ca: certificates.ca } })
        closers.push(() => client.destroy())
      }
    } finally {
      Object.defineProperty(Socket.prototype, 'setKeepAlive', own)
    }
    expect(asked).to.deep.equal([[true, 7000]])
  })

  it('refuses a certificate of an unknown authority, or for another name', async () => {
    const { url } = await server()
    expect((await rejection(connect(url, { tls: { ca: certificates.otherCa } }))).code).to.equal(
      'transport.connect.tls',
    )
    const named = connect(url, { tls: { ca: certificates.ca, servername: 'elsewhere.test' } })
    expect((await rejection(named)).code).to.equal('transport.connect.tls')
    const right = await connect(url, { tls: { ca: certificates.ca, servername: 'outstation.test' } })
    right.destroy()
  })

  it('asks clients for certificates when told whose to trust', async () => {
    const { url, accepted } = await server({ tls: { ca: certificates.ca } })
    const without = await connect(url, { tls: { ca: certificates.ca } }).catch(() => undefined)
    // Under TLS 1.3 a client learns of the refusal after its handshake.
    if (without !== undefined) {
      without.data.subscribe()
      expect((await without.closed).kind).to.not.equal('local')
    }
    const client = await connect(url, { tls: { ca: certificates.ca, ...certificates.client } })
    const peer = await accepted
    closers.push(
      () => client.destroy(),
      () => peer.destroy(),
    )
    const got = firstValueFrom(peer.data)
    client.write(new Uint8Array([9]))
    expect([...(await got)]).to.deep.equal([9])
  })

  it('asks the allow-list first, and survives what is no TLS', async () => {
    const closedOff = await server({ allow: ['10.0.0.0/8'] })
    expect((await rejection(connect(closedOff.url, { tls: { ca: certificates.ca } }))).code).to.match(
      /^transport\.connect\./,
    )
    const { url, accepted } = await server()
    const plain = plainConnect(Number(new URL(url).port), '127.0.0.1')
    plain.on('error', () => undefined)
    plain.write('GET / HTTP/1.0\r\n\r\n')
    await new Promise((resolve) => plain.once('close', resolve))
    const client = await connect(url, { tls: { ca: certificates.ca } })
    closers.push(() => client.destroy())
    await accepted
  })

  it('needs a certificate with its key to listen; URLs go both ways', async () => {
    expect(await rejection(listen('tls://127.0.0.1:0'))).to.be.instanceOf(UsageError)
    const half = listen('tls://127.0.0.1:0', { tls: { cert: certificates.server.cert } })
    expect((await rejection(half)).code).to.equal('transport.option')
    expect(formatEndpoint(parseEndpoint('tls://[::1]:19999'))).to.equal('tls://[::1]:19999')
  })
})
