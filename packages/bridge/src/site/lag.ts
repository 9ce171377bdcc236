import type { MessageChannel } from '@gridseal/channel'
import { STREAM_CLASSES } from '@gridseal/envelope'

/** Each stream of a peer has a window; it may be larger than ours. */
const WINDOWS = 2 * STREAM_CLASSES.length

/**
 * What came from a peer and waits for the journal: one that does not keep to its windows is not read until the disk has
 * caught up.
 */
export class Lag {
  readonly #most: number
  #waiting = 0
  #paused: MessageChannel | undefined

  /** `window`: bytes of one stream that may be on their way. */
  constructor(window: number) {
    this.#most = WINDOWS * window
  }

  /** So many more (or fewer) bytes wait; they came by this channel, or by one that has ended. */
  add(bytes: number, channel: MessageChannel | undefined): void {
    this.#waiting += bytes
    if (this.#waiting > this.#most && this.#paused !== channel) {
      this.#paused = channel
      channel?.pause()
    } else if (this.#waiting <= this.#most / 2) {
      this.#paused?.resume()
      this.#paused = undefined
    }
  }
}
