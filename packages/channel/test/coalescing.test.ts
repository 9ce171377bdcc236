import { expect } from 'chai'
import { Delivery } from '#src/session/delivery.ts'
import { SessionTime } from '#src/session/session-time.ts'
import { newCounters } from '#src/counters.ts'
import type { DataContent } from '#src/record/content.ts'
import { channelPair, collect, settled } from './support/channel-pair.ts'
import { codeOf } from './support/code-of.ts'

const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const data = (name: string): DataContent => ({ kind: 'data', port: 1, bytes: text(name) })

describe('channel: messages that share a record', () => {
  it('are those of one turn of the event loop: one record, in order', async () => {
    const { client, server, clientEnd } = await channelPair()
    const { texts } = collect(server)
    const records = clientEnd.written.length
    for (let n = 0; n < 50; n++) client.send(n, text(`${n}`))
    await settled()
    expect(texts).to.deep.equal(Array.from({ length: 50 }, (_, n) => `${n}:${n}`))
    expect(clientEnd.written.length - records).to.equal(1)
    expect([client.counters.messagesSent, server.counters.messagesReceived]).to.deep.equal([50, 50])
  })

  it('are copied: the sender may use its buffer again at once', async () => {
    const { client, server } = await channelPair()
    const { texts } = collect(server)
    const buffer = text('first')
    client.send(1, buffer)
    buffer.set(text('other'))
    client.send(2, buffer)
    await settled()
    expect(texts).to.deep.equal(['1:first', '2:other'])
  })

  it('stay in order with larger ones, fresh keys and the close', async () => {
    const { client, server } = await channelPair({ epochRecords: 3 })
    const { messages } = collect(server)
    collect(client)
    for (let n = 0; n < 40; n++) {
      client.send(n, new Uint8Array(n % 5 === 4 ? 200_000 : n % 5 === 2 ? 9000 : 10))
      if (n === 17) client.rekey()
    }
    await client.close()
    expect(messages.map(({ port }) => port)).to.deep.equal(Array.from({ length: 40 }, (_, n) => n))
    expect((await server.closed).kind).to.equal('close_notify')
    expect(client.counters.rekeysSent).to.be.greaterThan(2)
  })

  it('fill records of 16 KiB, and not more than a peer with a small limit takes', async () => {
    for (const [maxMessage, longest] of [
      [100, 2048],
      [3000, 3014],
      [1_000_000, 16_384],
    ] as const) {
      const { client, server, clientEnd } = await channelPair({ padding: 64 }, { maxMessage })
      const { messages } = collect(server)
      const records = clientEnd.written.length
      for (let n = 0; n < 1000; n++) client.send(1, new Uint8Array(100))
      await settled()
      expect(messages).to.have.length(1000)
      const lengths = clientEnd.written.slice(records).map((frame) => frame.length - 29)
      expect(Math.max(...lengths), `${maxMessage}`).to.be.within(longest - 200, longest + 64)
    }
  })

  it('each have a record where the sender says so', async () => {
    const { client, server, clientEnd } = await channelPair({ coalesce: false })
    const { texts } = collect(server)
    const records = clientEnd.written.length
    for (let n = 0; n < 20; n++) client.send(1, text(`${n}`))
    await settled()
    expect([texts.length, clientEnd.written.length - records]).to.deep.equal([20, 20])
  })

  it('are held one by one: who says stop gets none after it', async () => {
    const { client, server } = await channelPair()
    const got: number[] = []
    const subscription = server.messages.subscribe(({ port }) => {
      got.push(port)
      if (port === 2) server.pause()
      if (port === 5) subscription.unsubscribe()
    })
    for (let n = 0; n < 10; n++) client.send(n, text('x'))
    await settled()
    client.send(10, text('of the next record'))
    await settled()
    expect(got).to.deep.equal([0, 1, 2])
    server.resume()
    await settled()
    expect(got).to.deep.equal([0, 1, 2, 3, 4, 5])
    server.messages.subscribe(({ port }) => got.push(port))
    await settled()
    expect(got).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  })

  it('stay in order when the subscriber stops and goes on within a message', async () => {
    const { client, server } = await channelPair()
    const got: number[] = []
    server.messages.subscribe(({ port }) => {
      got.push(port)
      server.pause()
      server.resume()
    })
    for (let n = 0; n < 10; n++) client.send(n, text('x'))
    await settled()
    for (let n = 10; n < 20; n++) client.send(n, text('x'))
    await settled()
    expect(got).to.deep.equal(Array.from({ length: 20 }, (_, n) => n))
  })

  it('are delivered before the close that follows them, also when paused', async () => {
    const { client, server } = await channelPair()
    const { texts } = collect(client)
    client.pause()
    collect(server)
    for (let n = 0; n < 5; n++) server.send(n, text('late'))
    await settled()
    expect(texts).to.deep.equal([])
    await client.close()
    expect(texts).to.have.length(5)
  })

  it('count as unread when the channel closes without a subscriber', async () => {
    const { client, server } = await channelPair()
    collect(server)
    for (let n = 0; n < 5; n++) server.send(n, text('unread'))
    await settled()
    await client.close()
    expect(client.counters.unread).to.equal(5)
  })

  it('are none of them delivered when one is longer than was agreed', () => {
    const counters = newCounters()
    const time = new SessionTime({ earliest: 0, latest: 0 }, () => 0)
    const delivery = new Delivery({ maxMessage: 3, time, counters, onChange: () => undefined })
    const got: number[] = []
    delivery.messages.subscribe(({ bytes }) => got.push(bytes.length))
    expect(codeOf(() => delivery.take([data('one'), data('four')]))).to.equal('channel.message.length')
    expect([got, counters.messagesReceived]).to.deep.equal([[], 0])
    delivery.take([data('one'), data('two')])
    expect(got).to.deep.equal([3, 3])
  })

  it('have their times to live each for itself', async () => {
    let now = 0
    const { client, server, clientEnd } = await channelPair({ clock: () => now }, { clock: () => now })
    const { texts } = collect(server)
    let held: Uint8Array | undefined
    clientEnd.between = (frame) => ((held = frame), [])
    client.send(1, text('for ever'))
    client.send(2, text('short'), { ttl: 10 })
    client.send(3, text('long'), { ttl: 1000 })
    await settled()
    now = 11
    clientEnd.forge(held!)
    await settled()
    expect([texts, server.counters.expired]).to.deep.equal([['1:for ever', '3:long'], 1])
  })
})
