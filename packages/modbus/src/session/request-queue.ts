import type { Call } from './call.ts'
import { PRIORITIES } from './call.ts'
import type { UnitState } from './unit-state.ts'

/**
 * The requests that wait for a line: by priority, within a priority fair between units, within a unit in the order of
 * the calls. Adding, taking and leaving cost the same however many wait.
 */
export class RequestQueue {
  /** Units with waiting requests, for each priority; served in turn. */
  readonly #units: UnitState[][] = PRIORITIES.map(() => [])
  readonly #turns: number[] = PRIORITIES.map(() => 0)
  #size = 0

  get size(): number {
    return this.#size
  }

  add(call: Call): void {
    const { unit, lane } = call
    const last = unit.tails[lane]
    call.place = 'queue'
    call.previous = last
    call.next = undefined
    if (last === undefined) {
      unit.heads[lane] = call
      this.#units[lane]!.push(unit)
    } else last.next = call
    unit.tails[lane] = call
    this.#size++
  }

  /** Puts back in front what was taken, to be sent again. */
  restore(call: Call): void {
    const { unit, lane } = call
    const first = unit.heads[lane]
    call.place = 'queue'
    call.previous = undefined
    call.next = first
    if (first === undefined) {
      unit.tails[lane] = call
      this.#units[lane]!.push(unit)
    } else first.previous = call
    unit.heads[lane] = call
    this.#size++
  }

  remove(call: Call): void {
    const { unit, lane, previous, next } = call
    if (previous === undefined) unit.heads[lane] = next
    else previous.next = next
    if (next === undefined) unit.tails[lane] = previous
    else next.previous = previous
    call.previous = call.next = undefined
    this.#size--
    if (unit.heads[lane] !== undefined) return
    const units = this.#units[lane]!
    const at = units.indexOf(unit)
    units.splice(at, 1)
    if (at < this.#turns[lane]!) this.#turns[lane]!--
  }

  /**
   * Takes the next request whose unit may be asked now. Where all have to wait, returns the time at which the first may
   * be asked; infinity where only an answer can change that, or nothing waits.
   */
  take(now: number, perUnit: number): Call | number {
    let soonest = Number.POSITIVE_INFINITY
    if (this.#size === 0) return soonest
    for (let lane = 0; lane < this.#units.length; lane++) {
      const units = this.#units[lane]!
      for (let i = 0; i < units.length; i++) {
        const at = (this.#turns[lane]! + i) % units.length
        const unit = units[at]!
        const call = unit.heads[lane]!
        if (unit.writing || unit.inFlight >= perUnit || (unit.inFlight > 0 && !call.harmless)) continue
        if (unit.notBefore > now) {
          soonest = Math.min(soonest, unit.notBefore)
          continue
        }
        this.#turns[lane] = at + 1
        this.remove(call)
        return call
      }
    }
    return soonest
  }

  /** Takes everything, in no particular order. */
  clear(): Call[] {
    const all: Call[] = []
    for (const [lane, units] of this.#units.entries()) {
      while (units.length > 0) {
        const call = units[0]!.heads[lane]!
        this.remove(call)
        all.push(call)
      }
    }
    return all
  }
}
