import type { Framer, Medium } from '@gridseal/adapter'
import { allocate } from '@gridseal/wire'

/**
 * What a framing says of the bytes at a possible frame start.
 */
export interface FrameRule {
  /** Longest frame, bytes. */
  readonly maxLength: number
  /**
   * Looks at `bytes[start..end)`:
   * - n > 0: a frame of n bytes, whole;
   * - {@link NO_FRAME}: no frame begins here;
   * - -n: can't tell yet; a frame that begins here needs at least n bytes in all (or as many as come, up to n).
   *
   * `hunting`: the byte before was not the end of a frame, so only what is beyond doubt counts as a frame.
   */
  measure(bytes: Uint8Array, start: number, end: number, hunting: boolean): number
  /** Length of the frame at `start` whose check sum is wrong, or 0 where none can be told. */
  damaged(bytes: Uint8Array, start: number, end: number): number
  /** Silence follows `end`: length of the frame at `start` that only silence can end, or 0. */
  ended(bytes: Uint8Array, start: number, end: number): number
}

/** No frame begins here. */
export const NO_FRAME = 0

const NOTHING = new Uint8Array(0)

/**
 * The engine under all framings: cuts chunks into frames by a {@link FrameRule}, holds the unfinished frame, finds the
 * way back after noise. Frames that lie within one chunk are views of it; a frame that spans chunks is put together
 * in a buffer of its own. Nothing that was handed out is written again.
 */
export class StreamFramer implements Framer {
  readonly #rule: FrameRule
  readonly #datagrams: boolean
  readonly #keepInvalid: boolean
  /** The unfinished frame: `#held[#start..#end)`. */
  #held: Uint8Array = NOTHING
  #start = 0
  #end = 0
  /** Bytes that the unfinished frame needs before it is worth another look. */
  #needed = 0
  #hunting = false
  #discarded = 0
  #invalid = 0

  constructor(rule: FrameRule, medium: Medium, keepInvalid: boolean) {
    this.#rule = rule
    this.#datagrams = medium === 'datagram'
    this.#keepInvalid = keepInvalid
  }

  get discarded(): number {
    return this.#discarded
  }

  get invalid(): number {
    return this.#invalid
  }

  get pending(): number {
    return this.#end - this.#start
  }

  push(chunk: Uint8Array): Uint8Array[] {
    const frames: Uint8Array[] = []
    if (this.#datagrams) {
      this.#cutDatagram(chunk, frames)
      return frames
    }
    const at = this.#start === this.#end ? 0 : this.#complete(chunk, frames)
    const rest = this.#cut(chunk, at, chunk.length, frames)
    if (rest < chunk.length) this.#hold(chunk, rest)
    return frames
  }

  quiet(): Uint8Array[] {
    const frames: Uint8Array[] = []
    this.#giveUp(frames)
    return frames
  }

  reset(): void {
    this.#held = NOTHING
    this.#start = this.#end = 0
    this.#hunting = false
  }

  /** Cuts frames out of `bytes[at..end)`; returns where the unfinished one begins. */
  #cut(bytes: Uint8Array, at: number, end: number, frames: Uint8Array[]): number {
    const rule = this.#rule
    while (at < end) {
      const length = rule.measure(bytes, at, end, this.#hunting)
      if (length > 0) {
        this.#hunting = false
        frames.push(at === 0 && length === bytes.length ? bytes : bytes.subarray(at, at + length))
        at += length
      } else if (length === NO_FRAME) {
        at += this.#skip(bytes, at, end, frames)
      } else {
        this.#needed = -length
        break
      }
    }
    return at
  }

  /** No frame begins at `at`: returns how many bytes to pass over. */
  #skip(bytes: Uint8Array, at: number, end: number, frames: Uint8Array[]): number {
    if (!this.#hunting) {
      this.#hunting = true
      this.#invalid++
      const length = this.#keepInvalid ? this.#rule.damaged(bytes, at, end) : 0
      if (length > 0) {
        frames.push(bytes.subarray(at, at + length))
        // Nothing behind it: most likely that was a frame from end to end, and the next one is in step.
        if (at + length === end) this.#hunting = false
        return length
      }
    }
    this.#discarded++
    return 1
  }

  /** Goes on with the unfinished frame; returns how much of the chunk it took. */
  #complete(chunk: Uint8Array, frames: Uint8Array[]): number {
    let at = 0
    while (this.#start < this.#end) {
      if (at === chunk.length) break
      const take = Math.min(Math.max(this.#needed - this.pending, 1), chunk.length - at)
      this.#append(chunk, at, at + take)
      at += take
      this.#start = this.#cut(this.#held, this.#start, this.#end, frames)
    }
    if (this.#start === this.#end) this.#release()
    return at
  }

  #append(chunk: Uint8Array, from: number, to: number): void {
    const count = to - from
    if (this.#end + count > this.#held.length) {
      // A new buffer, not a shift: frames in the old one may have been handed out.
      const room = Math.max(this.#rule.maxLength, this.pending + count)
      const bigger = allocate(room)
      bigger.set(this.#held.subarray(this.#start, this.#end))
      this.#end = this.pending
      this.#start = 0
      this.#held = bigger
    }
    this.#held.set(chunk.subarray(from, to), this.#end)
    this.#end += count
  }

  #hold(chunk: Uint8Array, from: number): void {
    this.#release()
    this.#append(chunk, from, chunk.length)
  }

  #release(): void {
    this.#held = NOTHING
    this.#start = this.#end = 0
  }

  /** No more bytes will come for the unfinished frame: takes what is whole in it, counts the rest. */
  #giveUp(frames: Uint8Array[]): void {
    const held = this.#held
    const end = this.#end
    let at = this.#start
    while ((at = this.#cut(held, at, end, frames)) < end) {
      const length = this.#hunting ? 0 : this.#ended(held, at, end)
      if (length > 0) {
        frames.push(held.subarray(at, at + length))
        at += length
      } else {
        // What begins here will not be finished; a whole frame may begin behind it.
        this.#hunting = true
        this.#discarded++
        at++
      }
    }
    this.#release()
    this.#hunting = false
  }

  /** Length of the frame that the silence at `end` ends; a damaged one is counted, and kept only if so configured. */
  #ended(bytes: Uint8Array, at: number, end: number): number {
    const length = this.#rule.ended(bytes, at, end)
    if (length > 0) return length
    const damaged = this.#rule.damaged(bytes, at, end)
    if (damaged > 0) this.#invalid++
    return this.#keepInvalid ? damaged : 0
  }

  /** A datagram is frames from end to end; from the first byte that is not, it is discarded. */
  #cutDatagram(bytes: Uint8Array, frames: Uint8Array[]): void {
    const end = bytes.length
    let at = 0
    while (at < end) {
      let length = this.#rule.measure(bytes, at, end, false)
      if (length <= 0) length = this.#rule.ended(bytes, at, end)
      if (length <= 0) {
        this.#invalid++
        if (this.#keepInvalid) length = this.#rule.damaged(bytes, at, end)
      }
      if (length <= 0) {
        this.#discarded += end - at
        return
      }
      frames.push(bytes.subarray(at, at + length))
      at += length
    }
  }
}
