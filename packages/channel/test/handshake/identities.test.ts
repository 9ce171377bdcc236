import { expect } from 'chai'
import { toHex } from '@gridseal/wire'
import { configuredKeys } from '#src/identity/shared-key.ts'
import { StaticKey, StaticPublicKey } from '#src/identity/static-key.ts'
import type { KemName } from '#src/handshake/suites.ts'
import { decodeClientHello, decodeServerHello } from '#src/handshake/hello.ts'
import type { ClientHello, ServerHello } from '#src/handshake/hello.ts'
import { systemRandomness } from '#src/handshake/randomness.ts'
import { codeOf } from '../support/code-of.ts'
import { HANDSHAKE_ALERT, initiator, record, responder } from '../support/handshake-pair.ts'
import type { Recorded } from '../support/handshake-pair.ts'
import { FIELD, HEAD } from '../support/identities.ts'

const KEMS: readonly KemName[] = ['CH-KEM-v1', 'X-Wing', 'ML-KEM-768']
const fieldKey = StaticKey.generate('X-Wing')
const headKey = StaticKey.generate('CH-KEM-v1')
const known = (key: StaticKey) => (): StaticPublicKey => key.publicKey

/** A handshake between two static keys; either may be in the hands of somebody else. */
function staticRun(own = fieldKey, other = headKey, claimsI = own.publicKey, claimsR = other.publicKey): Recorded {
  return record(
    initiator({ identity: claimsI, staticKey: own, peer: claimsR }),
    responder({ identity: claimsR, staticKey: other, peers: () => claimsI }),
  )
}

describe('channel identities: static KEM keys', () => {
  for (const kem of KEMS) {
    it(`${kem}: both ends are authenticated without any signature`, () => {
      const { initiator: i, responder: r, steps } = staticRun(StaticKey.generate(kem), StaticKey.generate(kem))
      expect([i.session?.sendSecret, i.signed, r.signed]).to.deep.equal([r.session?.receiveSecret, 0, 0])
      // Three proofs, which are all there is to say.
      expect(steps.slice(2).map(({ frame }) => [frame[0], frame.length])).to.deep.equal(Array(3).fill([0x04, 5 + 32]))
    })
  }

  it('CH-KEM-v1: one X25519 key of each end for all that it encapsulates, its ML-KEM parts each for itself', () => {
    const [own, other] = [StaticKey.generate('CH-KEM-v1'), StaticKey.generate('CH-KEM-v1')]
    const fresh = (): { readonly hello: ClientHello; readonly answer: ServerHello } => {
      const {
        initiator: i,
        responder: r,
        steps,
      } = record(
        initiator({ identity: own.publicKey, staticKey: own, peer: other.publicKey, random: systemRandomness }),
        responder({ identity: other.publicKey, staticKey: other, peers: known(own), random: systemRandomness }),
      )
      expect(i.session?.sendSecret).to.deep.equal(r.session?.receiveSecret)
      return { hello: decodeClientHello(steps[0]!.frame), answer: decodeServerHello(steps[1]!.frame) }
    }
    const x25519 = (bytes: Uint8Array | undefined): string => toHex(bytes!.subarray(0, 32))
    const mlKem = (bytes: Uint8Array | undefined): string => toHex(bytes!.subarray(32))
    const seen = new Set<string>()
    for (const { hello, answer } of [fresh(), fresh()]) {
      expect(x25519(hello.staticKey)).to.equal(x25519(hello.share))
      expect(x25519(answer.staticKey)).to.equal(x25519(answer.ciphertext))
      for (const part of [hello.share, answer.ciphertext].map(x25519)) seen.add(part)
      for (const part of [hello.staticKey, answer.staticKey, answer.ciphertext].map(mlKem)) seen.add(part)
    }
    expect(seen.size).to.equal(10)
  })

  it('may be mixed with signature keys, either way round', () => {
    const fieldStatic = record(
      initiator({ identity: fieldKey.publicKey, staticKey: fieldKey }),
      responder({ peers: known(fieldKey) }),
    )
    expect([fieldStatic.initiator.signed, fieldStatic.responder.signed]).to.deep.equal([0, 1])
    const headStatic = record(
      initiator({ peer: headKey.publicKey }),
      responder({ identity: headKey.publicKey, staticKey: headKey }),
    )
    expect([headStatic.initiator.signed, headStatic.responder.signed]).to.deep.equal([1, 0])
    for (const { initiator: i, responder: r } of [fieldStatic, headStatic]) {
      expect(i.session?.receiveSecret).to.deep.equal(r.session?.sendSecret)
    }
  })

  it('refuses a responder that has not the pinned key', () => {
    const impostor = StaticKey.generate('CH-KEM-v1')
    const { initiator: i, responder: r } = staticRun(fieldKey, impostor, fieldKey.publicKey, headKey.publicKey)
    expect([i.error?.code, r.session]).to.deep.equal(['channel.handshake.finished', undefined])
    expect(toHex(i.sent.at(-1)!)).to.equal(HANDSHAKE_ALERT)
  })

  it('refuses an initiator that has not the pinned key', () => {
    const impostor = StaticKey.generate('X-Wing')
    const { initiator: i, responder: r } = staticRun(impostor, headKey, fieldKey.publicKey)
    // It cannot open what was encapsulated to the real one, so it has no keys of this handshake at all.
    expect([i.error?.code, r.session]).to.deep.equal(['channel.handshake.finished', undefined])
  })

  it('cannot be talked out of: a hello without what the static key must open, and one with it unasked', () => {
    const r = responder({ identity: headKey.publicKey, staticKey: headKey })
    const plain = initiator({ peer: HEAD.publicKey }).sent[0]!.slice()
    plain.set(headKey.publicKey.fingerprint, 5 + 1 + 32 + 32)
    r.frame(plain)
    expect(r.error?.code).to.equal('channel.static-key')
    const unasked = initiator({ peer: headKey.publicKey }).sent[0]!.slice()
    unasked.set(HEAD.publicKey.fingerprint, 5 + 1 + 32 + 32)
    const signing = responder()
    signing.frame(unasked)
    expect(signing.error?.code).to.equal('channel.static-key')
  })

  it('notices every changed byte of the hellos', () => {
    const { steps } = staticRun()
    const [hello, answer, auth] = steps
    for (let at = 113; at < hello!.frame.length; at += 13) {
      const r = hello!.before.fork()
      const changed = hello!.frame.slice()
      changed[at]! ^= 0x10
      const frames = r.frame(changed)
      const i = answer!.before.fork()
      for (const frame of frames) i.frame(frame)
      expect(i.session ?? r.session, `ClientHello ${at}`).to.equal(undefined)
      expect(i.error, `ClientHello ${at}`).not.to.equal(undefined)
    }
    for (let at = 5; at < answer!.frame.length; at += 11) {
      const i = answer!.before.fork()
      const changed = answer!.frame.slice()
      changed[at]! ^= 0x10
      i.frame(changed)
      i.frame(auth!.frame)
      expect([i.session, i.sent.length], `ServerHello ${at}`).to.deep.equal([undefined, 1])
    }
  })

  it('has a fingerprint that names the algorithm, and refuses keys of wrong lengths', () => {
    expect(fieldKey.publicKey.fingerprintText).to.match(/^x-wing:[0-9a-f]{64}$/)
    expect(JSON.stringify({ key: fieldKey })).to.equal(`{"key":"${fieldKey.publicKey.fingerprintText}"}`)
    const again = StaticKey.fromSeed('X-Wing', fieldKey.toSeed())
    expect(again.publicKey.equals(fieldKey.publicKey)).to.equal(true)
    expect(codeOf(() => StaticPublicKey.fromRaw('X-Wing', new Uint8Array(1600)))).to.equal('channel.key.length')
    expect(codeOf(() => StaticKey.fromSeed('CH-KEM-v1', new Uint8Array(32)))).to.equal('channel.key.length')
    expect(codeOf(() => StaticKey.generate('ML-KEM-512' as KemName))).to.equal('channel.key.algorithm')
  })
})

