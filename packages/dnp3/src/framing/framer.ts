import type { Framer, FramerOptions } from '@gridseal/adapter'
import { UsageError, allocate } from '@gridseal/wire'
import {
  LINK_HEADER,
  MAX_LINK_FRAME,
  MIN_LINK_LENGTH,
  START_1,
  START_2,
  findBadBlock,
  isLinkHeader,
  linkFrameLength,
} from '../codec/link-frame.ts'

/** The one framing of DNP3: FT3 link frames, over every medium. */
export const FRAMING = 'ft3'

/** Throws {@link UsageError} `adapter.framing` for a framing that DNP3 does not have. */
export function checkFraming(framing: string | undefined): void {
  if (framing !== undefined && framing !== FRAMING) {
    throw new UsageError('adapter.framing', `dnp3 has no framing ${framing}, only ${FRAMING}`, { framing })
  }
}

/** A framer for link frames, every check sum checked. */
export function createFramer(options: FramerOptions): Framer {
  checkFraming(options.framing)
  const keepInvalid = options.keepInvalid === true
  return new LinkFramer(keepInvalid, options.medium === 'datagram')
}

const NOTHING = new Uint8Array(0)

/**
 * Cuts bytes into link frames (IEEE 1815 clause 9). Frames that lie within one chunk are views of it; a frame that spans
 * chunks is put together in a buffer of its own, which is never written again. After a wrong check sum the search for
 * the next 05 64 goes on one octet behind the false start, so that a frame cut short does not take the next one with it.
 *
 * With `keepInvalid`, what starts with 05 64 and has a wrong check sum is delivered, too: as long as its header says, or
 * up to where a sound header begins inside it.
 */
class LinkFramer implements Framer {
  readonly #keepInvalid: boolean
  readonly #datagrams: boolean
  /** The unfinished frame: `#held[0..#end)`. */
  #held: Uint8Array = NOTHING
  #end = 0
  /** Octets that the unfinished frame needs before it is worth another look. */
  #needed = 0
  #discarded = 0
  #invalid = 0

  constructor(keepInvalid: boolean, datagrams: boolean) {
    this.#keepInvalid = keepInvalid
    this.#datagrams = datagrams
  }

  get discarded(): number {
    return this.#discarded
  }

  get invalid(): number {
    return this.#invalid
  }

  get pending(): number {
    return this.#end
  }

  push(chunk: Uint8Array): Uint8Array[] {
    // What a sender gives to TCP at once mostly arrives at once.
    if (this.#end === 0 && isWholeFrame(chunk)) return [chunk]
    const frames: Uint8Array[] = []
    if (this.#datagrams) {
      const rest = this.#cut(chunk, 0, true, frames)
      // A frame never goes on in the next datagram: this header promises what is not there.
      if (rest < chunk.length) this.#invalid++
      this.#giveUp(chunk, rest, frames)
      return frames
    }
    const at = this.#end === 0 ? 0 : this.#complete(chunk, frames)
    const rest = this.#cut(chunk, at, false, frames)
    if (rest < chunk.length) this.#hold(chunk, rest)
    return frames
  }

  quiet(): Uint8Array[] {
    const frames: Uint8Array[] = []
    const held = this.#held.subarray(0, this.#end)
    this.reset()
    this.#giveUp(held, 0, frames)
    return frames
  }

  reset(): void {
    this.#held = NOTHING
    this.#end = 0
  }

  /** Cuts frames out of `bytes` from `at` on; returns where the unfinished one begins. `last`: no more bytes will come. */
  #cut(bytes: Uint8Array, at: number, last: boolean, frames: Uint8Array[]): number {
    const end = bytes.length
    while (at < end) {
      if (bytes[at] !== START_1 || (at + 1 < end && bytes[at + 1] !== START_2)) {
        const start = findStart(bytes, at + 1)
        this.#discarded += start - at
        at = start
        continue
      }
      this.#needed = LINK_HEADER
      if (end - at < LINK_HEADER) return at
      const sound = isLinkHeader(bytes, at)
      if (sound) {
        const length = linkFrameLength(bytes[at + 2]!)
        this.#needed = length
        if (end - at < length) return at
        if (findBadBlock(bytes, at, at + length) < 0) {
          frames.push(at === 0 && length === end ? bytes : bytes.subarray(at, at + length))
          at += length
          continue
        }
      }
      const damaged = this.#keepInvalid ? this.#damagedLength(bytes, at, last) : 0
      if (damaged === UNFINISHED) return at
      this.#invalid++
      if (damaged >= LINK_HEADER) {
        frames.push(bytes.subarray(at, at + damaged))
        at += damaged
      } else {
        this.#discarded++
        at++
      }
    }
    return at
  }

