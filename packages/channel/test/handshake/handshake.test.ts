import { expect } from 'chai'
import { toHex } from '@gridseal/wire'
import { randomBytes } from '@gridseal/pqc'
import { decodeServerHello, encodeServerHello } from '#src/handshake/hello.ts'
import { handshakeSecrets } from '#src/handshake/key-schedule.ts'
import { DEFAULT_SUITE } from '#src/handshake/suites.ts'
import { StaticKey } from '#src/identity/static-key.ts'
import { FIELD, HEAD, OTHER, STRANGER, pinned } from '../support/identities.ts'
import { HANDSHAKE_ALERT, initiator, record, responder } from '../support/handshake-pair.ts'

describe('channel handshake', () => {
  it('takes five messages and gives both ends the same secrets', () => {
    const { initiator: i, responder: r, steps } = record()
    expect(steps.map(({ name, frame }) => [name, frame[0], frame.length])).to.deep.equal([
      ['ClientHello', 0x01, 5 + 1709],
      ['ServerHello', 0x02, 5 + 1642],
      ["responder's auth", 0x10, 29 + 3 + 3309 + 32],
      ["initiator's auth", 0x10, 29 + 3 + 3309 + 32],
      ["responder's confirm", 0x04, 5 + 32],
    ])
    const [a, b] = [i.session!, r.session!]
    expect(a.sendSecret).to.deep.equal(b.receiveSecret)
    expect(a.receiveSecret).to.deep.equal(b.sendSecret)
    expect(a.sendSecret).not.to.deep.equal(a.receiveSecret)
  })

  it('tells each end whom it talks to and how much the other accepts', () => {
    const { initiator: i, responder: r } = record()
    expect([i.session!.peer.fingerprintText, i.session!.peerMaxMessage]).to.deep.equal([
      HEAD.publicKey.fingerprintText,
      2_000_000,
    ])
    expect([r.session!.peer.fingerprintText, r.session!.peerMaxMessage]).to.deep.equal([
      FIELD.publicKey.fingerprintText,
      1_000_000,
    ])
  })

  it('never gives the same secrets twice', () => {
    const secrets = [record(), record()].map(({ initiator: i }) => toHex(i.session!.sendSecret))
    expect(secrets[0]).not.to.equal(secrets[1])
  })

  it('works between identities of different algorithms', () => {
    const i = initiator({ identity: OTHER.publicKey }, OTHER)
    const { responder: r } = record(i)
    expect(r.session!.peer.algorithm).to.equal('ML-DSA-44')
    expect(i.session!.peer.algorithm).to.equal('ML-DSA-65')
  })

  it('overwrites what was made for it alone when the master exists, and what resumption leaves unused', () => {
    const secrets = [1, 2, 3].map((fill) => new Uint8Array(32).fill(fill))
    const [shared, toResponder, toInitiator] = secrets
    handshakeSecrets({ shared: shared!, toResponder, toInitiator }, new Uint8Array(64))
    for (const secret of secrets) expect(secret).to.deep.equal(new Uint8Array(32))

    const head = StaticKey.generate('X-Wing')
    const server = { identity: head.publicKey, staticKey: head }
    const ticket = {
      ticket: new Uint8Array(104),
      secret: new Uint8Array(32),
      suite: DEFAULT_SUITE.id,
      expires: Infinity,
    }
    const { steps } = record(initiator({ peer: head.publicKey, ticket }), responder(server))
    const i = initiator({ peer: head.publicKey, ticket })
    const sent = i.state as { toResponder: Uint8Array }
    expect(sent.toResponder).not.to.deep.equal(new Uint8Array(32))
    const answer = { ...decodeServerHello(steps[1]!.frame), resumed: true }
    i.frame(encodeServerHello(answer))
    expect([i.error, sent.toResponder]).to.deep.equal([undefined, new Uint8Array(32)])
  })

  it('overwrites the master secret when it is done, and when it fails', () => {
    const { initiator: i, responder: r } = record()
    const half = initiator()
    const [hello] = responder().frame(half.sent[0]!)
    half.frame(hello!)
    half.input({ kind: 'timeout' })
    for (const party of [i, r, half]) {
      const wiped = party.effects.filter((effect) => effect.kind === 'wipe').flatMap(({ secrets }) => secrets)
      // With it, the responder's Finished and the keys of both ends' handshake records.
      expect(wiped.map(({ length }) => length)).to.deep.equal([64 + 32 + 44 + 44])
    }
  })
})

