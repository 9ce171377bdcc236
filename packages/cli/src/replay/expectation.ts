/**
 * Compares the bytes that arrive at one end of a bridged connection with the frames that should, in order. Frames may
 * arrive cut or joined: a byte stream has no borders.
 */
export class Expectation {
  readonly #frames: { readonly bytes: Uint8Array; readonly sent: number }[] = []
  #first = 0
  /** Bytes of the first frame that have arrived and fit. */
  #matched = 0
  #waiting: (() => void)[] = []
  /** Frames that arrived byte for byte. */
  delivered = 0
  /** Frames that arrived otherwise; after the first nothing more is compared. */
  mismatched = 0

  /** Frames under way. */
  get outstanding(): number {
    return this.#frames.length - this.#first
  }

  /** A frame was sent at `sent` (ms of a monotonic clock). */
  expect(bytes: Uint8Array, sent: number): void {
    this.#frames.push({ bytes, sent })
  }

  /** Takes what arrived; `onFrame` gets the latency (ms) of each frame that is whole now. */
  receive(chunk: Uint8Array, now: number, onFrame: (latency: number) => void): void {
    let at = 0
    while (at < chunk.length && this.mismatched === 0) {
      const frame = this.#frames[this.#first]
      if (frame === undefined) {
        this.mismatched++
        break
      }
      const count = Math.min(frame.bytes.length - this.#matched, chunk.length - at)
      const due = frame.bytes.subarray(this.#matched, this.#matched + count)
      if (Buffer.compare(due, chunk.subarray(at, at + count)) !== 0) {
        this.mismatched++
        break
      }
      at += count
      this.#matched += count
      if (this.#matched === frame.bytes.length) {
        this.#matched = 0
        this.#first++
        this.delivered++
        onFrame(now - frame.sent)
      }
    }
    if (this.#first > 4096) {
      this.#frames.splice(0, this.#first)
      this.#first = 0
    }
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }

  /** Resolves at the next arrival. */
  arrival(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }
}
