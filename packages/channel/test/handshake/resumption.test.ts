import { expect } from 'chai'
import { randomBytes } from '@gridseal/pqc'
import { toHex } from '@gridseal/wire'
import { decodeClientHello, encodeClientHello } from '#src/handshake/hello.ts'
import type { Session } from '#src/handshake/machine.ts'
import { findSuite } from '#src/handshake/suites.ts'
import { TicketKeys, TicketStore } from '#src/handshake/ticket.ts'
import type { ResumptionTicket } from '#src/handshake/ticket.ts'
import { decodeContent } from '#src/record/content.ts'
import { Resumption } from '#src/session/resumption.ts'
import { StaticKey } from '#src/identity/static-key.ts'
import { mutations } from '../../../../test/support/mutate.ts'
import { codeOf } from '../support/code-of.ts'
import { initiator, record, responder } from '../support/handshake-pair.ts'
import type { Recorded } from '../support/handshake-pair.ts'
import { FIELD, HEAD, OTHER, pinned } from '../support/identities.ts'

const NOW = 1_790_000_000_000
const DAY = 86_400_000

/** The ticket that the responder of `session` gives, as the initiator keeps it. */
function ticketOf(
  keys: TicketKeys,
  session: Session,
  responderFingerprint = HEAD.publicKey.fingerprint,
): ResumptionTicket {
  const { authenticated, suite, peer, resumption } = session
  const state = { authenticated, suite: suite.id, initiator: peer.fingerprint, secret: resumption }
  return {
    ticket: keys.seal(state, responderFingerprint),
    secret: resumption.slice(),
    suite: suite.id,
    expires: NOW + DAY,
  }
}

