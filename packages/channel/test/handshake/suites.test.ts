import { expect } from 'chai'
import { toHex } from '@gridseal/wire'
import { decodeClientHello, encodeClientHello, encodeRetryRequest } from '#src/handshake/hello.ts'
import type { ClientHello } from '#src/handshake/hello.ts'
import { KEM_SIZES } from '#src/handshake/kem.ts'
import { DEFAULT_SUITES, SUITES, findSuite } from '#src/handshake/suites.ts'
import type { Suite } from '#src/handshake/suites.ts'
import { HANDSHAKE_ALERT, initiator, record, responder } from '../support/handshake-pair.ts'

const CH_KEM = findSuite('CH-KEM-v1, AES-256-GCM')!
const X_WING = findSuite('X-Wing, AES-256-GCM')!
const X_WING_CHACHA = findSuite('X-Wing, ChaCha20-Poly1305')!

/** The hello with changes. */
function changed(frame: Uint8Array, changes: Partial<ClientHello>): Uint8Array {
  return encodeClientHello({ ...decodeClientHello(frame), ...changes })
}

describe('channel suites', () => {
  for (const suite of SUITES) {
    it(`${suite.name}: a whole handshake, both ends with the same secrets`, () => {
      const {
        initiator: i,
        responder: r,
        steps,
      } = record(initiator({ suites: [suite] }), responder({ suites: [suite] }))
      expect(i.session?.sendSecret).to.deep.equal(r.session?.receiveSecret)
      expect([i.session?.suite, r.session?.suite]).to.deep.equal([suite, suite])
      const { publicKey, ciphertext } = KEM_SIZES[suite.kem]
      expect([steps[0]!.frame.length, steps[1]!.frame.length]).to.deep.equal([5 + 109 + publicKey, 5 + 42 + ciphertext])
    })
  }

  it('without a classical net are not offered unasked', () => {
    expect(DEFAULT_SUITES.map(({ kem }) => kem)).not.to.include('ML-KEM-768')
  })

  it("takes the first of the initiator's that is allowed, also where only the cipher differs, without a retry", () => {
    const chacha = findSuite('CH-KEM-v1, ChaCha20-Poly1305')!
    const { responder: r, steps } = record(initiator({ suites: SUITES }), responder({ suites: [X_WING, chacha] }))
    expect([r.session?.suite, steps.length]).to.deep.equal([chacha, 5])
  })

  it('refuses where nothing offered is allowed, before anything is computed', () => {
    const r = responder({ suites: [X_WING], encapsulate: () => expect.fail('a KEM operation') })
    expect(r.frame(initiator().sent[0]!).map((frame) => toHex(frame))).to.deep.equal([HANDSHAKE_ALERT])
    expect(r.error?.code).to.equal('channel.suite')
  })

  it('refuses shares whose length is not that of the suite, of all sizes', () => {
    for (const suite of DEFAULT_SUITES) {
      const hello = initiator({ suites: [suite] }).sent[0]!
      for (const length of [0, 1, 32, KEM_SIZES[suite.kem].publicKey - 1, KEM_SIZES[suite.kem].publicKey + 1]) {
        const r = responder({ suites: [suite] })
        r.frame(changed(hello, { share: new Uint8Array(length) }))
        expect(r.error?.code, `${suite.name} ${length}`).to.equal('pqc.key.length')
      }
    }
  })

  it('refuses X25519 shares of low order and ML-KEM keys that are not reduced, with the same bytes', () => {
    for (const [suite, x25519At] of [
      [CH_KEM, 0],
      [X_WING, 1184],
    ] as const) {
      const hello = initiator({ suites: [suite] }).sent[0]!
      const { share } = decodeClientHello(hello)
      const lowOrder = share.slice().fill(0, x25519At, x25519At + 32)
      const notReduced = share.slice()
      notReduced.fill(0xff, x25519At === 0 ? 32 : 0, x25519At === 0 ? 35 : 3)
      for (const [bytes, code] of [
        [lowOrder, 'pqc.x25519.low-order'],
        [notReduced, 'pqc.key.invalid'],
      ] as const) {
        const r = responder({ suites: [suite] })
        const answer = r.frame(changed(hello, { share: bytes }))
        expect([r.error?.code, toHex(answer[0]!)]).to.deep.equal([code, HANDSHAKE_ALERT])
      }
    }
  })
})

