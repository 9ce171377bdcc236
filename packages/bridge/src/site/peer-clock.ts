/** Nanoseconds after which a sample gives way to any newer one: clocks drift. */
const LIFETIME = 300_000_000_000n
/** Clocks do not tell the same to less than this, ns. */
const TOLERANCE = 1_000_000n

interface Sample {
  /** The peer's wall clock minus our monotonic one, ns, give or take half the round trip. */
  readonly offset: bigint
  readonly roundTrip: bigint
  readonly at: bigint
}

/**
 * What is known of the peer's clock, from questions that were answered: the round trip bounds the error, so whoever
 * holds messages back makes us less sure, never wrong. Our side is measured on a clock that never steps; a step of the
 * peer's shows as an answer that contradicts the ones before. Times in nanoseconds: `theirs` and `time` on the peer's
 * wall clock, the others on our monotonic one.
 */
export class PeerClock {
  #best: Sample | undefined

  /** A question asked at `asked` was answered with the peer's time `theirs` and came back at `now`. */
  answered(asked: bigint, theirs: bigint, now: bigint): void {
    const roundTrip = now - asked
    if (roundTrip < 0n || asked < 0n) return
    const offset = theirs - (asked + now) / 2n
    const best = this.#best
    if (best !== undefined && roundTrip > best.roundTrip && now - best.at < LIFETIME) {
      const apart = offset > best.offset ? offset - best.offset : best.offset - offset
      if (apart * 2n <= roundTrip + best.roundTrip + TOLERANCE) return
    }
    this.#best = { offset, roundTrip, at: now }
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

  /**
   * How old it is likely to be, in ms. Where the peer's clock and our own wall clock differ by no more than `tolerance`
   * ms they are taken for one: sharper than a round trip.
   */
  likelyAgeMs(time: bigint, now: bigint, wall: bigint, tolerance: number): number {
    const theirs = this.#best === undefined ? wall : now + this.#best.offset
    const same = Math.abs(Number(theirs - wall) / 1e6) <= tolerance
    return Number((same ? wall : theirs) - time) / 1e6
  }
}