  /**
   * How many octets the frame at `at`, which has a wrong check sum, shall be delivered with: as many as its header
   * claims, or up to where a sound header begins; {@link UNFINISHED} if that takes more octets to tell. A header that
   * claims what cannot be is none.
   */
  #damagedLength(bytes: Uint8Array, at: number, last: boolean): number {
    if (bytes[at + 2]! < MIN_LINK_LENGTH) return 0
    const length = linkFrameLength(bytes[at + 2]!)
    const stop = at + length
    let start = at
    while ((start = findStart(bytes, start + 1)) < Math.min(stop, bytes.length)) {
      if (start + LINK_HEADER > bytes.length) {
        if (last) break
        this.#needed = Math.max(length, start + LINK_HEADER - at)
        return UNFINISHED
      }
      if (isLinkHeader(bytes, start)) return start - at
    }
    this.#needed = length
    return stop <= bytes.length ? length : UNFINISHED
  }

  /** No more bytes will come for the unfinished frame: takes the whole ones inside it, counts the rest. */
  #giveUp(bytes: Uint8Array, at: number, frames: Uint8Array[]): void {
    while ((at = this.#cut(bytes, at, true, frames)) < bytes.length) {
      this.#discarded++
      at++
    }
  }

  /** Goes on with the unfinished frame; returns how much of the chunk it took. */
  #complete(chunk: Uint8Array, frames: Uint8Array[]): number {
    let at = 0
    while (this.#end > 0 && at < chunk.length) {
      const take = Math.min(this.#needed - this.#end, chunk.length - at)
      this.#held.set(chunk.subarray(at, at + take), this.#end)
      this.#end += take
      at += take
      const held = this.#held.subarray(0, this.#end)
      const rest = this.#cut(held, 0, false, frames)
      if (rest === 0) continue
      this.reset()
      if (rest < held.length) this.#hold(held, rest)
    }
    return at
  }

  /** Keeps the unfinished frame in a buffer of its own: it may be delivered, and is not written after that. */
  #hold(bytes: Uint8Array, from: number): void {
    this.#held = allocate(MAX_LINK_FRAME + LINK_HEADER)
    this.#held.set(bytes.subarray(from), 0)
    this.#end = bytes.length - from
  }
}

const UNFINISHED = -1

/** Whether these are exactly one frame, every check sum right. */
function isWholeFrame(bytes: Uint8Array): boolean {
  const { length } = bytes
  if (length < LINK_HEADER || bytes[0] !== START_1 || bytes[1] !== START_2) return false
  return length === linkFrameLength(bytes[2]!) && isLinkHeader(bytes, 0) && findBadBlock(bytes, 0, length) < 0
}

/** Where the next frame may start: at 05 64, or at 05 as the last octet; else the end. */
function findStart(bytes: Uint8Array, at: number): number {
  for (;;) {
    const start = bytes.indexOf(START_1, at)
    if (start < 0) return bytes.length
    if (start + 1 === bytes.length || bytes[start + 1] === START_2) return start
    at = start + 1
  }
}
