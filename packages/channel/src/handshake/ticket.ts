import { Reader, UsageError, Writer } from '@gridseal/wire'
import { AeadKey, equalBytes, randomBytes, sha256 } from '@gridseal/pqc'
import { systemRandomness } from './randomness.ts'

/*
 * A resumption ticket is what the responder needs to know of an earlier session, sealed by itself for itself:
 *
 *   key id (4) || nonce (12) || AES-256-GCM( authenticated u48 (ms since 1970) || suite u16 || initiator (32) ||
 *   secret (32) ) || tag (16)
 *
 * The additional data names the responder's identity, so a ticket of one server is nothing to another, also where they
 * share ticket keys.
 */

const TICKET_LENGTH = 4 + 12 + 6 + 2 + 32 + 32 + 16
const LABEL = new TextEncoder().encode('gridseal-channel-3 ticket\0')
const KEY_LENGTH = 32

/** What a ticket says. */
export interface TicketState {
  /** When the two last proved who they are, ms since 1970. Resumption does not make it younger. */
  readonly authenticated: number
  readonly suite: number
  /** The initiator's fingerprint. */
  readonly initiator: Uint8Array
  readonly secret: Uint8Array
}

interface TicketKey {
  readonly id: Uint8Array
  readonly secret: Uint8Array
  readonly key: AeadKey
}

/**
 * The keys that seal tickets: the current one and the one before. Head-ends that serve the same identity may share
 * them; then each can resume what the other has begun.
 *
 * @example
 * const keys = TicketKeys.generate()
 * setInterval(() => keys.rotate(), 12 * 3_600_000).unref()
 */
export class TicketKeys {
  #current: TicketKey
  #previous: TicketKey | undefined

  private constructor(current: TicketKey, previous: TicketKey | undefined) {
    this.#current = current
    this.#previous = previous
  }

  static generate(): TicketKeys {
    return new TicketKeys(ticketKey(randomBytes(KEY_LENGTH)), undefined)
  }

  /** Keys that came from another head-end, 32 bytes each. Throws {@link UsageError} `channel.ticket.key`. */
  static from(current: Uint8Array, previous?: Uint8Array): TicketKeys {
    return new TicketKeys(ticketKey(current), previous === undefined ? undefined : ticketKey(previous))
  }

  /** A new current key; tickets under the one before are still taken, older ones are not. */
  rotate(next: Uint8Array = randomBytes(KEY_LENGTH)): void {
    this.#previous = this.#current
    this.#current = ticketKey(next)
  }

  /** Copies of the secrets, for another head-end. Whoever has them can resume sessions in a site's name. */
  toSecrets(): { readonly current: Uint8Array; readonly previous: Uint8Array | undefined } {
    return { current: this.#current.secret.slice(), previous: this.#previous?.secret.slice() }
  }

  seal({ authenticated, suite, initiator, secret }: TicketState, responder: Uint8Array): Uint8Array {
    const { id, key } = this.#current
    const nonce = systemRandomness(12)
    const plain = new Writer(72).u48be(authenticated).u16be(suite).bytes(initiator).bytes(secret).finish()
    const sealed = key.seal(nonce, plain, additional(responder))
    plain.fill(0)
    return new Writer(TICKET_LENGTH).bytes(id).bytes(nonce).bytes(sealed).finish()
  }

  /** Undefined for whatever is not a ticket of these keys and this responder. */
  open(ticket: Uint8Array, responder: Uint8Array): TicketState | undefined {
    if (ticket.length !== TICKET_LENGTH) return undefined
    const id = ticket.subarray(0, 4)
    const match = [this.#current, this.#previous].find((row) => row !== undefined && equalBytes(row.id, id))
    if (match === undefined) return undefined
    try {
      const r = new Reader(match.key.open(ticket.subarray(4, 16), ticket.subarray(16), additional(responder)))
      const authenticated = r.u48be('authenticated')
      const suite = r.u16be('suite')
      return { authenticated, suite, initiator: r.take(32, 'initiator'), secret: r.take(32, 'secret') }
    } catch {
      return undefined
    }
  }
}

/** A ticket as the responder gives it. */
export interface GivenTicket {
  readonly ticket: Uint8Array
  /** Seconds for which it is good. */
  readonly life: number
}

/** A ticket as the initiator keeps it. */
export interface ResumptionTicket {
  /** Opaque; goes into the ClientHello. */
  readonly ticket: Uint8Array
  readonly secret: Uint8Array
  readonly suite: number
  /** The responder accepts it until then, ms since 1970, by the initiator's clock. */
  readonly expires: number
}

/**
 * Where an initiator keeps tickets between connections: one per responder, used once, only in memory.
 *
 * @example
 * const tickets = new TicketStore()
 * await connectChannel(connection, { identity, peer, tickets })
 */
export class TicketStore {
  readonly #tickets = new Map<string, ResumptionTicket>()
  readonly #limit: number

  /** Keeps at most `limit` tickets; the oldest goes first. Throws {@link UsageError} `channel.option`. */
  constructor(limit = 1024) {
    if (!Number.isSafeInteger(limit) || limit < 1) {
      throw new UsageError('channel.option', `a store keeps a whole number of tickets from 1, not ${limit}`)
    }
    this.#limit = limit
  }

  get size(): number {
    return this.#tickets.size
  }

  /** Keeps a ticket of the responder with this name (fingerprint as text). */
  put(responder: string, ticket: ResumptionTicket): void {
    this.#tickets.delete(responder)
    this.#tickets.set(responder, ticket)
    if (this.#tickets.size <= this.#limit) return
    const [oldest] = this.#tickets.keys()
    if (oldest !== undefined) this.#tickets.delete(oldest)
  }

  /** Takes the ticket out, if it is still good. */
  take(responder: string, now: number): ResumptionTicket | undefined {
    const ticket = this.#tickets.get(responder)
    this.#tickets.delete(responder)
    return ticket !== undefined && now < ticket.expires ? ticket : undefined
  }
}

function ticketKey(secret: Uint8Array): TicketKey {
  if (secret.length !== KEY_LENGTH) {
    throw new UsageError('channel.ticket.key', `a ticket key has ${KEY_LENGTH} bytes, not ${secret.length}`)
  }
  const copy = Uint8Array.from(secret)
  return { id: sha256(LABEL, copy).slice(0, 4), secret: copy, key: new AeadKey('AES-256-GCM', copy) }
}

function additional(responder: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(LABEL.length + responder.length)
  bytes.set(LABEL)
  bytes.set(responder, LABEL.length)
  return bytes
}