describe('channel handshake: who is let in', () => {
  it('refuses a stranger before any randomness is drawn and anything is signed', () => {
    let drawn = 0
    const r = responder({
      random: (count) => (drawn++, randomBytes(count)),
      encapsulate: () => (drawn++, expect.fail('a KEM operation for a stranger')),
    })
    const i = initiator({ identity: STRANGER.publicKey }, STRANGER)
    const answer = r.frame(i.sent[0]!)
    expect(r.error?.code).to.equal('channel.peer.unknown')
    expect(r.error?.details).to.deep.equal({ fingerprint: toHex(STRANGER.publicKey.fingerprint) })
    expect(answer.map((frame) => toHex(frame))).to.deep.equal([HANDSHAKE_ALERT])
    expect([drawn, r.signed]).to.deep.equal([0, 0])
  })

  it('refuses a call for another identity before it looks the caller up', () => {
    const r = responder({ peers: () => expect.fail('a look-up') })
    const i = initiator({ peer: OTHER.publicKey })
    expect(r.frame(i.sent[0]!).map((frame) => toHex(frame))).to.deep.equal([HANDSHAKE_ALERT])
    expect(r.error?.code).to.equal('channel.peer.other')
  })

  it('refuses a responder that claims the pinned identity and signs with another key', () => {
    const { initiator: i } = record(initiator(), responder({}, STRANGER))
    expect(i.error?.code).to.equal('channel.handshake.signature')
    expect(i.session).to.equal(undefined)
    expect(i.signed).to.equal(0)
    expect(toHex(i.sent.at(-1)!)).to.equal(HANDSHAKE_ALERT)
  })

  it('refuses an initiator that claims a pinned identity and signs with another key', () => {
    const { initiator: i, responder: r } = record(initiator({}, STRANGER))
    expect(r.error?.code).to.equal('channel.handshake.signature')
    expect(r.session).to.equal(undefined)
    expect(i.error?.code).to.equal('channel.alert')
  })

  it('does not take the answer of server A for that of server B', () => {
    const toA = initiator({ peer: HEAD.publicKey })
    const toB = initiator({ peer: OTHER.publicKey })
    const a = responder()
    for (const frame of a.frame(toA.sent[0]!)) toB.frame(frame)
    expect(toB.error?.code).to.equal('channel.record.auth')
  })

  it('does not let A pose as B by passing the call on with the name changed', () => {
    const i = initiator({ peer: OTHER.publicKey })
    const renamed = i.sent[0]!.slice()
    renamed.set(HEAD.publicKey.fingerprint, 5 + 1 + 32 + 32)
    const a = responder()
    const answer = a.frame(renamed)
    expect(answer).to.have.length(2)
    for (const frame of answer) i.frame(frame)
    expect(i.error?.code).to.equal('channel.record.auth')
  })

  it('does not take one pinned client for another', () => {
    const i = initiator()
    const renamed = i.sent[0]!.slice()
    renamed.set(OTHER.publicKey.fingerprint, 5 + 1 + 32)
    for (const frame of responder().frame(renamed)) i.frame(frame)
    expect(i.error?.code).to.equal('channel.record.auth')
  })

  it('does not trust a look-up that returns the key of somebody else', () => {
    const r = responder({ peers: () => OTHER.publicKey })
    expect(r.frame(initiator().sent[0]!).map((frame) => toHex(frame))).to.deep.equal([HANDSHAKE_ALERT])
    expect(r.error?.code).to.equal('channel.peers')
  })

  it('fails, and does not throw, when the look-up throws', () => {
    const r = responder({
      peers: () => {
        throw new TypeError('no such table')
      },
    })
    expect(r.frame(initiator().sent[0]!).map((frame) => toHex(frame))).to.deep.equal([HANDSHAKE_ALERT])
    expect(r.error?.code).to.equal('channel.internal')
  })

  it('accepts who is pinned', () => {
    expect(record(initiator(), responder({ peers: pinned(FIELD) })).responder.session).not.to.equal(undefined)
  })
})
