import { expect } from 'chai'
import {
  ChannelGuard,
  StaticKey,
  TicketKeys,
  TicketStore,
  configuredKeys,
  connectDatagram,
  listenDatagram,
} from '@gridseal/channel'
import type { DatagramListener } from '@gridseal/channel'
import { SigningKey } from '@gridseal/pqc'
import { UsageError, crc32c } from '@gridseal/wire'
import { decodePlain, encodeFragment, encodePlainAlert } from '#src/datagram/packet.ts'
import { ACCEPT, CONNECT, collect, refusal, settled } from '../support/channel-pair.ts'
import { FIELD_URL, HEAD_URL, QUICK, datagramPair, until } from '../support/datagram-pair.ts'
import { FaultNet } from '../support/fault-net.ts'
import type { Passing } from '../support/fault-net.ts'
import { HEAD, STRANGER } from '../support/identities.ts'

const text = (value: string): Uint8Array => new TextEncoder().encode(value)

/** The packet with one byte changed, and the check sum that fits it again. */
function forged({ bytes, ...way }: Passing, at: number): Passing {
  const changed = Uint8Array.from(bytes)
  changed[at]! ^= 0x20
  if (changed[0]! !== 0x22) {
    new DataView(changed.buffer).setUint32(changed.length - 4, crc32c(changed, 0, changed.length - 4))
  }
  return { bytes: changed, ...way }
}

/** The packets of a whole handshake, in order. */
async function recorded(): Promise<Passing[]> {
  const { net, stop } = await datagramPair({ prepare: (each) => (each.record = true) })
  const packets = net.seen.filter(({ bytes }) => bytes[0] !== 0x22)
  await stop()
  return packets
}

interface Attempt {
  readonly outcome: string
  readonly failures: string[]
  readonly listener: DatagramListener
  readonly net: FaultNet
}

/** A handshake with a man in the middle, and how it went. */
async function attempt(between: FaultNet['between'], timeout = 300): Promise<Attempt> {
  const net = new FaultNet(1)
  net.between = between
  const quick = { ...QUICK, handshakeTimeout: timeout }
  const listener = listenDatagram([net.link(HEAD_URL)], { ...ACCEPT, ...quick })
  const failures: string[] = []
  listener.failures.subscribe(({ error }) => failures.push(error.code))
  const call = connectDatagram([{ link: net.link(FIELD_URL), to: HEAD_URL }], { ...CONNECT, ...quick })
  const outcome = await call.then(
    async (channel) => {
      void channel.close()
      await channel.closed
      return 'established'
    },
    (error: { code: string }) => error.code,
  )
  await listener.close()
  return { outcome, failures, listener, net }
}

