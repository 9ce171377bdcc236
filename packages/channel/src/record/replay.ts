import type { Ordering } from '../handshake/hello.ts'

/** Records back from the newest whose arrival is remembered. */
export const REPLAY_WINDOW = 1024
const WORDS = REPLAY_WINDOW / 32

/** Why a record is not taken. */
export type ReplayVerdict = 'fresh' | 'replay' | 'old' | 'gap'

/**
 * Which sequence numbers have come. Ask {@link judge} before the record is opened, call {@link record} after it has
 * turned out authentic: a forged number must move nothing. It lives as long as the session and knows no epochs.
 *
 * - `strict`: exactly the next number; for ordered links.
 * - `window`: each number once, at most {@link REPLAY_WINDOW} behind the newest (RFC 6479); for datagrams.
 * - `greater-than-last`: each number above the last; for lines that lose but do not reorder.
 */
export class ReplayGuard {
  readonly #ordering: Ordering
  /** The newest number that was recorded; -1 before the first. */
  #newest = -1
  readonly #seen = new Uint32Array(WORDS)
  /** Numbers that were passed over and have not come so far. */
  #missing = 0

  constructor(ordering: Ordering) {
    this.#ordering = ordering
  }

  get newest(): number {
    return this.#newest
  }

  /** Records that are missing: in `window` mode they may still come. */
  get missing(): number {
    return this.#missing
  }

  judge(sequence: number): ReplayVerdict {
    if (sequence > this.#newest) {
      return this.#ordering === 'strict' && sequence !== this.#newest + 1 ? 'gap' : 'fresh'
    }
    if (this.#ordering !== 'window') return 'replay'
    if (this.#newest - sequence >= REPLAY_WINDOW) return 'old'
    return this.#has(sequence) ? 'replay' : 'fresh'
  }

  record(sequence: number): void {
    if (sequence > this.#newest) {
      this.#missing += sequence - this.#newest - 1
      this.#slide(sequence)
    } else {
      this.#missing--
    }
    this.#seen[(sequence >>> 5) % WORDS]! |= 1 << (sequence & 31)
  }

  #has(sequence: number): boolean {
    return (this.#seen[(sequence >>> 5) % WORDS]! & (1 << (sequence & 31))) !== 0
  }

  /** Moves the window and clears the numbers that come into it. */
  #slide(sequence: number): void {
    const from = Math.max(this.#newest + 1, sequence - REPLAY_WINDOW + 1)
    for (let at = from; at <= sequence; at++) this.#seen[(at >>> 5) % WORDS]! &= ~(1 << (at & 31))
    this.#newest = sequence
  }
}
