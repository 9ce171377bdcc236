import { ProtocolError } from '@gridseal/wire'

interface Piece {
  readonly offset: number
  readonly bytes: Uint8Array
}

/** The receiving end of a stream: puts segments in order, each byte once. Holds at most `window` bytes. */
export class ReceiveStream {
  readonly #window: number
  /** Out of order, by ascending offset; they may overlap. */
  #pieces: Piece[] = []
  /** Bytes that have been read. */
  #read = 0

  constructor(window: number) {
    this.#window = window
  }

  /** Bytes that the peer may send in all. */
  get limit(): number {
    return this.#read + this.#window
  }

  /** Takes a segment. Throws {@link ProtocolError} `channel.stream.window` beyond the limit. */
  take(offset: number, bytes: Uint8Array): void {
    const end = offset + bytes.length
    if (end > this.limit) {
      throw new ProtocolError('channel.stream.window', `a segment up to ${end}, ${this.limit} is allowed`)
    }
    if (end <= this.#read || bytes.length === 0) return
    let at = this.#pieces.length
    while (at > 0 && this.#pieces[at - 1]!.offset > offset) at--
    const same = this.#pieces[at - 1]
    if (same?.offset === offset && same.bytes.length >= bytes.length) return
    this.#pieces.splice(at, 0, { offset, bytes })
  }

  /** The next bytes in order, if they are there. */
  read(): Uint8Array | undefined {
    for (let piece = this.#pieces[0]; piece !== undefined && piece.offset <= this.#read; piece = this.#pieces[0]) {
      this.#pieces.shift()
      const bytes = piece.bytes.subarray(this.#read - piece.offset)
      if (bytes.length === 0) continue
      this.#read += bytes.length
      return bytes
    }
    return undefined
  }
}
