/** Longest time that a timer of Node.js can wait. */
const LONGEST = 2 ** 31 - 1

/**
 * Wakes a session when it wants to be woken. The timer is set anew only when it would come too late: one that comes too
 * early is let come, because setting one costs more than the request that it watches over.
 */
export class Alarm {
  readonly #wake: (now: number) => number
  #timer: NodeJS.Timeout | undefined
  #at = Number.POSITIVE_INFINITY
  #wanted = Number.POSITIVE_INFINITY

  /** `wake` returns when it wants to be called next. */
  constructor(wake: (now: number) => number) {
    this.#wake = wake
  }

  /** Wake at a time of `performance.now()`; infinity for never. */
  set(at: number, now: number): void {
    this.#wanted = at
    if (at >= this.#at) return
    clearTimeout(this.#timer)
    this.#at = at
    this.#timer = setTimeout(() => this.#ring(), Math.min(LONGEST, Math.max(0, Math.ceil(at - now))))
  }

  clear(): void {
    clearTimeout(this.#timer)
    this.#at = this.#wanted = Number.POSITIVE_INFINITY
  }

  #ring(): void {
    this.#at = Number.POSITIVE_INFINITY
    const now = performance.now()
    this.set(now >= this.#wanted ? this.#wake(now) : this.#wanted, now)
  }
}
