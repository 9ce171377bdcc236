import { DecodeError } from '@gridseal/wire'
import { FRAME_HEADER, frameName, isFrameType, readU32 } from './frame.ts'
import { borrow, giveBack } from './scratch.ts'

/**
 * Cuts a byte stream into whole frames, however it arrives in chunks. A frame inside one chunk is a view of it; one
 * that spans chunks is gathered once into one buffer, so large records cost one copy and no repeated joining. Type and length are checked as soon as the header is there and before anything is allocated by it.
 */
export class FrameReader {
  /** Largest body in bytes. */
  limit: number
  readonly #chunks: Uint8Array[] = []
  /** Offset of the next byte in the first chunk. */
  #at = 0
  readonly #header = new Uint8Array(FRAME_HEADER)
  /** The frame that is being gathered: the header first, then a buffer of the frame's size. */
  #frame: Uint8Array = this.#header
  #filled = 0
  /** The frame that was gathered and handed out last. */
  #lent: Uint8Array | undefined
  /** Bytes of the stream before the frame that is being read, for error offsets. */
  #consumed = 0

  constructor(limit: number) {
    this.limit = limit
  }

  /** Takes the next bytes. The chunk must not change until its frames have been handled. */
  push(chunk: Uint8Array): void {
    if (chunk.length > 0) this.#chunks.push(chunk)
  }

  /**
   * The next whole frame with its header, valid until the next call, or undefined until more bytes come. Throws
   * {@link DecodeError} `channel.frame.type` or `channel.frame.length`; the stream cannot be read further after that.
   */
  next(): Uint8Array | undefined {
    if (this.#lent !== undefined) {
      giveBack(this.#lent)
      this.#lent = undefined
    }
    for (let chunk = this.#chunks[0]; chunk !== undefined; chunk = this.#chunks[0]) {
      const frame = this.#filled === 0 ? this.#view(chunk) : undefined
      if (frame !== undefined) return frame
      const end = Math.min(chunk.length, this.#at + this.#frame.length - this.#filled)
      this.#frame.set(chunk.subarray(this.#at, end), this.#filled)
      this.#filled += end - this.#at
      this.#advance(chunk, end)
      if (this.#frame === this.#header && this.#filled === FRAME_HEADER) {
        this.#frame = borrow(this.#frameLength(this.#header, 0))
        this.#frame.set(this.#header)
      }
      if (this.#frame !== this.#header && this.#filled === this.#frame.length) return this.#gathered()
    }
    return undefined
  }

  #gathered(): Uint8Array {
    const frame = this.#frame
    this.#lent = frame
    this.#frame = this.#header
    this.#filled = 0
    this.#consumed += frame.length
    return frame
  }

  /** The frame at the front of the chunk if all of it is there. */
  #view(chunk: Uint8Array): Uint8Array | undefined {
    const start = this.#at
    if (chunk.length - start < FRAME_HEADER) return undefined
    const length = this.#frameLength(chunk, start)
    if (chunk.length - start < length) return undefined
    this.#advance(chunk, start + length)
    this.#consumed += length
    return chunk.subarray(start, start + length)
  }

  #frameLength(source: Uint8Array, at: number): number {
    const type = source[at]!
    if (!isFrameType(type)) {
      throw new DecodeError('channel.frame.type', this.#consumed, 'type', `${frameName(type)} is not a frame`)
    }
    const length = readU32(source, at + 1)
    if (length > this.limit) {
      const message = `${frameName(type)} of ${length} bytes, at most ${this.limit} are allowed`
      throw new DecodeError('channel.frame.length', this.#consumed + 1, 'length', message)
    }
    return FRAME_HEADER + length
  }

  #advance(chunk: Uint8Array, to: number): void {
    this.#at = to
    if (to < chunk.length) return
    this.#chunks.shift()
    this.#at = 0
  }
}
