import { randomBytes } from '@gridseal/pqc'
import { expect } from 'chai'
import { encodeAck, encodeSegment } from '#src/datagram/content.ts'
import { newDatagramCounters } from '#src/datagram/counters.ts'
import { settleDatagramConnect } from '#src/datagram/options.ts'
import type { DatagramConnectOptions } from '#src/datagram/options.ts'
import { DatagramRecords } from '#src/datagram/records.ts'
import { DatagramSession } from '#src/datagram/session.ts'
import type { SessionEffect } from '#src/datagram/transmitter.ts'
import { encapsulateTo } from '#src/handshake/kem.ts'
import { DEFAULT_SUITE } from '#src/handshake/suites.ts'
import { encodeFrame } from '#src/record/frame.ts'
import { CONNECT, collect } from '../support/channel-pair.ts'
import { datagramPair } from '../support/datagram-pair.ts'
import { sessionsOf } from '../support/sessions.ts'

const PATH = { link: 0, address: 'udp://10.0.0.2:4712' }

interface Hostile {
  readonly session: DatagramSession
  /** The session takes this content, which its peer has sealed. */
  readonly take: (content: Uint8Array) => SessionEffect[]
  /** What the session has taken over. */
  readonly secrets: readonly Uint8Array[]
}

/** A session whose peer has its keys, and says what it likes. */
function hostile(options: Partial<DatagramConnectOptions> = {}): Hostile {
  const { initiator: own, responder } = sessionsOf(DEFAULT_SUITE)
  const settings = settleDatagramConnect({ ...CONNECT, ...options }, 1200, 0)
  const how = { settings, remote: 1, paths: [PATH], counters: newDatagramCounters() }
  const session = new DatagramSession(own, how, 0)
  const limits = { records: 2 ** 24, bytes: 2 ** 34 }
  const peer = new DatagramRecords(responder, {
    ordering: 'window',
    epoch: limits,
    rekey: limits,
    padding: 0,
    mtu: 1200,
    remote: 2,
    random: randomBytes,
    encapsulate: encapsulateTo,
  })
  const secrets = [own.sendSecret, own.receiveSecret, own.ratchet]
  return { session, secrets, take: (content) => session.receive(peer.seal(content), PATH, 1) }
}

const ends = (effects: readonly SessionEffect[]): string[] =>
  effects.flatMap((effect) => (effect.kind === 'ended' ? [effect.end.error?.code ?? effect.end.kind] : []))

describe('channel over datagrams: a peer with the keys that does what it likes', () => {
  it('ends the session with a wrong content, also where the key is used up and no alert can be sealed', () => {
    const { session, take } = hostile({ epochRecords: 3 })
    for (let n = 0; n < 3; n++) session.sendOnce(1, new Uint8Array(1), undefined, 0)
    expect(ends(take(Uint8Array.of(0x99)))).to.deep.equal(['channel.content'])
    expect(session.ended).to.equal(true)
  })

  it('ends the session with an ack of a record that was never sent', () => {
    const { session, take } = hostile()
    session.sendOnce(1, new Uint8Array(1), undefined, 0)
    const ack = (newest: number): Uint8Array => encodeAck({ limit: 0, ranges: [{ low: newest, high: newest }] }, 100)
    expect(ends(take(ack(0)))).to.deep.equal([])
    expect(ends(take(ack(1)))).to.deep.equal(['channel.ack'])
  })

  it('ends the session with a message in the stream for fresh keys, and the other way round', () => {
    const message = Uint8Array.of(0x10, 0, 1, 42)
    const ticket = Uint8Array.of(0x14, 0, 0, 0, 1, 5)
    for (const [stream, content, code] of [
      [0, ticket, undefined],
      [0, message, 'channel.content'],
      [0, Uint8Array.of(0x17), 'channel.content'],
      [1, message, undefined],
      [1, ticket, 'channel.content'],
      [1, Uint8Array.of(0x12), 'channel.content'],
    ] as const) {
      const { session, take } = hostile()
      const effects = take(encodeSegment({ stream, offset: 0, bytes: encodeFrame(0x10, content) }))
      const [end] = ends([...effects, ...session.read(1).effects])
      expect(end, `${content[0]} in ${stream}`).to.equal(code)
    }
  })

  it('is told that this end has closed after 500 ms, then after twice as long each time, ten times and until it answers', () => {
    const { session, take } = hostile({ closeTimeout: 60_000, keepAlive: 60_000 })
    take(Uint8Array.of(0x22))
    session.flush(1, () => true)
    session.close(1)
    const told: number[] = []
    for (let now = 1; now < 59_000; now++) {
      const effects = [...session.tick(now), ...session.flush(now, () => true)]
      if (effects.some(({ kind }) => kind === 'send')) told.push(now)
    }
    expect(told.slice(0, 6)).to.deep.equal([1, 501, 1501, 3501, 7501, 15_501])
    expect(ends([...take(Uint8Array.of(0x25)), ...session.flush(59_000, () => true)])).to.deep.equal(['local'])
  })

  it('is not told more often that this end has closed because it says more', () => {
    const { session, take } = hostile()
    const sent = (effects: readonly SessionEffect[]): number => effects.filter(({ kind }) => kind === 'send').length
    session.close(1)
    expect(sent(session.flush(1, () => true))).to.equal(1)
    for (let n = 0; n < 30; n++) {
      expect(sent([...take(Uint8Array.of(0x10, 0, 1, 42)), ...session.flush(1, () => true)])).to.equal(0)
    }
    const answers = Array.from({ length: 30 }, () =>
      sent([...take(Uint8Array.of(0x12)), ...session.flush(1, () => true)]),
    )
    expect(
      answers.reduce((sum, n) => sum + n, 0),
      'ten in all',
    ).to.equal(9)
  })

  it('ends the session when it confirms a close that this end has not sent', () => {
    const { take } = hostile()
    expect(ends(take(Uint8Array.of(0x25)))).to.deep.equal(['channel.content'])
  })

  it('leaves no secret behind when the session has ended', () => {
    const { session, take, secrets } = hostile()
    for (const secret of secrets) expect(secret).not.to.deep.equal(new Uint8Array(32))
    take(Uint8Array.of(0x13, 2))
    expect(session.ended).to.equal(true)
    for (const secret of secrets) expect(secret).to.deep.equal(new Uint8Array(32))
  })

  it('is told with an alert that a message longer than this end takes has ended the session', async () => {
    const { client, server, listener } = await datagramPair({ server: { maxMessage: 500 } })
    collect(client)
    const { messages } = collect(server)
    // What a peer of ours would refuse to send.
    Object.defineProperty(client, 'maxMessage', { value: 501 })
    client.send(1, new Uint8Array(500))
    client.send(1, new Uint8Array(501))
    expect((await server.closed).error?.code).to.equal('channel.message.length')
    expect((await client.closed).kind).to.equal('alert')
    expect(messages).to.have.length(1)
    await listener.close()
  })
})
