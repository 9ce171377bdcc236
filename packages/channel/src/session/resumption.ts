import { ProtocolError } from '@gridseal/wire'
import type { Role } from '../handshake/key-schedule.ts'
import type { Session } from '../handshake/machine.ts'
import type { TicketStore } from '../handshake/ticket.ts'
import type { PeerIdentity } from '../identity/identity.ts'

/** What an initiator keeps for a later session: the ticket of the handshake, and those that come afterwards. */
export class Resumption {
  readonly #role: Role
  readonly #peer: PeerIdentity
  readonly #suite: number
  readonly #resumable: boolean
  /** What the peer's tickets are kept with. */
  readonly #secret: Uint8Array
  readonly #store: TicketStore | undefined

  /** Takes over the session's resumption secret. `now` is in ms since 1970. */
  constructor(
    { role, peer, suite, resumption, resumable, ticket }: Session,
    { ticketStore }: { readonly ticketStore: TicketStore | undefined },
    now: number,
  ) {
    this.#role = role
    this.#peer = peer
    this.#suite = suite.id
    this.#secret = resumption
    this.#resumable = resumable
    this.#store = ticketStore
    if (ticket !== undefined) this.keep(ticket.life, ticket.ticket, now)
  }

  /** Keeps a ticket that is good for `life` s. Throws {@link ProtocolError} `channel.unexpected`. */
  keep(life: number, ticket: Uint8Array, now: number): void {
    if (this.#role !== 'initiator') throw new ProtocolError('channel.unexpected', 'a ticket from the initiator')
    if (!this.#resumable) return
    const secret = this.#secret.slice()
    const row = { ticket, secret, suite: this.#suite, expires: now + life * 1000 }
    this.#store?.put(this.#peer.fingerprintText, row)
  }

  /** Overwrites the secret. */
  wipe(): void {
    this.#secret.fill(0)
  }
}
