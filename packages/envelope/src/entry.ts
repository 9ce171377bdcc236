import type { VerifyingKey } from '@gridseal/pqc'

/** Which way a stream's frames travel. */
export type StreamDirection = 'to-device' | 'to-master'

/**
 * What a stream carries: `live` conversations, which are worth nothing later, or one of three classes of traffic that is
 * kept until it can be delivered, the most urgent first.
 */
export type StreamClass = 'live' | 'urgent' | 'normal' | 'bulk'

/** In the order of the wire (docs/envelope.cddl) and of delivery. */
export const STREAM_CLASSES: readonly StreamClass[] = ['live', 'urgent', 'normal', 'bulk']

/** What a stream is of, whatever log it is in: its logs follow each other. */
export interface Lane {
  readonly site: string
  readonly direction: StreamDirection
  readonly class: StreamClass
}

/** A lane as one string, to be the key of a map. */
export function laneName(lane: Lane): string {
  return JSON.stringify([lane.site, lane.direction, lane.class])
}

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
export interface LogHeader extends Lane {
  readonly version: number
  readonly stream: Uint8Array
  /** Fingerprint of the signing key (COSE key thumbprint, 32 bytes). */
  readonly keyId: Uint8Array
  /** Nanoseconds since 1970-01-01 UTC. */
  readonly created: bigint
  /** Why the log began: `start`, `restart`, `size`, `age`, `key`. */
  readonly reason: string
  /** End of the log before it, if there was one. */
  readonly previous: LogEnd | undefined
}

/** All that is needed to go on verifying a log from some batch on. */
export interface LogPosition extends LogEnd, Lane {
  /** Number of the next batch. */
  readonly next: number
  /** When the log began, as its header says. */
  readonly created: bigint
  /** Roots of the complete subtrees, largest first. */
  readonly frontier: readonly Uint8Array[]
  /** The key that the log's last leaf has named for the next log. Known only to who has verified that leaf. */
  readonly successor?: VerifyingKey
}
