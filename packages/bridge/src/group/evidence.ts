import { sha256 } from '@gridseal/pqc'
import type { RealtimeFrame } from './realtime-group.ts'

/** How frames that were delivered under a MAC fare with their signatures. */
export interface EvidenceCounters {
  /** Frames that a signed batch has confirmed after their delivery. */
  confirmed: number
  /** Frames in signed batches that had not come under a MAC: lost, refused or late. They are not delivered. */
  unmatched: number
  /** Frames whose signature did not come in time, or of which too many waited. */
  unsigned: number
}

/** Frames that wait for their signature at most. */
const MOST_WAITING = 65_536

/** Which of the delivered frames have been signed: MACs come at once, signatures behind the fact. */
export class Evidence {
  readonly counters: EvidenceCounters = { confirmed: 0, unmatched: 0, unsigned: 0 }
  readonly #patience: number
  /** When they were delivered, ms; the oldest first. */
  readonly #waiting = new Map<string, number[]>()
  #count = 0

  /** `patience`: milliseconds in which a signature must come. */
  constructor(patience: number) {
    this.#patience = patience
  }

  /** A frame was delivered. `now` in ms on any steady clock. */
  delivered(frame: RealtimeFrame, now: number): void {
    this.sweep(now)
    if (this.#count >= MOST_WAITING) {
      this.counters.unsigned++
      return
    }
    const key = keyOf(frame)
    const times = this.#waiting.get(key)
    if (times === undefined) this.#waiting.set(key, [now])
    else times.push(now)
    this.#count++
  }

  /** A signed batch holds a frame. */
  signed(frame: RealtimeFrame): void {
    const key = keyOf(frame)
    const times = this.#waiting.get(key)
    if (times === undefined) {
      this.counters.unmatched++
      return
    }
    times.shift()
    this.#count--
    if (times.length === 0) this.#waiting.delete(key)
    this.counters.confirmed++
  }

  /** Gives up frames whose signature is overdue. Returns how many. */
  sweep(now: number): number {
    let overdue = 0
    for (const [key, times] of this.#waiting) {
      if ((times.at(-1) ?? now) > now - this.#patience) break
      overdue += times.length
      this.#waiting.delete(key)
    }
    this.#count -= overdue
    this.counters.unsigned += overdue
    return overdue
  }
}

function keyOf({ time, protocol, bytes }: RealtimeFrame): string {
  return `${time} ${protocol} ${Buffer.from(sha256(bytes)).toString('base64')}`
}
