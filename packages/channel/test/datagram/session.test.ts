import { expect } from 'chai'
import { collect, settled } from '../support/channel-pair.ts'
import { FIELD_URL, HEAD_URL, datagramPair, until } from '../support/datagram-pair.ts'
import type { Passing } from '../support/fault-net.ts'
import { encodePlainAlert } from '#src/datagram/packet.ts'

const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const isRecord = ({ bytes }: Passing): boolean => bytes[0] === 0x22
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

describe('channel over datagrams: the session', () => {
  it('carries messages of up to the limit, in both directions at once, over a network that loses', async () => {
    const { client, server, stop } = await datagramPair({
      faults: { drop: 0.05, jitter: 2 },
      server: { maxMessage: 2 ** 20 },
    })
    const [atClient, atServer] = [collect(client), collect(server)]
    const large = Uint8Array.from({ length: 2 ** 20 }, (_, n) => n * 31)
    client.send(1, large)
    server.send(2, large)
    await until('both are there', () => atClient.messages.length === 1 && atServer.messages.length === 1)
    expect(Buffer.compare(atServer.messages[0]!.bytes, large)).to.equal(0)
    expect(Buffer.compare(atClient.messages[0]!.bytes, large)).to.equal(0)
    expect(client.counters.segmentsRepeated).to.be.greaterThan(0)
    expect(() => client.send(1, new Uint8Array(2 ** 20 + 1)))
      .to.throw()
      .with.property('code', 'channel.message.length')
    await stop()
  })

  it('a message sent once comes by itself or not at all, and at most once', async () => {
    const { client, server, stop, net } = await datagramPair({ seed: 3 })
    const { texts } = collect(server)
    net.set({ drop: 0.3, duplicate: 0.3, jitter: 5 })
    for (let n = 0; n < 200; n++) client.send(1, text(`${n}`), { once: true })
    await pause(30)
    net.set({})
    await settled()
    expect(texts.length).to.be.within(100, 180)
    expect(new Set(texts).size).to.equal(texts.length)
    expect(server.counters.replayed).to.be.greaterThan(10)
    expect(() => client.send(1, new Uint8Array(client.maxOnce + 1), { once: true }))
      .to.throw()
      .with.property('code', 'channel.message.length')
    client.send(1, new Uint8Array(client.maxOnce), { once: true, ttl: 1000 })
    await until('the longest', () => texts.length > 0 && server.counters.bytesReceived >= client.maxOnce)
    await stop()
  })

  it('greater than last: what is overtaken is dropped and, in the stream, repeated', async () => {
    const ordering = 'greater-than-last' as const
    const { client, server, stop } = await datagramPair({
      faults: { jitter: 5 },
      client: { ordering },
      server: { ordering },
    })
    const { texts } = collect(server)
    for (let n = 0; n < 100; n++) {
      client.send(1, text(`${n}`))
      if (n % 5 === 0) await pause(1)
    }
    await until('all is there', () => texts.length >= 100)
    expect(texts).to.deep.equal(Array.from({ length: 100 }, (_, n) => `1:${n}`))
    await stop()
  })

  it('records that were changed, cut, doubled, reflected or of another session are dropped, each by its counter', async () => {
    const other = await datagramPair({ prepare: (net) => (net.record = true) })
    collect(other.server)
    other.client.send(1, text('elsewhere'))
    await settled()
    const foreign = other.net.seen.filter((packet) => isRecord(packet) && packet.to === HEAD_URL)
    await other.stop()

    const { client, server, stop, net } = await datagramPair()
    const [atClient, atServer] = [collect(client), collect(server)]
    net.between = (packet) => {
      if (!isRecord(packet)) return [packet]
      const changed = packet.bytes.slice()
      changed[20]! ^= 1
      const epoch = packet.bytes.slice()
      epoch[1] = 77
      return [
        { ...packet, bytes: changed },
        { ...packet, bytes: epoch },
        { ...packet, bytes: packet.bytes.slice(0, 29) },
        { ...packet, bytes: packet.bytes.slice(0, -1) },
        { bytes: packet.bytes, from: packet.to, to: packet.from },
        ...foreign,
        packet,
        packet,
      ]
    }
    for (let n = 0; n < 50; n++) {
      client.send(1, text(`${n}`))
      server.send(1, text(`${n}`))
    }
    await until('all is there', () => atServer.texts.length >= 50 && atClient.texts.length >= 50)
    await settled()
    expect(atServer.texts).to.deep.equal(Array.from({ length: 50 }, (_, n) => `1:${n}`))
    for (const name of ['forged', 'unknownEpoch', 'malformed', 'replayed'] as const) {
      expect(server.counters[name], name).to.be.greaterThan(0)
    }
    await stop()
  })

  it('nothing in the clear ends an established session', async () => {
    const { client, server, stop, net } = await datagramPair()
    const { texts } = collect(server)
    client.send(1, text('a'))
    await until('a', () => texts.length === 1)
    const ids = [0, 0]
    net.between = (packet) => {
      if (isRecord(packet)) ids[packet.to === HEAD_URL ? 0 : 1] = Buffer.from(packet.bytes).readUInt32BE(2)
      return [packet]
    }
    server.send(1, text('x'))
    client.send(1, text('b'))
    await until('b', () => texts.length === 2 && ids.every((id) => id > 0))
    net.inject({ bytes: encodePlainAlert(ids[0]!, ids[1]!, 1), from: FIELD_URL, to: HEAD_URL })
    net.inject({ bytes: encodePlainAlert(ids[1]!, ids[0]!, 2), from: HEAD_URL, to: FIELD_URL })
    for (const to of [HEAD_URL, FIELD_URL]) net.inject({ bytes: new Uint8Array(50).fill(0x22), from: FIELD_URL, to })
    expect(server.counters.alertsIgnored).to.equal(1)
    client.send(1, text('c'))
    await until('c', () => texts.length === 3)
    await stop()
  })

  it('goes on when the address changes: after a newer record and an answer from there', async () => {
    const { client, server, stop, net, clientLink } = await datagramPair()
    const [atClient, atServer] = [collect(client), collect(server)]
    client.send(1, text('before'))
    await until('before', () => atServer.texts.length === 1)
    net.move(clientLink, 'udp://10.0.7.7:7')
    client.send(1, text('after'))
    await until('after', () => atServer.texts.length === 2)
    await until('the path', () => server.path.address === 'udp://10.0.7.7:7')
    server.send(1, text('answer'))
    await until('answer', () => atClient.texts.length === 1)
    expect(server.counters.pathChanges).to.equal(1)
    await stop()
  })

  it('a replayed or forged record from another address moves nothing, and gets at most three times of what it was', async () => {
    const { client, server, stop, net } = await datagramPair({ prepare: (each) => (each.record = true) })
    const { texts } = collect(server)
    client.send(1, text('a'))
    await until('a', () => texts.length === 1)
    const old = net.seen.filter((packet) => isRecord(packet) && packet.to === HEAD_URL)
    const elsewhere = 'udp://10.6.6.6:6'
    for (const packet of old) net.inject({ ...packet, from: elsewhere })
    await settled()
    expect(net.seen.filter(({ to }) => to === elsewhere)).to.deep.equal([])

    // A genuine record that the attacker was quicker with: he gets probes, but not the session.
    let stolen: Passing | undefined
    net.between = (packet) => {
      if (stolen !== undefined || !isRecord(packet) || packet.to !== HEAD_URL) return [packet]
      stolen = packet
      return []
    }
    client.send(1, text('b'))
    await until('stolen', () => stolen !== undefined)
    net.inject({ ...stolen!, from: elsewhere })
    for (let n = 0; n < 30; n++) server.send(1, new Uint8Array(1000))
    await until('b', () => texts.length === 2)
    await pause(100)
    const answered = net.seen.filter(({ to }) => to === elsewhere).reduce((sum, { bytes }) => sum + bytes.length, 0)
    expect(answered).to.be.within(1, 3 * stolen!.bytes.length)
    expect(server.path.address).to.equal(FIELD_URL)
    collect(client)
    await stop()
  })

  it('closes in good order: what was sent arrives first', async () => {
    const { client, server, stop, net } = await datagramPair({ faults: { drop: 0.1 }, seed: 4 })
    const { texts } = collect(server)
    collect(client)
    for (let n = 0; n < 300; n++) client.send(1, text(`${n}`))
    net.set({ drop: 0.1 })
    void client.close()
    await until('all is there', () => texts.length === 300)
    expect(client.send(1, text('late'))).to.equal(false)
    expect(client.counters.refused).to.equal(1)
    await Promise.all([client.closed, server.close()])
    await stop()
  })

  for (const [lost, what] of ['the first close_notify', 'the answer', 'the word that the answer came'].entries()) {
    it(`${what} gets lost: it is said again, and both ends are closed in good order`, async () => {
      const { client, server, listener, net } = await datagramPair({ server: { closeTimeout: 3_000 } })
      collect(client)
      collect(server)
      await settled()
      const said: Passing[] = []
      net.between = (packet) => (said.push(packet) - 1 === lost ? [] : [packet])
      await client.close()
      expect((await client.closed).kind).to.equal('local')
      // Nobody is left who could say that the last word was for nothing; the server need not know more than it does.
      expect((await server.closed).kind).to.equal('close_notify')
      expect(said.length).to.be.within(4, 10 + 3)
      expect(listener.open).to.equal(0)
      await listener.close()
    })
  }

  it('both close at once and one close_notify gets lost: both are closed in good order', async () => {
    const { client, server, listener, net } = await datagramPair()
    collect(client)
    collect(server)
    await settled()
    let said = 0
    net.between = (packet) => (said++ === 0 ? [] : [packet])
    await Promise.all([client.close(), server.close()])
    expect([(await client.closed).kind, (await server.closed).kind]).to.deep.equal(['local', 'local'])
    await listener.close()
  })

  it('an end that has answered a close_notify sends nothing more, and a listener that closes then cuts nothing off', async () => {
    const { client, server, listener, net } = await datagramPair()
    collect(client)
    collect(server)
    await settled()
    // The last word never comes.
    let said = 0
    net.between = (packet) => (said++ < 2 ? [packet] : [])
    await client.close()
    expect(server.send(1, text('late'))).to.equal(false)
    expect(server.send(1, text('late'), { once: true })).to.equal(false)
    expect([server.rekey(), server.counters.refused, server.counters.messagesSent]).to.deep.equal([false, 2, 0])
    await listener.close()
    expect((await server.closed).kind).to.equal('close_notify')
  })

  it('close_notify of this session replayed, or forged, has no answer and changes nothing', async () => {
    const { client, server, listener, net } = await datagramPair({ server: { closeTimeout: 5_000 } })
    collect(client)
    collect(server)
    await settled()
    const said: Passing[] = []
    net.between = (packet) => (said.push(packet) <= 2 ? [packet] : [])
    await client.close()
    const [close] = said
    const changed = close!.bytes.slice()
    changed[changed.length - 1]! ^= 1
    const sent = said.filter(({ from }) => from === HEAD_URL).length
    for (let n = 0; n < 50; n++) net.inject(close!)
    for (let n = 0; n < 50; n++)
      net.inject({ ...close!, bytes: Uint8Array.from(changed, (byte, at) => (at === 13 ? 99 : byte)) })
    await settled()
    expect([server.counters.replayed, server.counters.forged]).to.deep.equal([50, 50])
    expect(said.filter(({ from }) => from === HEAD_URL).length - sent, 'by time, and not for each').to.be.below(5)
    await listener.close()
  })

  it('a peer that is gone is told of the close ten times at most; then it is truncation, at either end', async () => {
    const { client, server, net, listener } = await datagramPair({ server: { idleTimeout: 150 } })
    collect(client)
    collect(server)
    await settled()
    net.set({ drop: 1 })
    const { sent } = net.counters
    await client.close()
    expect(await client.closed).to.deep.include({ kind: 'truncated' })
    expect((await client.closed).error?.code).to.equal('channel.close.timeout')
    expect((await server.closed).error?.code).to.equal('channel.idle')
    expect(net.counters.sent - sent).to.be.within(2, 10)
    await listener.close()
  })

  it('asks a silent peer whether it is there, and ends when there is no answer', async () => {
    const quiet = { keepAlive: 20, idleTimeout: 200 }
    const { client, server, net, listener } = await datagramPair({ client: quiet, server: quiet })
    collect(client)
    collect(server)
    await pause(300)
    const { sent } = net.counters
    expect(sent).to.be.greaterThan(20)
    client.send(1, text('still there'))
    await until('it comes', () => server.counters.messagesReceived === 1)
    net.set({ drop: 1 })
    expect((await client.closed).error?.code).to.equal('channel.idle')
    expect((await server.closed).error?.code).to.equal('channel.idle')
    await listener.close()
  })

  it('back-pressure: a receiver that pauses stops the sender, and gets everything afterwards', async () => {
    const { client, server, stop } = await datagramPair()
    const { messages } = collect(server)
    collect(client)
    server.pause()
    let [sent, full] = [0, false]
    while (sent < 40) {
      full = !client.send(1, new Uint8Array(100_000).fill(sent))
      sent++
    }
    expect(full).to.equal(true)
    await pause(50)
    expect(messages).to.have.length(0)
    let drained = false
    client.drained.subscribe(() => (drained = true))
    server.resume()
    await until('all is there', () => messages.length === 40)
    expect(messages.map(({ bytes }) => bytes[0])).to.deep.equal(Array.from({ length: 40 }, (_, n) => n))
    await until('drained', () => drained)
    await stop()
  })

  it('who waits for a receiver that pauses asks now and then, and not with every answer', async () => {
    const retransmit = 100
    const { client, server, stop, net } = await datagramPair({ client: { retransmit }, server: { retransmit } })
    const { messages } = collect(server)
    collect(client)
    server.pause()
    for (let n = 0; n < 15; n++) client.send(1, new Uint8Array(100_000))
    await pause(500)
    const { sent } = net.counters
    await pause(1000)
    expect(net.counters.sent - sent, 'a ping and an ack each time').to.be.at.most(200)
    net.set({ drop: 1 })
    server.resume()
    await pause(50)
    net.set({})
    await until('all is there, though the word that it may come was lost', () => messages.length === 15)
    await stop()
  }).timeout(30_000)

  it('a message for once that the link does not take is not counted as sent, and drained says when it would be', async () => {
    const { client, server, stop, clientLink } = await datagramPair()
    collect(client)
    const { texts } = collect(server)
    clientLink.ready = false
    let drained = 0
    client.drained.subscribe(() => drained++)
    expect(client.send(1, text('dropped'), { once: true })).to.equal(false)
    expect(client.counters).to.include({ messagesSent: 0, bytesSent: 0, withheld: 1 })
    await pause(20)
    expect(drained).to.equal(0)
    clientLink.ready = true
    clientLink.drained.next()
    await until('there is room', () => drained === 1)
    expect(client.send(1, text('sent'), { once: true })).to.equal(true)
    await until('it is there', () => texts.length > 0)
    expect([texts, client.counters.messagesSent]).to.deep.equal([['1:sent'], 1])
    await stop()
  })

  it('a message that comes after its time to live is thrown away', async () => {
    const { client, server, stop, net } = await datagramPair()
    const { texts } = collect(server)
    net.set({ drop: 1 })
    client.send(1, text('late'), { ttl: 20 })
    client.send(1, text('for ever'))
    await pause(60)
    net.set({})
    await until('the other', () => texts.length === 1)
    expect(texts).to.deep.equal(['1:for ever'])
    expect(server.counters.expired).to.equal(1)
    await stop()
  })

  it('fresh keys every few records, asked for by both ends, over a network that does everything', async () => {
    const rekeyed = { rekeyRecords: 20 }
    const faults = { drop: 0.1, duplicate: 0.1, jitter: 4 }
    const { client, server, stop } = await datagramPair({ seed: 9, faults, client: rekeyed, server: rekeyed })
    const [atClient, atServer] = [collect(client), collect(server)]
    for (let n = 0; n < 400; n++) {
      client.send(1, text(`${n}`))
      server.send(1, text(`${n}`))
      if (n % 4 === 0) await pause(1)
    }
    await until('all is there', () => atServer.texts.length >= 400 && atClient.texts.length >= 400)
    expect(atServer.texts).to.deep.equal(Array.from({ length: 400 }, (_, n) => `1:${n}`))
    expect(atClient.texts).to.deep.equal(Array.from({ length: 400 }, (_, n) => `1:${n}`))
    expect(client.counters.rekeysCompleted + server.counters.rekeysCompleted).to.be.greaterThan(5)
    await stop()
  })
})
