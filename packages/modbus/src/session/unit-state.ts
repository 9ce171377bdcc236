import { UsageError } from '@gridseal/wire'
import type { Call } from './call.ts'

/** How to treat a unit that does not answer. */
export interface UnitBackoff {
  /** Requests in a row without an answer before the unit counts as dead. */
  readonly failures: number
  /** Milliseconds before it is tried again; doubles with each try that fails. */
  readonly base: number
  /** The longest it gets. */
  readonly max: number
}

/** What a session knows of one unit. */
export class UnitState {
  readonly id: number
  /** Milliseconds of rest that it needs after each answer. */
  readonly gap: number
  /** Milliseconds that it may take to answer. */
  readonly patience: number
  /** The requests that wait for it, by priority: first and last of a list. */
  readonly heads: (Call | undefined)[] = [undefined, undefined, undefined]
  readonly tails: (Call | undefined)[] = [undefined, undefined, undefined]
  /** Requests of it that are on the line. */
  inFlight = 0
  /** One of them changes something: until it is answered nothing else is sent to this unit. */
  writing = false
  /** It is not to be sent anything before this time. */
  notBefore: number = Number.NEGATIVE_INFINITY
  /** Requests in a row that got no answer. */
  failures = 0
  /** It counts as dead; the next try is due at {@link retryAt}. */
  dead = false
  retryAt = 0
  #pause = 0

  constructor(id: number, gap: number, patience: number) {
    this.id = id
    this.gap = gap
    this.patience = patience
  }

  /** It has answered, be it with an exception. */
  alive(): void {
    this.failures = 0
    this.dead = false
    this.#pause = 0
  }

  /** It has not answered, or a gateway said so. */
  failed(now: number, backoff: UnitBackoff): void {
    this.failures++
    if (this.failures < backoff.failures) return
    this.#pause = this.#pause === 0 ? backoff.base : Math.min(2 * this.#pause, backoff.max)
    this.dead = true
    this.retryAt = now + this.#pause
  }

  /** Whether a new request is to be refused: the unit is dead and it is not time, or somebody else is trying. */
  refuses(now: number): boolean {
    return this.dead && (now < this.retryAt || this.inFlight > 0 || this.waiting)
  }

  get waiting(): boolean {
    return this.heads[0] !== undefined || this.heads[1] !== undefined || this.heads[2] !== undefined
  }
}

/** Throws {@link UsageError} for a back-off that cannot be. */
export function checkBackoff({ failures, base, max }: UnitBackoff): UnitBackoff {
  if (Number.isInteger(failures) && failures >= 1 && base > 0 && max >= base) return { failures, base, max }
  throw new UsageError('modbus.client.option', 'backoff: failures from 1, base more than 0 ms, max not less than base')
}
