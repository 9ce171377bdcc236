import type { ExaminedGoose, GooseFrame, GoosePdu } from '../../codec/process-bus/goose.ts'
import { timeQualityOf, utcNanoseconds } from '../../codec/utc-time.ts'
import type { UtcTime } from '../../codec/utc-time.ts'
import { U32_MAX, knownKeys, whole } from '../options.ts'

/** What a subscriber expects; what is left out may be anything. */
export interface GooseExpectation {
  readonly gocbRef: string
  readonly goId?: string
  readonly datSet?: string
  readonly confRev?: number
  /** Of the data set. */
  readonly entries?: number
  readonly appId?: number
  /** Take what is marked as simulated in the place of the device's own (LPHD.Sim). Default false: it is refused. */
  readonly simulation?: boolean
}

const KEYS = ['gocbRef', 'goId', 'datSet', 'confRev', 'entries', 'appId', 'simulation'] as const

/** Why a message was refused. */
export const GOOSE_REFUSALS = [
  /** No GOOSE frame, or one that breaks the standard. */
  'malformed',
  'violation',
  /** Of another control block, or one that is configured otherwise than expected. */
  'gocbRef',
  'appId',
  'goId',
  'datSet',
  'confRev',
  'entries',
  /** The publisher says that it needs commissioning. */
  'ndsCom',
  /** Simulated where the device's own is wanted, or the other way round. */
  'simulation',
  /** Of a state that was over, or a number that was here before. */
  'replayed',
  /**
   * Begins anew, but with a time before that of the state which was heard last: a recording, or a publisher whose clock was
   * ahead and has been set. Who knows that it was the latter may {@link GooseSupervision.reset}.
   */
  'clock',
] as const
export type GooseRefusal = (typeof GOOSE_REFUSALS)[number]

export type GooseVerdict =
  /** A new state, or the first that is heard; `missed` states were never heard, `lost` messages of this one. */
  | { readonly kind: 'state'; readonly pdu: GoosePdu; readonly missed: number; readonly lost: number }
  /** The same state again; `lost` messages between. */
  | { readonly kind: 'repeat'; readonly lost: number }
  /** The message before, once more. */
  | { readonly kind: 'duplicate' }
  | { readonly kind: 'refused'; readonly reason: GooseRefusal }

export interface GooseCounters {
  /** Messages that were taken. */
  messages: number
  /** New states among them. */
  states: number
  /** Messages that are missing in the numbers. */
  lost: number
  /** States that are missing in the numbers. */
  missed: number
  duplicates: number
  /** Times that the publisher was silent for longer than allowed. */
  timeouts: number
  /** Times that the publisher has begun anew with state 1. */
  restarts: number
  readonly refused: Record<GooseRefusal, number>
}

/** The time of a state is of now if it is not further from our clock, ns. */
const OF_NOW = 10_000_000_000n

/**
 * Supervises one GOOSE subscription (IEC 61850-8-1 18.1.2.5, 62351-6 on replays): sequence of states and messages, time
 * allowed to live, simulation, configuration. The first message is the base line, whatever its numbers. Pure: time is an
 * argument, in ms on any steady clock; `wall` is ms since 1970-01-01 UTC, undefined where that is not known.
 */
export class GooseSupervision {
  readonly counters: GooseCounters = {
    messages: 0,
    states: 0,
    lost: 0,
    missed: 0,
    duplicates: 0,
    timeouts: 0,
    restarts: 0,
    refused: Object.fromEntries(GOOSE_REFUSALS.map((reason) => [reason, 0])) as Record<GooseRefusal, number>,
  }
  readonly #expected: GooseExpectation
  #last: GoosePdu | undefined
  #simulated = false
  #expires = Infinity
  #lost = false

  /** Throws `UsageError` `iec61850.option`. */
  constructor(expected: GooseExpectation) {
    knownKeys(expected, KEYS)
    for (const [name, most] of [
      ['confRev', U32_MAX],
      ['entries', U32_MAX],
      ['appId', 0xffff],
    ] as const) {
      if (expected[name] !== undefined) whole(name, expected[name], 0, most)
    }
    this.#expected = expected
  }

  /** Whether what was heard last may be acted on: it is there, and its time is not over. */
  get valid(): boolean {
    return this.#last !== undefined && !this.#lost
  }

  /** When the time of the last message is over; `Infinity` before the first and after it was. */
  get expires(): number {
    return this.#expires
  }

