/*
 * The bookkeeping of a pool: who has which channel, who waits, what is to be dialled, checked and closed. Pure: time
 * comes in, and all that is wanted goes out as effects. Channels and waiters are numbers here.
 */

export interface PoolLimits {
  /** Channels in all, those that are being dialled among them. */
  readonly size: number
  /** Channels to one site. */
  readonly perSite: number
  /** A channel that nobody has used for so long is closed, ms. */
  readonly idleTimeout: number
  /** A channel is not handed out any more after so long, ms. */
  readonly maxLife: number
  /** A free channel is checked so often, ms; a check that takes as long has found it bad. */
  readonly checkInterval: number
  /** Who waits longer for a channel gives up, ms. */
  readonly waitTimeout: number
}

/** What the pool wants done, in order. */
export type PoolEffect =
  | { readonly kind: 'dial'; readonly site: string }
  /** The waiter gets the channel. */
  | { readonly kind: 'hand'; readonly waiter: number; readonly channel: number }
  /** The waiter gets none. */
  | { readonly kind: 'refuse'; readonly waiter: number; readonly reason: 'time' | 'dial' | 'closed' }
  /** Find out whether a free channel is still good; {@link PoolBook.checked} takes the answer. */
  | { readonly kind: 'check'; readonly channel: number }
  | { readonly kind: 'close'; readonly channel: number }

/** What a pool counts, from its making on. */
export interface PoolCounters {
  /** Requests for a channel. */
  readonly requested: number
  /** Requests that were given a channel which somebody had had before. */
  readonly reused: number
  /** Channels that were opened. */
  readonly dialled: number
  readonly dialFailures: number
  /** Requests that waited too long. */
  readonly timedOut: number
  /** Channels closed because nobody used them. */
  readonly idleClosed: number
  /** Channels closed because of their age. */
  readonly aged: number
  /** Free channels closed to make room for another site. */
  readonly evicted: number
  /** Checks that found a channel bad. */
  readonly unhealthy: number
  /** Channels that their users did not want to be used again. */
  readonly discarded: number
  /** Channels that ended by themselves. */
  readonly lost: number
}

/** A pool at this moment. */
export interface PoolStats extends PoolCounters {
  /** Channels that nobody has. */
  readonly idle: number
  /** Channels that somebody has. */
  readonly leased: number
  readonly dialling: number
  /** Requests that wait. */
  readonly waiting: number
}

interface Entry {
  readonly id: number
  readonly site: string
  readonly opened: number
  state: 'idle' | 'checking' | 'leased'
  used: boolean
  /** Since when it has been free. */
  since: number
  /** When it was checked last, or since when it is. */
  checked: number
}

interface Waiter {
  readonly id: number
  readonly site: string
  readonly since: number
}

