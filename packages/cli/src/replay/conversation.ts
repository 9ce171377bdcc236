import type { Direction, ProtocolAdapter } from '@gridseal/adapter'

/** Bytes that one side of a captured conversation sent, as one TCP segment or datagram delivered them. */
export interface CapturedChunk {
  readonly direction: Direction
  /** Nanoseconds since 1970-01-01 UTC, as captured. */
  readonly time: bigint
  readonly bytes: Uint8Array
}

/** One TCP connection or UDP exchange of a capture, from the side that began it (taken for the master). */
export interface Conversation {
  /** Where it comes from, for messages: `FILE 10.0.0.1:1025 > 10.0.0.2:502`. */
  readonly name: string
  readonly adapter: ProtocolAdapter
  readonly framing: string | undefined
  readonly medium: 'stream' | 'datagram'
  readonly chunks: readonly CapturedChunk[]
}
