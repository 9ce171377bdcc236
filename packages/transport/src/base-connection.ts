import { ProtocolError, UsageError } from '@gridseal/wire'
import type { GridsealError } from '@gridseal/wire'
import { Observable, Subject } from 'rxjs'
import type { Subscriber } from 'rxjs'
import { newConnectionCounters } from './connection.ts'
import type { CloseReason, Connection, ConnectionCounters, Medium } from './connection.ts'
import type { QueueMarks } from './options.ts'

/**
 * Everything that connections have in common: delivery, flow control, the accounting of the write queue, and the rule
 * that a life ends once and for one reason. A medium adds how bytes move.
 *
 * States: open -> ending (either end has finished writing) -> breaking (destroyed) -> over (the system let go).
 */
export abstract class BaseConnection implements Connection {
  abstract readonly medium: Medium
  abstract readonly local: string
  abstract readonly remote: string
  abstract readonly queued: number
  readonly data: Observable<Uint8Array>
  readonly closed: Promise<CloseReason>
  readonly counters: ConnectionCounters = newConnectionCounters()

  readonly #marks: QueueMarks
  /** Made when somebody asks for it: most queues are never full. */
  #drained: Subject<void> | undefined
  readonly #resolveClosed: (reason: CloseReason) => void
  #state: 'open' | 'ending' | 'breaking' | 'over' = 'open'
  #reason: CloseReason | undefined
  #subscriber: Subscriber<Uint8Array> | undefined
  /** The peer has sent its last byte. */
  #complete = false
  #paused = false
  #reading = false
  #congested = false
  #linger: NodeJS.Timeout | undefined
  #halfOpen: NodeJS.Timeout | undefined

