/** Which way a stream's frames travel. */
export type StreamDirection = 'to-device' | 'to-master'

/** What happened to one of a link's connections; in the stream, so that it keeps its place among the frames. */
export type LinkEvent = 'opened' | 'closed' | 'failed' | 'reset'

interface EntryBase {
  readonly link: string
  /** Which of the link's connections; 0 where the medium has none. */
  readonly connection: number
  readonly direction: StreamDirection
  /** Nanoseconds since 1970-01-01 UTC. */
  readonly time: bigint
}

/** One legacy frame, byte for byte. */
export interface FrameEntry extends EntryBase {
  readonly kind: 'frame'
  readonly protocol: string
  readonly bytes: Uint8Array
}

/** A connection of a link came or went. */
export interface EventEntry extends EntryBase {
  readonly kind: 'event'
  readonly event: LinkEvent
  /** For people: why. */
  readonly detail: string
}

/** What a log carries. */
export type Entry = FrameEntry | EventEntry

/** An entry with its place in the log. */
export type SequencedEntry = Entry & { readonly sequence: number }

/** Where a log stood: for joining the next log to it and for going on. */
export interface LogEnd {
  /** 16-byte id of the log. */
  readonly stream: Uint8Array
  readonly treeSize: number
  readonly root: Uint8Array
}

/** What leaf 0 of every log says. */
export interface LogHeader {
  readonly version: number
  readonly site: string
  readonly direction: StreamDirection
  readonly stream: Uint8Array
  /** Fingerprint of the signing key (COSE key thumbprint, 32 bytes). */
  readonly keyId: Uint8Array
  /** Nanoseconds since 1970-01-01 UTC. */
  readonly created: bigint
  /** Why the log began: `start`, `resume`, `size`, `age`, `key`. */
  readonly reason: string
  /** End of the log before it, if there was one. */
  readonly previous: LogEnd | undefined
}

/** All that is needed to go on verifying a log from some batch on. */
export interface LogPosition extends LogEnd {
  /** Number of the next batch. */
  readonly next: number
  /** When the log began, as its header says. */
  readonly created: bigint
  /** Roots of the complete subtrees, largest first. */
  readonly frontier: readonly Uint8Array[]
}
