import { expect } from 'chai'
import { LINE_ADDRESS, LineLink, connectDatagram, lineSpeed, listenDatagram, openLine } from '@gridseal/channel'
import type { DatagramChannel } from '@gridseal/channel'
import { connect, memoryPair } from '@gridseal/transport'
import { firstValueFrom } from 'rxjs'
import { flightTime, settleDatagramConnect } from '#src/datagram/options.ts'
import { needPeer } from '../../../../test/support/requirements.ts'
import { pattern } from '../../../transport/test/support/collect.ts'
import { PtyPair } from '../../../transport/test/support/pty-pair.ts'
import { ACCEPT, CONNECT, collect, settled } from '../support/channel-pair.ts'
import { codeOf } from '../support/code-of.ts'
import { QUICK, until } from '../support/datagram-pair.ts'
import { noisyLine } from '../support/noisy-line.ts'

const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const ORDERING = { ordering: 'greater-than-last' } as const

interface LinePair {
  readonly client: DatagramChannel
  readonly server: DatagramChannel
  readonly stop: () => Promise<void>
}

async function channelOver(near: LineLink, far: LineLink, options: object = QUICK): Promise<LinePair> {
  const listener = listenDatagram([far], { ...ACCEPT, ...ORDERING, ...options })
  const accepted = firstValueFrom(listener.channels)
  const to = `${LINE_ADDRESS.listener}`
  const call = connectDatagram([{ link: near, to }], { ...CONNECT, ...ORDERING, ...options })
  const [client, server] = await Promise.all([call, accepted])
  const stop = async (): Promise<void> => {
    await Promise.all([client.close(), server.close()])
    await listener.close()
  }
  return { client, server, stop }
}

async function exchange({ client, server }: LinePair, count: number): Promise<void> {
  const [atClient, atServer] = [collect(client), collect(server)]
  for (let n = 0; n < count; n++) {
    client.send(1, text(`${n}`))
    server.send(1, text(`${n}`))
  }
  await until('all is there', () => atClient.texts.length >= count && atServer.texts.length >= count)
  const expected = Array.from({ length: count }, (_, n) => `1:${n}`)
  expect([atClient.texts, atServer.texts]).to.deep.equal([expected, expected])
}

describe('channel on a line', () => {
  const [caller, listener] = [{ address: LINE_ADDRESS.caller }, { address: LINE_ADDRESS.listener }]

  it('runs on a line with noise: what is hit is sent again, and what is thrown away is counted', async () => {
    for (const seed of [1, 2, 3]) {
      const [a, b] = noisyLine(seed, 0.0002)
      const [near, far] = [new LineLink(a, caller), new LineLink(b, listener)]
      const pair = await channelOver(near, far)
      await exchange(pair, 200)
      expect(near.counters.discarded + far.counters.discarded, `seed ${seed}`).to.be.greaterThan(0)
      expect(near.counters.frames).to.be.greaterThan(10)
      await pair.stop()
    }
  }).timeout(60_000)

  it('frames for other addresses are not taken', async () => {
    const [a, b] = memoryPair()
    const [near, far] = [new LineLink(a, { address: 3 }), new LineLink(b, { address: 4 })]
    const got: string[] = []
    far.packets.subscribe(({ bytes, from }) => got.push(`${from}:${bytes.length}`))
    near.send(new Uint8Array(5), '7')
    near.send(new Uint8Array(6), '4')
    await settled()
    expect([got, far.counters.foreign]).to.deep.equal([['3:6'], 1])
  })

  it('a message by itself is dropped where the line does not keep up; those in order wait', async () => {
    const [a, b] = memoryPair({ queue: { low: 0, high: 0 } })
    const { client, server, stop } = await channelOver(new LineLink(a, caller), new LineLink(b, listener))
    const { texts } = collect(server)
    collect(client)
    for (let n = 0; n < 50; n++) client.send(2, text(`${n}`), { once: true })
    for (let n = 0; n < 50; n++) client.send(1, text(`${n}`))
    await until('those in order', () => texts.filter((each) => each.startsWith('1:')).length === 50)
    expect(client.counters.withheld).to.be.greaterThan(0)
    expect(texts.filter((each) => each.startsWith('2:')).length + client.counters.withheld).to.equal(50)
    await stop()
  })

  it('lines that end take their channels with them', async () => {
    const [a, b] = memoryPair()
    const { client, server } = await channelOver(new LineLink(a, caller), new LineLink(b, listener))
    b.destroy()
    expect((await server.closed).error?.code).to.equal('channel.truncated')
    expect((await client.closed).error?.code).to.equal('channel.truncated')
  })

  it('all waiting times are longer by what the line takes, so that a handshake fits at 9600 baud', () => {
    const speed = lineSpeed('serial:///dev/ttyS0?baud=9600')
    const { channel, backoff } = settleDatagramConnect(CONNECT, 512, flightTime([{}, speed]))
    expect(backoff).to.deep.equal({ first: 500 + 6250, most: 8000 })
    const { handshakeTimeout, helloTimeout, closeTimeout } = channel
    expect([handshakeTimeout, helloTimeout, closeTimeout]).to.deep.equal([28_750, 11_250, 11_250])
    const crawling = settleDatagramConnect({ ...CONNECT, handshakeTimeout: 2 ** 31 - 1 }, 512, flightTime([speed]))
    expect(crawling.channel.handshakeTimeout, 'the longest of a timer').to.equal(2 ** 31 - 1)
  })

  it('wrong addresses, packet lengths and speeds are refused at the call', () => {
    const [a] = memoryPair()
    for (const options of [
      { address: -1 },
      { address: 65_536 },
      { address: 1, mtu: 255 },
      { address: 1, mtu: 4093 },
      { address: 1, bitsPerSecond: 0 },
      { address: 1, bitsPerSecond: -9600 },
      { address: 1, bitsPerSecond: Number.NaN },
      { address: 1, baud: 9600 },
    ]) {
      expect(codeOf(() => new LineLink(a, options))).to.equal('channel.option')
    }
  })

  describe('over pseudo terminals', () => {
    let line: PtyPair

    before(async function () {
      needPeer(this, 'socat')
      line = await PtyPair.open()
    })

    after(async () => {
      await line?.close()
    })

    it('runs, with waiting times that suit the speed of the line', async () => {
      const [near, far] = await Promise.all([openLine(line.url('a'), caller), openLine(line.url('b'), listener)])
      expect(near.bitsPerSecond).to.equal(92_160)
      const pair = await channelOver(near, far, {})
      await exchange(pair, 300)
      await pair.stop()
    })

    it('starts in the middle of noise', async () => {
      const [raw, far] = await Promise.all([connect(line.url('a')), openLine(line.url('b'), listener)])
      const noise = pattern(3001)
      raw.write(noise)
      const near = new LineLink(raw, caller)
      const pair = await channelOver(near, far)
      await exchange(pair, 20)
      expect(far.counters.discarded).to.equal(noise.length)
      await pair.stop()
    })
  })
})
