import { expect } from 'chai'
import { LINE_ADDRESS, LineLink, connectDatagram, listenDatagram } from '@gridseal/channel'
import type { DatagramChannel, PathUse } from '@gridseal/channel'
import { connect, listen } from '@gridseal/transport'
import type { Connection } from '@gridseal/transport'
import { firstValueFrom } from 'rxjs'
import { ACCEPT, CONNECT, collect } from '../support/channel-pair.ts'
import { QUICK, until } from '../support/datagram-pair.ts'
import { FaultNet } from '../support/fault-net.ts'

const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const numbered = (count: number): string[] => Array.from({ length: count }, (_, n) => `1:${n}`)
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
const [FIELD_A, FIELD_B] = ['udp://10.0.0.1:1', 'udp://10.1.0.1:1'] as const
const [HEAD_A, HEAD_B] = ['udp://10.0.0.2:2', 'udp://10.1.0.2:2'] as const

interface TwoPaths {
  readonly net: FaultNet
  readonly client: DatagramChannel
  readonly server: DatagramChannel
  readonly stop: () => Promise<void>
}

async function twoPaths(use: PathUse, net = new FaultNet(1)): Promise<TwoPaths> {
  const options = { ...QUICK, use, keepAlive: 30, handshakeTimeout: 4000 }
  const listener = listenDatagram([net.link(HEAD_A), net.link(HEAD_B)], { ...ACCEPT, ...options })
  const accepted = firstValueFrom(listener.channels)
  const paths = [
    { link: net.link(FIELD_A), to: HEAD_A },
    { link: net.link(FIELD_B), to: HEAD_B },
  ]
  const [client, server] = await Promise.all([connectDatagram(paths, { ...CONNECT, ...options }), accepted])
  const stop = async (): Promise<void> => {
    await Promise.all([client.close(), server.close()])
    await listener.close()
  }
  return { net, client, server, stop }
}

describe('channel over several paths', () => {
  it('failover: when one breaks the other goes on, back and forth, and nothing is lost or doubled', async () => {
    const { net, client, server, stop } = await twoPaths('failover')
    const [atClient, atServer] = [collect(client), collect(server)]
    for (let n = 0; n < 300; n++) {
      client.send(1, text(`${n}`))
      server.send(1, text(`${n}`))
      if (n % 100 === 40) net.down.add(n < 100 || n > 200 ? HEAD_A : HEAD_B)
      if (n % 100 === 90) net.down.clear()
      await pause(2)
    }
    await until('all is there', () => atClient.texts.length >= 300 && atServer.texts.length >= 300)
    expect([atClient.texts, atServer.texts]).to.deep.equal([numbered(300), numbered(300)])
    expect(client.counters.pathChanges).to.be.greaterThan(0)
    await stop()
  })

  it('failover: only the end that sends speaks', async () => {
    for (const sender of ['client', 'server'] as const) {
      const pair = await twoPaths('failover')
      const { texts } = collect(pair[sender === 'client' ? 'server' : 'client'])
      collect(pair[sender])
      // The other path must have been found first.
      await pause(60)
      pair.net.down.add(HEAD_A)
      for (let n = 0; n < 20; n++) pair[sender].send(1, text(`${n}`))
      await until(`${sender} gets through`, () => texts.length === 20)
      expect(texts).to.deep.equal(numbered(20))
      await pair.stop()
    }
  })

  it('the first path is taken again when it has proven itself', async () => {
    const { net, client, server, stop } = await twoPaths('failover')
    collect(server)
    collect(client)
    net.down.add(HEAD_A)
    client.send(1, text('x'))
    await until('the second', () => client.path.link === 1)
    net.down.clear()
    await until('the first again', () => client.path.link === 0)
    await stop()
  })

  it('the handshake tries the next path when the first is silent', async () => {
    const net = new FaultNet(1)
    net.down.add(HEAD_A)
    const { client, server, stop } = await twoPaths('failover', net)
    const { texts } = collect(server)
    expect(client.path.link).to.equal(1)
    client.send(1, text('over the second'))
    await until('it is there', () => texts.length === 1)
    await stop()
  })

  it('redundant: every message leaves on both paths and arrives once; one path may break without a delay', async () => {
    const { net, client, server, stop } = await twoPaths('redundant')
    const { texts } = collect(server)
    collect(client)
    await until('both paths are known', () => server.counters.replayed > 0 || (client.send(0, text('')), false))
    const before = texts.length
    const repeated = client.counters.segmentsRepeated
    for (let n = 0; n < 200; n++) {
      client.send(1, text(`${n}`), { once: true })
      if (n === 50) net.down.add(HEAD_A)
      if (n === 120) {
        net.down.delete(HEAD_A)
        net.down.add(HEAD_B)
      }
      await pause(0)
    }
    net.down.clear()
    await until('all is there', () => texts.length >= before + 200)
    // Sent once and never again: each came over one path or the other.
    expect(texts.slice(before)).to.deep.equal(numbered(200))
    expect(server.counters.replayed).to.be.greaterThan(50)
    expect(client.counters.segmentsRepeated - repeated).to.equal(0)
    await stop()
  })

  it('over a network and over a TCP connection at once', async () => {
    const net = new FaultNet(3)
    const tcp = await listen('tcp://127.0.0.1:0')
    const incoming = firstValueFrom(tcp.connections as never) as Promise<Connection>
    const near = new LineLink(await connect(tcp.url), { address: LINE_ADDRESS.caller, mtu: 1200 })
    const far = new LineLink(await incoming, { address: LINE_ADDRESS.listener, mtu: 1200 })
    const options = { ...QUICK, keepAlive: 30 }
    const listener = listenDatagram([net.link(HEAD_A), far], { ...ACCEPT, ...options })
    const accepted = firstValueFrom(listener.channels)
    const paths = [
      { link: net.link(FIELD_A), to: HEAD_A },
      { link: near, to: `${LINE_ADDRESS.listener}` },
    ]
    const [client, server] = await Promise.all([connectDatagram(paths, { ...CONNECT, ...options }), accepted])
    const { texts } = collect(server)
    collect(client)
    for (let n = 0; n < 100; n++) {
      client.send(1, text(`${n}`))
      if (n === 50) net.down.add(HEAD_A)
      await pause(1)
    }
    await until('all is there', () => texts.length === 100)
    expect(texts).to.deep.equal(numbered(100))
    expect(client.path.link).to.equal(1)
    await Promise.all([client.close(), server.close()])
    await listener.close()
    await tcp.close()
  })
})
