import type { CollisionAvoidance } from '../link/collision-avoidance.ts'
import { LinkChannel } from '../link/link-channel.ts'
import type { Outbox } from '../outbox.ts'
import { NEVER } from '../outbox.ts'
import type { Association } from './association.ts'

/**
 * A master's connection or line with one or several outstations on it: one task at a time, whichever is most urgent of
 * all of them; of equal ones, the one that has waited longest.
 */
export class MasterChannel {
  readonly link: LinkChannel
  readonly #associations: Association[] = []
  /** A new task is not looked for while the last one is still being told of. */
  #choosing = false
  #again = false
  readonly #line: CollisionAvoidance | undefined
  /** When the line may be ours. */
  #lineFrom = 0

  /** `line`: wait for silence before each task, on a line where outstations speak unasked. */
  constructor(medium: 'stream' | 'serial' | 'datagram', outbox: Outbox, line?: CollisionAvoidance) {
    this.#line = line
    this.link = new LinkChannel(medium, 'master', outbox)
  }

  get associations(): readonly Association[] {
    return this.#associations
  }

  /** When {@link advance} has something to do. */
  get wake(): number {
    if (this.#associations.some(({ busy }) => busy)) return this.link.wake
    let due = NEVER
    for (const association of this.#associations) due = Math.min(due, association.nextDue())
    return Math.min(this.link.wake, Math.max(due, this.#lineFrom))
  }

  add(association: Association, now: number): void {
    this.#associations.push(association)
    association.onIdle = (at) => this.choose(at)
    this.link.add(association, now)
    this.choose(now)
  }

  remove(association: Association, now: number): void {
    const at = this.#associations.indexOf(association)
    if (at < 0) return
    this.#associations.splice(at, 1)
    this.link.remove(association, now)
    association.onIdle = undefined
  }

  opened(now: number): void {
    this.link.opened(now)
    this.choose(now)
  }

  closed(now: number): void {
    this.link.closed(now)
  }

  push(chunk: Uint8Array, now: number): void {
    this.#line?.heard(now)
    this.#lineFrom = 0
    this.link.push(chunk, now)
  }

  advance(now: number): void {
    this.link.advance(now)
    this.choose(now)
  }

  /** Begins the most urgent task if none is under way. */
  choose(now: number): void {
    if (this.#choosing) {
      this.#again = true
      return
    }
    this.#choosing = true
    try {
      do {
        this.#again = false
        this.#beginNext(now)
      } while (this.#again)
    } finally {
      this.#choosing = false
    }
  }

  #beginNext(now: number): void {
    if (this.#associations.some(({ busy }) => busy)) return
    let [best, priority, due] = [undefined as Association | undefined, NEVER, NEVER]
    for (const association of this.#associations) {
      const next = association.next(now)
      if (next === undefined || next.priority > priority) continue
      if (next.priority === priority && next.due >= due) continue
      best = association
      priority = next.priority
      due = next.due
    }
    const next = best?.next(now)
    if (best === undefined || next === undefined) return
    this.#lineFrom = this.#line?.turn(now) ?? 0
    if (this.#lineFrom > now) return
    this.#line?.spoke(now)
    best.begin(next.task, now)
  }
}
