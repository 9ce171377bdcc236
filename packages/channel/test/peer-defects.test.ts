import { expect } from 'chai'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, listen } from '@gridseal/transport'
import { toHex } from '@gridseal/wire'
import { randomBytes } from '@gridseal/pqc'
import { acceptChannel, connectChannel } from '@gridseal/channel'
import { finalSecrets, handshakeSecrets } from '#src/handshake/key-schedule.ts'
import { epochKeys, importKeys } from '#src/record/epoch.ts'
import { FrameReader } from '#src/record/frame-reader.ts'
import { RecordOpener } from '#src/record/opener.ts'
import { RecordSealer } from '#src/record/sealer.ts'
import { ACCEPT, CONNECT, channelPair, collect, settled } from './support/channel-pair.ts'
import { codeOf } from './support/code-of.ts'
import { HANDSHAKE_ALERT, initiator, record, responder } from './support/handshake-pair.ts'
import { STRANGER } from './support/identities.ts'

/*
 * Defects that another implementation of such a channel has had, one by one. Two more have their tests elsewhere: a
 * resumption without a fresh key agreement and a ticket that is bound to no server (handshake/resumption.test.ts).
 * A corrupted module is the self-test of pqc.
 */

const numbered = (n: number): Uint8Array => new TextEncoder().encode(`${n}`)
const UNLIMITED = { records: Infinity, bytes: Infinity }
const CIPHER = 'AES-256-GCM'

