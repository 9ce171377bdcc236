import { expect } from 'chai'
import { StaticKey, TicketKeys, TicketStore, configuredKeys, SUITES } from '@gridseal/channel'
import type { SharedKeySource } from '@gridseal/channel'
import { channelPair, collect, refusal, settled } from './support/channel-pair.ts'
import type { ChannelPair } from './support/channel-pair.ts'

/** Carries a message each way and closes. */
async function used({ client, server }: ChannelPair): Promise<void> {
  const [atClient, atServer] = [collect(client), collect(server)]
  client.send(1, new TextEncoder().encode('there'))
  server.send(2, new TextEncoder().encode('and back'))
  await settled()
  await client.close()
  expect([atServer.texts, atClient.texts]).to.deep.equal([['1:there'], ['2:and back']])
}

describe('channel: sessions of every kind', () => {
  for (const { name } of SUITES) {
    it(`with suite ${name}`, async () => {
      const pair = await channelPair({ suites: [name] }, { suites: [name] })
      expect([pair.client.suite, pair.server.suite]).to.deep.equal([name, name])
      pair.client.rekey()
      await used(pair)
    })
  }

  it('after a retry', async () => {
    const pair = await channelPair({}, { suites: ['X-Wing, ChaCha20-Poly1305'] })
    expect(pair.clientEnd.written.filter((frame) => frame[0] === 0x01)).to.have.length(2)
    expect(pair.client.suite).to.equal('X-Wing, ChaCha20-Poly1305')
    await used(pair)
  })

  it('between static keys', async () => {
    const [field, head] = [StaticKey.generate('CH-KEM-v1'), StaticKey.generate('X-Wing')]
    const pair = await channelPair(
      { identity: field, peer: head.publicKey },
      { identity: head, peers: () => field.publicKey },
    )
    expect([pair.client.peer, pair.server.peer]).to.deep.equal([head.publicKey, field.publicKey])
    await used(pair)
  })

  it('with a configured pre-shared key', async () => {
    const sharedKeys = configuredKeys({ id: new TextEncoder().encode('k1'), key: new Uint8Array(32).fill(1) })
    await used(await channelPair({ sharedKeys }, { sharedKeys }))
  })

  it('with keys that are good for one session each, as quantum key distribution delivers them', async () => {
    const delivered = new Map<string, Uint8Array>()
    let count = 0
    const source: SharedKeySource = {
      next: () => {
        const id = new TextEncoder().encode(`qkd-${count++}`)
        const key = new Uint8Array(32).fill(count)
        delivered.set(Buffer.from(id).toString(), key)
        return Promise.resolve({ id, key })
      },
      find: (id) => {
        const name = Buffer.from(id).toString()
        const key = delivered.get(name)
        delivered.delete(name)
        return Promise.resolve(key)
      },
    }
    await used(await channelPair({ sharedKeys: source }, { sharedKeys: source }))
    await used(await channelPair({ sharedKeys: source }, { sharedKeys: source }))
    expect([count, delivered.size]).to.deep.equal([2, 0])
  })

  it('not with another pre-shared key', async () => {
    const keys = (fill: number): SharedKeySource =>
      configuredKeys({ id: Uint8Array.of(1), key: new Uint8Array(32).fill(fill) })
    expect(await refusal(channelPair({ sharedKeys: keys(1) }, { sharedKeys: keys(2) }))).to.equal('channel.record.auth')
  })
})

describe('channel: resumption', () => {
  const ticketKeys = TicketKeys.generate()

  it('happens by itself from the second connection on, as long as tickets come', async () => {
    const ticketStore = new TicketStore()
    const resumed: boolean[] = []
    for (let i = 0; i < 3; i++) {
      const pair = await channelPair({ ticketStore }, { ticketKeys })
      resumed.push(pair.client.resumed && pair.server.resumed)
      await used(pair)
    }
    expect([resumed, ticketStore.size]).to.deep.equal([[false, true, true], 1])
  })

  it('does not happen where either end does not want it', async () => {
    const ticketStore = new TicketStore()
    await used(await channelPair({ ticketStore }))
    expect(ticketStore.size).to.equal(0)
    await used(await channelPair({ ticketStore }, { ticketKeys }))
    const pair = await channelPair({ ticketStore })
    expect(pair.client.resumed).to.equal(false)
    await used(pair)
  })

  it('ends with the life of the tickets', async () => {
    const ticketStore = new TicketStore()
    await used(await channelPair({ ticketStore }, { ticketKeys, ticketLife: 1 }))
    expect(ticketStore.size).to.equal(0)
  })
})
