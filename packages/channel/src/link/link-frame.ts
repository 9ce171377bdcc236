import { UsageError, crc32Ssp21 } from '@gridseal/wire'
import { readU32, writeU32 } from '../record/frame.ts'

/*
 * Packets on a line that has bytes only, as SSP21 has them: 07 AA || destination u16 || source u16 || length u16 ||
 * crc-h u32 || payload || crc-p u32, big-endian; crc-h over the first 8 bytes, crc-p over the payload. The CRC finds noise;
 * who changes a frame on purpose makes it fit again, and fails at the record within.
 */

const SYNC_0 = 0x07
const SYNC_1 = 0xaa
const HEADER = 12
const CRC_LENGTH = 4
/** The CRC is worth its distance up to here. */
export const MAX_PAYLOAD = 4092
/** A frame is this much longer than its payload. */
export const LINK_OVERHEAD: number = HEADER + CRC_LENGTH

/** A frame that came whole; `payload` is a copy. */
export interface LinkFrame {
  readonly destination: number
  readonly source: number
  readonly payload: Uint8Array
}

/** Throws {@link UsageError} `channel.link.length` for a payload that is too long. */
export function encodeLinkFrame({ destination, source, payload }: LinkFrame): Uint8Array {
  const { length } = payload
  if (length > MAX_PAYLOAD) {
    throw new UsageError('channel.link.length', `a link frame holds ${MAX_PAYLOAD} bytes, not ${length}`)
  }
  const frame = new Uint8Array(LINK_OVERHEAD + length)
  frame[0] = SYNC_0
  frame[1] = SYNC_1
  writeU32(frame, 2, destination * 0x1_0000 + source)
  frame[6] = length >>> 8
  frame[7] = length
  writeU32(frame, 8, crc32Ssp21(frame, 0, 8))
  frame.set(payload, HEADER)
  writeU32(frame, HEADER + length, crc32Ssp21(payload))
  return frame
}

/** What a reader of frames counts. */
export interface LinkFrameCounters {
  /** Whole frames. */
  frames: number
  /** Bytes that belong to no frame. */
  discarded: number
  /** Times that something began like a frame and was none: a check sum was wrong. */
  broken: number
}

/**
 * Cuts a line's bytes into frames. After noise it looks for the next beginning from the byte behind the last one that
 * was wrong, so noise costs the frames that it hits and no other. Holds one frame at most.
 */
export class LinkFrameReader {
  readonly counters: LinkFrameCounters = { frames: 0, discarded: 0, broken: 0 }
  #held: Uint8Array = new Uint8Array(0)

  /** Bytes that may be the beginning of a frame. */
  get held(): number {
    return this.#held.length
  }

  push(chunk: Uint8Array): LinkFrame[] {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk])
    const frames: LinkFrame[] = []
    let at = 0
    while (at < bytes.length) {
      const length = frameLength(bytes, at)
      if (length === 'later') break
      if (length === 'none') {
        at++
        this.counters.discarded++
        continue
      }
      const payload = bytes.subarray(at + HEADER, at + length - CRC_LENGTH)
      if (length === 0 || crc32Ssp21(payload) !== readU32(bytes, at + length - CRC_LENGTH)) {
        this.counters.broken++
        this.counters.discarded++
        at++
        continue
      }
      const addresses = readU32(bytes, at + 2)
      frames.push({ destination: addresses >>> 16, source: addresses & 0xffff, payload: Uint8Array.from(payload) })
      this.counters.frames++
      at += length
    }
    this.#held = Uint8Array.from(bytes.subarray(at))
    return frames
  }
}

/** Bytes of the frame that begins there, if one does; 0 for a header with a wrong check sum or length. */
function frameLength(bytes: Uint8Array, at: number): number | 'later' | 'none' {
  if (bytes[at] !== SYNC_0) return 'none'
  const left = bytes.length - at
  if (left === 1) return 'later'
  if (bytes[at + 1] !== SYNC_1) return 'none'
  if (left < HEADER) return 'later'
  const length = (bytes[at + 6]! << 8) | bytes[at + 7]!
  if (length > MAX_PAYLOAD || crc32Ssp21(bytes, at, at + 8) !== readU32(bytes, at + 8)) return 0
  return left < LINK_OVERHEAD + length ? 'later' : LINK_OVERHEAD + length
}
