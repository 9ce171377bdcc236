import { expect } from 'chai'
import fc from 'fast-check'
import { acceptChannel, connectChannel } from '@gridseal/channel'
import type { Channel, ChannelMessage, ConnectOptions } from '@gridseal/channel'
import { connect, listen } from '@gridseal/transport'
import type { Connection } from '@gridseal/transport'
import { firstValueFrom } from 'rxjs'
import { ACCEPT, CONNECT, channelPair, collect, settled } from './support/channel-pair.ts'
import type { ChannelPair } from './support/channel-pair.ts'

const KIB = 1024
/** What a record has beside its content. */
const OVERHEAD = 29

/** A message of which every byte is known. */
function message(length: number, seed = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + seed) & 0xff)
}

const bytesOf = (messages: readonly ChannelMessage[]): Buffer[] => messages.map(({ bytes }) => Buffer.from(bytes))

/** The lengths of the contents of all records that the client writes during `send`. */
async function contents({ client, clientEnd }: ChannelPair, send: (client: Channel) => void): Promise<number[]> {
  const before = clientEnd.written.length
  send(client)
  await settled()
  return clientEnd.written.slice(before).map(({ length }) => length - OVERHEAD)
}

/** A channel over loopback TCP: buffers here are really the system's. */
async function overTcp(
  accept: Partial<ConnectOptions>,
): Promise<{ client: Channel; server: Channel; stop: () => Promise<void> }> {
  const listener = await listen('tcp://127.0.0.1:0')
  const accepted = firstValueFrom(listener.connections).then((connection) =>
    acceptChannel(connection, { ...ACCEPT, ...accept }),
  )
  const connection: Connection = await connect(listener.url)
  const [client, server] = await Promise.all([connectChannel(connection, CONNECT), accepted])
  client.messages.subscribe()
  const stop = async (): Promise<void> => {
    await client.close()
    await listener.close()
  }
  return { client, server, stop }
}

