import { expect } from 'chai'
import { decodeServerHello, encodeServerHello } from '#src/handshake/hello.ts'
import type { ServerHello } from '#src/handshake/hello.ts'
import type { InitiatorConfig } from '#src/handshake/initiator.ts'
import type { ResponderConfig } from '#src/handshake/responder.ts'
import { findSuite } from '#src/handshake/suites.ts'
import { StaticKey } from '#src/identity/static-key.ts'
import { initiator, record, responder, staticHandshake } from '../support/handshake-pair.ts'

const [CH_KEM, X_WING, X_WING_CHACHA] = [0x0001, 0x0011, 0x0012].map((id) => findSuite(id)!)

/** What an initiator says to the ServerHello with these changes. */
function answer(
  config: Partial<InitiatorConfig>,
  changes: Partial<ServerHello>,
  server: Partial<ResponderConfig> = {},
): string | undefined {
  const { steps } = record(initiator(config), responder(server))
  const hello = steps.find(({ frame }) => frame[0] === 0x02)!
  const i = hello.before.fork()
  i.frame(encodeServerHello({ ...decodeServerHello(hello.frame), ...changes }))
  return i.error?.code
}

describe('channel handshake: an answer that does not fit what was asked', () => {
  it('after a HelloRetryRequest: another suite of the same key agreement', () => {
    const suites = [CH_KEM!, X_WING!, X_WING_CHACHA!]
    expect(answer({ suites }, {}, { suites: [X_WING!] })).to.equal(undefined)
    expect(answer({ suites }, { suite: X_WING_CHACHA!.id }, { suites: [X_WING!] })).to.equal('channel.suite')
  })

  it('resumption with another suite than that of the ticket', () => {
    const ticket = { ticket: new Uint8Array(104), secret: new Uint8Array(32), suite: 0x0002, expires: Infinity }
    const suites = [CH_KEM!, findSuite(0x0002)!]
    expect(answer({ suites, ticket }, { resumed: true })).to.equal('channel.ticket')
    expect(answer({ suites, ticket }, { resumed: true, suite: 0x0002 })).to.equal(undefined)
  })

  it('no ciphertext for the static key of the initiator, or one where it has none', () => {
    const field = StaticKey.generate('X-Wing')
    const config = { identity: field.publicKey, staticKey: field }
    const server = { peers: () => field.publicKey }
    expect(answer(config, {}, server)).to.equal(undefined)
    expect(answer(config, { staticKey: undefined }, server)).to.equal('channel.static-key')
    expect(answer({}, { staticKey: new Uint8Array(1120) })).to.equal('channel.static-key')
  })

  it('a signature of somebody who has not to sign, and none of somebody who has to', () => {
    const keys = { field: StaticKey.generate('CH-KEM-v1'), head: StaticKey.generate('CH-KEM-v1') }
    const [signs, proves] = [record(), staticHandshake(keys)]
    for (const index of [2, 3]) {
      const [signed, plain] = [signs, proves].map(({ steps }) => steps[index]!)
      const [wantsSignature, wantsProof] = [signed!.before.fork(), plain!.before.fork()]
      wantsSignature.frame(plain!.frame)
      wantsProof.frame(signed!.frame)
      expect([wantsSignature.error?.code, wantsProof.error?.code]).to.deep.equal([
        'channel.unexpected',
        'channel.unexpected',
      ])
    }
  })
})
