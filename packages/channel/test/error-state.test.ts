import { acceptChannel, listenDatagram } from '@gridseal/channel'
import type { Channel } from '@gridseal/channel'
import type { GridsealError } from '@gridseal/wire'
import { expect } from 'chai'
import { ACCEPT, channelPair, collect, refusal, settled } from './support/channel-pair.ts'
import { FIELD_URL, HEAD_URL, QUICK, datagramPair } from './support/datagram-pair.ts'
import { inErrorState } from './support/error-state.ts'
import type { Passing } from './support/fault-net.ts'
import { FaultNet } from './support/fault-net.ts'
import { tappedPair } from './support/tapped-connection.ts'

const FAILED = 'pqc.self-test.failed'
const text = (value: string): Uint8Array => new TextEncoder().encode(value)

/** The first packets of a handshake: one without a token, and those with it. */
async function firstPackets(): Promise<Passing[]> {
  const { net, stop } = await datagramPair({ prepare: (each) => (each.record = true) })
  await stop()
  return net.seen.filter(
    ({ bytes, to }) => to === HEAD_URL && bytes[0] === 0x21 && bytes.subarray(1, 5).every((b) => b === 0),
  )
}

describe('channel: the crypto core in its error state', () => {
  it('a packet listener counts, reports and drops what comes, stays, and goes on when the core works again', async () => {
    const packets = await firstPackets()
    const net = new FaultNet(1)
    net.record = true
    const listener = listenDatagram([net.link(HEAD_URL)], { ...ACCEPT, ...QUICK })
    const failures: { readonly from: string; readonly error: GridsealError }[] = []
    listener.failures.subscribe((failure) => failures.push(failure))
    expect(packets.length).to.be.greaterThan(2)
    await inErrorState(() => {
      for (let n = 0; n < 100; n++) for (const packet of packets) net.inject(packet)
    })
    await settled()
    expect(listener.counters.faults).to.equal(100 * packets.length)
    expect(
      failures.map(({ from, error }) => [from, error.code]),
      'once, and not for each of a flood',
    ).to.deep.equal([[FIELD_URL, FAILED]])
    expect([listener.halfOpen, net.seen.length]).to.deep.equal([0, 0])
    for (const packet of packets) net.inject(packet)
    expect(listener.counters).to.include({ faults: 100 * packets.length, retries: packets.length })
    await listener.close()
  })

  for (const [how, options] of [
    ['after a time', { rekeyInterval: 20 }],
    ['after so many records', { rekeyRecords: 5 }],
  ] as const) {
    it(`a channel over packets that changes its keys ${how} ends, and nothing else does`, async () => {
      const { client, server, listener } = await datagramPair({ client: options })
      collect(client)
      collect(server)
      client.send(1, text('first'))
      await settled()
      const end = await inErrorState(() => {
        for (let n = 0; n < 10; n++) client.send(1, new Uint8Array(1000))
        return client.closed
      })
      expect(end.error?.code).to.equal(FAILED)
      expect((await server.closed).kind).to.equal('alert')
      await listener.close()
    })

    it(`a channel over a stream that changes its keys ${how} ends, and nothing else does`, async () => {
      const { client, server } = await channelPair(options)
      collect(client)
      collect(server)
      // Its keys are there now.
      client.send(1, text('first'))
      await settled()
      const end = await inErrorState(async () => {
        for (let n = 0; n < 10; n++) {
          client.send(1, new Uint8Array(1000))
          await settled()
        }
        return client.closed
      })
      expect(end.error?.code).to.equal(FAILED)
      expect((await server.closed).kind).to.equal('alert')
    })
  }

  for (const [what, act] of [
    ['sends its first message', (client: Channel) => client.send(1, text('first'))],
    ['sends its first message, a long one', (client: Channel) => client.send(1, new Uint8Array(100_000))],
    ['closes', (client: Channel) => client.close()],
  ] as const) {
    it(`a channel that has no keys of records yet and ${what} ends, and nothing else does`, async () => {
      const { client, server } = await channelPair()
      collect(client)
      collect(server)
      const end = await inErrorState(async () => {
        void act(client)
        await settled()
        return client.closed
      })
      expect(end).to.include({ kind: 'error' })
      expect(end.error?.code).to.equal(FAILED)
      expect((await server.closed).kind).to.equal('truncated')
    })
  }

  it('a channel that hears a close and cannot answer ends, and nothing else does', async () => {
    const { client, server } = await channelPair()
    collect(client)
    collect(server)
    client.send(1, text('first'))
    await settled()
    const end = await inErrorState(async () => {
      void client.close()
      await settled()
      return server.closed
    })
    expect(end.error?.code).to.equal(FAILED)
    expect((await client.closed).kind).to.equal('truncated')
  })

  it('a connection is refused, and not the next one when the core works again', async () => {
    const [clientEnd, serverEnd] = tappedPair()
    const [hello] = (await channelPair()).clientEnd.written
    await inErrorState(async () => {
      const accepted = refusal(acceptChannel(serverEnd, ACCEPT))
      clientEnd.forge(hello!)
      clientEnd.end()
      expect(await accepted).to.equal(FAILED)
    })
    const { client, server } = await channelPair()
    const { texts } = collect(server)
    client.send(1, text('works'))
    await settled()
    expect(texts).to.deep.equal(['1:works'])
  })
})
