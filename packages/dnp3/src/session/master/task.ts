import type { Fragment } from '../../codec/application.ts'

/** A request of one fragment. */
export interface MasterRequest {
  readonly function: number
  /** Headers with their objects. */
  readonly objects?: Uint8Array
  /** Nothing is answered, by the nature of the function. */
  readonly noResponse?: boolean
}

/** What was answered. */
export interface MasterReply {
  /** In the order of their sequence numbers; none of a request without response. */
  readonly fragments: readonly Fragment[]
  /** Of the last fragment. */
  readonly iin: number
  /** When the request was handed to the link, and when the last fragment came; milliseconds of `now`. */
  readonly sentAt: number
  readonly receivedAt: number
}

/**
 * What a master does for one purpose: requests are yielded, their replies come back, the return value is the result. Errors of
 * its own are thrown, those of the exchange are thrown into it.
 */
export type MasterProcedure<T> = Generator<MasterRequest, T, MasterReply>

/** What goes first when several are due (lower is sooner). */
export const PRIORITY: Readonly<
  Record<
    | 'command'
    | 'user'
    | 'clearRestart'
    | 'disableUnsolicited'
    | 'assignClass'
    | 'integrity'
    | 'timeSync'
    | 'enableUnsolicited'
    | 'eventScan'
    | 'poll',
    number
  >
> = {
  command: 10,
  user: 20,
  clearRestart: 30,
  disableUnsolicited: 40,
  assignClass: 50,
  integrity: 60,
  timeSync: 70,
  enableUnsolicited: 80,
  eventScan: 90,
  poll: 100,
}

/** Milliseconds that a task has; what is left out is the association's. */
export interface TaskTimeouts {
  /** For each fragment of an answer. */
  readonly response?: number
  /** Until it must have begun. */
  readonly start?: number
}

/** How a task ended. */
export type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: Error }

/** A task that waits for its turn, or for its next time. */
export interface Task {
  readonly name: string
  readonly priority: number
  /** Not before. */
  due: number
  /** Fails when it has not begun by then. */
  readonly expires: number
  /** Milliseconds for each fragment of an answer; undefined: the association's. */
  readonly responseTimeout?: number | undefined
  readonly procedure: (now: number) => MasterProcedure<unknown>
  readonly done: (outcome: Outcome<unknown>, now: number) => void
}
