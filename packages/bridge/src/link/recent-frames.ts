/** Longest time in which the same octets are the same frame, ms: sampled values may repeat themselves after a second. */
const WINDOW_MS = 500
/** Octets that are remembered: half a second of a network with 16 streams at 4,000 frames a second has a quarter of it. */
const MOST_OCTETS = 16 << 20

/**
 * Frames that have lately passed an end, either way. A frame that comes again (because we have sent it ourselves, by a
 * loop, or by two ways) is no new one: no publisher sends the same octets twice within the window, since its counters go on.
 */
export class RecentFrames {
  /** When a frame passed, by its octets as Latin-1 text; the oldest first. */
  readonly #seen = new Map<string, number>()
  #octets = 0

  /** Whether a frame has not been here within the window; then it is remembered. `now` in ms on any steady clock. */
  isNew(frame: Uint8Array, now: number): boolean {
    this.#forget(now)
    const text = Buffer.from(frame.buffer, frame.byteOffset, frame.length).toString('latin1')
    if (this.#seen.has(text)) return false
    this.#seen.set(text, now)
    this.#octets += text.length
    return true
  }

  #forget(now: number): void {
    for (const [text, at] of this.#seen) {
      if (at > now - WINDOW_MS && this.#octets <= MOST_OCTETS) return
      this.#seen.delete(text)
      this.#octets -= text.length
    }
  }
}
