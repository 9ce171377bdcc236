import { ProtocolError, UsageError } from '@gridseal/wire'
import type { GridsealError } from '@gridseal/wire'
import type { Subscription } from 'rxjs'
import type { Channel } from '../channel.ts'
import { asGridsealError } from '../failure.ts'
import { PoolBook } from './pool-book.ts'
import type { PoolEffect, PoolLimits, PoolStats } from './pool-book.ts'

/** Options of a pool; all times in ms. */
export interface ChannelPoolOptions {
  /** Opens a channel to a site, whose name means something to this function only. */
  readonly dial: (site: string) => Promise<Channel>
  /**
   * Whether a free channel is still good; it is not where this throws or takes longer than `checkInterval`. Default: it is, as
   * long as it has not ended.
   */
  readonly check?: (channel: Channel) => Promise<boolean>
  /** Channels in all. Default 1,024. */
  readonly size?: number
  /** Channels to one site. Default 1. */
  readonly perSite?: number
  /** A channel that nobody has used for so long is closed. Default five minutes. */
  readonly idleTimeout?: number
  /** A channel is not handed out any more after so long. Default half an hour. */
  readonly maxLife?: number
  /** A free channel is checked so often. Default half a minute. */
  readonly checkInterval?: number
  /** Who waits longer for a channel gives up. Default half a minute. */
  readonly waitTimeout?: number
  /** Milliseconds of a clock that does not go back. Default: the system's. */
  readonly clock?: () => number
}

/** A channel that is ours until it is given back. */
export interface Lease {
  readonly channel: Channel
  /**
   * Gives the channel back for others. Throws {@link UsageError} `channel.subscribed`, and closes the channel, while the
   * subscription to its messages is not over.
   */
  release(): void
  /** Closes the channel: its user does not trust it any more. */
  discard(): void
}

const DEFAULTS: PoolLimits = {
  size: 1024,
  perSite: 1,
  idleTimeout: 300_000,
  maxLife: 1_800_000,
  checkInterval: 30_000,
  waitTimeout: 30_000,
}
const NAMES = new Set(['dial', 'check', 'clock', ...Object.keys(DEFAULTS)])
/** The longest time of a timer. */
const MAX = 2 ** 31 - 1

interface Pooled {
  readonly channel: Channel
  /** While nobody has it, so that its end is noticed. */
  idle: Subscription | undefined
}

interface Waiting {
  readonly resolve: (lease: Lease) => void
  readonly reject: (error: GridsealError) => void
}

/**
 * Channels to many sites, opened when they are wanted and kept for who comes next. A channel has one user at a time.
 *
 * @example
 * const pool = new ChannelPool({ dial: async (url) => connectChannel(await connect(url), options) })
 * await pool.use('tcp://substation-7:4712', async (channel) => channel.send(1, reading))
 */
export class ChannelPool {
  readonly #dial: ChannelPoolOptions['dial']
  readonly #check: NonNullable<ChannelPoolOptions['check']>
  readonly #clock: () => number
  readonly #book: PoolBook
  readonly #channels = new Map<number, Pooled>()
  readonly #waiting = new Map<number, Waiting>()
  /** The last reason why a site could not be reached. */
  #failure: GridsealError | undefined
  #nextWaiter = 1
  #timer: NodeJS.Timeout | undefined
  #closing = false

  /** Throws {@link UsageError} `channel.option`. */
  constructor(options: ChannelPoolOptions) {
    for (const name of Object.keys(options)) {
      if (!NAMES.has(name)) throw new UsageError('channel.option', `there is no option "${name}"`, { name })
    }
    if (typeof options.dial !== 'function') throw new UsageError('channel.option', 'dial must be a function')
    this.#dial = options.dial
    this.#check = options.check ?? (() => Promise.resolve(true))
    this.#clock = options.clock ?? (() => performance.now())
    this.#book = new PoolBook(settleLimits(options))
  }

  /** The pool at this moment, and what it has counted. */
  get stats(): PoolStats {
    return this.#book.stats
  }

  /**
   * A channel to a site: a free one, or a new one. Rejects with the reason of `dial`, `ProtocolError`
   * `channel.pool.timeout`, or `UsageError` `channel.pool.closed`.
   */
  acquire(site: string): Promise<Lease> {
    return new Promise((resolve, reject) => {
      const waiter = this.#nextWaiter++
      this.#waiting.set(waiter, { resolve, reject })
      this.#perform(this.#book.request(waiter, site, this.#clock()))
    })
  }

  /** Does something with a channel and gives it back; where it throws, the channel is not used again. */
  async use<T>(site: string, action: (channel: Channel) => Promise<T> | T): Promise<T> {
    const lease = await this.acquire(site)
    try {
      const result = await action(lease.channel)
      lease.release()
      return result
    } catch (error) {
      lease.discard()
      throw error
    }
  }

