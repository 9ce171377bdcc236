/** What a session wants to send: the effects of its last inputs, in order. Whoever runs it takes and sends them. */
export class Outbox {
  #chunks: Uint8Array[] = []
  /** Where things go instead, while a station is attached to a channel. */
  forward: Outbox | undefined
  /** Called when there is something to take, and was nothing before. */
  onFilled: (() => void) | undefined

  send(bytes: Uint8Array): void {
    if (this.forward !== undefined) {
      this.forward.send(bytes)
      return
    }
    this.#chunks.push(bytes)
    if (this.#chunks.length === 1) this.onFilled?.()
  }

  /** All that was sent since the last call, as one chunk; undefined if nothing was. */
  take(): Uint8Array | undefined {
    const chunks = this.#chunks
    if (chunks.length === 0) return undefined
    this.#chunks = []
    return chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)
  }
}

/** No time at which something would be due. */
export const NEVER: number = Infinity
