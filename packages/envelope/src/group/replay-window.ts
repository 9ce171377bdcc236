/** Sequence numbers that have been seen, as far back as the window reaches (RFC 4303 3.4.3). */
export class ReplayWindow {
  readonly #size: number
  readonly #seen: Uint8Array
  /** One more than the highest that was seen. */
  #next = 0

  constructor(size = 1024) {
    this.#size = size
    this.#seen = new Uint8Array(size)
  }

  /** Whether a number is neither behind the window nor seen before. */
  isNew(sequence: number): boolean {
    if (sequence >= this.#next) return true
    return sequence >= this.#next - this.#size && this.#seen[sequence % this.#size] === 0
  }

  /** Takes a number that has been authenticated. */
  take(sequence: number): void {
    if (sequence >= this.#next) {
      const gap = Math.min(sequence - this.#next, this.#size)
      for (let i = 1; i <= gap; i++) this.#seen[(sequence - i) % this.#size] = 0
      this.#next = sequence + 1
    }
    this.#seen[sequence % this.#size] = 1
  }
}
