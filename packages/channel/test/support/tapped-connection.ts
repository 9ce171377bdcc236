import type { GridsealError } from '@gridseal/wire'
import { memoryPair } from '@gridseal/transport'
import type { CloseReason, Connection, MemoryOptions } from '@gridseal/transport'
import type { Observable } from 'rxjs'
import type { ChannelConnection } from '@gridseal/channel'

/** One end of an in-memory connection with a man in the middle: every frame written here passes `between`. */
export class TappedConnection implements ChannelConnection {
  /** Decides what arrives at the other end for a frame written here. */
  between: (frame: Uint8Array) => readonly Uint8Array[] = (frame) => [frame]
  /** The frames that this end has written, in order. */
  readonly written: Uint8Array[] = []
  /** How often this end has written. */
  writes = 0
  readonly #inner: Connection

  constructor(inner: Connection) {
    this.#inner = inner
  }

  get data(): Observable<Uint8Array> {
    return this.#inner.data
  }
  get drained(): Observable<void> {
    return this.#inner.drained
  }
  get closed(): Promise<CloseReason> {
    return this.#inner.closed
  }

  write(chunk: Uint8Array): boolean {
    this.writes++
    let room = true
    for (const frame of framesOf(chunk)) {
      this.written.push(frame)
      for (const piece of this.between(frame)) room = this.#inner.write(piece)
    }
    return room
  }

  /** Makes bytes arrive at the other end as if this one had written them. */
  forge(chunk: Uint8Array): void {
    this.#inner.write(chunk)
  }

  pause(): void {
    this.#inner.pause()
  }
  resume(): void {
    this.#inner.resume()
  }
  end(): void {
    this.#inner.end()
  }
  destroy(error?: GridsealError): void {
    this.#inner.destroy(error)
  }
}

/** The frames of a chunk; what is no whole frame counts as one. */
function framesOf(chunk: Uint8Array): Uint8Array[] {
  const frames: Uint8Array[] = []
  for (let at = 0; at < chunk.length;) {
    const left = chunk.subarray(at)
    const length = left.length < 5 ? left.length : 5 + new DataView(left.buffer, left.byteOffset).getUint32(1)
    frames.push(Uint8Array.from(left.subarray(0, length)))
    at += length
  }
  return frames
}

/** Two ends of one connection. */
export function tappedPair(options: MemoryOptions = {}): [TappedConnection, TappedConnection] {
  const [a, b] = memoryPair(options)
  return [new TappedConnection(a), new TappedConnection(b)]
}
