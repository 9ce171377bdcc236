import { performance } from 'node:perf_hooks'

/** Time over which what was not used can be used together, s. */
const BURST_S = 0.05

/** Lets a number of things a second pass, in small bursts. */
export class Pace {
  readonly #rate: number
  readonly #burst: number
  #tokens: number
  #at = 0

  /** `rate` a second. */
  constructor(rate: number) {
    this.#rate = rate
    this.#burst = Math.max(1, rate * BURST_S)
    this.#tokens = this.#burst
  }

  /** Whether one may pass now (`now` in ms on any steady clock). */
  take(now: number = performance.now()): boolean {
    this.#tokens = Math.min(this.#burst, this.#tokens + ((now - this.#at) / 1000) * this.#rate)
    this.#at = now
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }
}
