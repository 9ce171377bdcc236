import { release } from '@gridseal/transport'
import { Subject } from 'rxjs'
import type { Observable, Subscription } from 'rxjs'
import type { ChannelConnection } from '../connection.ts'
import type { SealedPieces } from '../record/long-sealing.ts'
import { unzeroed } from '../record/unzeroed.ts'

/** Bytes at which a write is worth a system call of its own. */
const ENOUGH = 2 ** 16
/**
 * After so many bytes who sends long frames is asked to wait for the next turn of the event loop: everything else has its
 * turn, and what is on its way to the peer stays in the caches. Short ones never wait for that.
 */
const TURN = 2 ** 17

/**
 * Writes frames to a connection. Small frames of one turn of the event loop leave in one write: a write to a socket
 * costs more than to seal a small record.
 */
export class FrameWriter {
  readonly #connection: ChannelConnection
  /** Made when somebody asks for it: most channels are never full. */
  #drained: Subject<void> | undefined
  /** To the connection's room, from the first time that there was none. */
  #subscription: Subscription | undefined
  #stopped = false
  #gathered: Uint8Array[] = []
  #length = 0
  #full = false
  /** Bytes of this turn; it is over from {@link TURN} on. */
  #turn = 0

  constructor(connection: ChannelConnection) {
    this.#connection = connection
  }

  /** Emits after {@link write} has returned false, when there is room again. */
  get drained(): Observable<void> {
    if (this.#drained === undefined) {
      this.#drained = new Subject()
      if (this.#stopped) this.#drained.complete()
    }
    return this.#drained
  }

  /** Whether the peer does not keep up. */
  get full(): boolean {
    return this.#full
  }

  /** Whether so much has been written that others should have their turn. */
  get turnOver(): boolean {
    return this.#turn >= TURN
  }

  /** False when the peer does not keep up; the frame is sent all the same. */
  write(frame: Uint8Array): boolean {
    if (this.#length === 0) process.nextTick(() => this.flush())
    this.gather(frame)
    return !this.#full
  }

  /** Like {@link write} for who calls {@link flush} himself. */
  gather(frame: Uint8Array): void {
    this.#gathered.push(frame)
    this.#length += frame.length
    if (this.#length >= ENOUGH) this.flush()
  }

  /**
   * Like {@link write} for a frame in pieces, whose memory is given back when it has left. What was gathered leaves with it.
   * False also when the turn is over.
   */
  writePieces({ pieces, length }: SealedPieces): boolean {
    const all = this.#gathered.length === 0 ? pieces : [...this.#gathered, ...pieces]
    const total = this.#length + length
    this.#gathered = []
    this.#length = 0
    const connection = this.#connection
    const room =
      connection.writeAll === undefined
        ? connection.write(joined(all, total))
        : connection.writeAll(all, () => pieces.forEach(release))
    this.#written(total, room)
    return !this.#full && !this.turnOver
  }

  /** Writes what has been gathered. */
  flush(): void {
    const [first] = this.#gathered
    if (first === undefined) return
    const length = this.#length
    const chunk = this.#gathered.length === 1 ? first : joined(this.#gathered, length)
    this.#gathered = []
    this.#length = 0
    this.#written(length, this.#connection.write(chunk))
  }

  /** No more will be written, and nobody waits for room. */
  stop(): void {
    this.#stopped = true
    this.#subscription?.unsubscribe()
    this.#drained?.complete()
  }

  #written(length: number, room: boolean): void {
    if (!room) this.#filled()
    const before = this.#turn
    this.#turn += length
    if (before >= TURN || this.#turn < TURN) return
    setImmediate(() => {
      this.#turn = 0
      if (!this.#full) this.#drained?.next()
    })
  }

  /** The connection tells when it has room again, which is not before this turn is over. */
  #filled(): void {
    this.#full = true
    this.#subscription ??= this.#connection.drained.subscribe(() => {
      this.#full = false
      if (!this.turnOver) this.#drained?.next()
    })
  }
}

function joined(frames: readonly Uint8Array[], length: number): Uint8Array {
  const chunk = unzeroed(length)
  let at = 0
  for (const frame of frames) {
    chunk.set(frame, at)
    at += frame.length
  }
  return chunk
}
