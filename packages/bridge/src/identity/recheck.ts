/** The clock is looked at this often, ms: it may be set, and a channel may come whose certificates end sooner. */
const LOOK_EVERY = 60_000

export interface RecheckOptions {
  /** Certificates are judged again after this long, ms. */
  readonly every: number
  /** When the first certificate behind the open channel ends, ms since 1970-01-01 UTC; undefined: there is none. */
  readonly ends: () => number | undefined
  /** Reads again who vouches for the peer, and who is revoked, and judges. Throws nothing. */
  readonly judge: () => Promise<void>
  /** How often to see whether it is time, ms. Default a minute. */
  readonly lookEvery?: number
}

/**
 * Certificates are judged at the handshake, but a channel may be open for months. So they are judged again from time to
 * time, and when one of them ends.
 */
export class Recheck {
  readonly #options: RecheckOptions
  #timer: NodeJS.Timeout | undefined
  #judged = 0
  #busy = false

  constructor(options: RecheckOptions) {
    this.#options = options
  }

  start(): void {
    this.#judged = performance.now()
    const { every, lookEvery = LOOK_EVERY } = this.#options
    this.#timer = setInterval(() => void this.#look(), Math.min(every, lookEvery)).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  async #look(): Promise<void> {
    const { every, ends, judge } = this.#options
    // An interval may fire a moment before it is due.
    const due = performance.now() - this.#judged > every - 10
    if (this.#busy || !(due || Date.now() > (ends() ?? Infinity))) return
    this.#busy = true
    this.#judged = performance.now()
    await judge()
    this.#busy = false
  }
}
