/** Nanoseconds after which a sample gives way to any newer one: clocks drift. */
const LIFETIME = 300_000_000_000n

interface Sample {
  /** The peer's clock minus ours, ns, give or take half the round trip. */
  readonly offset: bigint
  readonly roundTrip: bigint
  readonly at: bigint
}

/**
 * What is known of the peer's clock, from questions that were answered: the round trip bounds the error, so whoever
 * holds messages back makes us less sure, never wrong. Times in nanoseconds.
 */
export class PeerClock {
  #best: Sample | undefined

  /** A question asked at `asked` was answered with the peer's time `theirs` and came back at `now`. */
  answered(asked: bigint, theirs: bigint, now: bigint): void {
    const roundTrip = now - asked
    if (roundTrip < 0n) return
    const best = this.#best
    if (best !== undefined && roundTrip > best.roundTrip && now - best.at < LIFETIME) return
    this.#best = { offset: theirs - (asked + now) / 2n, roundTrip, at: now }
  }

  forget(): void {
    this.#best = undefined
  }

  /** The most that something can be old that the peer stamped `time`, in ms; infinite before the first answer. */
  maxAgeMs(time: bigint, now: bigint): number {
    const best = this.#best
    if (best === undefined) return Number.POSITIVE_INFINITY
    return Number(now + best.offset + best.roundTrip / 2n - time) / 1e6
  }

  /** How old it is likely to be, in ms; clock differences of up to `tolerance` ms are taken for none. */
  likelyAgeMs(time: bigint, now: bigint, tolerance: number): number {
    const offset = this.#best?.offset ?? 0n
    const same = Math.abs(Number(offset) / 1e6) <= tolerance
    return Number(now + (same ? 0n : offset) - time) / 1e6
  }
}
