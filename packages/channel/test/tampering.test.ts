import { expect } from 'chai'
import { toHex } from '@gridseal/wire'
import { channelPair, collect, settled } from './support/channel-pair.ts'
import type { ChannelPair } from './support/channel-pair.ts'

const text = (value: string): Uint8Array => new TextEncoder().encode(value)

/** Record 0 arrives; then the man in the middle has records 1, 2 and 3 in his hands. */
async function interrupted(pair: ChannelPair): Promise<readonly [Uint8Array, Uint8Array, Uint8Array, Uint8Array]> {
  const { client, clientEnd } = pair
  client.send(0, text('record 0'))
  await settled()
  const held: Uint8Array[] = [clientEnd.written.at(-1)!]
  clientEnd.between = (chunk) => (held.push(chunk), [])
  for (const port of [1, 2, 3]) client.send(port, text(`record ${port}`))
  await settled()
  clientEnd.between = (chunk) => [chunk]
  return held as unknown as readonly [Uint8Array, Uint8Array, Uint8Array, Uint8Array]
}

/** The man in the middle lets the server see these; what the server delivered, and how both ends ended. */
async function after(
  tamper: (records: readonly [Uint8Array, Uint8Array, Uint8Array, Uint8Array], pair: ChannelPair) => Uint8Array[],
): Promise<{ delivered: string[]; server: string; client: string; alert: string }> {
  const pair = await channelPair({ coalesce: false })
  const { texts } = collect(pair.server)
  collect(pair.client)
  const records = await interrupted(pair)
  for (const chunk of tamper(records, pair)) pair.clientEnd.forge(chunk)
  const [server, client] = await Promise.all([pair.server.closed, pair.client.closed])
  return {
    delivered: texts,
    server: `${server.kind} ${server.error?.code}`,
    client: `${client.kind} ${client.error?.code}`,
    alert: toHex(pair.serverEnd.written.at(-1)!.subarray(0, 13)),
  }
}

/** Both ends know that it is over; only the server knows why; what it sends is the same whatever happened. */
const REFUSED = (code: string, delivered: string[]): object => ({
  delivered,
  server: `error ${code}`,
  client: 'alert channel.alert',
  alert: '100000001a0000000000000000',
})

function flipped(record: Uint8Array, at: number, mask = 0x01): Uint8Array {
  const copy = record.slice()
  copy[at]! ^= mask
  return copy
}

describe('channel: a man in the middle', () => {
  it('cannot replay a record', async () => {
    const result = await after(([zero, one]) => [one, zero])
    expect(result).to.deep.equal(REFUSED('channel.record.replay', ['0:record 0', '1:record 1']))
  })

  it('cannot leave out a record', async () => {
    const result = await after(([, one, , three]) => [one, three])
    expect(result).to.deep.equal(REFUSED('channel.record.gap', ['0:record 0', '1:record 1']))
  })

  it('cannot exchange two records', async () => {
    expect(await after(([, one, two]) => [two, one])).to.deep.equal(REFUSED('channel.record.gap', ['0:record 0']))
  })

  it('cannot change a bit, whichever', async () => {
    for (const at of [5, 12, 13, 20, 30, -1]) {
      const code = at === 5 || at === 12 ? /^error channel\.record\.(gap|replay)$/ : /^error channel\.record\.auth$/
      const { server, delivered, alert } = await after(([, one]) => [flipped(one, at < 0 ? one.length - 1 : at)])
      expect(server, `byte ${at}`).to.match(code)
      expect([delivered, alert]).to.deep.equal([['0:record 0'], '100000001a0000000000000000'])
    }
  })

  it('cannot send a record back to whom it came from', async () => {
    const pair = await channelPair()
    collect(pair.client)
    collect(pair.server)
    const [, one] = await interrupted(pair)
    pair.serverEnd.forge(one)
    expect((await pair.client.closed).error?.code).to.equal('channel.record.gap')
  })

  it('cannot use a record of another session of the same two ends', async () => {
    const other = await channelPair()
    const records = await interrupted(other)
    expect(await after(() => [records[1]])).to.deep.equal(REFUSED('channel.record.auth', ['0:record 0']))
  })

  it('cannot inject a plain alert once the peer has sent a record', async () => {
    const result = await after(() => [Uint8Array.of(0x7f, 0, 0, 0, 1, 1)])
    expect(result).to.deep.equal(REFUSED('channel.unexpected', ['0:record 0']))
  })

  it('cannot inject a plain hello or a plain "record"', async () => {
    for (const [frame, code] of [
      [Uint8Array.of(0x01, 0, 0, 0, 1, 1), 'channel.unexpected'],
      [Uint8Array.of(0x02, 0, 0, 0, 0), 'channel.unexpected'],
      [Uint8Array.of(0x10, 0, 0, 0, 0), 'channel.record.length'],
      [Uint8Array.of(0x10, 0, 0, 0, 2, 0x11, 0x12), 'channel.record.length'],
      [Uint8Array.of(0x03, 0, 0, 0, 0), 'channel.unexpected'],
      [Uint8Array.of(0x04, 0, 0, 0, 0), 'channel.unexpected'],
      [Uint8Array.of(0x05, 0, 0, 0, 0), 'channel.frame.type'],
    ] as const) {
      expect(await after(() => [frame])).to.deep.equal(REFUSED(code, ['0:record 0']))
    }
  })

  it('cannot rekey or close in the name of the peer', async () => {
    for (const kind of [0x11, 0x12]) {
      const forged = new Uint8Array(5 + 8 + 1 + 16)
      forged.set([0x10, 0, 0, 0, 25, 0, 0, 0, 0, 0, 0, 0, 1, kind])
      expect(await after(() => [forged])).to.deep.equal(REFUSED('channel.record.auth', ['0:record 0']))
    }
  })

  it('cannot make the receiver allocate by a length field', async () => {
    const before = process.memoryUsage().arrayBuffers
    const header = Uint8Array.of(0x10, 0xff, 0xff, 0xff, 0xff)
    expect(await after(() => [header])).to.deep.equal(REFUSED('channel.frame.length', ['0:record 0']))
    expect(process.memoryUsage().arrayBuffers - before).to.be.lessThan(2 ** 24)
  })
})

