import { expect } from 'chai'
import { toHex } from '@gridseal/wire'
import { StaticKey } from '#src/identity/static-key.ts'
import { HANDSHAKE_ALERT, initiator, record, responder, staticHandshake } from '../support/handshake-pair.ts'
import type { Recorded, Recording } from '../support/handshake-pair.ts'

/** Who receives a frame, what came of it. */
type Receiver = Recording['before']

function expectFailure(party: Receiver, code: string | RegExp, context: string): void {
  expect(party.session, context).to.equal(undefined)
  if (typeof code === 'string') expect(party.error?.code, context).to.equal(code)
  else expect(party.error?.code, context).to.match(code)
  expect(
    party.sent.map((frame) => toHex(frame)),
    context,
  ).to.deep.equal([HANDSHAKE_ALERT])
}

describe('channel handshake: tampering', () => {
  const keys = { field: StaticKey.generate('CH-KEM-v1'), head: StaticKey.generate('CH-KEM-v1') }
  let recorded: Recorded
  /** The same handshake between other parties with the same identities. */
  let elsewhere: Recorded

  /** One in which nobody signs. */
  let unsigned: Recorded

  before(() => {
    recorded = record()
    elsewhere = record()
    unsigned = staticHandshake(keys)
  })

  /** The code with which a flipped bit at this offset of a ClientHello is refused, by whom. */
  function clientHelloFate(at: number): [by: 'responder' | 'initiator', code: string | RegExp] {
    if (at === 5) return ['responder', 'channel.version']
    if (at >= 38 && at < 70) return ['responder', 'channel.peer.unknown']
    if (at >= 70 && at < 102) return ['responder', 'channel.peer.other']
    if (at === 106) return ['responder', /^channel\.hello\.suites$|^decode\.truncated$/]
    if (at >= 107 && at < 111) return ['responder', 'channel.suite']
    if (at === 111 || at === 112) return ['responder', /^decode\.(truncated|trailing)$/]
    if (at === recorded.steps[0]!.frame.length - 1) return ['responder', 'decode.truncated']
    return ['initiator', 'channel.record.auth']
  }

  it('notices every changed byte of the ClientHello, on one side or the other (of the key share, each fifth)', () => {
    const { frame } = recorded.steps[0]!
    // A share with a flipped byte may be no valid key at all, which the responder notices itself.
    let noticedEarly = 0
    for (let at = 5; at < frame.length; at += at < 160 || at > frame.length - 6 ? 1 : 5) {
      const r = responder()
      const [by, code] = clientHelloFate(at)
      const answer = r.frame(flipped(frame, at))
      if (by === 'responder') expectFailure(r, code, `byte ${at}`)
      else if (r.error !== undefined) {
        noticedEarly++
        expectFailure(r, /^pqc\.key\.invalid$/, `byte ${at}`)
      } else {
        const i = (recorded.steps[1]!.before as ReturnType<typeof initiator>).fork()
        for (const reply of answer) i.frame(reply)
        expectFailure(i, code, `byte ${at}`)
      }
    }
    expect(noticedEarly).to.be.lessThan(1568)
  })

  it('notices every changed byte of the ServerHello', () => {
    const [, hello, auth] = recorded.steps
    for (let at = 5; at < hello!.frame.length; at++) {
      const i = hello!.before.fork()
      i.frame(flipped(hello!.frame, at))
      i.frame(auth!.frame)
      const code =
        at === 5
          ? 'channel.version'
          : at === 42 || at === 43
            ? 'channel.suite'
            : at === 44 || at === 45 || at === hello!.frame.length - 1
              ? /^decode\.(truncated|trailing)$/
              : 'channel.record.auth'
      expectFailure(i, code, `byte ${at}`)
    }
  })

  for (const index of [2, 3]) {
    it(`notices every changed byte of message ${index + 1}`, () => {
      const { frame, before } = recorded.steps[index]!
      for (let at = 0; at < frame.length; at++) {
        const party = before.fork()
        party.frame(flipped(frame, at))
        const inHeader = at < 5 ? 'channel.record.length' : at < 13 ? 'channel.record.gap' : undefined
        const code = at === 0 ? 'channel.unexpected' : (inHeader ?? 'channel.record.auth')
        expectFailure(party, code, `byte ${at}`)
      }
    })
  }

  it('notices every changed byte of the proofs of who does not sign', () => {
    const messages = [recorded.steps[4]!, ...unsigned.steps.slice(2)]
    expect(messages.map(({ frame }) => frame.length)).to.deep.equal([37, 37, 37, 37])
    for (const { frame, before, name } of messages) {
      for (let at = 0; at < frame.length; at++) {
        const party = before.fork()
        party.frame(flipped(frame, at))
        const proof = name.endsWith('confirm') ? 'channel.handshake.confirm' : 'channel.handshake.finished'
        expectFailure(party, at === 0 ? 'channel.unexpected' : proof, `${name}, byte ${at}`)
      }
    }
  })

  it('notices every message that is cut short, and bytes added behind it', () => {
    for (const { frame, before, name } of [...recorded.steps, ...unsigned.steps]) {
      const lengths = new Set([0, 1, 4, 8, 16, 32])
      for (let length = 0; length < frame.length - 5; length += length < 140 ? 1 : 97) lengths.add(length)
      for (const length of lengths) {
        if (length >= frame.length - 5) continue
        const party = before.fork()
        party.frame(resized(frame, length))
        const context = `${name} cut to ${length}`
        // A ClientHello is refused by its form, a record as not authentic.
        expectFailure(party, /^decode\.truncated$|^channel\.(record\.(auth|length)|handshake\.\w+)$/, context)
      }
      const longer = before.fork()
      longer.frame(resized(frame, frame.length - 5 + 1))
      expectFailure(longer, /^decode\.trailing$|^channel\.(record\.auth|handshake\.\w+)$/, `${name} made longer`)
    }
  })

  it('refuses every message in any state but its own, and every message twice', () => {
    for (const { steps } of [recorded, unsigned]) {
      for (const [at, { before }] of steps.entries()) {
        for (const [other, { frame, name }] of steps.entries()) {
          if (at === other) continue
          const party = before.fork()
          party.frame(frame)
          // A record in another record's place has another number or another key, and no proof is like another.
          const codes = /^channel\.(unexpected|record\.(auth|gap|replay)|handshake\.(finished|confirm))$/
          expectFailure(party, codes, `${name} at ${at}`)
        }
      }
    }
  })

  it('refuses the messages of another handshake of the same two identities', () => {
    const again = staticHandshake(keys)
    for (const [here, there] of [
      [recorded, elsewhere],
      [unsigned, again],
    ] as const) {
      for (const [index, { name, before }] of here.steps.entries()) {
        if (index === 0) continue
        const party = before.fork()
        party.frame(there.steps[index]!.frame)
        if (index === 1) party.frame(here.steps[2]!.frame)
        expectFailure(party, /^channel\.(record\.auth|handshake\.(finished|confirm))$/, `foreign ${name}`)
      }
    }
  })

  it('gives a replayed ClientHello an answer that is worthless to who replays it', () => {
    const r = responder()
    expect(r.frame(recorded.steps[0]!.frame)).to.have.length(2)
    r.frame(recorded.steps[3]!.frame)
    expect(r.error?.code).to.equal('channel.record.auth')
  })

  it('refuses its own messages reflected, and a peer in the same role', () => {
    const mirror = initiator()
    mirror.frame(mirror.sent[0]!)
    expect(mirror.error?.code).to.equal('channel.unexpected')

    const pairOfCallers = initiator()
    pairOfCallers.frame(initiator().sent[0]!)
    expect(pairOfCallers.error?.code).to.equal('channel.unexpected')

    for (const [{ steps }, code] of [
      [recorded, 'channel.record.auth'],
      [unsigned, 'channel.handshake.finished'],
    ] as const) {
      const r = steps[3]!.before.fork()
      r.frame(steps[2]!.frame)
      expectFailure(r, code, "the responder's own auth")
      const i = steps[4]!.before.fork()
      i.frame(steps[3]!.frame)
      expectFailure(i, /^channel\.(record\.gap|record\.replay|handshake\.confirm)$/, "the initiator's own auth")
    }
  })

  it('refuses a record of the traffic phase while it waits for the peer to prove itself', () => {
    const data = new Uint8Array(5 + 8 + 20 + 16)
    data.set([0x10, 0, 0, 0, 44])
    for (const { before } of recorded.steps) {
      const party = before.fork()
      party.frame(data)
      expectFailure(party, /^channel\.unexpected$|^channel\.record\.(auth|replay)$/, `state ${party.state.at}`)
    }
  })

  it('refuses any message while it signs', () => {
    for (const [index, receiver] of [
      [0, responder()],
      [2, recorded.steps[2]!.before.fork()],
    ] as const) {
      const machine: Receiver = receiver.fork(false)
      machine.frame(recorded.steps[index]!.frame)
      expect(machine.state.at).to.equal('signing')
      machine.frame(recorded.steps[index]!.frame)
      expect(machine.error?.code).to.equal('channel.unexpected')
    }
  })

  it('ends in every state by time-out, with an alert', () => {
    for (const { before } of recorded.steps) {
      const party = before.fork()
      party.input({ kind: 'timeout' })
      expectFailure(party, 'channel.handshake.timeout', party.state.at)
    }
  })

  it('ends on an alert without answering it, and does nothing after its end', () => {
    for (const { before } of recorded.steps) {
      const party = before.fork()
      party.frame(Uint8Array.of(0x7f, 0, 0, 0, 1, 1))
      expect([party.error?.code, party.sent.length]).to.deep.equal(['channel.alert', 0])
      const effects = party.effects.length
      party.frame(recorded.steps[0]!.frame)
      party.input({ kind: 'timeout' })
      party.input({ kind: 'signed', signature: new Uint8Array(3309) })
      expect(party.effects).to.have.length(effects)
    }
  })

  it('copes with alerts of any length', () => {
    for (const length of [0, 1, 255, 256, 8192]) {
      const party = recorded.steps[1]!.before.fork()
      const alert = new Uint8Array(5 + length).fill(0xaa)
      alert.set([0x7f, 0, 0, length >>> 8, length & 0xff])
      party.frame(alert)
      expect(party.error?.code).to.equal('channel.alert')
    }
  })
})

function flipped(frame: Uint8Array, at: number): Uint8Array {
  const copy = frame.slice()
  copy[at]! ^= at % 2 === 0 ? 0xff : 0x01
  return copy
}

/** The frame with a body of another length, and the length field to match. */
function resized(frame: Uint8Array, length: number): Uint8Array {
  const copy = new Uint8Array(5 + length)
  copy.set(frame.subarray(0, copy.length))
  new DataView(copy.buffer).setUint32(1, length)
  return copy
}
