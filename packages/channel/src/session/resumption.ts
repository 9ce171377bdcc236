import { ProtocolError } from '@gridseal/wire'
import type { Role } from '../handshake/key-schedule.ts'
import type { Session } from '../handshake/machine.ts'
import type { PeerIdentity } from '../identity/identity.ts'
import type { Settings } from '../options.ts'
import { encodeTicket } from '../record/content.ts'

/** Tickets for a later session: the responder gives one, the initiator keeps it. */
export class Resumption {
  readonly #role: Role
  readonly #peer: PeerIdentity
  readonly #suite: number
  readonly #authenticated: number
  readonly #resumable: boolean
  /** What the peer's tickets are kept with. */
  readonly #secret: Uint8Array
  readonly #settings: Settings

  /** Takes over the session's resumption secret. */
  constructor({ role, peer, suite, authenticated, resumption, resumable }: Session, settings: Settings) {
    this.#role = role
    this.#peer = peer
    this.#suite = suite.id
    this.#authenticated = authenticated
    this.#secret = resumption
    this.#resumable = resumable
    this.#settings = settings
  }

  /** The content with a ticket for the peer; undefined where none is given. */
  give(now: number): Uint8Array | undefined {
    const { identity, ticketLife, ticketKeys } = this.#settings
    if (this.#role !== 'responder' || ticketKeys === undefined || !this.#resumable) return undefined
    const life = Math.floor((this.#authenticated + ticketLife - now) / 1000)
    if (life <= 0) return undefined
    const { fingerprint: initiator } = this.#peer
    const state = { authenticated: this.#authenticated, suite: this.#suite, initiator, secret: this.#secret }
    return encodeTicket(life, ticketKeys.seal(state, identity.publicKey.fingerprint))
  }

  /** Keeps a ticket that is good for `life` s. Throws {@link ProtocolError} `channel.unexpected`. */
  keep(life: number, ticket: Uint8Array, now: number): void {
    if (this.#role !== 'initiator') throw new ProtocolError('channel.unexpected', 'a ticket from the initiator')
    if (!this.#resumable) return
    const secret = this.#secret.slice()
    const row = { ticket, secret, suite: this.#suite, expires: now + life * 1000 }
    this.#settings.ticketStore?.put(this.#peer.fingerprintText, row)
  }

  /** Overwrites the secret. */
  wipe(): void {
    this.#secret.fill(0)
  }
}