describe('channel resumption', () => {
  const keys = TicketKeys.generate()
  let first: Recorded
  let ticket: ResumptionTicket

  beforeEach(() => {
    first = record()
    ticket = ticketOf(keys, first.responder.session!)
  })

  it('needs no signature, and both ends get the same fresh secrets', () => {
    const { initiator: i, responder: r, steps } = record(initiator({ ticket }), responder({ tickets: keys }))
    expect([i.signed, r.signed, i.session?.resumed, r.session?.resumed]).to.deep.equal([0, 0, true, true])
    expect(i.session!.sendSecret).to.deep.equal(r.session!.receiveSecret)
    expect(i.session!.sendSecret).not.to.deep.equal(first.initiator.session!.sendSecret)
    // The ticket is sealed, and the confirm with it.
    expect(steps.slice(2).map(({ frame }) => [frame[0], frame.length])).to.deep.equal([
      [0x04, 5 + 32],
      [0x04, 5 + 32],
      [0x10, 29 + 33 + 4 + 104],
    ])
  })

  it('begins with the ticket that came with the confirm, which is good for what is left of its life', () => {
    const hour = 3_600_000
    const config = { tickets: keys, ticketLife: DAY }
    const { initiator: i, responder: r } = record(initiator(), responder(config))
    const given = i.session!.ticket!
    expect([given.life, r.session!.ticket]).to.deep.equal([86_400, undefined])
    const kept = { ticket: given.ticket, secret: i.session!.resumption, suite: 1, expires: NOW + DAY }
    const later = record(initiator({ ticket: kept }), responder({ ...config, now: () => NOW + hour }))
    expect([later.initiator.session?.resumed, later.initiator.session?.ticket?.life]).to.deep.equal([true, 82_800])
    // One second before its end it can be used, but there is no second left for another.
    const last = record(initiator({ ticket: kept }), responder({ ...config, now: () => NOW + DAY - 500 }))
    expect([last.initiator.session?.resumed, last.initiator.session?.ticket]).to.deep.equal([true, undefined])
  })

  it('with a ticket that comes afterwards is possible, too, and an initiator gives none', () => {
    const store = new TicketStore()
    const [i, r] = [first.initiator.session!, first.responder.session!]
    const name = i.peer.fingerprintText
    const resumption = new Resumption(i, { ticketStore: store }, NOW)
    expect(store.size).to.equal(0)
    const content = decodeContent(Uint8Array.of(0x14, 0, 0, 0, 9, 0xaa, 0xbb))
    expect(content).to.deep.equal({ kind: 'ticket', life: 9, ticket: Uint8Array.of(0xaa, 0xbb) })
    resumption.keep(9, Uint8Array.of(0xaa, 0xbb), NOW)
    expect(store.take(name, NOW + 8_999)).to.deep.include({ suite: 1, expires: NOW + 9_000 })
    const other = new Resumption(r, { ticketStore: store }, NOW)
    expect(codeOf(() => other.keep(9, Uint8Array.of(0xaa), NOW))).to.equal('channel.unexpected')
    const certified = new Resumption({ ...i, resumable: false }, { ticketStore: store }, NOW)
    certified.keep(9, Uint8Array.of(0xaa), NOW)
    expect(store.size).to.equal(0)
  })

  it('always has a fresh key agreement: the same ticket twice gives different secrets', () => {
    const secrets = [1, 2].map(() =>
      toHex(record(initiator({ ticket }), responder({ tickets: keys })).initiator.session!.sendSecret),
    )
    expect(secrets[0]).not.to.equal(secrets[1])
  })

  it('without a key share is refused', () => {
    const hello = decodeClientHello(initiator({ ticket }).sent[0]!)
    const r = responder({ tickets: keys })
    r.frame(encodeClientHello({ ...hello, share: new Uint8Array(0) }))
    expect(r.error?.code).to.equal('pqc.key.length')
  })

  it('does not help who has recorded the ticket but not its secret', () => {
    const stolen = { ...ticket, secret: randomBytes(32) }
    const { initiator: i, responder: r } = record(initiator({ ticket: stolen }), responder({ tickets: keys }))
    expect([i.error?.code, r.session]).to.deep.equal(['channel.handshake.finished', undefined])
  })

  /** What comes of a ticket that is no good: a full handshake. */
  function expectFull({ initiator: i, responder: r }: Recorded): void {
    expect([i.session?.resumed, r.session?.resumed]).to.deep.equal([false, false])
    expect(i.session!.sendSecret).to.deep.equal(r.session!.receiveSecret)
  }

  it('of server A at server B that shares the ticket keys is not taken', () => {
    const atB = responder({ identity: OTHER.publicKey, peers: pinned(FIELD), tickets: keys }, OTHER)
    expectFull(record(initiator({ ticket, peer: OTHER.publicKey }), atB))
  })

  it('is taken at another head-end with the same identity and ticket keys', () => {
    const { current } = keys.toSecrets()
    const { responder: r } = record(initiator({ ticket }), responder({ tickets: TicketKeys.from(current) }))
    expect(r.session?.resumed).to.equal(true)
  })

  it('of one initiator is not taken from another', () => {
    const i = initiator({ identity: OTHER.publicKey, ticket }, OTHER)
    expectFull(record(i, responder({ tickets: keys })))
  })

  it('of an initiator that is not pinned any more is refused altogether', () => {
    const r = responder({ tickets: keys, peers: pinned(OTHER) })
    r.frame(initiator({ ticket }).sent[0]!)
    expect(r.error?.code).to.equal('channel.peer.unknown')
  })

  it('ends with the life of the ticket, counted from the last full handshake', () => {
    const at = (time: number): Recorded => record(initiator({ ticket }), responder({ tickets: keys, now: () => time }))
    expect(at(NOW + DAY - 1).responder.session?.resumed).to.equal(true)
    expectFull(at(NOW + DAY))
    expectFull(at(NOW - 1))
    // A resumed session does not make the next ticket younger.
    const second = ticketOf(keys, at(NOW + DAY - 1).responder.session!)
    expectFull(record(initiator({ ticket: second }), responder({ tickets: keys, now: () => NOW + DAY })))
  })

  it('works with the previous ticket key, not with the one before', () => {
    const turning = TicketKeys.from(keys.toSecrets().current)
    turning.rotate()
    const resumed = (): boolean | undefined =>
      record(initiator({ ticket }), responder({ tickets: turning })).responder.session?.resumed
    expect(resumed()).to.equal(true)
    turning.rotate()
    expect(resumed()).to.equal(false)
  })

  it('with another suite is not taken', () => {
    const suites = [findSuite('X-Wing, AES-256-GCM')!]
    expectFull(record(initiator({ ticket, suites }), responder({ tickets: keys, suites })))
  })

  it('works between static keys, and falls back to them', () => {
    const [field, head] = [StaticKey.generate('X-Wing'), StaticKey.generate('X-Wing')]
    const run = (offered?: ResumptionTicket): Recorded =>
      record(
        initiator({ identity: field.publicKey, staticKey: field, peer: head.publicKey, ticket: offered }),
        responder({ identity: head.publicKey, staticKey: head, peers: () => field.publicKey, tickets: keys }),
      )
    const full = run()
    expectFull(full)
    const good = ticketOf(keys, full.responder.session!, head.publicKey.fingerprint)
    expect(run(good).responder.session?.resumed).to.equal(true)
    expectFull(run(ticketOf(keys, full.responder.session!)))
  })

  it('claimed by a responder without a ticket being offered is refused', () => {
    const { steps } = record(initiator({ ticket }), responder({ tickets: keys }))
    const i = initiator()
    i.frame(steps[1]!.frame)
    expect(i.error?.code).to.equal('channel.ticket')
  })

  it('survives every mutation of a ticket by not taking it', () => {
    for (const mutant of mutations(ticket.ticket)) {
      if (Buffer.compare(mutant, ticket.ticket) === 0) continue
      expect(keys.open(mutant, HEAD.publicKey.fingerprint)).to.equal(undefined)
    }
  })
})

describe('channel ticket store', () => {
  const ticket = (expires: number): ResumptionTicket => ({
    ticket: new Uint8Array(1),
    secret: new Uint8Array(32),
    suite: 1,
    expires,
  })

  it('gives a ticket once, while it is good', () => {
    const store = new TicketStore()
    store.put('a', ticket(100))
    expect(store.take('a', 99)?.expires).to.equal(100)
    expect(store.take('a', 99)).to.equal(undefined)
    store.put('a', ticket(100))
    expect(store.take('a', 100)).to.equal(undefined)
  })

  it('keeps the newest of each responder, and a bounded number', () => {
    const store = new TicketStore(2)
    for (const [name, expires] of [
      ['a', 1],
      ['b', 2],
      ['a', 3],
      ['c', 4],
    ] as const) {
      store.put(name, ticket(expires))
    }
    expect([store.size, store.take('a', 0)?.expires, store.take('b', 0)]).to.deep.equal([2, 3, undefined])
  })

  it('needs a number to be bounded by', () => {
    for (const limit of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(
        codeOf(() => new TicketStore(limit)),
        String(limit),
      ).to.equal('channel.option')
    }
  })

  it('takes keys of 32 bytes only', () => {
    expect(codeOf(() => TicketKeys.from(new Uint8Array(31)))).to.equal('channel.ticket.key')
  })
})
