import { CONTENT, DATA_HEADER, TIMED_HEADER, writeData, writeTimedData } from './content.ts'
import { borrow, giveBack } from './scratch.ts'

/*
 * Messages that share a record: 1a || (length u16 || data or timedData)…. To seal a small record costs fifty times as
 * much as to encrypt what is in it.
 */

const HEADER = 1
const LENGTH = 2
/** Longest bundle in bytes. Beyond, a longer record saves nothing, and what is encrypted leaves the fastest cache. */
const LONGEST = 2 ** 14
/** Longest content in bytes that is copied into a bundle; to have its own record costs a longer one no more. */
const SMALL = 2 ** 12

/** Gathers small messages into one content. The buffer is borrowed while there is something in it. */
export class Bundle {
  readonly #longest: number
  #buffer: Uint8Array | undefined
  #length = HEADER
  #count = 0

  /** The peer takes contents of at most `limit` bytes. */
  constructor(limit: number) {
    this.#longest = Math.min(limit, LONGEST)
  }

  get empty(): boolean {
    return this.#count === 0
  }

  /** Whether a message may share a record at all. */
  admits(message: Uint8Array): boolean {
    const length = TIMED_HEADER + message.length
    return length <= SMALL && HEADER + LENGTH + length <= this.#longest
  }

  /** Whether an admitted message finds room beside what is there. */
  hasRoom(message: Uint8Array): boolean {
    return this.#length + LENGTH + TIMED_HEADER + message.length <= this.#longest
  }

  /** Copies a message that has room. */
  add(port: number, message: Uint8Array, validUntil: number | undefined): void {
    const buffer = (this.#buffer ??= borrow(LONGEST))
    const start = this.#length + LENGTH
    const length = (validUntil === undefined ? DATA_HEADER : TIMED_HEADER) + message.length
    buffer[start - 2] = length >>> 8
    buffer[start - 1] = length
    if (validUntil === undefined) writeData(port, message, buffer, start)
    else writeTimedData(validUntil, port, message, buffer, start)
    this.#length = start + length
    this.#count++
  }

  /** What has been gathered, as one content: a single message is by itself. Valid until {@link clear}. */
  get content(): Uint8Array {
    const buffer = this.#buffer ?? new Uint8Array(0)
    if (this.#count === 1) return buffer.subarray(HEADER + LENGTH, this.#length)
    buffer[0] = CONTENT.bundle
    return buffer.subarray(0, this.#length)
  }

  /** Forgets everything. */
  clear(): void {
    if (this.#buffer !== undefined) giveBack(this.#buffer)
    this.#buffer = undefined
    this.#length = HEADER
    this.#count = 0
  }
}
