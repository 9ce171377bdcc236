import { MacKey, equalBytes } from '@gridseal/pqc'

/** Bytes of a tag. */
export const TAG_LENGTH = 32

/**
 * HMAC-SHA256 under a secret of this process that is changed by itself; what the one before has tagged is still known.
 * `now` is any clock in ms that does not go back.
 */
export class RotatingMac {
  readonly #random: (count: number) => Uint8Array
  readonly #life: number
  #current: MacKey
  #previous: MacKey
  #since = 0

  /** `life` is for how many ms a secret tags; it is kept as long again. */
  constructor(random: (count: number) => Uint8Array, life: number) {
    this.#random = random
    this.#life = life
    this.#current = new MacKey(random(32))
    this.#previous = this.#current
  }

  tag(now: number, ...parts: readonly Uint8Array[]): Uint8Array {
    this.#turn(now)
    return this.#current.hmacSha256(...parts)
  }

  /** Whether this is the tag of these parts under either secret. */
  knows(tag: Uint8Array, now: number, ...parts: readonly Uint8Array[]): boolean {
    this.#turn(now)
    return [this.#current, this.#previous].some((key) => equalBytes(tag, key.hmacSha256(...parts)))
  }

  #turn(now: number): void {
    if (now - this.#since < this.#life) return
    // Throws in the error state of the crypto core; then nothing has changed.
    const next = new MacKey(this.#random(32))
    this.#previous = this.#current
    this.#current = next
    this.#since = now
  }
}
