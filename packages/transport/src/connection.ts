import type { GridsealError } from '@gridseal/wire'
import type { Observable } from 'rxjs'

/** What carries the bytes, for whoever has to cut them into frames. */
export type Medium = 'stream' | 'serial' | 'datagram'

/**
 * Why a connection is over.
 * - `local`: this end closed it, with {@link Connection.end} or {@link Connection.destroy}.
 * - `peer`: the other end closed it in good order.
 * - `error`: it broke, or was destroyed with an error; bytes may be missing on either side.
 */
export interface CloseReason {
  readonly kind: 'local' | 'peer' | 'error'
  /** Present when `kind` is `error`. */
  readonly error?: GridsealError
}

/** Counters of one connection, from its opening to its end. They only grow. */
export interface ConnectionCounters {
  /** Bytes that came from the peer and were handed to the subscriber of `data`. */
  bytesIn: number
  /** Chunks in which they came. */
  chunksIn: number
  /** Bytes that `write` accepted; `queued` of them have not left yet. */
  bytesOut: number
  /** Chunks that `write` accepted. */
  writes: number
  /** Writes that were not accepted because the connection was already ending. */
  refused: number
  /** Times the write queue rose above its high-water mark. */
  congested: number
  /** Bytes thrown away because nobody was subscribed while the connection was ending. */
  discarded: number
  /** Errors the connection met; any of them ends it. */
  errors: number
}

/** One byte stream that is open now: a TCP connection, a serial port, one end of a memory pair. */
export interface Connection {
  readonly medium: Medium
  /** This end, as a URL. */
  readonly local: string
  /** The other end, as a URL. */
  readonly remote: string
  /**
   * What the peer sends, in the chunks it arrives in; a chunk belongs to the subscriber. Hot, for one subscriber at a
   * time (a second gets a `UsageError` `transport.data.subscribed`). While there is none, and while paused, nothing is
   * read and nothing is lost. Completes when the peer has sent its last byte or the connection is over; never errors.
   */
  readonly data: Observable<Uint8Array>
  /** Resolves exactly once, when the operating system has let go of it. Never rejects. */
  readonly closed: Promise<CloseReason>
  /** Emits when the write queue has fallen to its low-water mark after {@link write} returned false. */
  readonly drained: Observable<void>
  readonly counters: Readonly<ConnectionCounters>
  /** Bytes accepted by {@link write} that have not left yet. */
  readonly queued: number
  /**
   * Queues a chunk, which must not be changed afterwards. One chunk is one write to the system.
   *
   * False means that the queue is above its high-water mark: the chunk is sent all the same, but wait for
   * {@link drained} before the next. Beyond the hard limit the connection is destroyed with the error
   * `transport.queue.full`. Once the connection is ending, chunks are not accepted: false, counted as `refused`.
   */
  write(chunk: Uint8Array): boolean
  /**
   * {@link write} for chunks that belong together: one write to the system where it takes several. `taken` is called once
   * all have left and nobody reads them any more, so that their memory can be used again; it is never called where that
   * cannot be told, or when the connection breaks before.
   */
  writeAll(chunks: readonly Uint8Array[], taken?: () => void): boolean
  /** Stops reading, so that the peer feels it. */
  pause(): void
  resume(): void
  /**
   * Sends what is queued, then closes. Delivery to a subscriber of `data` goes on until the peer has closed too; without
   * a subscriber, what still comes is thrown away. A peer that neither takes the queue nor closes is cut off after the
   * option `linger`.
   */
  end(): void
  /**
   * Closes at once and drops what is queued. With an error the peer sees a reset, where the medium has one, and `closed`
   * tells of it.
   */
  destroy(error?: GridsealError): void
}

export function newConnectionCounters(): ConnectionCounters {
  return { bytesIn: 0, chunksIn: 0, bytesOut: 0, writes: 0, refused: 0, congested: 0, discarded: 0, errors: 0 }
}
