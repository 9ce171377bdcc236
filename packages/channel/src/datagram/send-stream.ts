import type { Segment } from './content.ts'
import { Fifo } from './fifo.ts'

/** The sending end of a stream: what is not sent yet, and what has to be sent again. */
export class SendStream {
  readonly #stream: number
  readonly #chunks: Fifo<Uint8Array> = new Fifo()
  /** Bytes of the first chunk that have been cut into segments. */
  #at = 0
  #offset = 0
  #queued = 0
  #pending = 0
  readonly #lost: Fifo<Segment> = new Fifo()
  /** Bytes that may be sent in all; the peer says so. */
  #limit: number

  constructor(stream: number, limit: number) {
    this.#stream = stream
    this.#limit = limit
  }

  /** Bytes that the peer has not confirmed. */
  get pending(): number {
    return this.#pending
  }

  /** Whether there is something to send now. */
  get ready(): boolean {
    return this.#lost.length > 0 || (this.#queued > 0 && this.#offset < this.#limit)
  }

  /** Whether there is something to send that the peer does not want yet. */
  get blocked(): boolean {
    return this.#queued > 0 && this.#offset >= this.#limit
  }

  /** Appends bytes, which must not change. */
  write(bytes: Uint8Array): void {
    this.#chunks.push(bytes)
    this.#queued += bytes.length
    this.#pending += bytes.length
  }

  /** The next segment of at most `most` bytes: what was lost first. */
  next(most: number): Segment | undefined {
    const again = this.#lost.shift()
    if (again !== undefined) return again
    const room = Math.min(most, this.#queued, this.#limit - this.#offset)
    if (room <= 0) return undefined
    const segment = { stream: this.#stream, offset: this.#offset, bytes: this.#cut(room) }
    this.#offset += room
    this.#queued -= room
    return segment
  }

  acked(segment: Segment): void {
    this.#pending -= segment.bytes.length
  }

  lost(segment: Segment): void {
    this.#lost.push(segment)
  }

  allow(limit: number): void {
    this.#limit = Math.max(this.#limit, limit)
  }

  #cut(length: number): Uint8Array {
    const first = this.#chunks.first!
    const left = first.length - this.#at
    if (length <= left) return this.#take(first, length)
    const bytes = new Uint8Array(length)
    for (let at = 0; at < length;) {
      const chunk = this.#chunks.first!
      const piece = this.#take(chunk, Math.min(length - at, chunk.length - this.#at))
      bytes.set(piece, at)
      at += piece.length
    }
    return bytes
  }

  #take(chunk: Uint8Array, length: number): Uint8Array {
    const piece = chunk.subarray(this.#at, this.#at + length)
    this.#at += length
    if (this.#at === chunk.length) {
      this.#chunks.shift()
      this.#at = 0
    }
    return piece
  }
}
