import type { GridsealError } from '@gridseal/wire'
import { functionOf } from '../codec/functions.ts'
import type { Request } from '../codec/pdu.ts'
import type { Answer, Exchange } from './exchange.ts'
import type { UnitState } from './unit-state.ts'

/** Which requests go first; within one priority and unit the order of the calls stays. */
export const PRIORITIES = ['high', 'normal', 'low'] as const
export type Priority = (typeof PRIORITIES)[number]

/** How a request ended: an answer, or the error that took its place. */
export type Settle = (error: GridsealError | undefined, answer: Answer | undefined) => void

/**
 * One request in a session, from being asked for to its end. Time is in milliseconds of a clock that never goes back.
 * It is a link of the queue and of the deadlines that it is in, so that leaving either costs nothing.
 */
export class Call {
  readonly exchange: Exchange
  readonly unit: UnitState
  /** Index in {@link PRIORITIES}. */
  readonly lane: number
  /** When patience ends, however far it has come. */
  readonly deadline: number
  readonly settle: Settle
  /** Changes nothing in the device: may be sent again, and may share the line with others of its kind. */
  readonly harmless: boolean
  /** Times that it may still be sent again. */
  retries: number
  /** It tries a unit that has failed, whatever its back-off says. */
  readonly force: boolean
  /** Times that it was sent. */
  attempts = 0
  place: 'queue' | 'line' | 'over' = 'queue'
  /** Nobody waits for it any more. */
  cancelled = false
  /** When to look after it next: the deadline, or earlier the end of the wait for an answer. */
  due: number
  /** Place in the heap of deadlines; -1 when it is in none. */
  heapIndex = -1
  previous: Call | undefined
  next: Call | undefined

  constructor(
    exchange: Exchange,
    unit: UnitState,
    options: { lane: number; deadline: number; retries: number; force: boolean },
    settle: Settle,
  ) {
    this.exchange = exchange
    this.unit = unit
    this.lane = options.lane
    this.deadline = options.deadline
    this.due = options.deadline
    this.force = options.force
    this.settle = settle
    this.harmless = isHarmless(exchange.request)
    this.retries = options.retries
  }
}

/** Whether a request only reads. Function 8 is left out, all but the echo: its counters and modes are the device's. */
export function isHarmless(request: Request): boolean {
  switch (request.kind) {
    case 'other':
    case 'encapsulatedInterface':
      return false
    case 'diagnostics':
      return request.subFunction === 0
    default: {
      const { operation, critical } = functionOf(request.kind)
      return !critical && (operation === 'read' || operation === 'file')
    }
  }
}