describe('channel over datagrams: a man in the middle of the handshake', () => {
  let packets: Passing[]

  before(async () => {
    packets = await recorded()
  })

  it('there are a hello, a retry, a hello with its token, an answer, an auth and a confirm', () => {
    const kinds = packets.map(({ bytes, from }) => {
      const packet = decodePlain(bytes)
      return `${from === FIELD_URL ? 'i' : 'r'} ${packet.kind === 'fragment' ? packet.number : packet.kind}`
    })
    expect([...new Set(kinds)]).to.deep.equal(['i 0', 'r retry', 'r 0', 'r 1', 'i 1', 'r 2'])
  })

  it('noise in any packet is loss: the handshake is done all the same', async () => {
    for (let step = 0; step < packets.length; step++) {
      let count = 0
      const { outcome } = await attempt((packet) => {
        if (count++ !== step) return [packet]
        const bytes = packet.bytes.slice()
        bytes[bytes.length >> 1]! ^= 1
        return [{ ...packet, bytes }]
      }, 10_000)
      expect(outcome, `step ${step}`).to.equal('established')
    }
  }).timeout(60_000)

  it('each packet once lost, twice there, or late by ten others: the handshake is done all the same', async () => {
    for (let step = 0; step < packets.length; step++) {
      for (const copies of [0, 2]) {
        let count = 0
        const { outcome } = await attempt(
          (packet) => (count++ === step ? Array(copies).fill(packet) : [packet]),
          10_000,
        )
        expect(outcome, `step ${step}, ${copies} copies`).to.equal('established')
      }
    }
  }).timeout(60_000)

  it('a change that fits the check sum ends in the same generic alert or in silence, never in a channel', async () => {
    const before = new Set(['channel.alert', 'channel.handshake.timeout'])
    const gathered = new Map<string, Passing>()
    for (const each of packets) {
      const packet = decodePlain(each.bytes)
      if (packet.kind !== 'fragment' || (packet.receiver === 0 && packet.token.length === 0)) continue
      gathered.set(`${each.from} ${packet.number} ${packet.offset}`, each)
    }
    expect(gathered.size).to.equal(11)
    for (const [step, { bytes: original, from }] of gathered) {
      const { length } = original
      for (const at of [Math.min(60, length - 5), length >> 1, length - 6]) {
        // Always the same place of the same kind of packet: what is sent again is changed again.
        const kind = decodePlain(original)
        const hit = (packet: Passing): boolean => {
          if (packet.from !== from || packet.bytes[0] === 0x22) return false
          const other = decodePlain(packet.bytes)
          return (
            kind.kind === 'fragment' &&
            other.kind === 'fragment' &&
            kind.number === other.number &&
            kind.offset === other.offset &&
            (other.receiver !== 0 || other.token.length > 0)
          )
        }
        const { outcome } = await attempt((packet) => (hit(packet) ? [forged(packet, at)] : [packet]))
        const own =
          /^(channel\.handshake\.|channel\.record\.auth|channel\.content|pqc\.|decode\.|channel\.frame|channel\.(hello|suite|version))/
        expect(before.has(outcome) || own.test(outcome), `step ${step}, byte ${at}: ${outcome}`).to.equal(true)
      }
    }
  }).timeout(120_000)

  it('every packet cut short at the end, for good, is no channel', async () => {
    for (const cut of [1, 4, 40]) {
      const { outcome } = await attempt((packet) => [{ ...packet, bytes: packet.bytes.slice(0, -cut) }], 100)
      expect(outcome).to.equal('channel.handshake.timeout')
    }
  })

  it('own packets that come back, and those of another session, have no effect', async () => {
    const { outcome, listener } = await attempt((packet) => {
      const mirrored = { bytes: packet.bytes, from: packet.to, to: packet.from }
      const foreign = packets.filter(({ to }) => to === packet.to)
      return [mirrored, ...foreign, packet]
    }, 15_000)
    expect(outcome).to.equal('established')
    expect(listener.counters.unknown).to.be.greaterThan(0)
    expect(listener.counters.established).to.equal(1)
  })

  it('an alert or a fragment for a handshake from another address has no effect', async () => {
    const net = new FaultNet(1)
    const listener = listenDatagram([net.link(HEAD_URL)], { ...ACCEPT, ...QUICK })
    let strange = 0
    net.between = (packet) => {
      const plain = packet.bytes[0] === 0x22 ? undefined : decodePlain(packet.bytes)
      if (plain?.kind === 'fragment' && packet.to === HEAD_URL && plain.receiver !== 0 && strange === 0) {
        const elsewhere = { from: 'udp://10.6.6.6:6', to: HEAD_URL }
        net.inject({ ...elsewhere, bytes: encodePlainAlert(plain.receiver, plain.sender, 1) })
        net.inject({ ...elsewhere, bytes: encodeFragment({ ...plain, bytes: plain.bytes.map((byte) => byte ^ 1) }) })
        strange = 2
      }
      return [packet]
    }
    const channel = await connectDatagram([{ link: net.link(FIELD_URL), to: HEAD_URL }], { ...CONNECT, ...QUICK })
    expect([strange, listener.counters.unknown, listener.counters.failed]).to.deep.equal([2, 2, 0])
    channel.destroy()
    await listener.close()
  })

  it('an old token, one of another address or connection, or none, gets a new one and nothing else', async () => {
    const net = new FaultNet(1)
    const listener = listenDatagram([net.link(HEAD_URL)], { ...ACCEPT, ...QUICK })
    const link = net.link('udp://10.0.0.66:6')
    const answers: Uint8Array[] = []
    link.packets.subscribe(({ bytes }) => answers.push(bytes))
    const withToken = packets.filter(({ to }) => to === HEAD_URL).map(({ bytes }) => decodePlain(bytes))
    const hellos = withToken.filter((packet) => packet.kind === 'fragment' && packet.receiver === 0)
    for (const packet of hellos) if (packet.kind === 'fragment') link.send(encodeFragment(packet), HEAD_URL)
    await settled()
    expect(answers.length).to.equal(hellos.length)
    for (const answer of answers) expect(decodePlain(answer).kind).to.equal('retry')
    expect([listener.halfOpen, listener.counters.established, listener.counters.failed]).to.deep.equal([0, 0, 0])
    await listener.close()
  })

  it('100,000 first packets cost no memory, no key agreement, and no answer that is longer than they are', async () => {
    const net = new FaultNet(1)
    let computed = 0
    const peers: (typeof ACCEPT)['peers'] = (fingerprint) => {
      computed++
      return ACCEPT.peers(fingerprint)
    }
    const listener = listenDatagram([net.link(HEAD_URL)], { ...ACCEPT, ...QUICK, peers })
    const link = net.link('udp://10.0.0.66:6')
    let [sent, received] = [0, 0]
    link.packets.subscribe(({ bytes }) => (received += bytes.length))
    const hello = decodePlain(packets[0]!.bytes)
    if (hello.kind !== 'fragment') throw new Error(hello.kind)
    for (let n = 0; n < 100_000; n++) {
      const bytes = encodeFragment({ ...hello, sender: n + 1, bytes: hello.bytes.subarray(0, n % 100) })
      sent += bytes.length
      net.inject({ bytes, from: link.url, to: HEAD_URL })
      if (n % 1000 === 0) await settled()
    }
    await settled()
    expect([listener.halfOpen, computed]).to.deep.equal([0, 0])
    expect(received).to.be.at.most(sent)
    expect(listener.counters.retries + listener.counters.unanswered).to.equal(100_000)
    expect(listener.counters.unanswered).to.be.greaterThan(0)
    await listener.close()
  }).timeout(60_000)
})