describe('channel: defects that a peer has had', () => {
  it('1. a deadlock when the limit of records is hit while a rekey is under way', async () => {
    const limits = { rekeyRecords: 3, epochRecords: 5, coalesce: false }
    const { client, server, clientEnd } = await channelPair(limits, limits)
    const [atClient, atServer] = [collect(client), collect(server)]
    // The answers are held back while both directions run over their limits many times.
    const held: Uint8Array[] = []
    clientEnd.between = (frame) => (held.push(frame), [])
    for (let n = 0; n < 200; n++) {
      client.send(1, numbered(n))
      server.send(2, numbered(n))
    }
    await settled()
    clientEnd.between = (frame) => [frame]
    for (const frame of held) clientEnd.forge(frame)
    await settled()
    await client.close()
    expect([atServer.texts.length, atClient.texts.length]).to.deep.equal([200, 200])
    for (const { counters } of [client, server]) expect(counters.rekeysSent).to.be.greaterThan(30)
    expect(client.counters.rekeysCompleted).to.be.greaterThan(0)
  })

  it('2. a race at the record where the new key begins: 0 to 40 records in flight, both directions', async () => {
    for (let inFlight = 0; inFlight <= 40; inFlight++) {
      const { client, server, clientEnd } = await channelPair({ coalesce: false }, { coalesce: false })
      const [atClient, atServer] = [collect(client), collect(server)]
      const { length: before } = clientEnd.written
      client.rekey()
      for (let n = 0; n < inFlight; n++) {
        client.send(1, numbered(n))
        server.send(2, numbered(n))
        if (n === inFlight >> 1) server.rekey()
        if (n % 5 === 4) await settled()
      }
      await client.close()
      expect([atServer.texts.length, atClient.texts.length], `${inFlight}`).to.deep.equal([inFlight, inFlight])
      // Beside the messages: the request, whatever else the exchange took, and the close.
      expect(clientEnd.written.length - before).to.be.within(inFlight + 2, inFlight + 6)
    }
  })

  it('3. a rekey that resets the replay protection', async () => {
    for (const which of ['the last before', 'the first after'] as const) {
      const { client, server, clientEnd } = await channelPair()
      const { texts } = collect(server)
      collect(client)
      client.send(1, numbered(0))
      await settled()
      const before = clientEnd.written.at(-1)!
      client.rekey()
      await settled()
      client.send(1, numbered(1))
      await settled()
      clientEnd.forge(which === 'the last before' ? before : clientEnd.written.at(-1)!)
      expect((await server.closed).error?.code, which).to.equal('channel.record.replay')
      expect(texts).to.deep.equal(['1:0', '1:1'])
    }
  })

  it('4. nonces that begin with zeros, the same in both directions', () => {
    const ivs = new Set<string>()
    for (let n = 0; n < 50; n++) {
      const agreed = handshakeSecrets({ shared: randomBytes(32) }, randomBytes(64))
      for (const role of ['initiator', 'responder'] as const) {
        const traffic = epochKeys(finalSecrets(agreed.master, agreed.master)[role], CIPHER)
        for (const { iv } of [importKeys(agreed[role], CIPHER), traffic]) {
          expect(toHex(iv.subarray(0, 4))).not.to.equal('00000000')
          ivs.add(toHex(iv))
        }
      }
    }
    expect(ivs.size).to.equal(200)
  })

  it('5. recursion over 10,000 control records in one segment', async () => {
    const { client, server, clientEnd } = await channelPair({ epochRecords: 1, coalesce: false })
    const { texts } = collect(server)
    const held: Uint8Array[] = []
    clientEnd.between = (frame) => (held.push(frame), [])
    // Each message but the first is preceded by the record that ends its epoch.
    for (let n = 0; n < 10_000; n++) client.send(1, new Uint8Array(0))
    await settled()
    clientEnd.forge(Buffer.concat(held))
    for (let i = 0; i < 100 && texts.length < 10_000; i++) await settled()
    expect([texts.length, server.counters.rekeysReceived]).to.deep.equal([10_000, 9_999])
  })

  it('6. a hello one byte at a time that holds the listener', async () => {
    const listener = await listen('tcp://127.0.0.1:0')
    const refused: Promise<string>[] = []
    const subscription = listener.connections.subscribe((connection) => {
      const accepting = acceptChannel(connection, { ...ACCEPT, helloTimeout: 300 })
      refused.push(
        accepting.then(
          (channel) => (channel.messages.subscribe(), 'established'),
          (error: { code: string }) => error.code,
        ),
      )
    })
    const hello = initiator().sent[0]!
    const slow = await connect(listener.url)
    slow.data.subscribe()
    let at = 0
    const dripping = setInterval(() => slow.write(hello.subarray(at, ++at)), 20)
    try {
      await sleep(50)
      const channel = await connectChannel(await connect(listener.url), CONNECT)
      channel.messages.subscribe()
      await channel.close()
      await slow.closed
      // It was cut off in the middle, however fast this machine drips.
      expect(at).to.be.within(1, hello.length - 1)
      expect((await Promise.all(refused)).toSorted()).to.deep.equal(['channel.handshake.timeout', 'established'])
    } finally {
      clearInterval(dripping)
      subscription.unsubscribe()
      await listener.close()
    }
  })

  it('7. a Finished that follows from the public transcript alone', () => {
    const transcript = randomBytes(64)
    const proofs = [randomBytes(32), randomBytes(32), new Uint8Array(32)].flatMap((shared) => {
      const { master, finished } = handshakeSecrets({ shared }, transcript)
      return [finished, finalSecrets(master, transcript).finished].map((proof) => toHex(proof))
    })
    expect(new Set(proofs).size).to.equal(6)
  })

  it('9. a rekey that is not authenticated', async () => {
    for (const kind of [0x11, 0x15, 0x16, 0x17]) {
      for (const type of [0x10, kind]) {
        const { client, server, clientEnd } = await channelPair()
        collect(server)
        collect(client)
        const forged = new Uint8Array(5 + 8 + 1 + 16)
        forged.set([type, 0, 0, 0, 25, 0, 0, 0, 0, 0, 0, 0, 0, kind])
        clientEnd.forge(forged)
        const { error } = await server.closed
        expect(error?.code).to.equal(type === 0x10 ? 'channel.record.auth' : 'channel.frame.type')
        expect(server.counters.rekeysReceived + server.counters.rekeysCompleted).to.equal(0)
      }
    }
  })

  it('10. the raw output of the key agreement as a key', () => {
    const shared = new Uint8Array(32).fill(0x51)
    const raw = epochKeys(shared.slice(), CIPHER)
    const { master, initiator, responder } = handshakeSecrets({ shared: shared.slice() }, new Uint8Array(64))
    const handshake = [master, initiator, responder].map((secret) => secret.slice(0, 32))
    const { all, ...parts } = finalSecrets(master, master)
    const session = Object.values<Uint8Array>(parts)
    expect(all.length).to.equal(32 * session.length)
    expect(new Set([...handshake, ...session].map((secret) => toHex(secret))).size).to.equal(3 + 6)
    for (const secret of [...handshake, ...session]) {
      expect(toHex(secret)).not.to.equal(toHex(shared))
      expect(toHex(epochKeys(secret, CIPHER).iv)).not.to.equal(toHex(raw.iv))
    }
  })

  it('11. roles and versions that are not bound: reflection, and versions beside ours', () => {
    const i = initiator()
    expect(i.frame(i.sent[0]!).map((frame) => toHex(frame))).to.deep.equal([HANDSHAKE_ALERT])
    for (const version of [0, 1, 2, 4, 6, 255]) {
      const hello = initiator().sent[0]!.slice()
      hello[5] = version
      const r = responder()
      expect([toHex(r.frame(hello)[0]!), r.error?.code]).to.deep.equal([HANDSHAKE_ALERT, 'channel.version'])
    }
  })

  it('12. reasons in alerts: every failure of a handshake is the same six bytes', () => {
    const hello = initiator().sent[0]!
    const broken = (change: (frame: Uint8Array) => void): Uint8Array => {
      const copy = hello.slice()
      change(copy)
      return copy
    }
    const failures = [
      broken((frame) => (frame[5] = 9)),
      broken((frame) => (frame[40]! ^= 1)),
      broken((frame) => (frame[72]! ^= 1)),
      broken((frame) => (frame[106] = 0)),
      broken((frame) => frame.fill(0, 113, 145)),
      broken((frame) => frame.fill(0xff, 145, 160)),
      initiator({ identity: STRANGER.publicKey }, STRANGER).sent[0]!,
      hello.subarray(0, 50),
      record().steps[1]!.frame,
    ]
    const codes = failures.map((frame) => {
      const r = responder()
      expect(r.frame(frame).map((sent) => toHex(sent))).to.deep.equal([HANDSHAKE_ALERT])
      return r.error?.code
    })
    expect(new Set(codes).size).to.be.at.least(6)
  })

  it('13. lengths of 255 and 256 where an alert has its text: ours has none, whatever comes is no more than an alert', () => {
    for (const length of [0, 1, 255, 256, 8192]) {
      const i = initiator()
      const alert = new Uint8Array(5 + length).fill(0x41)
      alert.set([0x7f, 0, 0, length >>> 8, length & 255])
      expect(i.frame(alert)).to.deep.equal([])
      expect(i.error?.code).to.equal('channel.alert')
      expect(i.error?.message.length).to.be.lessThan(100)
    }
  })

  it('14. lengths that point past the end: a frame of 65,537 bytes, and every length a frame can claim', () => {
    for (const length of [8193, 65_537, 2 ** 31, 2 ** 32 - 1]) {
      const reader = new FrameReader(8192)
      reader.push(Uint8Array.of(0x01, length >>> 24, length >>> 16, length >>> 8, length))
      expect(codeOf(() => reader.next())).to.equal('channel.frame.length')
    }
  })

  it('data before the other end has proven itself is refused', () => {
    const { steps } = record()
    const sealer = new RecordSealer(randomBytes(32), CIPHER, UNLIMITED)
    const r = steps[3]!.before.fork()
    r.frame(sealer.sealMessage(1, numbered(1)))
    expect([r.error?.code, r.session]).to.deep.equal(['channel.record.auth', undefined])
  })

  it('a record of an earlier epoch, and one whose number is near 2^64', () => {
    const secret = randomBytes(32)
    const sealer = new RecordSealer(secret.slice(), CIPHER, UNLIMITED)
    const opener = new RecordOpener(secret.slice(), CIPHER)
    opener.open(sealer.sealMessage(1, numbered(0)))
    opener.open(sealer.rekey())
    opener.rekey()
    const stale = new RecordSealer(secret.slice(), CIPHER, UNLIMITED)
    for (let n = 0; n < 2; n++) stale.sealMessage(1, numbered(n))
    expect(codeOf(() => opener.open(stale.sealMessage(1, numbered(2))))).to.equal('channel.record.auth')
    const far = sealer.sealMessage(1, numbered(3))
    far.fill(0xff, 5, 13)
    expect(codeOf(() => opener.open(far))).to.equal('channel.record.gap')
  })
})
