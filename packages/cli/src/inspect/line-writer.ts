import { TextWriter } from '@gridseal/wire'

/** Takes output; what it returns is waited for before there is more of it. The bytes are written again after that. */
export type Sink = (bytes: Uint8Array) => Promise<void> | void

/** Octets that are handed on at once, and room for the line that goes beyond them. */
const CHUNK = 1 << 16
const ROOM = 1 << 12
/** Pieces whose memory is kept, to be used again: where little else is new, it is all that the garbage collector has to do. */
const MOST_KEPT = 8

/** Collects lines and hands them on in large pieces of UTF-8. */
export class LineWriter {
  /** Where a line is written; {@link lineEnd} ends it. */
  readonly text: TextWriter = new TextWriter(CHUNK + ROOM)
  readonly #sink: Sink
  readonly #taken: ArrayBuffer[] = []
  #pending: Promise<void> = Promise.resolve()

  constructor(sink: Sink) {
    this.#sink = sink
  }

  /** The line in `text` is whole, its end of line included. */
  lineEnd(): void {
    if (this.text.length >= CHUNK) this.#flush()
  }

  /** Lines that are bytes already, with their ends. */
  lines(bytes: Uint8Array, from: number, to: number): void {
    this.text.octets(bytes.subarray(from, to))
    this.lineEnd()
  }

  /** Resolves when the sink has taken what it was given. Rejects with what it throws. */
  async drained(): Promise<void> {
    await this.#pending
  }

  /** Hands on what is left. */
  async end(): Promise<void> {
    this.#flush()
    await this.#pending
  }

  #flush(): void {
    if (this.text.length === 0) return
    const bytes = this.text.take(this.#taken.pop() ?? CHUNK + ROOM)
    this.#pending = this.#pending.then(async () => {
      await this.#sink(bytes)
      if (this.#taken.length < MOST_KEPT) this.#taken.push(bytes.buffer)
    })
  }
}

/** To standard output, waiting where the reader is slow. */
export function standardOutput(bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => process.stdout.write(bytes, () => resolve()))
}
