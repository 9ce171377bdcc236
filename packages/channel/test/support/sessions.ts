import { randomBytes } from '@gridseal/pqc'
import type { Session } from '#src/handshake/machine.ts'
import type { Suite } from '#src/handshake/suites.ts'
import { FIELD, HEAD } from './identities.ts'

/** What both ends know of one session, without a handshake; each has secrets of its own, which it may overwrite. */
export function sessionsOf(
  suite: Suite,
  initiatorSecret: Uint8Array = randomBytes(32),
): { readonly initiator: Session; readonly responder: Session } {
  const [responderSecret, ratchet] = [randomBytes(32), randomBytes(32)]
  const common = {
    suite,
    resumed: false,
    resumable: false,
    certificate: undefined,
    random: new Uint8Array(32),
    authenticated: 0,
    peerMaxMessage: 1000,
    ticket: undefined,
  }
  const end = (role: Session['role'], sendSecret: Uint8Array, receiveSecret: Uint8Array): Session => ({
    ...common,
    role,
    peer: (role === 'initiator' ? HEAD : FIELD).publicKey,
    sendSecret: sendSecret.slice(),
    receiveSecret: receiveSecret.slice(),
    ratchet: ratchet.slice(),
    resumption: new Uint8Array(32),
  })
  return {
    initiator: end('initiator', initiatorSecret, responderSecret),
    responder: end('responder', responderSecret, initiatorSecret),
  }
}
