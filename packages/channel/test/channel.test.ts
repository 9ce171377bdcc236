import { expect } from 'chai'
import fc from 'fast-check'
import { CONNECT, channelPair, collect, settled } from './support/channel-pair.ts'
import { FIELD, HEAD } from './support/identities.ts'
import { codeOf } from './support/code-of.ts'
import { connectChannel } from '@gridseal/channel'

const text = (value: string): Uint8Array => new TextEncoder().encode(value)

describe('channel: messages', () => {
  it('carries messages both ways, in order, with their ports', async () => {
    const { client, server } = await channelPair()
    const [atServer, atClient] = [collect(server), collect(client)]
    client.send(0, text('first'))
    client.send(65_535, text('second'))
    server.send(7, text('answer'))
    client.send(1, text(''))
    await settled()
    expect(atServer.texts).to.deep.equal(['0:first', '65535:second', '1:'])
    expect(atClient.texts).to.deep.equal(['7:answer'])
    expect([client.peer, server.peer]).to.deep.equal([HEAD.publicKey, FIELD.publicKey])
  })

  it('sends one record per message', async () => {
    const { client, clientEnd } = await channelPair()
    const before = clientEnd.written.length
    client.send(1, new Uint8Array(300_000))
    client.send(1, new Uint8Array(3))
    await settled()
    const records = clientEnd.written.slice(before).map((chunk) => [chunk[0], chunk.length])
    expect(records).to.deep.equal([
      [0x10, 300_000 + 3 + 29],
      [0x10, 3 + 3 + 29],
    ])
  })

  it('writes the small records of one turn of the event loop at once, a large one at its call', async () => {
    const { client, clientEnd } = await channelPair({ coalesce: false })
    const [writes, records] = [clientEnd.writes, clientEnd.written.length]
    for (let i = 0; i < 100; i++) client.send(1, new Uint8Array(100))
    expect(clientEnd.writes - writes).to.equal(0)
    await settled()
    expect([clientEnd.writes - writes, clientEnd.written.length - records]).to.deep.equal([1, 100])
    client.send(1, new Uint8Array(100))
    client.send(1, new Uint8Array(100_000))
    expect([clientEnd.writes - writes, clientEnd.written.length - records]).to.deep.equal([2, 102])
  })

  it('delivers messages of any size through chunks of any size', async () => {
    const sizes = fc.array(fc.oneof(fc.nat(100), fc.integer({ min: 60_000, max: 140_000 })), { maxLength: 6 })
    const chunkings = fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1, maxLength: 5 })
    await fc.assert(
      fc.asyncProperty(sizes, chunkings, async (lengths, chunking) => {
        const { client, server, clientEnd } = await channelPair()
        const { messages } = collect(server)
        // A long record byte by byte is a hundred thousand chunks, and shows no more than some hundred do.
        clientEnd.between = (chunk) => {
          const least = Math.ceil(chunk.length / 500)
          return cut(
            chunk,
            chunking.map((size) => Math.max(size, least)),
          )
        }
        const sent = lengths.map((length, index) => new Uint8Array(length).fill(index + 1))
        for (const message of sent) client.send(3, message)
        await client.close()
        expect(messages.map(({ bytes }) => Buffer.from(bytes))).to.deep.equal(sent.map((bytes) => Buffer.from(bytes)))
      }),
      { numRuns: 15 },
    )
  })

  it('holds messages back until somebody subscribes, and while nobody does', async () => {
    const { client, server } = await channelPair()
    client.send(1, text('early'))
    await settled()
    const first: number[] = []
    const subscription = server.messages.subscribe(({ port }) => first.push(port))
    await settled()
    subscription.unsubscribe()
    client.send(2, text('between'))
    await settled()
    const { texts } = collect(server)
    client.send(3, text('late'))
    await settled()
    expect([first, texts]).to.deep.equal([[1], ['2:between', '3:late']])
  })

  it('allows one subscriber', async () => {
    const { server } = await channelPair()
    collect(server)
    let refused: unknown
    server.messages.subscribe({ error: (error: unknown) => (refused = error) })
    expect(refused).to.have.property('code', 'channel.subscribed')
  })

  it('tells the sender how much the peer accepts, and refuses what is longer at the call', async () => {
    const { client, server, clientEnd } = await channelPair({ maxMessage: 500 }, { maxMessage: 1000 })
    expect([client.maxMessage, server.maxMessage]).to.deep.equal([1000, 500])
    const { messages } = collect(server)
    const written = clientEnd.written.length
    expect(codeOf(() => client.send(1, new Uint8Array(1001)))).to.equal('channel.message.length')
    expect(clientEnd.written.length).to.equal(written)
    client.send(1, new Uint8Array(1000))
    await settled()
    expect(messages).to.have.length(1)
  })

  it('refuses ports that do not fit', async () => {
    const { client } = await channelPair()
    for (const port of [-1, 65_536, 1.5, Number.NaN]) {
      expect(codeOf(() => client.send(port, text('x')))).to.equal('channel.message.port')
    }
  })

  it('counts messages, not records', async () => {
    const { client, server } = await channelPair({ epochRecords: 2, coalesce: false })
    collect(server)
    for (let i = 0; i < 5; i++) client.send(1, new Uint8Array(10))
    await settled()
    expect(client.counters).to.include({ messagesSent: 5, bytesSent: 50, rekeysSent: 2, messagesReceived: 0 })
    expect(server.counters).to.include({ messagesReceived: 5, bytesReceived: 50, rekeysReceived: 2, messagesSent: 0 })
  })
})

