/** Takes output; what it returns is waited for before there is more of it. */
export type Sink = (bytes: Uint8Array) => Promise<void> | void

const CHUNK = 1 << 16

/** Collects lines and hands them on in large pieces of UTF-8. */
export class LineWriter {
  readonly #sink: Sink
  #chunk = Buffer.allocUnsafeSlow(CHUNK)
  #length = 0
  #pending: Promise<void> = Promise.resolve()

  constructor(sink: Sink) {
    this.#sink = sink
  }

  line(text: string): void {
    // A character of a string takes three octets at most.
    const most = text.length * 3 + 1
    if (this.#length + most > this.#chunk.length) this.#flush(most)
    this.#length += this.#chunk.write(text, this.#length)
    this.#chunk[this.#length++] = NEWLINE
  }

  /** Lines that are bytes already, with their ends. */
  lines(bytes: Uint8Array, from: number, to: number): void {
    if (this.#length + to - from > this.#chunk.length) this.#flush(to - from)
    this.#chunk.set(bytes.subarray(from, to), this.#length)
    this.#length += to - from
  }

  /** Resolves when the sink has taken what it was given. Rejects with what it throws. */
  async drained(): Promise<void> {
    await this.#pending
  }

  /** Hands on what is left. */
  async end(): Promise<void> {
    this.#flush(0)
    await this.#pending
  }

  #flush(next: number): void {
    const bytes = this.#chunk.subarray(0, this.#length)
    this.#chunk = Buffer.allocUnsafeSlow(Math.max(CHUNK, next))
    this.#length = 0
    if (bytes.length > 0) this.#pending = this.#pending.then(() => this.#sink(bytes))
  }
}

const NEWLINE = 0x0a

/** To standard output, waiting where the reader is slow. */
export function standardOutput(bytes: Uint8Array): Promise<void> | void {
  if (process.stdout.write(bytes)) return undefined
  return new Promise((resolve) => process.stdout.once('drain', () => resolve()))
}