  /** Whether the publisher has just been silent for too long; true once. */
  expire(now: number): boolean {
    if (now < this.#expires) return false
    this.#expires = Infinity
    this.#lost = true
    this.counters.timeouts++
    return true
  }

  /** Forgets what was heard: the next message is the base line, whatever its numbers and its time. */
  reset(): void {
    this.#last = undefined
    this.#expires = Infinity
  }

  /** Judges a frame. */
  take({ frame, pdu, malformed, violation }: ExaminedGoose, now: number, wall?: number): GooseVerdict {
    if (malformed !== undefined) return this.#refuse('malformed')
    if (violation !== undefined) return this.#refuse('violation')
    const message = pdu as GoosePdu
    const reason = this.#mismatch(frame.header!, message)
    if (reason !== undefined) return this.#refuse(reason)
    this.expire(now)
    return this.#judge(message, now, wall)
  }

  #mismatch(header: GooseFrame['header'], pdu: GoosePdu): GooseRefusal | undefined {
    const { gocbRef, goId, datSet, confRev, entries, appId } = this.#expected
    if (pdu.gocbRef !== gocbRef) return 'gocbRef'
    if (appId !== undefined && header.appId !== appId) return 'appId'
    if (goId !== undefined && (pdu.goId ?? pdu.gocbRef) !== goId) return 'goId'
    if (datSet !== undefined && pdu.datSet !== datSet) return 'datSet'
    if (confRev !== undefined && pdu.confRev !== confRev) return 'confRev'
    if (entries !== undefined && pdu.allData.length !== entries) return 'entries'
    if (pdu.ndsCom === true) return 'ndsCom'
    return this.#isUnwanted(header.simulated) ? 'simulation' : undefined
  }

  /** Once what is simulated was taken, the device's own is not, until that falls silent. */
  #isUnwanted(simulated: boolean): boolean {
    if (simulated && this.#expected.simulation !== true) return true
    if (!simulated && this.#simulated && !this.#lost) return true
    if (simulated !== this.#simulated) this.#last = undefined
    this.#simulated = simulated
    return false
  }

  #judge(pdu: GoosePdu, now: number, wall: number | undefined): GooseVerdict {
    const last = this.#last
    if (last === undefined) return this.#newState(pdu, now, 0, 0)
    const falls = pdu.stNum === last.stNum ? sequenceFalls(pdu, last) : isBehind(pdu.stNum, last.stNum)
    const isFirst = pdu.stNum === 1 && pdu.sqNum === 0
    // A publisher begins anew, or has begun while it was not heard.
    const mayBeAnew = isFirst || this.#lost
    const later = isLater(pdu.t, last.t)
    if (mayBeAnew && ((falls && (later || wasAhead(pdu.t, last.t, wall))) || (later && pdu.stNum === last.stNum))) {
      this.counters.restarts++
      return this.#newState(pdu, now, 0, 0)
    }
    if (falls) return this.#refuse(mayBeAnew ? 'clock' : 'replayed')
    if (pdu.stNum === last.stNum) return this.#sameState(pdu, last, now)
    return this.#newState(pdu, now, distance(pdu.stNum, last.stNum) - 1, pdu.sqNum)
  }

  #sameState(pdu: GoosePdu, last: GoosePdu, now: number): GooseVerdict {
    if (pdu.sqNum === last.sqNum) {
      this.counters.duplicates++
      return { kind: 'duplicate' }
    }
    const lost = distance(pdu.sqNum, last.sqNum) - 1
    this.#heard(pdu, now)
    this.counters.lost += lost
    return { kind: 'repeat', lost }
  }

  #newState(pdu: GoosePdu, now: number, missed: number, lost: number): GooseVerdict {
    this.#heard(pdu, now)
    this.counters.states++
    this.counters.missed += missed
    this.counters.lost += lost
    return { kind: 'state', pdu, missed, lost }
  }

  #heard(pdu: GoosePdu, now: number): void {
    this.#last = pdu
    this.#lost = false
    this.#expires = now + pdu.timeAllowedToLive
    this.counters.messages++
  }

  #refuse(reason: GooseRefusal): GooseVerdict {
    this.counters.refused[reason]++
    return { kind: 'refused', reason }
  }
}

/** Whether a state began later than another, by clocks that work: what was recorded earlier is older. */
function isLater(t: UtcTime, last: UtcTime): boolean {
  return works(t) && works(last) && utcNanoseconds(t) > utcNanoseconds(last)
}

/**
 * Whether the clock of the state before was ahead of ours, which is right, and this one began just now by both. A recording
 * is of another time, since nothing of now was heard under that clock.
 */
function wasAhead(t: UtcTime, last: UtcTime, wall: number | undefined): boolean {
  if (wall === undefined || !works(t)) return false
  const ours = BigInt(Math.floor(wall)) * 1_000_000n
  const away = utcNanoseconds(t) - ours
  return utcNanoseconds(last) > ours + OF_NOW && away <= OF_NOW && away >= -OF_NOW
}

function works(t: UtcTime): boolean {
  return !timeQualityOf(t.quality).clockFailure
}

/** Numbers within a state go on with 1; 0 is its first message alone. */
function sequenceFalls({ sqNum }: GoosePdu, last: GoosePdu): boolean {
  return sqNum !== last.sqNum && (sqNum === 0 || isBehind(sqNum, last.sqNum))
}

function isBehind(to: number, from: number): boolean {
  return distance(to, from) > U32_MAX / 2
}

/** Steps from one number to another; from the largest it goes on with 1. */
function distance(to: number, from: number): number {
  return to >= from ? to - from : to + U32_MAX - from
}
