import { ProtocolError } from '@gridseal/wire'

interface Piece {
  readonly offset: number
  readonly bytes: Uint8Array
}

/** Every piece of an honest sender has so many bytes, in the middle: a message in its frame has at least as many. */
const LEAST_PIECE = 8

/** The receiving end of a stream: puts segments in order, each byte once. Holds at most `window` bytes. */
export class ReceiveStream {
  readonly #window: number
  /** What has not been read, by ascending offset; none overlaps another. */
  #pieces: Piece[] = []
  /** Pieces at the front that have been read. */
  #gone = 0
  #held = 0
  /** Bytes that have been read. */
  #read = 0

  constructor(window: number) {
    this.#window = window
  }

  /** Bytes that the peer may send in all. */
  get limit(): number {
    return this.#read + this.#window
  }

  /** Bytes that have come and were not read. */
  get held(): number {
    return this.#held
  }

  /** Takes a segment. Throws {@link ProtocolError} `channel.stream.window` beyond the limit, and for too many crumbs. */
  take(offset: number, bytes: Uint8Array): void {
    const end = offset + bytes.length
    if (end > this.limit) {
      throw new ProtocolError('channel.stream.window', `a segment up to ${end}, ${this.limit} is allowed`)
    }
    let at = this.#after(offset)
    let from = Math.max(offset, this.#read, at > this.#gone ? endOf(this.#pieces[at - 1]!) : 0)
    for (; from < end; at++) {
      const next = this.#pieces[at]
      const to = Math.min(end, next?.offset ?? end)
      if (to > from) this.#insert(at++, { offset: from, bytes: own(bytes.subarray(from - offset, to - offset)) })
      if (next === undefined) break
      from = endOf(next)
    }
  }

  /** The next bytes in order, if they are there. */
  read(): Uint8Array | undefined {
    const piece = this.#pieces[this.#gone]
    if (piece === undefined || piece.offset > this.#read) return undefined
    this.#gone++
    if (this.#gone * 2 >= this.#pieces.length) {
      this.#pieces = this.#pieces.slice(this.#gone)
      this.#gone = 0
    }
    this.#read += piece.bytes.length
    this.#held -= piece.bytes.length
    return piece.bytes
  }

  /** Where the first piece is that begins beyond `offset`: mostly at the end. */
  #after(offset: number): number {
    let [low, high] = [this.#gone, this.#pieces.length]
    if (high > low && this.#pieces[high - 1]!.offset <= offset) return high
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#pieces[middle]!.offset > offset) high = middle
      else low = middle + 1
    }
    return low
  }

  #insert(at: number, piece: Piece): void {
    if ((this.#pieces.length - this.#gone) * LEAST_PIECE >= this.#window) {
      throw new ProtocolError(
        'channel.stream.window',
        `more than ${this.#pieces.length} pieces with holes between them`,
      )
    }
    this.#pieces.splice(at, 0, piece)
    this.#held += piece.bytes.length
  }
}

function endOf({ offset, bytes }: Piece): number {
  return offset + bytes.length
}

/** The bytes, without much of what they are a view of. */
function own(bytes: Uint8Array): Uint8Array {
  return bytes.buffer.byteLength > 2 * bytes.length + 64 ? bytes.slice() : bytes
}