describe('channel: back-pressure', () => {
  it('asks the sender to wait, and says when there is room', async () => {
    const { client, server } = await channelPair({}, {}, { queue: { low: 50_000, high: 100_000 } })
    const { messages } = collect(server)
    let drained = 0
    client.drained.subscribe(() => drained++)
    server.pause()
    let accepted = 0
    while (client.send(1, new Uint8Array(10_000))) accepted++
    // Records leave 64 KiB at a time.
    expect(accepted).to.be.within(10, 14)
    await settled()
    expect([drained, messages.length]).to.deep.equal([0, 0])
    server.resume()
    await settled()
    expect([drained, messages.length]).to.deep.equal([1, accepted + 1])
  })

  it('delivers nothing more after pause, even in the middle of a chunk', async () => {
    const { client, server, clientEnd } = await channelPair()
    const ports: number[] = []
    server.messages.subscribe(({ port }) => {
      ports.push(port)
      if (port === 2) server.pause()
    })
    const held: Uint8Array[] = []
    clientEnd.between = (chunk) => (held.push(chunk), [])
    for (const port of [1, 2, 3, 4]) client.send(port, text('x'))
    await settled()
    clientEnd.forge(Buffer.concat(held))
    await settled()
    expect(ports).to.deep.equal([1, 2])
    server.resume()
    await settled()
    expect(ports).to.deep.equal([1, 2, 3, 4])
  })

  it('copes with pause and resume from within the delivery', async () => {
    const { client, server } = await channelPair()
    const ports: number[] = []
    server.messages.subscribe(({ port }) => {
      ports.push(port)
      server.pause()
      server.resume()
      if (port < 5000) client.send(port + 1, text('x'))
    })
    client.send(1, text('x'))
    for (let i = 0; i < 300 && ports.length < 5000; i++) await settled()
    expect(ports).to.have.length(5000)
  })
})

describe('channel: options', () => {
  it('refuses unknown names and impossible values', async () => {
    const { clientEnd } = await channelPair()
    const attempt = async (changes: object): Promise<unknown> =>
      connectChannel(clientEnd, { ...CONNECT, ...changes }).catch((error: unknown) => error)
    for (const changes of [
      { maxMesage: 1 },
      { identity: FIELD.publicKey },
      { peer: undefined },
      { random: 7 },
      { maxMessage: 0 },
      { maxMessage: 2 ** 30 + 1 },
      { handshakeTimeout: -1 },
      { handshakeTimeout: Number.NaN },
      { closeTimeout: 2 ** 31 },
      { epochRecords: 2 ** 24 + 1 },
      { epochBytes: 0.5 },
      { sharedKeys: [{ id: text('a'), key: new Uint8Array(32) }] },
      { sharedKeys: { next: () => Promise.reject(new Error()) } },
      { suites: 'X-Wing, AES-256-GCM' },
    ]) {
      expect(await attempt(changes), JSON.stringify(changes)).to.have.property('code', 'channel.option')
    }
  })

  it('puts one channel on a connection, not two', async () => {
    const { clientEnd } = await channelPair()
    const second = await connectChannel(clientEnd, CONNECT).catch((error: unknown) => error)
    expect(second).to.have.property('code', 'channel.connection')
  })
})

function cut(chunk: Uint8Array, lengths: readonly number[]): Uint8Array[] {
  const pieces: Uint8Array[] = []
  for (let at = 0, i = 0; at < chunk.length; i++) {
    const length = lengths[i % lengths.length]!
    pieces.push(chunk.subarray(at, at + length))
    at += length
  }
  return pieces
}
