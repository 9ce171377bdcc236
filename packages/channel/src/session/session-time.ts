import { UsageError } from '@gridseal/wire'

/**
 * When the session began, for times to live, by our clock. It begins when the ClientHello reaches the responder. The
 * initiator knows only that this was after it sent it (`earliest`) and before the answer came (`latest`).
 */
export interface SessionStart {
  readonly earliest: number
  readonly latest: number
}

/** Times in records end here, ms: what 48 bits hold. */
const MAX_TIME = 2 ** 48 - 1

/** The session's own time, ms from its beginning; where it is not known exactly, what is sent looks older, never fresher. */
export class SessionTime {
  readonly #start: SessionStart
  readonly #clock: () => number

  /** `clock` counts ms and does not go back. */
  constructor(start: SessionStart, clock: () => number) {
    this.#start = start
    this.#clock = clock
  }

  /** When a time to live of `ttl` ms that begins now is over. Throws {@link UsageError} `channel.message.ttl`. */
  deadline(ttl: number): number {
    const until = Math.floor(this.#clock() - this.#start.latest) + ttl
    if (Number.isInteger(ttl) && ttl >= 1 && until <= MAX_TIME) return until
    throw new UsageError('channel.message.ttl', `a time to live is a whole number of ms from 1, not ${ttl}`)
  }

  /** Whether a deadline that the peer has set is over. */
  isOver(deadline: number): boolean {
    return this.#clock() - this.#start.earliest > deadline
  }
}