  /** Closes what is free now and what is leased when it comes back. Resolves when the free ones are closed. */
  async close(): Promise<void> {
    this.#closing = true
    const free = [...this.#channels.values()].filter(({ idle }) => idle !== undefined)
    this.#perform(this.#book.close())
    await Promise.all(free.map(({ channel }) => channel.closed))
  }

  #perform(effects: readonly PoolEffect[]): void {
    for (const effect of effects) {
      switch (effect.kind) {
        case 'dial':
          void this.#open(effect.site)
          break
        case 'hand':
          this.#hand(effect.waiter, effect.channel)
          break
        case 'refuse':
          this.#take(effect.waiter)?.reject(this.#reason(effect.reason))
          break
        case 'check':
          void this.#examine(effect.channel)
          break
        case 'close':
          this.#shut(effect.channel)
          break
      }
    }
    this.#schedule()
  }

  async #open(site: string): Promise<void> {
    let channel: Channel
    try {
      channel = await this.#dial(site)
    } catch (error) {
      this.#failure = asGridsealError(error)
      return this.#perform(this.#book.dialFailed(site, this.#clock()))
    }
    const { channel: id, effects } = this.#book.opened(site, this.#clock())
    this.#channels.set(id, { channel, idle: channel.messages.subscribe() })
    void channel.closed.then(() => {
      this.#channels.delete(id)
      this.#perform(this.#book.ended(id, this.#clock()))
    })
    this.#perform(effects)
  }

  #hand(waiter: number, id: number): void {
    const pooled = this.#channels.get(id)
    const waiting = this.#take(waiter)
    if (pooled === undefined || waiting === undefined) return
    pooled.idle?.unsubscribe()
    pooled.idle = undefined
    let over = false
    const once = (action: () => void): void => {
      if (over) return
      over = true
      action()
    }
    waiting.resolve({
      channel: pooled.channel,
      release: () => once(() => this.#release(id, pooled)),
      discard: () => once(() => this.#perform(this.#book.discarded(id, this.#clock()))),
    })
  }

  #release(id: number, pooled: Pooled): void {
    if (!this.#channels.has(id)) return
    let left = false
    pooled.idle = pooled.channel.messages.subscribe({ error: () => (left = true) })
    if (left) {
      // The subscription that is left would get the next user's messages.
      this.#perform(this.#book.discarded(id, this.#clock()))
      throw new UsageError('channel.subscribed', 'somebody still listens to the messages of the channel')
    }
    pooled.channel.resume()
    this.#perform(this.#book.released(id, this.#clock()))
  }

  async #examine(id: number): Promise<void> {
    const pooled = this.#channels.get(id)
    let good = false
    try {
      good = pooled !== undefined && (await this.#check(pooled.channel))
    } catch {
      // What cannot be checked is not good.
    }
    this.#perform(this.#book.checked(id, good, this.#clock()))
  }

  #shut(id: number): void {
    const pooled = this.#channels.get(id)
    if (pooled !== undefined) void pooled.channel.close()
  }

  #take(waiter: number): Waiting | undefined {
    const waiting = this.#waiting.get(waiter)
    this.#waiting.delete(waiter)
    return waiting
  }

  #reason(reason: 'time' | 'dial' | 'closed'): GridsealError {
    if (reason === 'dial' && this.#failure !== undefined) return this.#failure
    return reason === 'closed'
      ? new UsageError('channel.pool.closed', 'the pool is closed')
      : new ProtocolError('channel.pool.timeout', 'no channel was free in time')
  }

  /** One timer for everything that time brings. It does not keep the process alive, unless somebody waits. */
  #schedule(): void {
    clearTimeout(this.#timer)
    const next = this.#book.next()
    if (next === undefined || this.#closing) return
    const delay = Math.min(Math.max(Math.ceil(next - this.#clock()), 1), MAX)
    this.#timer = setTimeout(() => this.#perform(this.#book.tick(this.#clock())), delay)
    if (this.#waiting.size === 0) this.#timer.unref()
  }
}

function settleLimits(options: ChannelPoolOptions): PoolLimits {
  const limit = (name: keyof PoolLimits): number => {
    const value = options[name] ?? DEFAULTS[name]
    if (Number.isInteger(value) && value >= 1 && value <= MAX) return value
    throw new UsageError('channel.option', `${name} must be a whole number from 1 to ${MAX}, not ${value}`, { name })
  }
  return {
    size: limit('size'),
    perSite: limit('perSite'),
    idleTimeout: limit('idleTimeout'),
    maxLife: limit('maxLife'),
    checkInterval: limit('checkInterval'),
    waitTimeout: limit('waitTimeout'),
  }
}
