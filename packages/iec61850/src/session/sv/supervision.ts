import type { Asdu, ExaminedSv } from '../../codec/process-bus/sampled-values.ts'
import { U32_MAX, knownKeys, whole } from '../options.ts'

/** What a subscriber expects of a stream; what is left out may be anything. */
export interface SvExpectation {
  readonly svId: string
  readonly confRev?: number
  readonly datSet?: string
  /** Octets of a sample, 64 in 9-2LE. */
  readonly octets?: number
  /** At which the count goes back to 0. Default: learnt from where it does. */
  readonly samplesPerSecond?: number
  readonly appId?: number
  /** Take what is marked as simulated. Default false. */
  readonly simulation?: boolean
  /** Milliseconds without a sample after which the stream counts as lost. Default 20. */
  readonly timeout?: number
}

const KEYS = ['svId', 'confRev', 'datSet', 'octets', 'samplesPerSecond', 'appId', 'simulation', 'timeout'] as const

export const SV_REFUSALS = ['malformed', 'violation', 'appId', 'confRev', 'datSet', 'octets', 'simulation'] as const
export type SvRefusal = (typeof SV_REFUSALS)[number]

export type SvVerdict =
  /** The next sample; `lost` samples between it and the one before. */
  | { readonly kind: 'sample'; readonly asdu: Asdu; readonly lost: number }
  /** A count that is over: doubled, late or replayed. */
  | { readonly kind: 'late' }
  | { readonly kind: 'refused'; readonly reason: SvRefusal }

export interface SvCounters {
  samples: number
  /** Samples that are missing in the counts. */
  lost: number
  late: number
  /** Times that samples stopped for longer than allowed. */
  timeouts: number
  /** Times that the clock of the samples changed, or was lost. */
  synchronisations: number
  readonly refused: Record<SvRefusal, number>
}

/** Rates that are in use (9-2LE, 61869-9): one that is a little above the last count is the rate, though samples were lost. */
const RATES: readonly number[] = [4000, 4800, 5760, 12_800, 14_400, 15_360]

/** Supervises one stream of sampled values. Pure: time is an argument, in ms on any steady clock. */
export class SvSupervision {
  readonly counters: SvCounters = {
    samples: 0,
    lost: 0,
    late: 0,
    timeouts: 0,
    synchronisations: 0,
    refused: Object.fromEntries(SV_REFUSALS.map((reason) => [reason, 0])) as Record<SvRefusal, number>,
  }
  readonly #expected: SvExpectation
  readonly #timeout: number
  #rate: number | undefined
  #last: Asdu | undefined
  #expires = Infinity

  /** Throws `UsageError` `iec61850.option`. */
  constructor(expected: SvExpectation) {
    knownKeys(expected, KEYS)
    const { samplesPerSecond, confRev, octets } = expected
    if (samplesPerSecond !== undefined) whole('samplesPerSecond', samplesPerSecond, 1, 65_536)
    if (confRev !== undefined) whole('confRev', confRev, 0, U32_MAX)
    if (octets !== undefined) whole('octets', octets, 0, 0xffff)
    this.#timeout = whole('timeout', expected.timeout ?? 20, 1, 3_600_000)
    this.#expected = expected
    this.#rate = samplesPerSecond
  }

  /** Samples a second, as told or learnt. */
  get samplesPerSecond(): number | undefined {
    return this.#rate
  }

  /** When the stream counts as lost; `Infinity` before the first sample and after it was. */
  get expires(): number {
    return this.#expires
  }

  /** Whether the samples have just stopped for too long; true once. */
  expire(now: number): boolean {
    if (now < this.#expires) return false
    this.#expires = Infinity
    this.#last = undefined
    this.counters.timeouts++
    return true
  }

  /** Judges a frame: a verdict for each of its ASDUs that is of this stream. */
  take({ frame, asdus, malformed, violation }: ExaminedSv, now: number): SvVerdict[] {
    if (malformed !== undefined) return [this.#refuse('malformed')]
    if (violation !== undefined) return [this.#refuse('violation')]
    const own = (asdus as readonly Asdu[]).filter(({ svId }) => svId === this.#expected.svId)
    return own.map((asdu) => {
      const { appId, simulated } = frame.header!
      const reason = this.#mismatch(appId, simulated, asdu)
      return reason === undefined ? this.#judge(asdu, now) : this.#refuse(reason)
    })
  }

  #mismatch(appId: number, simulated: boolean, asdu: Asdu): SvRefusal | undefined {
    const expected = this.#expected
    if (expected.appId !== undefined && appId !== expected.appId) return 'appId'
    if (expected.confRev !== undefined && asdu.confRev !== expected.confRev) return 'confRev'
    if (expected.datSet !== undefined && asdu.datSet !== undefined && asdu.datSet !== expected.datSet) return 'datSet'
    if (expected.octets !== undefined && asdu.sample.length !== expected.octets) return 'octets'
    return simulated && expected.simulation !== true ? 'simulation' : undefined
  }

  #judge(asdu: Asdu, now: number): SvVerdict {
    this.expire(now)
    const last = this.#last
    const step = last === undefined ? 1 : this.#step(asdu.smpCnt, last.smpCnt)
    if (step === 0) {
      this.counters.late++
      return { kind: 'late' }
    }
    if (last !== undefined && last.smpSynch !== asdu.smpSynch) this.counters.synchronisations++
    this.#last = asdu
    this.#expires = now + this.#timeout
    this.counters.samples++
    this.counters.lost += step - 1
    return { kind: 'sample', asdu, lost: step - 1 }
  }

  /** Samples from the last count to this one; 0 for one that is over. */
  #step(smpCnt: number, last: number): number {
    if (this.#expected.samplesPerSecond === undefined) this.#learn(smpCnt, last)
    if (this.#rate === undefined || smpCnt > last) {
      const ahead = smpCnt - last
      // Far ahead means a little behind, over the top of the second.
      return ahead <= 0 || (this.#rate !== undefined && ahead > this.#rate / 2) ? 0 : ahead
    }
    const ahead = smpCnt + this.#rate - last
    return ahead > this.#rate / 2 ? 0 : ahead
  }

  /** A count that falls far has gone over the top of the second; one beyond the rate disproves it. */
  #learn(smpCnt: number, last: number): void {
    if (this.#rate !== undefined && smpCnt >= this.#rate) this.#rate = undefined
    if (this.#rate === undefined && last - smpCnt > last / 2) {
      this.#rate = RATES.find((rate) => rate > last && rate - last <= rate / 10) ?? last + 1
    }
  }

  #refuse(reason: SvRefusal): SvVerdict {
    this.counters.refused[reason]++
    return { kind: 'refused', reason }
  }
}
