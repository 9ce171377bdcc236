import { expect } from 'chai'
import { collect } from '../support/channel-pair.ts'
import { datagramPair, until } from '../support/datagram-pair.ts'

const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const numbered = (count: number): string[] => Array.from({ length: count }, (_, n) => `1:${n}`)

describe('channel over datagrams', () => {
  it('carries messages in both directions, in order', async () => {
    const { client, server, stop } = await datagramPair()
    const [atClient, atServer] = [collect(client), collect(server)]
    for (let n = 0; n < 100; n++) {
      client.send(1, text(`${n}`))
      server.send(1, text(`${n}`))
    }
    await client.close()
    expect([atServer.texts, atClient.texts]).to.deep.equal([numbered(100), numbered(100)])
    expect([(await client.closed).kind, (await server.closed).kind]).to.deep.equal(['local', 'close_notify'])
    await stop()
  })

  for (const [name, faults] of [
    ['loses every fifth packet', { drop: 0.2 }],
    ['doubles every third packet', { duplicate: 0.33 }],
    ['lets packets overtake each other', { jitter: 15 }],
    ['changes a byte in every tenth packet', { corrupt: 0.1 }],
    ['does all of it', { drop: 0.15, duplicate: 0.15, corrupt: 0.05, jitter: 10 }],
  ] as const) {
    it(`delivers everything once and in order over a network that ${name}`, async () => {
      for (const seed of [1, 2, 3]) {
        const { client, server, stop, net } = await datagramPair({ seed, faults })
        const [atClient, atServer] = [collect(client), collect(server)]
        for (let n = 0; n < 200; n++) {
          client.send(1, text(`${n}`))
          server.send(1, text(`${n}`))
          if (n % 50 === 25) client.rekey()
          if (n % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 1))
        }
        await until('all is there', () => atServer.texts.length >= 200 && atClient.texts.length >= 200)
        expect(atServer.texts, `seed ${seed}`).to.deep.equal(numbered(200))
        expect(atClient.texts, `seed ${seed}`).to.deep.equal(numbered(200))
        await until('fresh keys', () => client.counters.rekeysCompleted > 0)
        expect(net.counters.sent).to.be.greaterThan(20)
        await stop()
      }
    })
  }
})
