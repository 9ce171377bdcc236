import { equalBytes } from '@gridseal/pqc'
import type { ReceivedClientHello } from './hello.ts'
import { isResumable } from './machine.ts'
import type { Keyed, Who } from './machine.ts'
import type { ResponderConfig } from './responder.ts'
import type { Suite } from './suites.ts'
import type { GivenTicket, TicketState } from './ticket.ts'

/*
 * When a responder takes a ticket, and when it gives one.
 */

/** What a ticket says, if it is ours, of this initiator, for this suite and not too old. */
export function takeTicket(config: ResponderConfig, hello: ReceivedClientHello, suite: Suite): TicketState | undefined {
  if (hello.ticket === undefined) return undefined
  const state = config.tickets?.open(hello.ticket, config.identity.fingerprint)
  if (state === undefined || state.suite !== suite.id || !equalBytes(state.initiator, hello.initiator)) return undefined
  const age = config.now() - state.authenticated
  return age >= 0 && age < config.ticketLife ? state : undefined
}

/** What the initiator may resume the session with later; undefined where it is given nothing. */
export function giveTicket(
  { identity, tickets, ticketLife, now }: ResponderConfig,
  keyed: Keyed,
  { peer, certificate }: Who,
  secret: Uint8Array,
): GivenTicket | undefined {
  if (tickets === undefined || !isResumable(keyed, certificate)) return undefined
  const { authenticated, suite } = keyed
  const life = Math.floor((authenticated + ticketLife - now()) / 1000)
  if (life <= 0) return undefined
  const state = { authenticated, suite: suite.id, initiator: peer.fingerprint, secret }
  return { life, ticket: tickets.seal(state, identity.fingerprint) }
}