describe('channel: long records', () => {
  it('hold the messages of one turn of the event loop, and are sent from 128 KiB on', async () => {
    const pair = await channelPair()
    const { messages } = collect(pair.server)
    const sent = Array.from({ length: 4 }, (_, n) => message(64 * KIB, n))
    const lengths = await contents(pair, (client) => sent.forEach((bytes, port) => client.send(port, bytes)))
    // Kind; then length, kind and port before each message.
    expect(lengths).to.deep.equal([1 + 2 * (7 + 64 * KIB), 1 + 2 * (7 + 64 * KIB)])
    expect(bytesOf(messages)).to.deep.equal(sent.map((bytes) => Buffer.from(bytes)))
  })

  it('are no longer than what the peer takes', async () => {
    const pair = await channelPair({}, { maxMessage: 70_000 })
    const { messages } = collect(pair.server)
    const lengths = await contents(pair, (client) => {
      for (const length of [70_000, 60_000, 9_000, 70_000]) client.send(1, message(length))
    })
    expect(lengths).to.deep.equal([3 + 70_000, 1 + 7 + 60_000 + 7 + 9_000, 3 + 70_000])
    expect(messages.map(({ bytes }) => bytes.length)).to.deep.equal([70_000, 60_000, 9_000, 70_000])
  })

  it('refuse a length over the limit before any of it is taken', async () => {
    const { client, server, clientEnd } = await channelPair({}, { maxMessage: 70_000 })
    const { texts } = collect(server)
    collect(client)
    clientEnd.between = (frame) => {
      const longer = frame.slice(0, 13)
      new DataView(longer.buffer).setUint32(1, 70_000 + 14 + 24 + 1)
      return [longer]
    }
    client.send(1, message(60_000))
    expect((await server.closed).error?.code).to.equal('channel.frame.length')
    expect(texts).to.deep.equal([])
  })

  it('deliver messages of any size through chunks of any size', async () => {
    const sizes = fc.array(fc.oneof(fc.nat(100), fc.nat(8_000), fc.integer({ min: 16_000, max: 140_000 })), {
      maxLength: 8,
    })
    const chunk = fc.oneof(fc.integer({ min: 1, max: 2_000 }), fc.integer({ min: 10_000, max: 70_000 }))
    await fc.assert(
      fc.asyncProperty(sizes, chunk, fc.boolean(), async (lengths, wanted, coalesce) => {
        // A million chunks of one byte show no more than some thousand do.
        const maxChunk = Math.max(wanted, Math.ceil(lengths.reduce((sum, length) => sum + length, 0) / 5000))
        const { client, server } = await channelPair({ coalesce }, {}, { maxChunk })
        const { messages } = collect(server)
        const sent = lengths.map((length, index) => message(length, index))
        sent.forEach((bytes, port) => client.send(port, bytes, port % 3 === 0 ? { ttl: 600_000 } : {}))
        await client.close()
        expect(bytesOf(messages)).to.deep.equal(sent.map((bytes) => Buffer.from(bytes)))
        expect(messages.map(({ port }) => port)).to.deep.equal(sent.map((_, port) => port))
        expect((await server.closed).kind).to.equal('close_notify')
      }),
      { numRuns: 25 },
    )
  })

  it('are copied: the sender may use its buffer again at once', async () => {
    const { client, server } = await channelPair()
    const { messages } = collect(server)
    const buffer = message(50_000, 1)
    client.send(1, buffer)
    buffer.set(message(50_000, 2))
    client.send(2, buffer)
    await settled()
    expect(bytesOf(messages)).to.deep.equal([message(50_000, 1), message(50_000, 2)].map((bytes) => Buffer.from(bytes)))
    expect(buffer.length).to.equal(50_000)
  })

  it('go on under the next key, and stay in order with rekeys', async () => {
    const { client, server } = await channelPair({ epochRecords: 2 })
    const { messages } = collect(server)
    collect(client)
    for (let n = 0; n < 12; n++) {
      client.send(n, message(70_000, n))
      if (n % 4 === 3) client.rekey()
      if (n % 3 === 2) await settled()
    }
    await client.close()
    expect(messages.map(({ port }) => port)).to.deep.equal(Array.from({ length: 12 }, (_, n) => n))
    expect(client.counters.rekeysSent).to.be.greaterThan(2)
    expect(client.counters.rekeysCompleted).to.be.greaterThan(1)
  })

  it('are padded whole where padding is asked for', async () => {
    const pair = await channelPair({ padding: 4096 })
    const { messages } = collect(pair.server)
    const lengths = await contents(pair, (client) => {
      client.send(1, message(50_000))
      client.send(2, message(50_000, 1))
    })
    expect(lengths).to.deep.equal([13 * 4096, 13 * 4096])
    expect(bytesOf(messages)).to.deep.equal([message(50_000), message(50_000, 1)].map((bytes) => Buffer.from(bytes)))
  })

  it('ask who sends them to wait for the next turn of the event loop; short messages never have to', async () => {
    const { client, server } = await channelPair({}, {}, { queue: { high: 2 ** 30, limit: 2 ** 30 } })
    const { messages } = collect(server)
    let drained = 0
    client.drained.subscribe(() => drained++)
    const answers = [client.send(1, message(64 * KIB)), client.send(2, message(64 * KIB)), client.send(3, message(10))]
    expect([answers, drained]).to.deep.equal([[true, false, true], 0])
    await new Promise((resolve) => setImmediate(resolve))
    expect([drained, client.send(4, message(64 * KIB))]).to.deep.equal([1, true])
    await settled()
    expect(messages.map(({ port }) => port)).to.deep.equal([1, 2, 3, 4])
  })

  it('are held message by message: who says stop gets none after it', async () => {
    const { client, server } = await channelPair()
    const got: number[] = []
    server.messages.subscribe(({ port }) => {
      got.push(port)
      if (port === 1) server.pause()
    })
    for (let n = 0; n < 6; n++) client.send(n, message(40_000, n))
    await settled()
    expect(got).to.deep.equal([0, 1])
    server.resume()
    await settled()
    expect(got).to.deep.equal([0, 1, 2, 3, 4, 5])
  })
})

