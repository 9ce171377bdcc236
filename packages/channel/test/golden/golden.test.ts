import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { fromHex, toHex } from '@gridseal/wire'
import { SigningKey, generateChKemKeyPair, generateKemKeyPair, generateX25519, randomBytes } from '@gridseal/pqc'
import { StaticKey } from '#src/identity/static-key.ts'
import { initiator, record, responder, scripted, scriptedEncapsulation } from '../support/handshake-pair.ts'
import { pinned } from '../support/identities.ts'
import { goldenRecords } from './records.ts'
import { kdf, messagesOf, name, open, openTraffic, sha512 } from '../support/second-implementation.ts'

interface Golden {
  readonly identities: Readonly<Record<'initiatorSeed' | 'responderSeed', string>>
  readonly maxMessage: Readonly<Record<'initiator' | 'responder', number>>
  readonly inputs: Readonly<
    Record<'initiatorKemSeed' | 'initiatorRandom' | 'responderEncapsulation' | 'responderRandom', string>
  >
  readonly signatures: Readonly<Record<'initiator' | 'responder', string>>
  readonly frames: readonly { readonly name: string; readonly hex: string }[]
  readonly trafficSecrets: Readonly<Record<'initiator' | 'responder', string>>
  readonly records: readonly string[]
}

const golden = JSON.parse(readFileSync(new URL('handshake.json', import.meta.url), 'utf8')) as Golden
const field = SigningKey.fromSeed('ML-DSA-65', fromHex(golden.identities.initiatorSeed))
const head = SigningKey.fromSeed('ML-DSA-65', fromHex(golden.identities.responderSeed))
const frames = golden.frames.map(({ hex }) => fromHex(hex))
const [clientHello, serverHello, responderAuth, initiatorAuth, responderConfirm] = frames as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
]

