import { UsageError } from '@gridseal/wire'
import { limitKey } from './address.ts'
import { TokenBucket } from './token-bucket.ts'

/** Limits of a listener. A rate is per second; a burst is what may come at once. */
export interface GuardOptions {
  /** New connections of one address per second. Default 20. */
  readonly connectionsPerSecond?: number
  /** Default 100. */
  readonly connectionBurst?: number
  /** New connections of all addresses per second. Default 1000. */
  readonly totalConnectionsPerSecond?: number
  /** Default 5000. */
  readonly totalConnectionBurst?: number
  /** Handshakes of one address for which keys are agreed on, per second. Default 10. */
  readonly handshakesPerSecond?: number
  /** Default 50. */
  readonly handshakeBurst?: number
  /** Handshakes of all addresses for which keys are agreed on, per second. Default 200. */
  readonly totalHandshakesPerSecond?: number
  /** Default 1000. */
  readonly totalHandshakeBurst?: number
  /** Connections of one address whose handshake is not done. Default 64. */
  readonly halfOpenPerAddress?: number
  /** Connections of all addresses whose handshake is not done. Default 1024. */
  readonly halfOpen?: number
  /** Unfinished handshakes above which every hello must bring a cookie first. Default 256. */
  readonly cookiesAbove?: number
  /** Addresses that are told apart; the rest shares one set of limits. Default 4096. */
  readonly addresses?: number
}

/** What a guard counts, from its making on. */
export interface GuardCounters {
  /** Connections that were let in. */
  readonly connections: number
  /** Connections refused because their address opens too many per second. */
  readonly refusedConnectionRate: number
  /** Connections refused because all addresses together open too many per second. */
  readonly refusedTotalConnectionRate: number
  /** Connections refused because too many handshakes of their address are unfinished. */
  readonly refusedHalfOpen: number
  /** Connections refused because too many handshakes in all are unfinished. */
  readonly refusedTotalHalfOpen: number
  /** Hellos of known peers refused because their address begins too many handshakes per second. */
  readonly refusedHandshakeRate: number
  /** Hellos of known peers refused because too many handshakes in all are begun per second. */
  readonly refusedTotalHandshakeRate: number
  /** Hellos that were asked for a cookie before anything was computed for them. */
  readonly cookiesDemanded: number
  /** Handshakes for which keys were agreed on. */
  readonly handshakes: number
  /** Handshakes that came to their end. */
  readonly established: number
  /** Handshakes that failed: strangers, forgeries, broken connections. */
  readonly failed: number
  /** Handshakes that took too long, the first message among them. */
  readonly timedOut: number
}

interface Entry {
  readonly connections: TokenBucket
  readonly handshakes: TokenBucket
  halfOpen: number
}

const DEFAULTS: Required<GuardOptions> = {
  connectionsPerSecond: 20,
  connectionBurst: 100,
  totalConnectionsPerSecond: 1000,
  totalConnectionBurst: 5000,
  handshakesPerSecond: 10,
  handshakeBurst: 50,
  totalHandshakesPerSecond: 200,
  totalHandshakeBurst: 1000,
  halfOpenPerAddress: 64,
  halfOpen: 1024,
  cookiesAbove: 256,
  addresses: 4096,
}

/** How many of the oldest addresses are looked at to make room for a new one. */
const EVICTION_TRIES = 8

/**
 * Stands before a listener: who opens too many connections, or has too many handshakes begun, is refused before it
 * costs anything. One guard serves all connections of a listener. Time (ms of a clock that does not go back) is an
 * argument; memory is bounded by `addresses`.
 *
 * @example
 * const guard = new ChannelGuard({ halfOpen: 200 })
 * listener.connections.subscribe((connection) => acceptChannel(connection, { identity, peers, guard }))
 */
