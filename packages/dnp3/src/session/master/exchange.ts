import { ProtocolError } from '@gridseal/wire'
import type { ApplicationControl, Fragment } from '../../codec/application.ts'
import { NEVER } from '../outbox.ts'
import type { MasterProcedure, MasterReply, Outcome, Task } from './task.ts'

/** What an exchange needs of its association. */
export interface ExchangeHost {
  readonly responseTimeout: number
  /** Sends a request with the next sequence number, and returns it. */
  sendRequest(code: number, objects: Uint8Array | undefined, now: number): number
}

/** Of an answer that is waited for to its end: some times what an outstation with every point there can be has to say. */
const MOST_OCTETS = 16 << 20
/** What a fragment counts as, however short it is. */
const LEAST_FRAGMENT = 1024

/**
 * One task under way: its procedure is asked for the next request, and gets the answer when the last fragment of it has come.
 * The timer starts anew with every fragment.
 */
export class Exchange {
  readonly task: Task
  readonly #host: ExchangeHost
  readonly #procedure: MasterProcedure<unknown>
  #expected = -1
  #first = true
  #due = NEVER
  #sentAt = 0
  #fragments: Fragment[] = []
  #octets = 0
  /** How it ended. */
  outcome: Outcome<unknown> | undefined
  /** Internal indications of the last answer. */
  iin: number | undefined

  constructor(task: Task, host: ExchangeHost, now: number) {
    this.task = task
    this.#host = host
    this.#procedure = task.procedure(now)
    this.#step(() => this.#procedure.next(undefined as unknown as MasterReply), now)
  }

  get #responseTimeout(): number {
    return this.task.responseTimeout ?? this.#host.responseTimeout
  }

  get due(): number {
    return this.#due
  }

  /** Whether a fragment is the one waited for. */
  expects({ sequence, first }: ApplicationControl): boolean {
    return this.outcome === undefined && sequence === this.#expected && first === this.#first
  }

  /** Takes a fragment that it {@link expects}, of so many octets. */
  take(fragment: Fragment, length: number, now: number): void {
    this.#octets += Math.max(length, LEAST_FRAGMENT)
    if (this.#octets > MOST_OCTETS) {
      this.fail(new ProtocolError('dnp3.master.too-long', `${this.task.name}: the answer does not end`), now)
      return
    }
    const { sequence, final } = fragment.control
    this.#fragments.push(fragment)
    this.iin = fragment.iin ?? 0
    if (!final) {
      this.#first = false
      this.#expected = (sequence + 1) & 0x0f
      this.#due = now + this.#responseTimeout
      return
    }
    const reply: MasterReply = { fragments: this.#fragments, iin: this.iin, sentAt: this.#sentAt, receivedAt: now }
    this.#step(() => this.#procedure.next(reply), now)
  }

  /** The answer is still to come, only later: authentication is under way. */
  extend(now: number): void {
    this.#due = now + this.#responseTimeout
  }

  /** Whether a sequence number is that of the request under way. */
  isFor(sequence: number): boolean {
    return this.outcome === undefined && this.#first && sequence === this.#expected
  }

  fail(error: Error, now: number): void {
    this.#step(() => this.#procedure.throw(error), now)
  }

  /** Ends at once: nothing can be sent any more. */
  abort(error: Error): void {
    this.#end({ ok: false, error })
  }

  timedOut(now: number): void {
    this.fail(new ProtocolError('dnp3.master.timeout', `${this.task.name}: no answer in time`), now)
  }

  #step(
    advance: () => IteratorResult<{ function: number; objects?: Uint8Array; noResponse?: boolean }, unknown>,
    now: number,
  ): void {
    try {
      let step = advance()
      for (;;) {
        if (step.done === true) {
          this.#end({ ok: true, value: step.value })
          return
        }
        const { function: code, objects, noResponse } = step.value
        this.#sentAt = now
        const sequence = this.#host.sendRequest(code, objects, now)
        if (noResponse !== true) {
          this.#expected = sequence
          this.#first = true
          this.#fragments = []
          this.#octets = 0
          this.#due = now + this.#responseTimeout
          return
        }
        step = this.#procedure.next({ fragments: [], iin: 0, sentAt: now, receivedAt: now })
      }
    } catch (error) {
      this.#end({
        ok: false,
        error: error instanceof Error ? error : new ProtocolError('dnp3.master.task', String(error)),
      })
    }
  }

  #end(outcome: Outcome<unknown>): void {
    this.outcome = outcome
    this.#due = NEVER
  }
}
