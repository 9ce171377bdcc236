import { UsageError } from '@gridseal/wire'

/** How long to wait before speaking unasked on a line that others share; milliseconds. */
export interface CollisionOptions {
  /** The line must have been silent for so long. Who shall come first has less: a master less than its outstations. */
  readonly fixed: number
  /** And up to so much more, drawn anew for each attempt: who waits for the same silence does not break it together. */
  readonly random: number
}

const LONGEST = 60_000

/**
 * Collision avoidance on a serial line with several stations that may speak unasked (IEEE 1815 clause 9): who wants to speak waits
 * until the line has been silent for its time; octets of anybody else make it wait again. Pure: `draw` gives 0 up to 1.
 */
export class CollisionAvoidance {
  readonly #options: CollisionOptions
  readonly #draw: () => number
  #silentSince = -Infinity
  #turn: number | undefined

  /** Throws {@link UsageError} `dnp3.link.option`. */
  constructor(options: CollisionOptions, draw: () => number) {
    for (const [name, value] of Object.entries(options)) {
      if (!(value >= 0 && value <= LONGEST)) {
        throw new UsageError('dnp3.link.option', `${name} is a number of milliseconds up to ${LONGEST}, not ${value}`)
      }
    }
    this.#options = options
    this.#draw = draw
  }

  /** Octets were on the line. */
  heard(now: number): void {
    this.#silentSince = now
    this.#turn = undefined
  }

  /** When one who wants to speak may, if the line stays silent: `now` or later. */
  turn(now: number): number {
    const { fixed, random } = this.#options
    this.#turn ??= Math.max(now, this.#silentSince + fixed) + random * this.#draw()
    return Math.max(this.#turn, now)
  }

  /** The turn was taken: the next one is drawn anew. */
  spoke(now: number): void {
    this.heard(now)
  }
}