describe('channel downgrade', () => {
  it('cannot be forced by taking the better suites out of the offer', () => {
    const i = initiator({ suites: [CH_KEM, X_WING] })
    const r = responder({ suites: SUITES })
    // The man in the middle makes the responder believe that only X-Wing is offered: it asks for another share.
    const [request] = r.frame(changed(i.sent[0]!, { suites: [X_WING.id], shareSuite: X_WING.id }))
    // The share has the wrong length then; with a share of his own making the transcript differs.
    expect(toHex(request!)).to.equal(HANDSHAKE_ALERT)
    const other = initiator({ suites: [X_WING] })
    const answer = responder({ suites: SUITES }).frame(other.sent[0]!)
    for (const frame of answer) i.frame(frame)
    expect(i.error?.code).to.equal('channel.suite')
  })

  it('cannot be forced by a retry for a weaker suite: the responder sees what was offered first', () => {
    const i = initiator({ suites: [CH_KEM, X_WING] })
    const [second] = i.frame(encodeRetryRequest({ suite: X_WING.id, cookie: new Uint8Array(136) }))
    const r = responder({ suites: SUITES })
    r.frame(second!)
    expect(r.error?.code).to.equal('channel.cookie')
  })

  it('to a suite that was not offered, or of another share, is refused in the ServerHello', () => {
    for (const suite of [X_WING_CHACHA.id, X_WING.id, 0x0000, 0xffff]) {
      const { steps } = record()
      const forged = steps[1]!.frame.slice()
      forged.set([suite >>> 8, suite & 0xff], 42)
      const i = steps[1]!.before.fork()
      i.frame(forged)
      expect([i.error?.code, toHex(i.sent[0]!)]).to.deep.equal(['channel.suite', HANDSHAKE_ALERT])
    }
  })

  it('of the cipher alone shows in the transcript', () => {
    const suites = [CH_KEM, findSuite('CH-KEM-v1, ChaCha20-Poly1305')!]
    const { steps } = record(initiator({ suites }), responder({ suites }))
    const forged = steps[1]!.frame.slice()
    forged[43] = 2
    const i = steps[1]!.before.fork()
    i.frame(forged)
    i.frame(steps[2]!.frame)
    expect(i.error?.code).to.equal('channel.record.auth')
  })
})

describe('channel HelloRetryRequest', () => {
  const offer = [CH_KEM, X_WING]
  const only = (suite: Suite, more: object = {}): ReturnType<typeof responder> =>
    responder({ suites: [suite], ...more })

  it('is sent where the share is for a suite that is not allowed; the handshake goes on with a new share', () => {
    const { initiator: i, responder: r, steps } = record(initiator({ suites: offer }), only(X_WING))
    expect(steps.map(({ frame }) => frame[0])).to.deep.equal([0x01, 0x03, 0x01, 0x02, 0x10, 0x10, 0x04])
    expect(steps[1]!.frame.length).to.equal(146)
    expect(i.session?.sendSecret).to.deep.equal(r.session?.receiveSecret)
    expect(r.session?.suite).to.equal(X_WING)
  })

  it('costs the responder no key agreement and no randomness', () => {
    const r = only(X_WING, { encapsulate: () => expect.fail('KEM'), random: () => expect.fail('randomness') })
    expect(r.frame(initiator({ suites: offer }).sent[0]!)[0]![0]).to.equal(0x03)
  })

  it('may come from one process and be answered at another connection of it: the cookie has all', () => {
    const shared = only(X_WING)
    const i = initiator({ suites: offer })
    const before = shared.fork()
    const [request] = shared.frame(i.sent[0]!)
    const [second] = i.frame(request!)
    const answer = before.frame(second!)
    for (const frame of answer) i.frame(frame)
    expect(i.error).to.equal(undefined)
  })

  it('with a cookie alone keeps the share', () => {
    const { steps, initiator: i } = record(initiator(), responder({ demandCookie: () => true }))
    expect(steps.length).to.equal(7)
    const shares = [steps[0]!, steps[2]!].map(({ frame }) => toHex(decodeClientHello(frame).share))
    expect(shares[0]).to.equal(shares[1])
    expect(i.session).not.to.equal(undefined)
  })

  it('a second time is refused by the initiator', () => {
    const i = initiator({ suites: offer })
    const request = encodeRetryRequest({ suite: X_WING.id, cookie: new Uint8Array(8) })
    expect(i.frame(request)).to.have.length(1)
    expect(i.frame(request).map((frame) => toHex(frame))).to.deep.equal([HANDSHAKE_ALERT])
    expect(i.error?.code).to.equal('channel.retry')
  })

  it('a second time is not sent by the responder', () => {
    const r = only(X_WING)
    const hello = initiator({ suites: offer }).sent[0]!
    r.frame(hello)
    r.frame(hello)
    expect(r.error?.code).to.equal('channel.retry')
  })

  it('for a suite that was not offered, or that changes nothing, is refused', () => {
    for (const [suite, cookie] of [
      [0x0021, 8],
      [CH_KEM.id, 0],
    ] as const) {
      const i = initiator({ suites: offer })
      i.frame(encodeRetryRequest({ suite, cookie: new Uint8Array(cookie) }))
      expect(i.error?.code).to.equal('channel.retry')
    }
  })

  it('must be followed by the same hello but for share and cookie', () => {
    const r = only(X_WING)
    const i = initiator({ suites: offer })
    const [request] = r.frame(i.sent[0]!)
    const [second] = i.frame(request!)
    for (const changes of [
      { random: new Uint8Array(32) },
      { suites: [X_WING.id] },
      { maxMessage: 1 },
      { ticket: new Uint8Array(10) },
    ]) {
      const fork = r.fork()
      fork.frame(changed(second!, changes))
      expect(fork.error?.code, Object.keys(changes)[0]).to.equal('channel.retry')
    }
    const other = r.fork()
    other.frame(changed(second!, { shareSuite: CH_KEM.id }))
    expect(other.error?.code).to.equal('channel.suite')
  })

  it('shows in the transcript: its bytes cannot be changed on the way', () => {
    const { steps } = record(initiator({ suites: offer }), only(X_WING))
    const i = steps[1]!.before.fork()
    const forged = steps[1]!.frame.slice()
    forged[forged.length - 1]! ^= 1
    const [second] = i.frame(forged)
    const r = steps[2]!.before.fork()
    r.frame(second!)
    expect(r.error?.code).to.equal('channel.cookie')
  })
})
