import type { Direction } from './frame.ts'

/** What carries the bytes; it decides how a framer recovers. */
export type Medium =
  /** TCP and the like: nothing is lost, so a frame that does not fit means that the peer is out of step. */
  | 'stream'
  /** A serial line: noise is normal, silence ends a frame. */
  | 'serial'
  /** UDP, multicast: each chunk pushed is one datagram; a frame never spans two. */
  | 'datagram'

export interface FramerOptions {
  readonly medium: Medium
  readonly direction: Direction
  /** The protocol's framing where it has several, e.g. Modbus `tcp`, `rtu`, `ascii`. */
  readonly framing?: string
  /** Deliver frames whose check sum is wrong (they are counted as `invalid` all the same). Default false. */
  readonly keepInvalid?: boolean
}

/**
 * Cuts a byte stream into whole frames and never alters them. Noise before a frame is skipped and counted. Frames are
 * views of the pushed chunk or of the framer's own buffer and stay valid; the framer never writes to bytes it has
 * handed out. Memory is bounded by one largest frame of the protocol plus the chunk.
 */
export interface Framer {
  /** Takes the next bytes and returns the frames they complete, in order. Never throws. */
  push(chunk: Uint8Array): Uint8Array[]
  /**
   * The line has been silent for longer than the protocol allows inside a frame: give up the unfinished frame (its
   * bytes count as `discarded`, minus any frames found inside) and start afresh.
   */
  quiet(): Uint8Array[]
  /** Forgets the unfinished frame, e.g. for a new connection. Counters stay. */
  reset(): void
  /** Bytes that belonged to no frame. */
  readonly discarded: number
  /** Frames with a wrong check sum or an impossible header. */
  readonly invalid: number
  /** Bytes of an unfinished frame held now. */
  readonly pending: number
}
