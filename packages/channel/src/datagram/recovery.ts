import type { Segment } from './content.ts'
import type { Range } from './ack-ranges.ts'
import type { Backoff } from './exchange.ts'

/*
 * Which records have arrived, which are lost, and how much may be under way (after RFC 9002, with the time threshold
 * alone: links here reorder). A lost record is never sent again; its segment goes into a new one.
 */

/** A record that asks for an ack. */
interface Sent {
  readonly at: number
  readonly length: number
  /** Absent in what only asks for an answer. */
  readonly segment: Segment | undefined
}

/** What an ack or a time-out brought to light. */
export interface Verdict {
  readonly acked: readonly Segment[]
  readonly lost: readonly Segment[]
  /** Nothing has been heard for too long. */
  readonly late: boolean
}

const TIMER_GRANULARITY = 10
/** A window of so many packets to begin with, and never fewer than MIN. */
const INITIAL_WINDOW = 10
const MIN_WINDOW = 4
const MAX_WINDOW = 4 << 20
const DECREASE = 0.7
/** Segments that are sent again when nothing has been heard. */
const PROBES = 2
/** Probes without an answer after which all that is under way counts as lost, and the window starts from its least. */
const PERSISTENT = 3

/** Loss detection and congestion control of a session; `now` is an argument. */
export class Recovery {
  readonly #mtu: number
  readonly #backoff: Backoff
  readonly #sent: Map<number, Sent> = new Map()
  #inFlight = 0
  #window: number
  #threshold: number = Number.POSITIVE_INFINITY
  /** What was sent before it does not reduce the window once more. */
  #recoveringSince: number = Number.NEGATIVE_INFINITY
  #smoothed: number | undefined
  #variation = 0
  #latest = 0
  #newestAcked = -1
  #lastSent = 0
  #probes = 0
  #lossAt: number = Number.POSITIVE_INFINITY

  constructor(mtu: number, backoff: Backoff) {
    this.#mtu = mtu
    this.#backoff = backoff
    this.#window = INITIAL_WINDOW * mtu
  }

  /** Smoothed round-trip time in ms; undefined before the first answer. */
  get roundTrip(): number | undefined {
    return this.#smoothed
  }

  /** Time-outs in a row without an answer. */
  get probes(): number {
    return this.#probes
  }

  /** Bytes that may be under way. */
  get window(): number {
    return this.#window
  }

  /** Whether another record may leave. */
  get open(): boolean {
    return this.#inFlight + this.#mtu <= this.#window
  }

  /** Whether anything is under way that asks for an ack. */
  get busy(): boolean {
    return this.#sent.size > 0
  }

  /** When {@link timeout} wants to be called. */
  get wake(): number {
    if (this.#sent.size === 0) return Number.POSITIVE_INFINITY
    return Math.min(this.#lossAt, this.#lastSent + this.#timeout)
  }

  /** Milliseconds after which an answer is late. */
  get patience(): number {
    const { first, most } = this.#backoff
    if (this.#smoothed === undefined) return first
    return Math.min(this.#smoothed + Math.max(4 * this.#variation, TIMER_GRANULARITY), most)
  }

  sent(sequence: number, length: number, segment: Segment | undefined, now: number): void {
    this.#sent.set(sequence, { at: now, length, segment })
    this.#inFlight += length
    this.#lastSent = now
  }

  acked(ranges: readonly Range[], now: number): Verdict {
    const [first] = ranges
    const busy = this.#inFlight * 2 >= this.#window
    const acked: Segment[] = []
    let newest: Sent | undefined
    for (const [sequence, sent] of this.#sent) {
      if (first === undefined || sequence > first.high) break
      if (!ranges.some(({ low, high }) => low <= sequence && sequence <= high)) continue
      this.#forget(sequence, sent)
      if (sent.segment !== undefined) acked.push(sent.segment)
      if (sequence === first.high) newest = sent
      if (sequence > this.#newestAcked) this.#newestAcked = sequence
      if (busy) this.#grow(sent)
      this.#probes = 0
    }
    if (newest !== undefined) this.#measure(now - newest.at)
    return { acked, lost: this.#detect(now), late: false }
  }

  /** Time is up: what is lost by now, or what is sent once more to be on the safe side. */
  timeout(now: number): Verdict {
    if (now >= this.#lossAt) return { acked: [], lost: this.#detect(now), late: false }
    if (now < this.wake) return { acked: [], lost: [], late: false }
    this.#probes++
    if (this.#probes >= PERSISTENT) this.#window = MIN_WINDOW * this.#mtu
    this.#lastSent = now
    const lost: Segment[] = []
    for (const [sequence, sent] of this.#sent) {
      this.#forget(sequence, sent)
      if (sent.segment !== undefined) lost.push(sent.segment)
      if (lost.length === PROBES && this.#probes < PERSISTENT) break
    }
    return { acked: [], lost, late: true }
  }

  #forget(sequence: number, sent: Sent): void {
    this.#sent.delete(sequence)
    this.#inFlight -= sent.length
  }

  /** Lost is what was sent well before something that has arrived. */
  #detect(now: number): Segment[] {
    this.#lossAt = Number.POSITIVE_INFINITY
    const wait = Math.max((Math.max(this.#smoothed ?? 0, this.#latest) * 9) / 8, TIMER_GRANULARITY)
    const lost: Segment[] = []
    for (const [sequence, sent] of this.#sent) {
      if (sequence > this.#newestAcked) break
      if (sent.at + wait > now) {
        this.#lossAt = Math.min(this.#lossAt, sent.at + wait)
        continue
      }
      this.#forget(sequence, sent)
      if (sent.segment !== undefined) lost.push(sent.segment)
      this.#shrink(sent, now)
    }
    return lost
  }

  #grow({ at, length }: Sent): void {
    if (at <= this.#recoveringSince) return
    const step = this.#window < this.#threshold ? length : (this.#mtu * length) / this.#window
    this.#window = Math.min(MAX_WINDOW, this.#window + step)
  }

  #shrink({ at }: Sent, now: number): void {
    if (at <= this.#recoveringSince) return
    this.#recoveringSince = now
    this.#window = Math.max(this.#window * DECREASE, MIN_WINDOW * this.#mtu)
    this.#threshold = this.#window
  }

  #measure(sample: number): void {
    this.#latest = sample
    if (this.#smoothed === undefined) {
      this.#smoothed = sample
      this.#variation = sample / 2
      return
    }
    this.#variation += (Math.abs(this.#smoothed - sample) - this.#variation) / 4
    this.#smoothed += (sample - this.#smoothed) / 8
  }

  get #timeout(): number {
    return Math.min(this.patience * 2 ** this.#probes, this.#backoff.most)
  }
}