describe('channel identities: pre-shared keys', () => {
  const id = new TextEncoder().encode('site-7')
  const key = new Uint8Array(32).fill(7)
  const sharing = (own: Uint8Array, stored: Uint8Array | undefined): Recorded => {
    const r = responder({ sharedKeys: true })
    if (stored !== undefined) r.keys = new Map([[toHex(id), stored]])
    return record(initiator({ sharedKey: { id, key: own } }), r)
  }

  it('are mixed into the session', () => {
    const { initiator: i, responder: r } = sharing(key, key)
    expect(i.session?.sendSecret).to.deep.equal(r.session?.receiveSecret)
  })

  it('wrong or unknown: the same bytes from the responder, the same reason at the initiator', () => {
    const ends = [new Uint8Array(32).fill(8), undefined].map((stored) => {
      const { initiator: i, responder: r } = sharing(key, stored)
      return {
        code: i.error?.code,
        alert: toHex(i.sent.at(-1)!),
        lengths: r.sent.map((frame) => [frame[0], frame.length]),
        responder: r.error?.code,
      }
    })
    expect(ends[0]).to.deep.equal(ends[1])
    expect(ends[0]).to.include({ code: 'channel.record.auth', alert: HANDSHAKE_ALERT, responder: 'channel.alert' })
  })

  it('are demanded where they are configured, and refused where they are not', () => {
    const without = responder({ sharedKeys: true })
    without.frame(initiator().sent[0]!)
    expect(without.error?.code).to.equal('channel.shared-key')
    const unasked = responder()
    unasked.frame(initiator({ sharedKey: { id, key } }).sent[0]!)
    expect(unasked.error?.code).to.equal('channel.shared-key')
  })

  it('left out by the responder are noticed', () => {
    const { steps } = record()
    const i = initiator({ sharedKey: { id, key } })
    i.frame(steps[1]!.frame)
    expect(i.error?.code).to.equal('channel.shared-key')
  })

  it('refuses any message while the key is looked up', () => {
    const r = responder({ sharedKeys: true })
    const { steps } = record()
    const hello = initiator({ sharedKey: { id, key } }).sent[0]!
    const waiting = r.fork(false)
    waiting.keys = { get: () => expect.fail('asked twice') } as unknown as ReadonlyMap<string, Uint8Array>
    expect(steps.length).to.equal(5)
    expect(() => waiting.frame(hello)).to.throw('asked twice')
    expect(waiting.state.at).to.equal('keying')
    waiting.frame(hello)
    expect(waiting.error?.code).to.equal('channel.unexpected')
  })

  it('come from a table, and must be long enough', async () => {
    const source = configuredKeys({ id, key })
    expect(await source.next(FIELD.publicKey.fingerprint)).to.deep.equal({ id, key })
    expect(await source.find(id)).to.deep.equal(key)
    expect(await source.find(Uint8Array.of(1))).to.equal(undefined)
    for (const wrong of [
      { id, key: key.subarray(1) },
      { id: new Uint8Array(0), key },
      { id: new Uint8Array(256), key },
    ]) {
      expect(codeOf(() => configuredKeys(wrong))).to.equal('channel.shared-key.length')
    }
  })
})