describe('channel over datagrams: identities and suites', () => {
  it('strangers and wrong servers get a generic alert at once', async () => {
    const net = new FaultNet(1)
    const listener = listenDatagram([net.link(HEAD_URL)], { ...ACCEPT, ...QUICK })
    const failures: string[] = []
    listener.failures.subscribe(({ error }) => failures.push(error.code))
    const call = (options: object): Promise<unknown> =>
      connectDatagram([{ link: net.link(FIELD_URL), to: HEAD_URL }], { ...CONNECT, ...QUICK, ...options })
    expect(await refusal(call({ identity: STRANGER }))).to.equal('channel.alert')
    expect(await refusal(call({ peer: STRANGER.publicKey }))).to.equal('channel.alert')
    expect(await refusal(call({ ordering: 'greater-than-last' }))).to.equal('channel.alert')
    expect(failures).to.deep.equal(['channel.peer.unknown', 'channel.peer.other', 'channel.ordering'])
    expect([listener.halfOpen, listener.open]).to.deep.equal([0, 0])
    expect(() => listener.show(STRANGER)).to.throw(UsageError, 'never another key')
    await listener.close()
  })

  it('a key that cannot sign any more fails the handshake, and nothing else', async () => {
    const net = new FaultNet(1)
    const identity = SigningKey.fromSeed('ML-DSA-65', HEAD.toSeed())
    const listener = listenDatagram([net.link(HEAD_URL)], { ...ACCEPT, ...QUICK, identity })
    const failures: string[] = []
    listener.failures.subscribe(({ error }) => failures.push(error.code))
    identity.destroy()
    const call = connectDatagram([{ link: net.link(FIELD_URL), to: HEAD_URL }], { ...CONNECT, ...QUICK })
    expect(await refusal(call)).to.equal('channel.alert')
    expect([failures, listener.halfOpen]).to.deep.equal([['pqc.key.destroyed'], 0])
    await listener.close()
  })

  it('a share for the wrong suite is asked for again: HelloRetryRequest under loss', async () => {
    const faults = { drop: 0.2, duplicate: 0.2 }
    const { client, stop } = await datagramPair({
      seed: 5,
      faults,
      client: { suites: ['X-Wing, AES-256-GCM', 'CH-KEM-v1, ChaCha20-Poly1305'] },
      server: { suites: ['CH-KEM-v1, ChaCha20-Poly1305'] },
    })
    expect(client.suite).to.equal('CH-KEM-v1, ChaCha20-Poly1305')
    await stop()
  })

  it('static keys, pre-shared keys and padding', async () => {
    const [field, head] = [StaticKey.generate('X-Wing'), StaticKey.generate('X-Wing')]
    const sharedKeys = configuredKeys({ id: text('site 7'), key: new Uint8Array(32).fill(7) })
    const { client, server, stop } = await datagramPair({
      faults: { drop: 0.1 },
      client: { identity: field, peer: head.publicKey, sharedKeys, padding: 128 },
      server: { identity: head, peers: () => field.publicKey, sharedKeys, padding: 128 },
    })
    const { texts } = collect(server)
    client.send(3, text('padded'))
    await until('it is there', () => texts.length > 0)
    expect(texts).to.deep.equal(['3:padded'])
    await stop()
  })

  it('a session is resumed with the ticket of the last one, under loss', async () => {
    const ticketStore = new TicketStore()
    const ticketKeys = TicketKeys.generate()
    const options = { faults: { drop: 0.2 }, client: { ticketStore }, server: { ticketKeys } }
    const first = await datagramPair({ ...options, seed: 1 })
    await until('the ticket is there', () => ticketStore.size === 1)
    expect(first.client.resumed).to.equal(false)
    await first.stop()
    const second = await datagramPair({ ...options, seed: 2 })
    expect([second.client.resumed, second.server.resumed]).to.deep.equal([true, true])
    await second.stop()
  })

  it('a handshake that nobody answers ends in time, and leaves nothing', async () => {
    const net = new FaultNet(1, { drop: 1 })
    const link = net.link(FIELD_URL)
    const options = { ...CONNECT, ...QUICK, handshakeTimeout: 80 }
    expect(await refusal(connectDatagram([{ link, to: HEAD_URL }], options))).to.equal('channel.handshake.timeout')
    expect((await link.closed).kind).to.equal('local')
  })

  it('a first message that does not become whole is given up after helloTimeout', async () => {
    let count = 0
    const drop = (packet: Passing): Passing[] => {
      const plain = packet.bytes[0] === 0x22 ? undefined : decodePlain(packet.bytes)
      // The second fragment of the hello never comes.
      return plain?.kind === 'fragment' && plain.receiver === 0 && plain.offset > 0 && count++ >= 0 ? [] : [packet]
    }
    const net = new FaultNet(1)
    net.between = drop
    const listener = listenDatagram([net.link(HEAD_URL)], { ...ACCEPT, ...QUICK, helloTimeout: 30 })
    const failures: string[] = []
    listener.failures.subscribe(({ error }) => failures.push(error.code))
    const options = { ...CONNECT, ...QUICK, handshakeTimeout: 500, retransmit: 400 }
    await refusal(connectDatagram([{ link: net.link(FIELD_URL), to: HEAD_URL }], options))
    expect(failures[0]).to.equal('channel.handshake.timeout')
    await listener.close()
  })

  it('a listener that closes fails the handshakes under way: its guard counts none of them any more', async () => {
    const net = new FaultNet(1)
    // The initiator's auth never comes.
    net.between = (packet) => {
      const plain = packet.bytes[0] === 0x22 ? undefined : decodePlain(packet.bytes)
      return plain?.kind === 'fragment' && packet.to === HEAD_URL && plain.number === 1 ? [] : [packet]
    }
    const guard = new ChannelGuard()
    const listener = listenDatagram([net.link(HEAD_URL)], { ...ACCEPT, ...QUICK, guard })
    const failures: string[] = []
    listener.failures.subscribe(({ error }) => failures.push(error.code))
    const options = { ...CONNECT, ...QUICK, handshakeTimeout: 300 }
    const call = refusal(connectDatagram([{ link: net.link(FIELD_URL), to: HEAD_URL }], options))
    await until('it is half open', () => guard.halfOpen === 1)
    await listener.close()
    expect([guard.halfOpen, listener.halfOpen, guard.counters.failed]).to.deep.equal([0, 0, 1])
    expect([failures, listener.counters.failed]).to.deep.equal([['channel.truncated'], 1])
    expect(await call).to.equal('channel.handshake.timeout')
    expect(listener.counters.established).to.equal(0)
  })

  it('more channels than allowed are refused', async () => {
    const { net, stop, listener } = await datagramPair({ server: { maxChannels: 1 } })
    const link = net.link('udp://10.0.0.3:1')
    const options = { ...CONNECT, ...QUICK, handshakeTimeout: 100 }
    expect(await refusal(connectDatagram([{ link, to: HEAD_URL }], options))).to.equal('channel.handshake.timeout')
    expect(listener.counters.refused).to.be.greaterThan(0)
    await stop()
  })

  it('wrong options are refused at the call', async () => {
    const net = new FaultNet(1)
    const call = (options: object): Promise<unknown> =>
      connectDatagram([{ link: net.link(FIELD_URL), to: HEAD_URL }], { ...CONNECT, ...options } as typeof CONNECT)
    for (const options of [{ mtu: 100 }, { ordering: 'strict' }, { use: 'both' }, { keepAlive: 0 }, { nonsense: 1 }]) {
      expect(await refusal(call(options)), JSON.stringify(options)).to.equal('channel.option')
    }
    expect(await refusal(connectDatagram([], CONNECT))).to.equal('channel.option')
  })
})