export class PoolBook {
  readonly #limits: PoolLimits
  readonly #channels = new Map<number, Entry>()
  readonly #dialling = new Map<string, number>()
  /** In the order in which they came. */
  #waiters: Waiter[] = []
  #nextChannel = 1
  #closed = false
  readonly #counters: { -readonly [K in keyof PoolCounters]: number } = {
    requested: 0,
    reused: 0,
    dialled: 0,
    dialFailures: 0,
    timedOut: 0,
    idleClosed: 0,
    aged: 0,
    evicted: 0,
    unhealthy: 0,
    discarded: 0,
    lost: 0,
  }

  constructor(limits: PoolLimits) {
    this.#limits = limits
  }

  get stats(): PoolStats {
    const states = [...this.#channels.values()].map(({ state }) => state)
    const leased = states.filter((state) => state === 'leased').length
    const dialling = this.#diallingInAll
    return { ...this.#counters, idle: states.length - leased, leased, dialling, waiting: this.#waiters.length }
  }

  /** Somebody wants a channel to a site. */
  request(waiter: number, site: string, now: number): PoolEffect[] {
    this.#counters.requested++
    if (this.#closed) return [{ kind: 'refuse', waiter, reason: 'closed' }]
    this.#waiters.push({ id: waiter, site, since: now })
    return this.#serve(now)
  }

  /** A channel was opened; its number, and what follows. */
  opened(site: string, now: number): { readonly channel: number; readonly effects: PoolEffect[] } {
    this.#dialEnded(site)
    this.#counters.dialled++
    const id = this.#nextChannel++
    if (this.#closed) return { channel: id, effects: [{ kind: 'close', channel: id }] }
    this.#channels.set(id, { id, site, opened: now, state: 'idle', used: false, since: now, checked: now })
    return { channel: id, effects: this.#serve(now) }
  }

  /** A channel could not be opened: who has waited longest for this site is told. */
  dialFailed(site: string, now: number): PoolEffect[] {
    this.#dialEnded(site)
    this.#counters.dialFailures++
    const waiter = this.#waiters.find((row) => row.site === site)
    if (waiter === undefined) return this.#serve(now)
    this.#waiters = this.#waiters.filter((row) => row !== waiter)
    return [{ kind: 'refuse', waiter: waiter.id, reason: 'dial' }, ...this.#serve(now)]
  }

  /** A leased channel comes back. */
  released(channel: number, now: number): PoolEffect[] {
    const entry = this.#channels.get(channel)
    if (entry?.state !== 'leased') return []
    entry.state = 'idle'
    entry.since = now
    entry.checked = now
    if (now - entry.opened < this.#limits.maxLife && !this.#closed) return this.#serve(now)
    this.#counters.aged += this.#closed ? 0 : 1
    return this.#drop(entry, now)
  }

  /** A leased channel is not to be used again. */
  discarded(channel: number, now: number): PoolEffect[] {
    const entry = this.#channels.get(channel)
    if (entry?.state !== 'leased') return []
    this.#counters.discarded++
    return this.#drop(entry, now)
  }

  /** A channel has ended by itself. */
  ended(channel: number, now: number): PoolEffect[] {
    if (!this.#channels.delete(channel)) return []
    this.#counters.lost++
    return this.#serve(now)
  }

  /** The answer to a `check`. */
  checked(channel: number, good: boolean, now: number): PoolEffect[] {
    const entry = this.#channels.get(channel)
    if (entry?.state !== 'checking') return []
    entry.state = 'idle'
    entry.checked = now
    if (good) return this.#serve(now)
    this.#counters.unhealthy++
    return this.#drop(entry, now)
  }

  /** What time brings; to be called at {@link next}. */
  tick(now: number): PoolEffect[] {
    const { idleTimeout, maxLife, checkInterval, waitTimeout } = this.#limits
    const effects: PoolEffect[] = []
    for (const waiter of this.#waiters.filter(({ since }) => now - since >= waitTimeout)) {
      this.#counters.timedOut++
      effects.push({ kind: 'refuse', waiter: waiter.id, reason: 'time' })
    }
    this.#waiters = this.#waiters.filter(({ since }) => now - since < waitTimeout)
    for (const entry of this.#channels.values()) {
      if (entry.state === 'checking' && now - entry.checked >= checkInterval) {
        this.#counters.unhealthy++
        this.#channels.delete(entry.id)
        effects.push({ kind: 'close', channel: entry.id })
      }
      if (entry.state !== 'idle') continue
      const [aged, unused] = [now - entry.opened >= maxLife, now - entry.since >= idleTimeout]
      if (aged || unused) {
        this.#counters[aged ? 'aged' : 'idleClosed']++
        this.#channels.delete(entry.id)
        effects.push({ kind: 'close', channel: entry.id })
      } else if (now - entry.checked >= checkInterval) {
        entry.state = 'checking'
        entry.checked = now
        effects.push({ kind: 'check', channel: entry.id })
      }
    }
    return [...effects, ...this.#serve(now)]
  }

  /** When {@link tick} has something to do, by the same clock; undefined while nothing is to come. */
  next(): number | undefined {
    const { idleTimeout, maxLife, checkInterval, waitTimeout } = this.#limits
    const times = this.#waiters.map(({ since }) => since + waitTimeout)
    for (const { state, since, opened, checked } of this.#channels.values()) {
      if (state === 'checking') times.push(checked + checkInterval)
      if (state === 'idle') times.push(Math.min(since + idleTimeout, opened + maxLife, checked + checkInterval))
    }
    return times.length === 0 ? undefined : Math.min(...times)
  }

  /** No more channels: who waits is refused, what is free is closed; what is leased is closed when it comes back. */
  close(): PoolEffect[] {
    this.#closed = true
    const effects: PoolEffect[] = this.#waiters.map(({ id }) => ({ kind: 'refuse', waiter: id, reason: 'closed' }))
    this.#waiters = []
    for (const { id, state } of this.#channels.values()) {
      if (state === 'leased') continue
      this.#channels.delete(id)
      effects.push({ kind: 'close', channel: id })
    }
    return effects
  }

  /** Gives what is free to who waits, first come first served, and dials where there is room. */
  #serve(now: number): PoolEffect[] {
    const effects: PoolEffect[] = []
    const left: Waiter[] = []
    const unserved = new Map<string, number>()
    for (const waiter of this.#waiters) {
      const entry = this.#free(waiter.site, now)
      if (entry === undefined) {
        left.push(waiter)
        unserved.set(waiter.site, (unserved.get(waiter.site) ?? 0) + 1)
        continue
      }
      if (entry.used) this.#counters.reused++
      entry.used = true
      entry.state = 'leased'
      effects.push({ kind: 'hand', waiter: waiter.id, channel: entry.id })
    }
    this.#waiters = left
    for (const [site, count] of unserved) this.#dial(site, count, effects)
    return effects
  }

  /** The free channel of a site that was used last: the others may grow old. */
  #free(site: string, now: number): Entry | undefined {
    const young = (entry: Entry): boolean => now - entry.opened < this.#limits.maxLife
    const free = [...this.#channels.values()].filter((entry) => entry.site === site && entry.state === 'idle')
    return free.filter(young).toSorted((a, b) => b.since - a.since)[0]
  }

  #dial(site: string, wanted: number, effects: PoolEffect[]): void {
    const { size, perSite } = this.#limits
    let under = this.#dialling.get(site) ?? 0
    const open = [...this.#channels.values()].filter((entry) => entry.site === site).length
    while (under < wanted && open + under < perSite) {
      if (this.#channels.size + this.#diallingInAll >= size && !this.#evict(effects)) return
      this.#dialling.set(site, ++under)
      effects.push({ kind: 'dial', site })
    }
  }

  /** Closes the channel that nobody has used for longest. */
  #evict(effects: PoolEffect[]): boolean {
    const idle = [...this.#channels.values()].filter(({ state }) => state === 'idle')
    const [oldest] = idle.toSorted((a, b) => a.since - b.since)
    if (oldest === undefined) return false
    this.#channels.delete(oldest.id)
    this.#counters.evicted++
    effects.push({ kind: 'close', channel: oldest.id })
    return true
  }

  #drop(entry: Entry, now: number): PoolEffect[] {
    this.#channels.delete(entry.id)
    return [{ kind: 'close', channel: entry.id }, ...this.#serve(now)]
  }

  #dialEnded(site: string): void {
    const left = (this.#dialling.get(site) ?? 1) - 1
    if (left === 0) this.#dialling.delete(site)
    else this.#dialling.set(site, left)
  }

  get #diallingInAll(): number {
    let sum = 0
    for (const count of this.#dialling.values()) sum += count
    return sum
  }
}
