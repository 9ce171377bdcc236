/** The outstation's clock: UTC by its own reckoning, set by masters. */
export class DeviceClock {
  /** UTC milliseconds less the milliseconds of `now`. */
  #offset: number
  #synchronised = false
  #setAt = -Infinity

  /** `utc` is the time at `now`; a device without a clock of its own begins in 1970. */
  constructor(utc: number, now: number) {
    this.#offset = utc - now
  }

  /** Whether the time was ever set by a master, or is told to be right. */
  get synchronised(): boolean {
    return this.#synchronised
  }

  utc(now: number): number {
    return Math.max(0, Math.round(now + this.#offset))
  }

  /** When by our reckoning it is `utc`. */
  momentOf(utc: number): number {
    return utc - this.#offset
  }

  set(utc: number, now: number): void {
    this.#offset = utc - now
    this.#synchronised = true
    this.#setAt = now
  }

  /** Whether a master should set the time: it never did, or `interval` milliseconds ago; 0: once is enough. */
  needsTime(now: number, interval: number): boolean {
    return !this.#synchronised || (interval > 0 && now - this.#setAt >= interval)
  }
}
