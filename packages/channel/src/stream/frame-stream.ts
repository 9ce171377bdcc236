import { ProtocolError } from '@gridseal/wire'
import type { GridsealError } from '@gridseal/wire'
import type { Observable, Subscription } from 'rxjs'
import type { ChannelConnection } from '../connection.ts'
import { asGridsealError } from '../failure.ts'
import { FrameReader } from '../record/frame-reader.ts'
import type { LongFrame } from '../record/frame-reader.ts'
import type { SealedPieces } from '../record/long-sealing.ts'
import { FrameWriter } from './frame-writer.ts'

/** Who gets the frames of a stream. */
export interface FrameHandler {
  /** A whole frame; it may be a view that is valid during the call only. */
  frame(frame: Uint8Array): void
  /**
   * A long record begins with these 13 bytes. Where this is there, chunks whose frames have been handled are given back to
   * the system.
   */
  readonly begin?: (header: Uint8Array) => LongRecord
  /** The peer will send no more, and all whole frames have been handled. */
  ended(): void
  /** What came cannot be read as frames. */
  broken(error: GridsealError): void
}

/** Takes a long record. */
export interface LongRecord extends LongFrame {
  /** All of it has come. */
  end(): void
}

/** How a connection came to its end. */
export type EndReason = Awaited<ChannelConnection['closed']>

/**
 * Frames over a connection: cuts what arrives, can be held and released between any two frames, and ends the
 * connection so that the last frame written still gets out.
 */
export class FrameStream {
  readonly #connection: ChannelConnection
  readonly #reader: FrameReader<LongRecord>
  readonly #writer: FrameWriter
  readonly #subscription: Subscription
  #handler: FrameHandler | undefined
  #pumping = false
  #complete = false
  #finishing: Promise<EndReason> | undefined

  /** Subscribes to the connection. Nothing is delivered before the first {@link handle}. */
  constructor(connection: ChannelConnection, limit: number) {
    this.#connection = connection
    this.#reader = new FrameReader(limit)
    this.#writer = new FrameWriter(connection)
    this.#subscription = connection.data.subscribe({
      next: (chunk) => {
        if (this.#finishing !== undefined) return
        this.#reader.push(chunk)
        this.#pump()
      },
      complete: () => this.#completed(),
    })
    void connection.closed.then(() => this.#completed())
  }

  /** Emits after {@link write} has returned false, when there is room again. */
  get drained(): Observable<void> {
    return this.#writer.drained
  }

  /** Whether the peer keeps up. */
  get hasRoom(): boolean {
    return this.#finishing === undefined && !this.#writer.full
  }

  /** Whether so much has been written in this turn of the event loop that others should have theirs. */
  get turnOver(): boolean {
    return this.#writer.turnOver
  }

  /** Delivers to `handler` from now on; bodies up to `limit` bytes. */
  handle(handler: FrameHandler, limit: number): void {
    if (this.#finishing !== undefined) return
    this.#reader.limit = limit
    this.#reader.begin = handler.begin
    this.#reader.releases = handler.begin !== undefined
    this.#handler = handler
    this.#connection.resume()
    this.#pump()
  }

  /** Bodies may have up to `limit` bytes from the next frame on. */
  allow(limit: number): void {
    this.#reader.limit = limit
  }

  /** Delivers nothing more until the next {@link handle}, and lets the peer feel it. */
  hold(): void {
    this.#handler = undefined
    if (this.#finishing === undefined) this.#connection.pause()
  }

  /** False when the peer does not keep up; the frame is sent all the same. */
  write(frame: Uint8Array): boolean {
    return this.#finishing === undefined && this.#writer.write(frame)
  }

  /** A frame that leaves with the next {@link flush}, which must follow. */
  gather(frame: Uint8Array): void {
    if (this.#finishing === undefined) this.#writer.gather(frame)
  }

  flush(): void {
    this.#writer.flush()
  }

  /** {@link write} for a frame in pieces, which nobody may look at afterwards. False also when {@link turnOver}. */
  writePieces(frame: SealedPieces): boolean {
    return this.#finishing === undefined && this.#writer.writePieces(frame)
  }

  /**
   * Flushes and closes the connection; what still comes is thrown away, since closing with unread bytes would reset
   * the connection and could lose our last frame. Resolves with how it ended.
   */
  finish(): Promise<EndReason> {
    this.#handler = undefined
    this.#finishing ??= this.#end()
    return this.#finishing
  }

  /** Like {@link finish}, for a peer that has been given its time: nothing is waited for. */
  cut(): void {
    void this.finish()
    this.#connection.destroy()
  }

  async #end(): Promise<EndReason> {
    this.#writer.flush()
    this.#writer.stop()
    this.#connection.resume()
    this.#connection.end()
    const reason = await this.#connection.closed
    this.#subscription.unsubscribe()
    return reason
  }

  #completed(): void {
    this.#complete = true
    this.#pump()
  }

  #pump(): void {
    if (this.#pumping) return
    this.#pumping = true
    try {
      while (this.#handler !== undefined) {
        const frame = this.#reader.next()
        if (frame === undefined) break
        if (frame instanceof Uint8Array) this.#handler.frame(frame)
        else frame.end()
      }
    } catch (error) {
      this.#handler?.broken(asGridsealError(error))
    } finally {
      this.#pumping = false
    }
    if (this.#complete && this.#handler !== undefined && this.#finishing === undefined) this.#handler.ended()
  }
}

/** The error of a connection that ended in the middle of something. */
export function connectionEnded(reason: EndReason, what: string): ProtocolError {
  const message = `the connection ended ${what}` + (reason.error === undefined ? '' : `: ${reason.error.message}`)
  return new ProtocolError('channel.truncated', message, { reason: reason.kind }, reason.error)
}
