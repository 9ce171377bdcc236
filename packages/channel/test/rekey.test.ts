import { expect } from 'chai'
import { channelPair, collect, settled } from './support/channel-pair.ts'

const numbered = (n: number): Uint8Array => new TextEncoder().encode(`${n}`)

describe('channel: rekey', () => {
  it('at the limit, while both directions are busy, loses and doubles nothing', async () => {
    const { client, server } = await channelPair(
      { epochRecords: 16, coalesce: false },
      { epochRecords: 7, coalesce: false },
    )
    const [atClient, atServer] = [collect(client), collect(server)]
    for (let n = 0; n < 1000; n++) {
      client.send(1, numbered(n))
      server.send(2, numbered(n))
      if (n % 37 === 0) await settled()
    }
    await client.close()
    const expected = (port: number): string[] => Array.from({ length: 1000 }, (_, n) => `${port}:${n}`)
    expect(atServer.texts).to.deep.equal(expected(1))
    expect(atClient.texts).to.deep.equal(expected(2))
    expect([client.counters.rekeysSent, server.counters.rekeysReceived]).to.deep.equal([62, 62])
    expect([server.counters.rekeysSent, client.counters.rekeysReceived]).to.deep.equal([142, 142])
    expect((await client.closed).kind).to.equal('local')
  })

  it('at the limit of bytes', async () => {
    const { client, server } = await channelPair({ epochBytes: 10_000, coalesce: false })
    const { messages } = collect(server)
    for (let n = 0; n < 10; n++) client.send(1, new Uint8Array(4997))
    await client.close()
    expect([messages.length, client.counters.rekeysSent]).to.deep.equal([10, 5])
  })

  it('after every single record', async () => {
    const { client, server } = await channelPair({ epochRecords: 1, coalesce: false })
    const { texts } = collect(server)
    for (let n = 0; n < 50; n++) client.send(1, numbered(n))
    await client.close()
    expect(texts).to.have.length(50)
    expect((await server.closed).kind).to.equal('close_notify')
  })

  it('gives new ciphertext for the same message under the same sequence of events', async () => {
    const { client, clientEnd, server } = await channelPair({ epochRecords: 1, coalesce: false })
    collect(server)
    for (let n = 0; n < 20; n++) client.send(1, numbered(1))
    await settled()
    const bodies = clientEnd.written
      .filter((frame) => frame[0] === 0x10)
      .map((frame) => Buffer.from(frame.subarray(13)).toString('hex'))
    expect(new Set(bodies).size).to.equal(bodies.length)
  })

  it('that never arrives ends the session at the next record', async () => {
    const { client, server, clientEnd } = await channelPair({ epochRecords: 2, coalesce: false })
    const { texts } = collect(server)
    collect(client)
    let count = 0
    clientEnd.between = (chunk) => (++count === 3 ? [] : [chunk])
    for (let n = 0; n < 4; n++) client.send(1, numbered(n))
    expect((await server.closed).error?.code).to.equal('channel.record.gap')
    expect(texts).to.deep.equal(['1:0', '1:1'])
  })
})
