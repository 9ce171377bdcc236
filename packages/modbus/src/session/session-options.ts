import { UsageError } from '@gridseal/wire'
import type { Framing } from '../codec/adu.ts'
import type { UnitBackoff } from './unit-state.ts'
import { checkBackoff } from './unit-state.ts'

/** What one unit needs. */
export interface UnitNeeds {
  /** Milliseconds of rest between its answer and its next request. Default 0. */
  readonly gap?: number
  /** Milliseconds that it may take to answer. Default: as the line. */
  readonly responseTimeout?: number
}

/** How a line is used. All times in milliseconds. */
export interface SessionOptions {
  /** From the call to the answer, waiting in the queue included. Default 1000. */
  readonly timeout?: number
  /** From the sending to the answer. Default: as `timeout`. */
  readonly responseTimeout?: number
  /** Requests that may wait. Default 256. */
  readonly maxQueued?: number
  /** Modbus TCP: requests under way at a time. Default 1, which every device understands. */
  readonly inFlight?: number
  /** Of those, to one unit: 1 for what is behind a gateway. Default: as `inFlight`. */
  readonly inFlightPerUnit?: number
  /** Rest between an answer and the next request on the line. Default: on a serial line 3.5 characters, else 0. */
  readonly gap?: number
  /** Serial: time for all units to carry out a broadcast (Serial Line 2.4.1: 100 to 200). Default 200. */
  readonly turnaround?: number
  /** When a unit counts as dead and how it is tried again. Default 3 failures, 1000 doubling to 60000. */
  readonly backoff?: Partial<UnitBackoff>
  readonly units?: Readonly<Record<number, UnitNeeds>>
  /** Times that a request which only reads is sent again when no answer came. Default 0. */
  readonly retries?: number
  /** Requests in a row without one byte from the peer before the connection is given up. Default 3; 0: never. */
  readonly giveUpAfter?: number
}

/** With every default filled in. */
export interface SessionSettings {
  readonly framing: Framing
  readonly timeout: number
  readonly responseTimeout: number
  readonly maxQueued: number
  readonly inFlight: number
  readonly inFlightPerUnit: number
  readonly gap: number
  readonly turnaround: number
  readonly backoff: UnitBackoff
  readonly units: ReadonlyMap<number, UnitNeeds>
  readonly retries: number
  readonly giveUpAfter: number
  /** Serial: how long the line must be quiet after something went wrong. */
  readonly silence: number
}

export const SESSION_OPTIONS: readonly string[] = [
  'timeout',
  'responseTimeout',
  'maxQueued',
  'inFlight',
  'inFlightPerUnit',
  'gap',
  'turnaround',
  'backoff',
  'units',
  'retries',
  'giveUpAfter',
]

const MOST_IN_FLIGHT = 1024
const DEFAULT_BACKOFF: UnitBackoff = { failures: 3, base: 1000, max: 60_000 }

/** Throws {@link UsageError} `modbus.client.option` for what cannot be. */
export function settleSession(
  options: SessionOptions,
  framing: Framing,
  line: { readonly silence: number; readonly gap: number },
): SessionSettings {
  const { timeout = 1000, maxQueued = 256, inFlight = 1, retries = 0, giveUpAfter = 3 } = options
  const { responseTimeout = timeout, inFlightPerUnit = inFlight, gap = line.gap, turnaround = 200 } = options
  positive('timeout', timeout)
  positive('responseTimeout', responseTimeout)
  count('maxQueued', maxQueued, 1, 1_000_000)
  count('inFlight', inFlight, 1, MOST_IN_FLIGHT)
  count('inFlightPerUnit', inFlightPerUnit, 1, inFlight)
  count('retries', retries, 0, 10)
  count('giveUpAfter', giveUpAfter, 0, 1000)
  if (framing !== 'tcp' && inFlight > 1) {
    throw new UsageError('modbus.client.option', 'inFlight: without transaction ids one request at a time')
  }
  const units = Object.entries(options.units ?? {}).map(([id, needs]): [number, UnitNeeds] => [Number(id), needs])
  for (const [id, needs] of units) {
    count('units', id, 0, 255)
    if (needs.responseTimeout !== undefined) positive(`units.${id}.responseTimeout`, needs.responseTimeout)
    notNegative(`units.${id}.gap`, needs.gap ?? 0)
  }
  notNegative('gap', gap)
  notNegative('turnaround', turnaround)
  return {
    framing,
    timeout,
    responseTimeout,
    maxQueued,
    inFlight,
    inFlightPerUnit,
    gap,
    turnaround,
    backoff: checkBackoff({ ...DEFAULT_BACKOFF, ...options.backoff }),
    units: new Map(units),
    retries,
    giveUpAfter,
    silence: line.silence,
  }
}

function positive(name: string, value: number): void {
  if (!(value > 0)) throw new UsageError('modbus.client.option', `${name} must be more than 0 ms`)
}

function notNegative(name: string, value: number): void {
  if (!(value >= 0)) throw new UsageError('modbus.client.option', `${name} must not be less than 0 ms`)
}

function count(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return
  throw new UsageError('modbus.client.option', `${name} must be a whole number from ${least} to ${most}`)
}
