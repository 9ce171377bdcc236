import type { Packet } from '../packet.ts'

/** Bytes held for out-of-order data: in one direction of one stream, and in all streams together. */
export interface HoldLimits {
  readonly perDirection: number
  readonly total: number
  /** Capture time in nanoseconds that data may wait for a gap to be filled. */
  readonly maxAge: bigint
}

/** A segment, or what was new of it, that came before the bytes in front of it. */
export interface HeldSegment {
  readonly sequence: number
  readonly packet: Packet
  readonly bytes: Uint8Array
  /** Bytes behind `bytes` that the snap length cut off. */
  readonly missing: number
  readonly fin: boolean
}

/** What waits in one direction of a stream. */
export interface Waiting {
  /** Sorted by sequence number, free of overlap. */
  readonly segments: HeldSegment[]
  /** Bytes that they take, bookkeeping included. */
  bytes: number
}

/** What bookkeeping adds to a held packet, so that tiny segments cannot outgrow the limit. */
const OVERHEAD = 512

/** What all streams of a walker hold; nearly all of them nothing. */
export class HeldSegments {
  readonly limits: HoldLimits
  /** Bytes in all. */
  used = 0
  /** By where in the table a direction has its words. */
  readonly #waiting = new Map<number, Waiting>()

  constructor(limits: HoldLimits) {
    this.limits = limits
  }

  /** What waits in a direction, which may be nothing yet. */
  of(direction: number): Waiting {
    const found = this.#waiting.get(direction)
    if (found !== undefined) return found
    const waiting: Waiting = { segments: [], bytes: 0 }
    this.#waiting.set(direction, waiting)
    return waiting
  }

  /** Nothing waits in a direction any more. */
  forget(direction: number): void {
    this.#waiting.delete(direction)
  }

  insert(waiting: Waiting, at: number, segment: HeldSegment): void {
    waiting.segments.splice(at, 0, segment)
    this.charge(waiting, costOf(segment))
  }

  /** Counts `bytes` that are held in addition, or, below 0, no longer. */
  charge(waiting: Waiting, bytes: number): void {
    waiting.bytes += bytes
    this.used += bytes
  }
}

export function costOf(segment: HeldSegment): number {
  return segment.packet.length + segment.bytes.length + OVERHEAD
}