describe('channel: a man in the middle of long records', () => {
  /** A record of three messages that arrives in chunks is changed; what was delivered, and how both ends ended. */
  async function changed(tamper: (record: Uint8Array) => readonly Uint8Array[]): Promise<object> {
    const { client, server, clientEnd } = await channelPair({}, {}, { maxChunk: 16 * KIB })
    const { texts } = collect(server)
    collect(client)
    clientEnd.between = tamper
    for (const port of [1, 2, 3]) client.send(port, message(40_000, port))
    const [there, here] = await Promise.all([server.closed, client.closed])
    return { delivered: texts.length, server: there.error?.code, client: here.error?.code }
  }
  const refused = (server: string): object => ({ delivered: 0, server, client: 'channel.alert' })

  it('cannot change a byte, whichever: nothing is delivered', async () => {
    for (const at of [13, 14, 20, 16_384, 40_020, 80_000, 119_000, -17, -16, -1]) {
      const flip = (record: Uint8Array): Uint8Array[] => {
        const copy = record.slice()
        copy[at < 0 ? copy.length + at : at]! ^= 1
        return [copy]
      }
      expect(await changed(flip), `byte ${at}`).to.deep.equal(refused('channel.record.auth'))
    }
  })

  it('cannot make it longer or shorter', async () => {
    for (const by of [-70_000, -16, -1, 1, 16, 5_000]) {
      const resize = (record: Uint8Array): Uint8Array[] => {
        const copy = new Uint8Array(record.length + by)
        copy.set(record.subarray(0, copy.length))
        new DataView(copy.buffer).setUint32(1, copy.length - 5)
        return [copy]
      }
      expect(await changed(resize), `${by}`).to.deep.equal(refused('channel.record.auth'))
    }
  })

  it('cannot exchange, repeat or leave out a piece', async () => {
    const piece = (record: Uint8Array, index: number): Uint8Array =>
      record.subarray(13 + index * 30_000, 13 + (index + 1) * 30_000)
    for (const order of [
      [1, 0, 2],
      [0, 0, 2],
      [0, 2, 2],
    ]) {
      const shuffle = (record: Uint8Array): Uint8Array[] => [
        record.slice(0, 13),
        ...order.map((index) => piece(record, index).slice()),
        record.slice(13 + 90_000),
      ]
      expect(await changed(shuffle), `${order}`).to.deep.equal(refused('channel.record.auth'))
    }
  })

  it('cannot replay it or send it too early: its number is judged before any of it is decrypted', async () => {
    const again = (record: Uint8Array): Uint8Array[] => [record, record.slice(0, 13)]
    expect(await changed(again)).to.deep.equal({ ...refused('channel.record.replay'), delivered: 3 })
    const early = (record: Uint8Array): Uint8Array[] => {
      const header = record.slice(0, 13)
      header[12]!++
      return [header]
    }
    expect(await changed(early)).to.deep.equal(refused('channel.record.gap'))
  })

  it('who cuts the connection in the middle of it leaves nothing delivered', async () => {
    for (const length of [13, 14, 50_000, -16, -1]) {
      const { client, server, clientEnd } = await channelPair({}, {}, { maxChunk: 16 * KIB })
      const { texts } = collect(server)
      collect(client)
      clientEnd.between = (record) => [record.slice(0, length)]
      for (const port of [1, 2, 3]) client.send(port, message(40_000, port))
      await settled()
      clientEnd.end()
      expect((await server.closed).error?.code, `${length}`).to.equal('channel.truncated')
      expect(texts, `${length}`).to.deep.equal([])
    }
  })
})

describe('channel: memory of messages', () => {
  const count = 40

  /** Sends messages of different sizes, all of a kind, and waits until they have come. */
  async function transfer(client: Channel, length: number): Promise<void> {
    for (let n = 0; n < count; n++) {
      if (!client.send(n, message(length, n))) await firstValueFrom(client.drained)
    }
  }

  it('is the receiver’s own by default: what was kept is intact after everything else has passed', async () => {
    for (const length of [10, 3_000, 20_000, 64 * KIB, 200_000]) {
      const { client, server, stop } = await overTcp({})
      const { messages } = collect(server)
      await transfer(client, length)
      await stop()
      expect(messages).to.have.length(count)
      messages.forEach(({ bytes }, n) => expect(Buffer.compare(bytes, message(length, n)), `${length}`).to.equal(0))
    }
  })

  it('is only lent with lendMessages: whole in the handler, empty after it, and cannot be viewed again', async () => {
    for (const length of [10, 3_000, 20_000, 64 * KIB, 200_000]) {
      const { client, server, stop } = await overTcp({ lendMessages: true })
      const kept: Uint8Array[] = []
      let intact = 0
      server.messages.subscribe(({ port, bytes }) => {
        kept.push(bytes)
        if (Buffer.compare(bytes, message(length, port)) === 0) intact++
      })
      await transfer(client, length)
      await stop()
      expect([kept.length, intact], `${length}`).to.deep.equal([count, count])
      for (const bytes of kept) {
        expect(bytes.length).to.equal(0)
        expect(() => new Uint8Array(bytes.buffer)).to.throw(TypeError)
        expect(() => bytes.slice()).to.throw(TypeError)
      }
    }
  })

  it('of a sender is never touched', async () => {
    const { client, server, stop } = await overTcp({ lendMessages: true })
    server.messages.subscribe()
    const mine = [10, 20_000, 64 * KIB, 200_000].map((length) => message(length))
    for (const bytes of mine) client.send(1, bytes)
    await stop()
    expect(mine.map(({ length }) => length)).to.deep.equal([10, 20_000, 64 * KIB, 200_000])
  })
})
