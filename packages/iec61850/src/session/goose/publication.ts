import type { Data } from '../../codec/mms/data.ts'
import type { GoosePdu } from '../../codec/process-bus/goose.ts'
import type { UtcTime } from '../../codec/utc-time.ts'
import { U32_MAX, knownKeys, whole } from '../options.ts'

/** What a GOOSE control block says (IEC 61850-7-2 18.2, 61850-6 9.3.9). */
export interface GooseControlBlock {
  /** `IED1LD0/LLN0$GO$gcb1`. */
  readonly gocbRef: string
  /** `IED1LD0/LLN0$DS1`. */
  readonly datSet: string
  /** Default: left out. */
  readonly goId?: string
  readonly confRev: number
  /** Default false: the messages are those of the device. */
  readonly simulation?: boolean
  /** Needs commissioning. Default false. */
  readonly ndsCom?: boolean
  /** Milliseconds from a change to the first repetition, and to the second. Default 4. */
  readonly minTime?: number
  /** Milliseconds between repetitions while nothing changes. Default 1,000. */
  readonly maxTime?: number
  /** How many of the times until the next message a subscriber is told to wait for it. Default 3. */
  readonly patience?: number
}

const KEYS = ['gocbRef', 'datSet', 'goId', 'confRev', 'simulation', 'ndsCom', 'minTime', 'maxTime', 'patience'] as const

/**
 * What one control block publishes and when (IEC 61850-8-1 18.1.2.5): a change goes out at once with the next state
 * number, and is repeated after MinTime twice, then at intervals that double up to MaxTime. Pure: time is an argument, in ms
 * on any steady clock.
 */
export class GoosePublication {
  readonly #fixed: Pick<GoosePdu, 'gocbRef' | 'datSet' | 'goId' | 'simulation' | 'confRev' | 'ndsCom'>
  readonly #minTime: number
  readonly #maxTime: number
  readonly #patience: number
  #allData: readonly Data[] = []
  #t: UtcTime = { seconds: 0, fraction: 0, quality: 0 }
  #stNum = 0
  #sqNum = 0
  #interval = 0
  #due = Infinity

  /** Throws `UsageError` `iec61850.option`. */
  constructor(block: GooseControlBlock) {
    knownKeys(block, KEYS)
    const { gocbRef, datSet, goId, confRev, simulation = false, ndsCom = false } = block
    this.#minTime = whole('minTime', block.minTime ?? 4, 1, 60_000)
    this.#maxTime = whole('maxTime', block.maxTime ?? 1000, this.#minTime, 600_000)
    this.#patience = whole('patience', block.patience ?? 3, 2, 10)
    whole('confRev', confRev, 0, U32_MAX)
    this.#fixed = { gocbRef, datSet, ...(goId === undefined ? {} : { goId }), simulation, confRev, ndsCom }
  }

  /** When the next message is due: `Infinity` before the first state. */
  get due(): number {
    return this.#due
  }

  /** A message with these values, which changes nothing: to see whether they can be sent. */
  trial(allData: readonly Data[], t: UtcTime): GoosePdu {
    return this.#pdu(allData, t)
  }

  /** The message of a new state, to be sent at once. `t`: when it changed. */
  change(allData: readonly Data[], t: UtcTime, now: number): GoosePdu {
    this.#allData = allData
    this.#t = t
    this.#stNum = this.#stNum === U32_MAX ? 1 : this.#stNum + 1
    this.#sqNum = 0
    this.#interval = this.#minTime
    return this.#message(now)
  }

  /** The message that is due at `now`, or undefined. */
  repeat(now: number): GoosePdu | undefined {
    if (now < this.#due) return undefined
    // 0 is for a new state only.
    this.#sqNum = this.#sqNum === U32_MAX ? 1 : this.#sqNum + 1
    if (this.#sqNum > 1) this.#interval = Math.min(this.#interval * 2, this.#maxTime)
    return this.#message(now)
  }

  #message(now: number): GoosePdu {
    this.#due = now + this.#interval
    return this.#pdu(this.#allData, this.#t)
  }

  #pdu(allData: readonly Data[], t: UtcTime): GoosePdu {
    const { gocbRef, datSet, ...rest } = this.#fixed
    return {
      gocbRef,
      timeAllowedToLive: this.#interval * this.#patience,
      datSet,
      ...rest,
      t,
      stNum: this.#stNum,
      sqNum: this.#sqNum,
      numDatSetEntries: allData.length,
      allData,
    }
  }
}
