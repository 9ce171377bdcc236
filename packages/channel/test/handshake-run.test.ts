import { mock } from 'node:test'
import { expect } from 'chai'
import { ProtocolError, toHex } from '@gridseal/wire'
import { SigningKey } from '@gridseal/pqc'
import { ChannelMetrics, acceptChannel, configuredKeys, connectChannel } from '@gridseal/channel'
import type { SharedKeySource } from '@gridseal/channel'
import { ACCEPT, CONNECT, collect, channelPair, refusal, settled } from './support/channel-pair.ts'
import { HANDSHAKE_ALERT, initiator } from './support/handshake-pair.ts'
import { FIELD, HEAD, OTHER, STRANGER, pinned } from './support/identities.ts'
import { tappedPair } from './support/tapped-connection.ts'

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('channel: opening', () => {
  it('refuses on both sides when the server does not know the client', async () => {
    const [a, b] = tappedPair()
    const results = await Promise.all([
      refusal(connectChannel(a, { ...CONNECT, identity: STRANGER })),
      refusal(acceptChannel(b, ACCEPT)),
    ])
    expect(results).to.deep.equal(['channel.alert', 'channel.peer.unknown'])
    expect(b.written.map((frame) => toHex(frame))).to.deep.equal([HANDSHAKE_ALERT])
  })

  it('refuses on both sides when the client wants another server', async () => {
    const [a, b] = tappedPair()
    const results = await Promise.all([
      refusal(connectChannel(a, { ...CONNECT, peer: OTHER.publicKey })),
      refusal(acceptChannel(b, ACCEPT)),
    ])
    expect(results).to.deep.equal(['channel.alert', 'channel.peer.other'])
  })

  it('rejects only after the connection is closed, so that a caller who destroys it does not cut off the alert', async () => {
    const [a, b] = tappedPair()
    listen(a)
    const order: string[] = []
    void b.closed.then(() => order.push('closed'))
    a.write(bytesOf('GET / HTTP/1.1\r\n\r\n'))
    await refusal(acceptChannel(b, ACCEPT)).then((code) => order.push(code))
    expect(order).to.deep.equal(['closed', 'channel.frame.type'])
    expect(b.written.map((frame) => toHex(frame))).to.deep.equal([HANDSHAKE_ALERT])
  })

  it('refuses a frame over 8 KiB before the peer is known', async () => {
    for (const [length, code] of [
      [0x2001, 'channel.frame.length'],
      [0xffff_ffff, 'channel.frame.length'],
    ] as const) {
      const [a, b] = tappedPair()
      listen(a)
      a.write(Uint8Array.of(1, length >>> 24, length >>> 16, length >>> 8, length))
      expect(await refusal(acceptChannel(b, ACCEPT))).to.equal(code)
    }
  })

  it('refuses data before the handshake is finished', async () => {
    const [a, b] = tappedPair()
    const accepting = refusal(acceptChannel(b, ACCEPT))
    a.between = (chunk) => (chunk[0] === 0x01 ? [chunk, Uint8Array.of(0x10, 0, 0, 0, 24, ...new Uint8Array(24))] : [])
    expect(await refusal(connectChannel(a, CONNECT))).to.equal('channel.alert')
    expect(await accepting).to.equal('channel.unexpected')
  })

  it('reports a connection that ends on the way', async () => {
    for (const cutAfter of [0, 1, 2]) {
      const [a, b] = tappedPair()
      let frames = 0
      a.between = (chunk) => {
        if (frames++ < cutAfter) return [chunk]
        a.end()
        return []
      }
      const results = await Promise.all([refusal(connectChannel(a, CONNECT)), refusal(acceptChannel(b, ACCEPT))])
      expect(results).to.deep.equal(
        cutAfter === 2 ? ['not refused', 'not refused'] : ['channel.truncated', 'channel.truncated'],
      )
    }
  })

  it('gives the same alert for every kind of failure', async () => {
    const alerts: string[] = []
    for (const bytes of [
      [0x01, 0, 0, 0, 1, 9],
      [0x02, 0, 0, 0, 0],
      [0x99],
      [0x10, 0, 0, 0, 0],
      [0x01, 0, 0, 0x06, 0xac],
    ]) {
      const [a, b] = tappedPair()
      listen(a)
      a.write(Uint8Array.from([...bytes, ...new Uint8Array(0x06ac)]))
      await refusal(acceptChannel(b, ACCEPT))
      alerts.push(...b.written.map((frame) => toHex(frame)))
    }
    expect(alerts).to.deep.equal(new Array(5).fill(HANDSHAKE_ALERT))
  })

  it('fails when the own key cannot sign', async () => {
    const broken = SigningKey.fromSeed('ML-DSA-65', HEAD.toSeed())
    broken.sign = () => Promise.reject(new TypeError('the token was pulled'))
    const [a, b] = tappedPair()
    const results = await Promise.all([
      refusal(connectChannel(a, CONNECT)),
      refusal(acceptChannel(b, { ...ACCEPT, identity: broken })),
    ])
    expect(results).to.deep.equal(['channel.alert', 'channel.internal'])
  })

  it('fails when the own key is gone, also after a pre-shared key had to be looked up', async () => {
    const gone = SigningKey.fromSeed('ML-DSA-65', HEAD.toSeed())
    gone.destroy()
    const sharedKeys = configuredKeys({ id: bytesOf('k'), key: new Uint8Array(32) })
    for (const shared of [{}, { sharedKeys }]) {
      const [a, b] = tappedPair()
      const results = await Promise.all([
        refusal(connectChannel(a, { ...CONNECT, ...shared })),
        refusal(acceptChannel(b, { ...ACCEPT, ...shared, identity: gone })),
      ])
      expect(results).to.deep.equal(['channel.alert', 'pqc.key.destroyed'])
    }
  })

  it('fails, and closes the connection, when the pre-shared key cannot be had, or not in time', async () => {
    const find = (): Promise<undefined> => Promise.resolve(undefined)
    const broken = { find, next: () => Promise.reject(new ProtocolError('qkd.empty', 'no key is left')) }
    const silent = { find, next: () => new Promise<never>(() => undefined) }
    for (const [sharedKeys, code] of [
      [broken, 'qkd.empty'],
      [silent, 'channel.handshake.timeout'],
    ] as const) {
      const [a, b] = tappedPair()
      const accepting = refusal(acceptChannel(b, ACCEPT))
      const metrics = new ChannelMetrics()
      const options = { ...CONNECT, sharedKeys, metrics, handshakeTimeout: 50 }
      let closed = false
      void a.closed.then(() => (closed = true))
      expect(await refusal(connectChannel(a, options))).to.equal(code)
      expect(closed).to.equal(true)
      expect(await accepting).to.equal('channel.truncated')
      expect(metrics.toPrometheus()).to.include(`handshakes_failed_total{role="initiator",code="${code}"} 1`)
    }
  })

  it('asks the source of pre-shared keys for the key of a name, and says who has named it', async () => {
    const [id, key] = [bytesOf('k'), new Uint8Array(32).fill(1)]
    const asked: string[] = []
    const sharedKeys: SharedKeySource = {
      next: (responder) => {
        asked.push(toHex(responder))
        return Promise.resolve({ id, key })
      },
      find: (name, initiator) => {
        asked.push(toHex(name), toHex(initiator ?? new Uint8Array(0)))
        return Promise.resolve(key)
      },
    }
    await channelPair({ sharedKeys }, { sharedKeys })
    const wanted = [HEAD.publicKey.fingerprint, id, FIELD.publicKey.fingerprint].map((bytes) => toHex(bytes))
    expect(asked).to.deep.equal(wanted)
  })

  it('delivers what the peer sent in the same breath as the end of the handshake, over the handshake limit too', async () => {
    const [a, b] = tappedPair()
    const held: Uint8Array[] = []
    b.between = (chunk) => (held.push(chunk), held.length < 3 ? [chunk] : [])
    const connecting = connectChannel(a, CONNECT)
    const server = await acceptChannel(b, ACCEPT)
    server.send(5, new Uint8Array(100_000).fill(9))
    await new Promise((resolve) => setImmediate(resolve))
    b.forge(Buffer.concat(held.slice(2)))
    const { messages } = collect(await connecting)
    await settled()
    expect(messages.map(({ port, bytes }) => [port, bytes.length])).to.deep.equal([[5, 100_000]])
  })

  it('works with handshake messages in any chunks', async () => {
    for (const size of [1, 7, 1000]) {
      const [a, b] = tappedPair()
      for (const end of [a, b]) {
        end.between = (chunk) =>
          Array.from({ length: Math.ceil(chunk.length / size) }, (_, i) => chunk.subarray(i * size, (i + 1) * size))
      }
      const [client] = await Promise.all([connectChannel(a, CONNECT), acceptChannel(b, ACCEPT)])
      expect(client.peer).to.equal(HEAD.publicKey)
    }
  })

  it('knows many clients apart', async () => {
    const peers = pinned(FIELD, OTHER)
    for (const identity of [FIELD, OTHER]) {
      const { server } = await channelPair({ identity }, { peers })
      expect(server.peer.fingerprintText).to.equal(identity.publicKey.fingerprintText)
    }
  })
})