export class ChannelGuard {
  readonly #options: Required<GuardOptions>
  readonly #entries = new Map<string, Entry>()
  readonly #connections: TokenBucket
  readonly #handshakes: TokenBucket
  /** For addresses beyond those that are told apart. */
  readonly #rest: Entry
  #halfOpen = 0
  readonly #counters = {
    connections: 0,
    refusedConnectionRate: 0,
    refusedTotalConnectionRate: 0,
    refusedHalfOpen: 0,
    refusedTotalHalfOpen: 0,
    refusedHandshakeRate: 0,
    refusedTotalHandshakeRate: 0,
    cookiesDemanded: 0,
    handshakes: 0,
    established: 0,
    failed: 0,
    timedOut: 0,
  }

  /** Throws {@link UsageError} `channel.guard.option`. */
  constructor(options: GuardOptions = {}) {
    for (const [name, value] of Object.entries(options)) {
      const right = Object.hasOwn(DEFAULTS, name) && typeof value === 'number' && value > 0 && Number.isFinite(value)
      if (!right) throw new UsageError('channel.guard.option', `guard: ${name} cannot be ${String(value)}`, { name })
    }
    const all = { ...DEFAULTS, ...options }
    this.#options = all
    this.#connections = new TokenBucket(rate(all.totalConnectionsPerSecond, all.totalConnectionBurst), 0)
    this.#handshakes = new TokenBucket(rate(all.totalHandshakesPerSecond, all.totalHandshakeBurst), 0)
    this.#rest = this.#newEntry(0)
  }

  get counters(): GuardCounters {
    return this.#counters
  }

  /** Connections let in whose handshake is not done. */
  get halfOpen(): number {
    return this.#halfOpen
  }

  /** Addresses that are told apart at the moment. */
  get addresses(): number {
    return this.#entries.size
  }

  /** A connection has come. Undefined: refuse it. Else call `settled` of what is returned when its handshake is over. */
  admit(remote: string, now: number): Admission | undefined {
    const counters = this.#counters
    const { halfOpen, halfOpenPerAddress } = this.#options
    const entry = this.#entry(limitKey(remote), now)
    if (!entry.connections.take(now)) counters.refusedConnectionRate++
    else if (!this.#connections.take(now)) counters.refusedTotalConnectionRate++
    else if (entry.halfOpen >= halfOpenPerAddress) counters.refusedHalfOpen++
    else if (this.#halfOpen >= halfOpen) counters.refusedTotalHalfOpen++
    else {
      counters.connections++
      entry.halfOpen++
      this.#halfOpen++
      return this.#admission(entry)
    }
    return undefined
  }

  #admission(entry: Entry): Admission {
    const counters = this.#counters
    let open = true
    return {
      demandCookie: () => {
        const demanded = this.#halfOpen > this.#options.cookiesAbove
        if (demanded) counters.cookiesDemanded++
        return demanded
      },
      mayCompute: (now) => {
        if (!entry.handshakes.take(now)) counters.refusedHandshakeRate++
        else if (!this.#handshakes.take(now)) counters.refusedTotalHandshakeRate++
        else {
          counters.handshakes++
          return true
        }
        return false
      },
      settled: (how) => {
        if (!open) return
        open = false
        counters[how]++
        entry.halfOpen--
        this.#halfOpen--
      },
    }
  }

  #entry(key: string, now: number): Entry {
    let entry = this.#entries.get(key)
    if (entry === undefined) {
      if (this.#entries.size >= this.#options.addresses && !this.#evict(now)) return this.#rest
      entry = this.#newEntry(now)
    } else {
      this.#entries.delete(key)
    }
    this.#entries.set(key, entry)
    return entry
  }

  /** Forgets an address of which nothing needs to be remembered. */
  #evict(now: number): boolean {
    let tries = EVICTION_TRIES
    for (const [key, entry] of this.#entries) {
      if (entry.halfOpen === 0 && entry.connections.full(now) && entry.handshakes.full(now)) {
        this.#entries.delete(key)
        return true
      }
      if (--tries === 0) break
    }
    return false
  }

  #newEntry(now: number): Entry {
    const { connectionsPerSecond, connectionBurst, handshakesPerSecond, handshakeBurst } = this.#options
    return {
      connections: new TokenBucket(rate(connectionsPerSecond, connectionBurst), now),
      handshakes: new TokenBucket(rate(handshakesPerSecond, handshakeBurst), now),
      halfOpen: 0,
    }
  }
}

/** A connection that was let in, until its handshake is over. */
export interface Admission {
  /** Whether a hello must bring a cookie first. */
  demandCookie(): boolean
  /** Whether keys may be agreed on for this connection now. */
  mayCompute(now: number): boolean
  /** The handshake is over. */
  settled(how: 'established' | 'failed' | 'timedOut'): void
}

function rate(perSecond: number, burst: number): { readonly perSecond: number; readonly burst: number } {
  return { perSecond, burst }
}