describe('channel: the golden handshake', () => {
  it('comes out byte for byte the same from the same randomness and signatures', () => {
    const { inputs, signatures, maxMessage } = golden
    const replayed = (hex: string): Pick<SigningKey, 'signSync'> => ({ signSync: () => fromHex(hex) })
    const i = initiator(
      {
        identity: field.publicKey,
        peer: head.publicKey,
        maxMessage: maxMessage.initiator,
        random: scripted(fromHex(inputs.initiatorKemSeed), fromHex(inputs.initiatorRandom)),
      },
      replayed(signatures.initiator),
    )
    const random = scripted(fromHex(inputs.responderEncapsulation), fromHex(inputs.responderRandom))
    const r = responder(
      {
        identity: head.publicKey,
        peers: pinned(field),
        maxMessage: maxMessage.responder,
        random,
        encapsulate: scriptedEncapsulation(random),
      },
      replayed(signatures.responder),
    )
    const { steps } = record(i, r)
    expect(steps.map((step) => toHex(step.frame))).to.deep.equal(golden.frames.map(({ hex }) => hex))
    expect(toHex(i.session!.sendSecret)).to.equal(golden.trafficSecrets.initiator)
    expect(toHex(r.session!.sendSecret)).to.equal(golden.trafficSecrets.responder)
  })

  it('reads as the document says: ClientHello', () => {
    const hello = Buffer.from(clientHello)
    expect(toHex(hello.subarray(0, 6), ' ')).to.equal('01 00 00 06 ad 03')
    expect(toHex(hello.subarray(6, 38))).to.equal(golden.inputs.initiatorRandom)
    expect(toHex(hello.subarray(38, 70))).to.equal(toHex(field.publicKey.fingerprint))
    expect(toHex(hello.subarray(70, 102))).to.equal(toHex(head.publicKey.fingerprint))
    expect(hello.readUInt32BE(102)).to.equal(golden.maxMessage.initiator)
    expect(toHex(hello.subarray(106, 113), ' ')).to.equal('01 00 01 00 01 06 40')
    const share = generateChKemKeyPair(fromHex(golden.inputs.initiatorKemSeed)).publicKey
    expect(toHex(hello.subarray(113, 113 + 1600))).to.equal(toHex(share))
  })

  it('reads as the document says: ServerHello', () => {
    const hello = Buffer.from(serverHello)
    expect(toHex(hello.subarray(0, 6), ' ')).to.equal('02 00 00 06 6a 03')
    expect(toHex(hello.subarray(6, 38))).to.equal(golden.inputs.responderRandom)
    expect(hello.readUInt32BE(38)).to.equal(golden.maxMessage.responder)
    expect(toHex(hello.subarray(42, 46), ' ')).to.equal('00 01 06 40')
    expect(hello.length).to.equal(46 + 1600 + 1)
  })

  it('can be followed to the traffic secrets by a second implementation of the document', () => {
    const keyPair = generateChKemKeyPair(fromHex(golden.inputs.initiatorKemSeed))
    const shared = keyPair.decapsulate(serverHello.subarray(46, 46 + 1600), 'responder')

    const none = new Uint8Array(0)
    const t0 = sha512(Buffer.from('gridseal-channel-3'))
    const t2 = sha512(sha512(t0, clientHello), serverHello)
    const agreed = kdf(name('master secret'), [shared, none, none, none, none, t2], 64 + 32 + 88)
    const [master, keys] = [agreed.subarray(0, 64), agreed.subarray(96)]

    // The responder's auth: kind 01, signature, Finished.
    const [initiatorKeys, responderKeys] = [keys.subarray(0, 44), keys.subarray(44)]
    const first = open(responderKeys, responderAuth)
    expect([first.sequence, first.content[0], first.content.readUInt16BE(1)]).to.deep.equal([0n, 0x01, 3309])
    const responderSignature = first.content.subarray(3, 3 + 3309)
    const signedBy = (role: string, transcript: Buffer): Buffer =>
      Buffer.concat([Buffer.from(name(`${role} signature`)), Buffer.from([0]), transcript])
    expect(head.publicKey.verify(signedBy('responder', t2), responderSignature)).to.equal(true)
    const t3 = sha512(t2, first.content.subarray(0, 3 + 3309))
    expect(toHex(first.content.subarray(3 + 3309))).to.equal(toHex(agreed.subarray(64, 96)))

    // The initiator's auth.
    const second = open(initiatorKeys, initiatorAuth)
    const initiatorSignature = second.content.subarray(3, 3 + 3309)
    expect(second.sequence).to.equal(0n)
    expect(field.publicKey.verify(signedBy('initiator', t3), initiatorSignature)).to.equal(true)
    const t4 = sha512(t3, second.content.subarray(0, 3 + 3309))
    const session = kdf(name('session'), [master, t4], 6 * 32)
    expect(toHex(second.content.subarray(3 + 3309))).to.equal(toHex(session.subarray(128, 160)))

    // The responder's confirm, without a ticket.
    expect(toHex(responderConfirm)).to.equal(`0400000020${toHex(session.subarray(160))}`)
    expect(toHex(session.subarray(0, 32))).to.equal(golden.trafficSecrets.initiator)
    expect(toHex(session.subarray(32, 64))).to.equal(golden.trafficSecrets.responder)
  })

  it('between static keys can be followed, too: three proofs, and the secrets of both legs of each ciphertext', () => {
    const seeds = { share: randomBytes(96), field: randomBytes(96), head: randomBytes(96) }
    const fieldKey = StaticKey.fromSeed('CH-KEM-v1', seeds.field)
    const headKey = StaticKey.fromSeed('CH-KEM-v1', seeds.head)
    const { initiator: i, steps } = record(
      initiator({
        identity: fieldKey.publicKey,
        staticKey: fieldKey,
        peer: headKey.publicKey,
        random: scripted(seeds.share, randomBytes(32)),
      }),
      responder({ identity: headKey.publicKey, staticKey: headKey, peers: () => fieldKey.publicKey }),
    )
    const [hello, answer, ...proofs] = steps.map(({ frame }) => Buffer.from(frame))
    // The extension with the static key is the last of each hello.
    const legs = (seed: Uint8Array, frame: Buffer): Uint8Array => {
      const ciphertext = frame.subarray(-1600)
      const [ctX, ctM] = [ciphertext.subarray(0, 32), ciphertext.subarray(32)]
      const mlKem = generateKemKeyPair('ML-KEM-1024', seed.subarray(32))
      return Buffer.concat([generateX25519(seed.subarray(0, 32)).agree(ctX), mlKem.decapsulate(ctM)])
    }
    const shared = generateChKemKeyPair(seeds.share).decapsulate(answer!.subarray(46, 46 + 1600), 'responder')
    const none = new Uint8Array(0)
    const t2 = sha512(sha512(sha512(Buffer.from('gridseal-channel-3')), hello!), answer!)
    const inputs = [shared, legs(seeds.head, hello!), legs(seeds.field, answer!), none, none, t2]
    const agreed = kdf(name('master secret'), inputs, 64 + 32 + 88)
    const session = kdf(name('session'), [agreed.subarray(0, 64), t2], 6 * 32)
    const expected = [agreed.subarray(64, 96), session.subarray(128, 160), session.subarray(160)]
    expect(proofs.map((frame) => toHex(frame))).to.deep.equal(expected.map((proof) => `0400000020${toHex(proof)}`))
    expect(toHex(i.session!.sendSecret)).to.equal(toHex(session.subarray(0, 32)))
  })

  it('is followed by records that come out byte for byte the same', () => {
    const secret = fromHex(golden.trafficSecrets.initiator)
    expect(goldenRecords(secret).map((bytes) => toHex(bytes))).to.deep.equal(golden.records)
  })

  it('is followed by records that a second implementation opens, messages that share a record among them', () => {
    const secret = fromHex(golden.trafficSecrets.initiator)
    const [one, two, three, rekey, next] = golden.records.map((hex) => fromHex(hex))
    const opened = [one!, two!, three!].map((bytes) => openTraffic(secret, bytes))
    expect(opened.map(({ sequence }) => sequence)).to.deep.equal([0n, 1n, 2n])
    expect(opened.flatMap(({ content }) => messagesOf(content))).to.deep.equal([
      '1:hello',
      '2:open breaker 12 until 60000',
      '3:close breaker 12 until 90000',
      '4:',
    ])
    expect(toHex(openTraffic(secret, rekey!).content)).to.equal('11')
    const { content } = openTraffic(kdf(name('next secret'), [secret], 32), next!)
    expect(messagesOf(content)).to.deep.equal(['5:next epoch'])
  })
})