describe('channel: opening takes no longer than handshakeTimeout', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout', 'setInterval'] }))
  afterEach(() => mock.timers.reset())

  /** Ticks until the call is refused: the seconds it took, and the code. */
  async function waitFor(call: Promise<unknown>, everySecond: () => void = () => undefined): Promise<[number, string]> {
    let result: string | undefined
    void refusal(call).then((code) => (result = code))
    for (let second = 0; second < 100; second++) {
      await settled()
      if (result !== undefined) return [second, result]
      everySecond()
      mock.timers.tick(1000)
    }
    throw new RangeError('not refused within 100 seconds')
  }

  it('for a caller that says nothing', async () => {
    const [a, b] = tappedPair()
    listen(a)
    expect(await waitFor(acceptChannel(b, { ...ACCEPT, handshakeTimeout: 4000 }))).to.deep.equal([
      4,
      'channel.handshake.timeout',
    ])
    expect(b.written.map((frame) => toHex(frame))).to.deep.equal([HANDSHAKE_ALERT])
  })

  it('for a server that does not answer', async () => {
    const [a, b] = tappedPair()
    listen(b)
    expect(await waitFor(connectChannel(a, CONNECT))).to.deep.equal([10, 'channel.handshake.timeout'])
  })

  it('for a caller that sends one byte a second', async () => {
    const [a, b] = tappedPair()
    listen(a)
    const hello = Uint8Array.of(0x01, 0, 0, 0x06, 0xac, 1)
    let sent = 0
    const drip = (): void => void a.write(hello.subarray(sent % 6, (sent++ % 6) + 1))
    expect(await waitFor(acceptChannel(b, { ...ACCEPT, handshakeTimeout: 5000 }), drip)).to.deep.equal([
      5,
      'channel.handshake.timeout',
    ])
  })

  it('also for a caller that says nothing after its hello, which came before helloTimeout was over', async () => {
    const [a, b] = tappedPair()
    listen(a)
    a.write(initiator().sent[0]!)
    const call = acceptChannel(b, { ...ACCEPT, helloTimeout: 2000, handshakeTimeout: 7000 })
    expect(await waitFor(call)).to.deep.equal([7, 'channel.handshake.timeout'])
  })

  it('nor its first message longer than helloTimeout', async () => {
    const [a, b] = tappedPair()
    listen(a)
    const call = acceptChannel(b, { ...ACCEPT, helloTimeout: 2000, handshakeTimeout: 7000 })
    expect(await waitFor(call)).to.deep.equal([2, 'channel.handshake.timeout'])
  })

  it('for a connection that neither answers nor closes: the transport cuts it off after its linger time', async () => {
    const [, b] = tappedPair({ linger: 2000 })
    expect(await waitFor(acceptChannel(b, { ...ACCEPT, handshakeTimeout: 4000 }))).to.deep.equal([
      6,
      'channel.handshake.timeout',
    ])
  })

  it('and not a time-out that strikes afterwards', async () => {
    const { client, server } = await channelPair()
    const { texts } = collect(server)
    mock.timers.tick(60_000)
    client.send(1, bytesOf('still here'))
    await settled()
    expect(texts).to.deep.equal(['1:still here'])
  })
})

/** A peer that reads and closes when the other end does, but says nothing. */
function listen(end: ReturnType<typeof tappedPair>[0]): void {
  end.data.subscribe()
}
