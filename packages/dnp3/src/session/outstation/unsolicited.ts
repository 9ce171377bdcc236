import { CollisionAvoidance } from '../link/collision-avoidance.ts'
import { NEVER } from '../outbox.ts'
import { FragmentWriter } from './fragment-writer.ts'
import type { OutstationCounters } from './counters.ts'
import type { EventBuffer } from './event-buffer.ts'
import type { OutstationSettings, UnsolicitedSettings } from './options.ts'
import type { EventClass } from './point.ts'
import { ReadResponse } from './read.ts'

const UNSOLICITED_RESPONSE = 130
const FIR_FIN_CON_UNS = 0xf0

/** What a reporter needs of its session. */
export interface UnsolicitedHost {
  readonly settings: OutstationSettings
  readonly events: EventBuffer
  readonly counters: OutstationCounters
  readonly hasDeferredRead: boolean
  indications(now: number): number
  sendUnsolicited(octets: Uint8Array, now: number): void
  /** The response was given up. */
  unsolicitedFailed(now: number): void
}

interface Waiting {
  readonly octets: Uint8Array
  readonly due: number
  readonly sequence: number
  readonly isNull: boolean
  readonly tries: number
}

/**
 * Unsolicited responses (IEEE 1815 clause 5): after every restart an empty one, again and again with a new sequence number until
 * it is confirmed; from then on the events of the classes that a master has enabled, each response sent again with the same
 * octets as often as configured.
 */
export class UnsolicitedReporter {
  readonly #session: UnsolicitedHost
  readonly #options: UnsolicitedSettings
  /** On a line that others share. */
  readonly #line: CollisionAvoidance | undefined
  readonly #enabled = new Set<EventClass>()
  #nullConfirmed = false
  #sequence = 0
  #waiting: Waiting | undefined
  /** Not before: hold time, or the pause after a series that was given up. */
  #notBefore = 0
  #held = false
  /** When the line may be ours. */
  #lineFrom = 0

  constructor(session: UnsolicitedHost, options: UnsolicitedSettings) {
    const { collisionAvoidance, draw } = options
    this.#session = session
    this.#options = options
    this.#line = collisionAvoidance && new CollisionAvoidance(collisionAvoidance, draw)
  }

  get waiting(): boolean {
    return this.#waiting !== undefined
  }

  get waitingForNull(): boolean {
    return this.#waiting?.isNull === true
  }

  get classes(): readonly EventClass[] {
    return ([1, 2, 3] as const).filter((one) => this.#enabled.has(one))
  }

  get wake(): number {
    if (this.#waiting !== undefined) return this.#waiting.due
    if (this.#nullConfirmed) return this.#pending() > 0 ? Math.max(this.#notBefore, this.#lineFrom) : NEVER
    // Without others on the line it is sent as soon as it may be.
    return this.#line === undefined ? NEVER : this.#lineFrom
  }

  /** Octets came over a serial line. */
  heard(now: number): void {
    this.#line?.heard(now)
    this.#lineFrom = 0
  }

  /** Whether one may speak on the line now; if not, looks again when one may. */
  #silent(now: number): boolean {
    this.#lineFrom = this.#line?.turn(now) ?? 0
    return this.#lineFrom <= now
  }

  enable(classes: readonly EventClass[], enabled: boolean): void {
    for (const one of classes) {
      if (enabled) this.#enabled.add(one)
      else this.#enabled.delete(one)
    }
    if (enabled) this.#notBefore = 0
  }

  /** The connection is gone; the empty response that waited is still owed. */
  closed(): void {
    if (this.#waiting !== undefined) this.#session.events.unselect()
    this.#waiting = undefined
  }

  restarted(): void {
    this.#waiting = undefined
    this.#nullConfirmed = false
    this.#enabled.clear()
    this.#notBefore = 0
  }

  /** The response that waits is no longer waited for. */
  abandon(): void {
    this.#waiting = undefined
  }

  /** `mayReport`: nothing else is under way. */
  eventHappened(now: number, mayReport: boolean): void {
    if (this.#waiting !== undefined || !this.#nullConfirmed) return
    const pending = this.#pending()
    if (pending === 0) return
    const { hold, holdEvents } = this.#options
    if (hold === 0 || pending >= holdEvents) this.#notBefore = 0
    else if (!this.#held) {
      this.#held = true
      this.#notBefore = now + hold
    }
    if (mayReport) this.advance(now)
  }

  /** Whether a confirmation was the one waited for. */
  confirmed(sequence: number, _now: number): boolean {
    if (this.#waiting?.sequence !== sequence) return false
    if (this.#waiting.isNull) this.#nullConfirmed = true
    this.#waiting = undefined
    return true
  }

  advance(now: number): void {
    if (this.#waiting !== undefined) {
      if (now >= this.#waiting.due) this.#timedOut(this.#waiting, now)
      return
    }
    const due = !this.#nullConfirmed || (now >= this.#notBefore && this.#pending() > 0)
    if (!due || !this.#silent(now)) return
    if (!this.#nullConfirmed) this.#send(NO_EVENTS, true, now)
    else {
      this.#held = false
      const { events } = this.#session
      events.selectClasses(this.classes)
      this.#send(new ReadResponse(events.selected(), []), false, now)
    }
  }

  #pending(): number {
    let pending = 0
    for (const eventClass of this.#enabled) pending += this.#session.events.waiting(eventClass)
    return pending
  }

  #send(response: ReadResponse, isNull: boolean, now: number): void {
    const { events, settings, counters } = this.#session
    const writer = new FragmentWriter(settings.maxTransmit)
    response.write(writer, (event) => events.written(event))
    const sequence = this.#sequence
    this.#sequence = (sequence + 1) & 0x0f
    const octets = writer.finish(FIR_FIN_CON_UNS | sequence, UNSOLICITED_RESPONSE, this.#session.indications(now))
    counters.unsolicited++
    this.#transmit({ octets, sequence, isNull, tries: 0, due: now + settings.confirmTimeout }, now)
  }

  #transmit(waiting: Waiting, now: number): void {
    this.#line?.spoke(now)
    this.#waiting = waiting
    this.#session.sendUnsolicited(waiting.octets, now)
  }

  #timedOut(waiting: Waiting, now: number): void {
    const { settings, counters } = this.#session
    if (!this.#silent(now)) {
      // A confirmation that comes meanwhile is as good as one in time.
      this.#waiting = { ...waiting, due: this.#lineFrom }
      return
    }
    counters.confirmTimeouts++
    this.#waiting = undefined
    if (waiting.isNull && !this.#session.hasDeferredRead) {
      this.#send(NO_EVENTS, true, now)
      return
    }
    if (!waiting.isNull && !this.#session.hasDeferredRead && waiting.tries < this.#options.retries) {
      counters.unsolicitedRetries++
      this.#transmit({ ...waiting, tries: waiting.tries + 1, due: now + settings.confirmTimeout }, now)
      return
    }
    if (!waiting.isNull) {
      counters.unsolicitedFailures++
      this.#notBefore = this.#options.again > 0 ? now + this.#options.again : NEVER
    }
    this.#session.unsolicitedFailed(now)
  }
}

const NO_EVENTS = new ReadResponse([], [])
