import { DecodeError } from '@gridseal/wire'
import { release } from '@gridseal/transport'
import { FRAME, FRAME_HEADER, frameName, isFrameType, readU32 } from './frame.ts'
import { RECORD_HEADER } from './record.ts'
import { borrow, giveBack } from './scratch.ts'

/** Longer records are handed on while they arrive, where somebody takes them so. */
const LONG = 2 ** 14
/** Shorter parts of one are gathered first: what comes a byte at a time must not cost an object a byte. */
const LEAST_PART = 2 ** 14
/** Chunks from here on are worth giving back to the system at once. */
const WORTH_RELEASING = 2 ** 14

/** Takes a long record while it arrives. */
export interface LongFrame {
  /** The next bytes behind the header, valid during the call. */
  part(bytes: Uint8Array): void
}

/**
 * Cuts a byte stream into whole frames, however it arrives in chunks. A frame inside one chunk is a view of it; one
 * that spans chunks is gathered once into one buffer, so large frames cost one copy and no repeated joining. Type and
 * length are checked as soon as the header is there and before anything is allocated by it.
 *
 * Where {@link begin} is set, a long record that spans chunks is not gathered: its parts go to a {@link LongFrame} as they
 * arrive, so that no more of it is kept here than a part.
 */
export class FrameReader<Long extends LongFrame = never> {
  /** Largest body in bytes. */
  limit: number
  /** Takes the 13 bytes that a long record begins with. */
  begin: ((header: Uint8Array) => Long) | undefined
  /** Whether chunks are given back to the system when all of their frames have been handled: nobody else has them then. */
  releases = false
  readonly #chunks: Uint8Array[] = []
  /** Offset of the next byte in the first chunk. */
  #at = 0
  readonly #header = new Uint8Array(RECORD_HEADER)
  /** How much of a header is needed to know what to do with the frame. */
  #headerLength = FRAME_HEADER
  /** The frame that is being gathered: the header first, then a buffer of the frame's size. */
  #frame: Uint8Array = this.#header
  #filled = 0
  /** The frame that was gathered and handed out last. */
  #lent: Uint8Array | undefined
  /** The chunk whose last frame was handed out last. */
  #spent: Uint8Array | undefined
  #long: Long | undefined
  /** Bytes of the long record that have not come. */
  #left = 0
  /** A part of it that is being gathered. */
  #part: Uint8Array | undefined
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
   * The next whole frame with its header, valid until the next call, or a long record of which all has come; undefined
   * until more bytes come. Throws {@link DecodeError} `channel.frame.type` or `channel.frame.length`, and as the taker of
   * a long record does; the stream cannot be read further after that.
   */
  next(): Uint8Array | Long | undefined {
    this.#reclaim()
    for (let chunk = this.#chunks[0]; chunk !== undefined; chunk = this.#chunks[0]) {
      if (this.#long !== undefined) {
        const whole = this.#continue(this.#long, chunk)
        if (whole !== undefined) return whole
        continue
      }
      const frame = this.#filled === 0 ? this.#view(chunk) : undefined
      if (frame !== undefined) return frame
      const gathered = this.#gather(chunk)
      if (gathered !== undefined) return gathered
    }
    return undefined
  }

  #reclaim(): void {
    if (this.#lent !== undefined) giveBack(this.#lent)
    this.#lent = undefined
    if (this.#spent !== undefined) release(this.#spent)
    this.#spent = undefined
  }

  /** Takes what the chunk has of the header or of the frame; returns the frame when it is whole. */
  #gather(chunk: Uint8Array): Uint8Array | undefined {
    const target = this.#frame
    const inHeader = target === this.#header
    const end = Math.min(chunk.length, this.#at + (inHeader ? this.#headerLength : target.length) - this.#filled)
    target.set(chunk.subarray(this.#at, end), this.#filled)
    this.#filled += end - this.#at
    this.#advance(chunk, end)
    if (inHeader && this.#filled === this.#headerLength) this.#judge()
    return this.#frame !== this.#header && this.#filled === this.#frame.length ? this.#gathered() : undefined
  }

  /** A header is there, or as much of it as was needed. */
  #judge(): void {
    const length = this.#frameLength(this.#header, 0)
    const { begin } = this
    if (begin === undefined || length <= LONG || this.#header[0] !== FRAME.record) {
      this.#headerLength = FRAME_HEADER
      this.#frame = borrow(length)
      this.#frame.set(this.#header.subarray(0, FRAME_HEADER))
    } else if (this.#headerLength === FRAME_HEADER) {
      this.#headerLength = RECORD_HEADER
    } else {
      this.#headerLength = FRAME_HEADER
      this.#filled = 0
      this.#left = length - RECORD_HEADER
      this.#consumed += length
      this.#long = begin(this.#header)
    }
  }

  /** Hands on what the chunk has of a long record; returns it when all has come. */
  #continue(long: Long, chunk: Uint8Array): Long | undefined {
    const start = this.#at
    const ready = Math.min(chunk.length - start, this.#left)
    const direct = this.#filled === 0 && (ready >= LEAST_PART || ready === this.#left)
    const taken = direct ? ready : Math.min(ready, LEAST_PART - this.#filled)
    const bytes = chunk.subarray(start, start + taken)
    this.#left -= taken
    if (direct) long.part(bytes)
    else {
      const part = (this.#part ??= borrow(LEAST_PART))
      part.set(bytes, this.#filled)
      this.#filled += taken
      if (this.#filled === LEAST_PART || this.#left === 0) {
        long.part(part.subarray(0, this.#filled))
        this.#filled = 0
      }
    }
    this.#advance(chunk, start + taken)
    // Nothing that was handed out lies in the chunk.
    if (this.#spent === chunk) this.#reclaim()
    if (this.#left > 0) return undefined
    if (this.#part !== undefined) giveBack(this.#part)
    this.#part = undefined
    this.#long = undefined
    return long
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
    if (this.releases && chunk.length >= WORTH_RELEASING) this.#spent = chunk
  }
}