  constructor(marks: QueueMarks) {
    this.#marks = marks
    this.data = new Observable((subscriber) => this.#subscribe(subscriber))
    const { promise, resolve } = Promise.withResolvers<CloseReason>()
    this.closed = promise
    this.#resolveClosed = resolve
  }

  get drained(): Observable<void> {
    if (this.#drained === undefined) {
      this.#drained = new Subject()
      if (this.#state === 'over') this.#drained.complete()
    }
    return this.#drained
  }

  /** Hands a chunk to the medium, which calls {@link left} whenever queued bytes have left. */
  protected abstract transmit(chunk: Uint8Array): void
  /** Hands several chunks to the medium; one that knows when nobody reads them any more calls `taken` then. */
  protected transmitAll(chunks: readonly Uint8Array[], _taken?: () => void): void {
    for (const chunk of chunks) this.transmit(chunk)
  }
  /** Starts or stops reading from the medium. */
  protected abstract setReading(on: boolean): void
  /** Sends what is queued, then closes. Called once. */
  protected abstract finish(): void
  /** Closes at once; `reset` asks to let the peer know that something is wrong. Called once. */
  protected abstract breakOff(reset: boolean): void

  write(chunk: Uint8Array): boolean {
    const { counters } = this
    if (this.#state !== 'open') {
      counters.refused++
      return false
    }
    counters.writes++
    counters.bytesOut += chunk.length
    this.transmit(chunk)
    return this.#roomLeft()
  }

  writeAll(chunks: readonly Uint8Array[], taken?: () => void): boolean {
    const { counters } = this
    if (this.#state !== 'open') {
      counters.refused++
      return false
    }
    counters.writes++
    for (const chunk of chunks) counters.bytesOut += chunk.length
    this.transmitAll(chunks, taken)
    return this.#roomLeft()
  }

  #roomLeft(): boolean {
    const { queued } = this
    return queued <= this.#marks.high || this.#congest(queued)
  }

  pause(): void {
    this.#paused = true
    this.#flow()
  }

  resume(): void {
    this.#paused = false
    this.#flow()
  }

  end(): void {
    this.#finish('local')
  }

  destroy(error?: GridsealError): void {
    if (this.#state === 'breaking' || this.#state === 'over') return
    if (error === undefined) this.#reason ??= { kind: 'local' }
    else this.failed(error)
    this.#state = 'breaking'
    this.breakOff(error !== undefined)
  }

  /** A chunk came in. */
  protected received(chunk: Uint8Array): void {
    const { counters } = this
    if (this.#subscriber === undefined) {
      counters.discarded += chunk.length
      return
    }
    counters.bytesIn += chunk.length
    counters.chunksIn++
    this.#subscriber.next(chunk)
  }

  /**
   * The peer has sent its last byte, and all of them have been delivered. What it waits for may be written for `halfOpen` ms,
   * however slowly it takes that.
   */
  protected peerEnded(halfOpen = 0): void {
    if (halfOpen > 0 && this.#state === 'open') {
      this.#reason ??= { kind: 'peer' }
      this.#halfOpen = setTimeout(() => this.#finish('peer'), halfOpen)
    }
    this.#completeData()
    if (halfOpen === 0) this.#finish('peer')
  }

  /** Some of the queue has left. */
  protected left(): void {
    this.#linger?.refresh()
    if (!this.#congested || this.queued > this.#marks.low) return
    this.#congested = false
    this.#drained?.next()
  }

  /** The medium broke; it will call {@link terminated} next. An error outweighs an end in good order. */
  protected failed(error: GridsealError): void {
    if (this.#state === 'breaking' || this.#state === 'over') return
    this.counters.errors++
    if (this.#reason?.kind !== 'error') this.#reason = { kind: 'error', error }
  }

  /** The system has let go of the connection. */
  protected terminated(): void {
    if (this.#state === 'over') return
    this.#state = 'over'
    clearTimeout(this.#linger)
    clearTimeout(this.#halfOpen)
    this.#linger = undefined
    this.#completeData()
    this.#drained?.complete()
    this.#resolveClosed(this.#reason ?? { kind: 'local' })
  }

  /** Cuts an ending connection off when for `milliseconds` nothing has left its queue. */
  protected lingerFor(milliseconds: number): void {
    clearTimeout(this.#linger)
    this.#linger = setTimeout(() => {
      this.#linger = undefined
      this.lingered()
    }, milliseconds)
  }

  /** The patience with an ending connection is over. */
  protected lingered(): void {
    const { queued } = this
    if (queued === 0) this.destroy()
    else {
      const message = `the peer did not take the last ${queued} bytes`
      this.destroy(new ProtocolError('transport.close.timeout', message, { queued }))
    }
  }

  #finish(kind: 'local' | 'peer'): void {
    if (this.#state !== 'open') return
    this.#state = 'ending'
    clearTimeout(this.#halfOpen)
    this.#reason ??= { kind }
    this.finish()
    this.#flow()
  }

  #congest(queued: number): false {
    if (!this.#congested) {
      this.#congested = true
      this.counters.congested++
    }
    const { limit } = this.#marks
    if (queued > limit) {
      const message = `${queued} bytes wait to be sent and the peer does not take them`
      this.destroy(new ProtocolError('transport.queue.full', message, { queued, limit }))
    }
    return false
  }

  #subscribe(subscriber: Subscriber<Uint8Array>): (() => void) | undefined {
    if (this.#subscriber !== undefined) {
      throw new UsageError('transport.data.subscribed', 'the data of a connection has a subscriber already')
    }
    if (this.#complete) {
      subscriber.complete()
      return undefined
    }
    this.#subscriber = subscriber
    this.#flow()
    return () => {
      this.#subscriber = undefined
      this.#flow()
    }
  }

  #completeData(): void {
    if (this.#complete) return
    this.#complete = true
    this.#subscriber?.complete()
  }

  #flow(): void {
    if (this.#complete || this.#state === 'breaking') return
    const wanted = !this.#paused && (this.#subscriber !== undefined || this.#state === 'ending')
    if (wanted === this.#reading) return
    this.#reading = wanted
    this.setReading(wanted)
  }
}
