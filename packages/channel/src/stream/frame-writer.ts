import { Subject } from 'rxjs'
import type { Observable, Subscription } from 'rxjs'
import type { ChannelConnection } from '../connection.ts'
import { unzeroed } from '../record/unzeroed.ts'

/** Bytes at which a write is worth a system call of its own. */
const ENOUGH = 2 ** 16

/**
 * Writes frames to a connection. Small frames of one turn of the event loop leave in one write: a write to a socket
 * costs more than to seal a small record.
 */
export class FrameWriter {
  readonly #connection: ChannelConnection
  readonly #drained: Subject<void> = new Subject()
  readonly #subscription: Subscription
  #gathered: Uint8Array[] = []
  #length = 0
  #full = false

  constructor(connection: ChannelConnection) {
    this.#connection = connection
    this.#subscription = connection.drained.subscribe(() => {
      this.#full = false
      this.#drained.next()
    })
  }

  /** Emits after {@link write} has returned false, when there is room again. */
  get drained(): Observable<void> {
    return this.#drained
  }

  /** Whether the peer does not keep up. */
  get full(): boolean {
    return this.#full
  }

  /** False when the peer does not keep up; the frame is sent all the same. */
  write(frame: Uint8Array): boolean {
    if (this.#length === 0) process.nextTick(() => this.flush())
    this.#gathered.push(frame)
    this.#length += frame.length
    if (this.#length >= ENOUGH) this.flush()
    return !this.#full
  }

  /** Writes what has been gathered. */
  flush(): void {
    const [first] = this.#gathered
    if (first === undefined) return
    const chunk = this.#gathered.length === 1 ? first : joined(this.#gathered, this.#length)
    this.#gathered = []
    this.#length = 0
    if (!this.#connection.write(chunk)) this.#full = true
  }

  /** No more will be written, and nobody waits for room. */
  stop(): void {
    this.#subscription.unsubscribe()
    this.#drained.complete()
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
