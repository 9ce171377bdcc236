import { knownLayout } from './point-kinds.ts'
import type { PointKind, PointKindSpec } from './point-kinds.ts'
import type { EventClass, Point, Sample } from './point.ts'

/** One event, as long as its master has not confirmed it. */
export interface PointEvent extends Sample {
  readonly spec: PointKindSpec
  readonly index: number
  readonly eventClass: EventClass
  /** Default variation of its point when it happened. */
  readonly variation: number
  /** The clock was set when it happened: absolute times can be trusted. */
  readonly synchronised: boolean
  /** Order of occurrence. */
  readonly sequence: number
  /** In a fragment that waits for its confirmation, or selected for one; lost: no longer in the buffer. */
  state: 'queued' | 'selected' | 'written' | 'lost'
  /** Variation to be reported, where it was asked for; else 0. */
  asked: number
}

/** How many events of each kind are kept; what is not named gets {@link EventBuffer.DEFAULT}. */
export type EventLimits = Partial<Record<PointKind, number>>

/** First in, first out, with places that were emptied counted off lazily. */
class Queue {
  #items: PointEvent[] = []
  #head = 0

  get length(): number {
    return this.#items.length - this.#head
  }

  push(event: PointEvent): void {
    this.#items.push(event)
  }

  shift(): PointEvent | undefined {
    const event = this.#items[this.#head]
    if (event === undefined) return undefined
    this.#head++
    if (this.#head > 64 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    return event
  }

  forEach(visit: (event: PointEvent) => void): void {
    for (let i = this.#head; i < this.#items.length; i++) visit(this.#items[i]!)
  }

  /** Removes what was written. */
  removeWritten(): void {
    this.#items = this.#items.slice(this.#head).filter((event) => event.state !== 'written')
    this.#head = 0
  }
}

/**
 * The events that one master has not confirmed yet (IEEE 1815 clause 5): a queue per kind of point, each with a bound. When it is full
 * the oldest event of that kind is lost and EVENT_BUFFER_OVERFLOW is set, until there is room again after a confirmation.
 */
export class EventBuffer {
  static readonly DEFAULT = 1000
  readonly #limits: EventLimits
  readonly #queues = new Map<PointKind, Queue>()
  #sequence = 0
  /** Events not written yet, by class. */
  readonly #waiting: [number, number, number, number] = [0, 0, 0, 0]
  readonly #overflown = new Set<PointKind>()
  /** Events lost since the start. */
  lost = 0

  constructor(limits: EventLimits = {}) {
    this.#limits = limits
  }

  /** EVENT_BUFFER_OVERFLOW. */
  get overflow(): boolean {
    return this.#overflown.size > 0
  }

  get length(): number {
    let length = 0
    for (const queue of this.#queues.values()) length += queue.length
    return length
  }

  /** Events of a class that are not in a fragment that was sent. */
  waiting(eventClass: EventClass): number {
    return this.#waiting[eventClass]
  }

  add(point: Point, sample: Sample, synchronised: boolean): void {
    const { spec, index, eventClass, eventVariation } = point
    const limit = this.#limits[spec.kind] ?? EventBuffer.DEFAULT
    let queue = this.#queues.get(spec.kind)
    if (queue === undefined) this.#queues.set(spec.kind, (queue = new Queue()))
    if (queue.length >= limit) {
      const lost = queue.shift()
      this.lost++
      this.#overflown.add(spec.kind)
      if (lost !== undefined) {
        if (lost.state !== 'written') this.#waiting[lost.eventClass]--
        lost.state = 'lost'
      }
      if (limit === 0) return
    }
    const { value, flags, time, extra } = sample
    queue.push({
      spec,
      index,
      eventClass,
      variation: eventVariation,
      value,
      flags,
      time,
      extra,
      synchronised,
      sequence: this.#sequence++,
      state: 'queued',
      asked: 0,
    })
    this.#waiting[eventClass]++
  }

  /** Selects queued events of some classes, oldest first; up to `limit`. Returns how many. */
  selectClasses(classes: readonly EventClass[], limit: number = Infinity): number {
    return this.#select(
      () => true,
      (event) => classes.includes(event.eventClass),
      0,
      limit,
    )
  }

  /** Selects queued events of a kind, to be reported in a variation (0: each in its own). */
  selectKind(kind: PointKind, variation: number, limit: number = Infinity): number {
    return this.#select(
      (name) => name === kind,
      () => true,
      variation,
      limit,
    )
  }

  /** The selected events in the order in which they happened. */
  selected(): PointEvent[] {
    return this.#inOrder((event) => event.state === 'selected')
  }

  /** A selected event is in a fragment now. */
  written(event: PointEvent): void {
    // A response that was begun before still has what the buffer has lost meanwhile.
    if (event.state === 'lost') return
    event.state = 'written'
    this.#waiting[event.eventClass]--
  }

  /** The fragment was confirmed: what it carried is gone for good. */
  confirmed(): number {
    const before = this.length
    for (const [kind, queue] of this.#queues) {
      queue.removeWritten()
      if (queue.length < (this.#limits[kind] ?? EventBuffer.DEFAULT)) this.#overflown.delete(kind)
    }
    return before - this.length
  }

  /** Nothing is selected or under way any more; it will be reported again. */
  unselect(): void {
    for (const queue of this.#queues.values()) {
      queue.forEach((event) => {
        if (event.state === 'written') this.#waiting[event.eventClass]++
        event.state = 'queued'
        event.asked = 0
      })
    }
  }

  clear(): void {
    this.#queues.clear()
    this.#overflown.clear()
    this.#waiting.fill(0)
  }

  #select(
    ofKind: (kind: PointKind) => boolean,
    matches: (event: PointEvent) => boolean,
    variation: number,
    limit: number,
  ): number {
    const queues = [...this.#queues].filter(([kind, queue]) => queue.length > 0 && ofKind(kind))
    if (limit === Infinity) {
      let selected = 0
      for (const [, queue] of queues) {
        queue.forEach((event) => {
          if (event.state !== 'queued' || !matches(event)) return
          event.state = 'selected'
          event.asked = variation
          selected++
        })
      }
      return selected
    }
    const first = this.#inOrder((event) => event.state === 'queued' && ofKind(event.spec.kind) && matches(event))
    const chosen = first.slice(0, limit)
    for (const event of chosen) {
      event.state = 'selected'
      event.asked = variation
    }
    return chosen.length
  }

  #inOrder(matches: (event: PointEvent) => boolean): PointEvent[] {
    const events: PointEvent[] = []
    for (const queue of this.#queues.values()) {
      queue.forEach((event) => {
        if (matches(event)) events.push(event)
      })
    }
    return events.sort((a, b) => a.sequence - b.sequence)
  }
}

/** The layout in which an event is reported. */
export function eventVariation(event: PointEvent): number {
  if (event.spec.octets) return event.value instanceof Uint8Array ? event.value.length : 0
  return event.asked === 0 ? event.variation : event.asked
}

/** Whether a variation of events gives its time relative to a common time of occurrence. */
export function isRelative(group: number, variation: number): boolean {
  const layout = knownLayout(group, variation)
  return layout.kind === 'fixed' && layout.fields.some(({ name }) => name === 'relativeTime')
}