describe('channel: a man in the middle of records that messages share', () => {
  /** Each of three records holds three messages; what becomes of them. */
  async function shared(
    tamper: (records: readonly Uint8Array[], pair: ChannelPair) => readonly Uint8Array[],
  ): Promise<object> {
    const pair = await channelPair()
    const { texts } = collect(pair.server)
    collect(pair.client)
    const held: Uint8Array[] = []
    pair.clientEnd.between = (frame) => (held.push(frame), [])
    for (const record of [0, 1, 2]) {
      for (const port of [0, 1, 2]) pair.client.send(port, text(`${record}`), port === 1 ? { ttl: 60_000 } : {})
      await settled()
    }
    pair.clientEnd.between = (frame) => [frame]
    for (const chunk of tamper(held, pair)) pair.clientEnd.forge(chunk)
    const [server, client] = await Promise.all([pair.server.closed, pair.client.closed])
    return { delivered: texts, server: server.error?.code, client: client.error?.code }
  }
  const whole = (...records: number[]): string[] =>
    records.flatMap((record) => [0, 1, 2].map((port) => `${port}:${record}`))
  const ends = (server: string, ...records: number[]): object => {
    return { delivered: whole(...records), server, client: 'channel.alert' }
  }

  it('cannot replay, leave out or exchange them', async () => {
    expect(await shared(([zero]) => [zero!, zero!])).to.deep.equal(ends('channel.record.replay', 0))
    expect(await shared(([zero, , two]) => [zero!, two!])).to.deep.equal(ends('channel.record.gap', 0))
    expect(await shared(([zero, one, two]) => [zero!, two!, one!])).to.deep.equal(ends('channel.record.gap', 0))
  })

  it('cannot change a byte, whichever: none of the messages is delivered', async () => {
    for (const at of [13, 14, 15, 16, 20, 30, 40, 50]) {
      expect(await shared(([zero]) => [flipped(zero!, at)]), `byte ${at}`).to.deep.equal(ends('channel.record.auth'))
    }
  })

  it('cannot cut them', async () => {
    for (const length of [1, 14, 31, 32, 40]) {
      const cut = (record: Uint8Array): Uint8Array => {
        const copy = record.slice(0, record.length - length)
        new DataView(copy.buffer).setUint32(1, copy.length - 5)
        return copy
      }
      const code = length > 31 ? 'channel.record.length' : 'channel.record.auth'
      expect(await shared(([zero]) => [cut(zero!)]), `${length} less`).to.deep.equal(ends(code))
    }
  })

  it('cannot use those of another session, nor send them back', async () => {
    let other: Uint8Array | undefined
    await shared(([zero]) => ((other = zero), [flipped(zero!, 20)]))
    expect(await shared(() => [other!])).to.deep.equal(ends('channel.record.auth'))
    const pair = await channelPair()
    collect(pair.client)
    collect(pair.server)
    let mine: Uint8Array | undefined
    pair.clientEnd.between = (frame) => ((mine = frame), [])
    for (const port of [0, 1]) pair.client.send(port, text('mine'))
    await settled()
    pair.serverEnd.forge(mine!)
    expect((await pair.client.closed).error?.code).to.equal('channel.record.auth')
  })
})

describe('channel: a peer that breaks the rules', () => {
  it('may not send a longer message than was agreed', async () => {
    const { client, server, clientEnd, serverEnd } = await channelPair({}, { maxMessage: 3000 })
    const { texts } = collect(server)
    collect(client)
    const tooLong = new Uint8Array(5)
    tooLong.set([0x10, 0, 0, (3000 + 14 + 24 + 1) >>> 8, (3000 + 14 + 24 + 1) & 0xff])
    clientEnd.between = () => [tooLong]
    client.send(1, text('x'))
    expect((await server.closed).error?.code).to.equal('channel.frame.length')
    expect((await client.closed).kind).to.equal('alert')
    expect(texts).to.deep.equal([])
    expect(serverEnd.written.at(-1)).to.have.length(13 + 2 + 16)
  })

  it('is told by a plain alert while its end of the handshake is not done, by a sealed one afterwards', async () => {
    const { client, server, clientEnd } = await channelPair()
    collect(server)
    collect(client)
    clientEnd.forge(Uint8Array.of(0x7f, 0, 0, 0, 1, 1))
    const { kind, error } = await server.closed
    expect([kind, error?.code, error?.details]).to.deep.equal(['alert', 'channel.alert', { code: 1 }])
  })

  it('does not learn the reason', async () => {
    const { client, server, clientEnd } = await channelPair()
    collect(server)
    collect(client)
    clientEnd.between = (chunk) => [flipped(chunk, 20)]
    client.send(1, text('x'))
    const { kind, error } = await client.closed
    expect([kind, error?.details]).to.deep.equal(['alert', { code: 2 }])
  })
})
