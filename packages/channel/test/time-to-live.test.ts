import { expect } from 'chai'
import { channelPair, collect, settled } from './support/channel-pair.ts'
import type { ChannelPair } from './support/channel-pair.ts'
import { codeOf } from './support/code-of.ts'

const COMMAND = new TextEncoder().encode('close breaker 12')

/** Two ends with clocks of their own, which stand still until they are set. */
async function timed(): Promise<ChannelPair & { readonly clocks: { client: number; server: number } }> {
  const clocks = { client: 1_000_000, server: 77 }
  const pair = await channelPair({ clock: () => clocks.client }, { clock: () => clocks.server })
  return { ...pair, clocks }
}

/** A command of the client with this time to live is held back by so many ms; what the server delivers of it. */
async function held(ttl: number, delay: number): Promise<{ delivered: number; expired: number }> {
  const { client, server, clientEnd, clocks } = await timed()
  const { texts } = collect(server)
  collect(client)
  const records: Uint8Array[] = []
  clientEnd.between = (frame) => (records.push(frame), [])
  clocks.client += 5000
  clocks.server += 5000
  client.send(3, COMMAND, { ttl })
  await settled()
  clocks.server += delay
  clientEnd.forge(records[0]!)
  await settled()
  return { delivered: texts.length, expired: server.counters.expired }
}

describe('channel: time to live', () => {
  it('delivers a command that comes in time, to the millisecond', async () => {
    expect(await held(200, 0)).to.deep.equal({ delivered: 1, expired: 0 })
    expect(await held(200, 200)).to.deep.equal({ delivered: 1, expired: 0 })
  })

  it('throws away a command that was held back one millisecond too long, and counts it', async () => {
    expect(await held(200, 201)).to.deep.equal({ delivered: 0, expired: 1 })
    expect(await held(1, 86_400_000)).to.deep.equal({ delivered: 0, expired: 1 })
  })

  it('does not end the session: what comes after is delivered', async () => {
    const { client, server, clientEnd, clocks } = await timed()
    const { texts } = collect(server)
    const records: Uint8Array[] = []
    clientEnd.between = (frame) => (records.push(frame), [])
    client.send(3, COMMAND, { ttl: 10 })
    client.send(4, COMMAND)
    await settled()
    clocks.server += 1000
    for (const record of records) clientEnd.forge(record)
    await settled()
    expect(texts).to.deep.equal(['4:close breaker 12'])
    expect(server.counters).to.include({ expired: 1, messagesReceived: 1 })
  })

  it('cannot be stretched by holding back the hellos: the initiator reckons with the worst', async () => {
    // The clocks run on while the hellos are under way: the client cannot know when the server's session began.
    let now = 0
    const clock = (): number => (now += 50)
    const { client, server, clientEnd } = await channelPair({ clock }, { clock })
    const { texts } = collect(server)
    collect(client)
    const records: Uint8Array[] = []
    clientEnd.between = (frame) => (records.push(frame), [])
    client.send(1, COMMAND, { ttl: 500 })
    const sent = now
    await settled()
    now = sent + 500
    clientEnd.forge(records[0]!)
    await settled()
    expect([texts.length, server.counters.expired]).to.deep.equal([0, 1])
  })

  it('may be any whole number of milliseconds from 1', async () => {
    const { client } = await channelPair()
    for (const ttl of [0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 48]) {
      expect(codeOf(() => client.send(1, COMMAND, { ttl }))).to.equal('channel.message.ttl')
    }
    expect(client.send(1, COMMAND, { ttl: 2 ** 32 - 1 })).to.equal(true)
  })
})
