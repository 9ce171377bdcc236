import { expect } from 'chai'
import { randomBytes } from '@gridseal/pqc'
import { encapsulateTo } from '#src/handshake/kem.ts'
import { Rekeying } from '#src/record/rekey.ts'
import { channelPair, collect, settled } from './support/channel-pair.ts'
import { codeOf } from './support/code-of.ts'

const numbered = (n: number): Uint8Array => new TextEncoder().encode(`${n}`)
const expected = (port: number, count: number): string[] => Array.from({ length: count }, (_, n) => `${port}:${n}`)

describe('channel: fresh keys within a session', () => {
  it('asked for by either end, while both directions are busy, loses and doubles nothing', async () => {
    const { client, server } = await channelPair()
    const [atClient, atServer] = [collect(client), collect(server)]
    for (let n = 0; n < 600; n++) {
      client.send(1, numbered(n))
      server.send(2, numbered(n))
      if (n % 20 === 0) client.rekey()
      if (n % 30 === 10) server.rekey()
      if (n % 7 === 0) await settled()
    }
    await client.close()
    expect([atServer.texts, atClient.texts]).to.deep.equal([expected(1, 600), expected(2, 600)])
    expect(client.counters.rekeysCompleted).to.be.greaterThan(30)
    expect(client.counters.rekeysCompleted).to.equal(server.counters.rekeysCompleted)
  })

  it('asked for by both ends at once is one exchange: the initiator wins', async () => {
    const { client, server } = await channelPair()
    const [atClient, atServer] = [collect(client), collect(server)]
    for (let round = 0; round < 50; round++) {
      expect([client.rekey(), server.rekey()]).to.deep.equal([true, true])
      client.send(1, numbered(round))
      server.send(2, numbered(round))
      await settled()
      expect([client.counters.rekeysCompleted, server.counters.rekeysCompleted]).to.deep.equal([round + 1, round + 1])
    }
    await client.close()
    expect([atServer.texts, atClient.texts]).to.deep.equal([expected(1, 50), expected(2, 50)])
  })

  it('is one at a time', async () => {
    const { client, server } = await channelPair()
    collect(client)
    collect(server)
    expect([client.rekey(), client.rekey()]).to.deep.equal([true, false])
    await settled()
    expect(client.rekey()).to.equal(true)
    await client.close()
    expect(client.rekey()).to.equal(false)
  })

  it('comes by itself after records, after bytes and after time', async () => {
    for (const [options, least] of [
      [{ rekeyRecords: 10 }, 5],
      [{ rekeyBytes: 1000 }, 5],
    ] as const) {
      const { client, server } = await channelPair(options)
      collect(client)
      const { texts } = collect(server)
      for (let n = 0; n < 100; n++) {
        client.send(1, new Uint8Array(100))
        await settled()
      }
      expect(client.counters.rekeysCompleted).to.be.at.least(least)
      await client.close()
      expect(texts).to.have.length(100)
    }
    const { client, server } = await channelPair({ rekeyInterval: 5 })
    collect(client)
    collect(server)
    await new Promise((resolve) => setTimeout(resolve, 60))
    expect(client.counters.rekeysCompleted).to.be.at.least(3)
    await client.close()
    expect((await server.closed).kind).to.equal('close_notify')
  })

  it('goes with the step of each direction by itself, whatever the limits', async () => {
    const { client, server } = await channelPair(
      { epochRecords: 3, rekeyRecords: 2 },
      { epochRecords: 5, rekeyRecords: 4 },
    )
    const [atClient, atServer] = [collect(client), collect(server)]
    for (let n = 0; n < 300; n++) {
      client.send(1, numbered(n))
      server.send(2, numbered(n))
      if (n % 11 === 0) await settled()
    }
    await client.close()
    expect([atServer.texts, atClient.texts]).to.deep.equal([expected(1, 300), expected(2, 300)])
    expect((await client.closed).kind).to.equal('local')
  })

  it('does not wait for a peer that reads nothing: the step by itself bounds what one key protects', async () => {
    const { client, server } = await channelPair({ rekeyRecords: 4, epochRecords: 16, coalesce: false })
    for (let n = 0; n < 100; n++) client.send(1, numbered(n))
    await settled()
    expect([client.counters.rekeysCompleted, client.counters.rekeysSent]).to.deep.equal([0, 6])
    const { texts } = collect(server)
    collect(client)
    await client.close()
    expect(texts).to.deep.equal(expected(1, 100))
  })

  it('works in channels whose messages are tiny', async () => {
    const { client, server } = await channelPair({ maxMessage: 10 }, { maxMessage: 10 })
    collect(client)
    collect(server)
    client.rekey()
    await settled()
    expect(client.counters.rekeysCompleted).to.equal(1)
    await client.close()
  })

  it('closing in the middle of it is in good order', async () => {
    for (const closer of ['client', 'server'] as const) {
      for (const asker of ['client', 'server'] as const) {
        const pair = await channelPair()
        const [atClient, atServer] = [collect(pair.client), collect(pair.server)]
        pair[asker].rekey()
        pair.client.send(1, numbered(0))
        pair.server.send(2, numbered(0))
        await pair[closer].close()
        const ends = [(await pair.client.closed).kind, (await pair.server.closed).kind]
        expect(ends.toSorted(), `${asker} asks, ${closer} closes`).to.deep.equal(['close_notify', 'local'])
        expect([atServer.texts, atClient.texts]).to.deep.equal([['1:0'], ['2:0']])
      }
    }
  })
})

describe('channel: the exchange of fresh keys', () => {
  const pair = (): readonly [Rekeying, Rekeying] => {
    const ratchet = randomBytes(32)
    const make = (role: 'initiator' | 'responder'): Rekeying =>
      new Rekeying(role, 'X-Wing', ratchet.slice(), randomBytes, encapsulateTo)
    return [make('initiator'), make('responder')]
  }

  it('gives both ends the same secrets, others at each turn', () => {
    const [a, b] = pair()
    const seen = new Set<string>()
    for (const [asking, answering] of [
      [a, b],
      [b, a],
      [a, b],
    ] as const) {
      const { content, next } = answering.requested(asking.ask()!.subarray(1))!
      const mine = asking.answered(content.subarray(1))
      answering.done()
      expect(mine.initiator).to.deep.equal(next.initiator)
      expect(mine.responder).to.deep.equal(next.responder)
      seen.add(Buffer.from(mine.initiator).toString('hex')).add(Buffer.from(mine.responder).toString('hex'))
    }
    expect(seen.size).to.equal(6)
  })

  it('depends on the secret before: who has only the new exchange has nothing', () => {
    const [a] = pair()
    const [, b] = pair()
    const { content, next } = b.requested(a.ask()!.subarray(1))!
    expect(a.answered(content.subarray(1)).initiator).not.to.deep.equal(next.initiator)
  })

  it('refuses answers and ends that nobody asked for, and a second request before the first is done', () => {
    const [a, b] = pair()
    expect(codeOf(() => a.answered(new Uint8Array(1120)))).to.equal('channel.unexpected')
    expect(codeOf(() => a.done())).to.equal('channel.unexpected')
    const request = a.ask()!.subarray(1)
    b.requested(request)
    expect(codeOf(() => b.requested(request))).to.equal('channel.unexpected')
  })

  it('refuses shares that are no keys', () => {
    const [, b] = pair()
    expect(codeOf(() => b.requested(new Uint8Array(5)))).to.equal('pqc.key.length')
  })
})
