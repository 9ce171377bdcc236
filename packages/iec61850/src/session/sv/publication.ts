import type { Asdu, SavPdu } from '../../codec/process-bus/sampled-values.ts'
import { U32_MAX, knownKeys, whole } from '../options.ts'

/** What a control block of sampled values says (IEC 61850-7-2 19.2, 9-2 8.2). */
export interface SampledValueControlBlock {
  readonly svId: string
  /** Default: left out. */
  readonly datSet?: string
  readonly confRev: number
  /** Samples a second, at which the count goes back to 0: 4,000 or 4,800 (9-2LE), up to 65,536. */
  readonly samplesPerSecond: number
  /** ASDUs of one frame, each with the next sample. Default 1. */
  readonly asdusPerFrame?: number
  /** 0 not synchronised (default), 1 by a local clock, 2 by a global one. */
  readonly smpSynch?: number
  /** Told in each ASDU; default: left out. */
  readonly smpRate?: number
  readonly smpMod?: number
}

const KEYS = [
  'svId',
  'datSet',
  'confRev',
  'samplesPerSecond',
  'asdusPerFrame',
  'smpSynch',
  'smpRate',
  'smpMod',
] as const

/** Numbers samples and puts them into PDUs. Pure. */
export class SvPublication {
  readonly samplesPerSecond: number
  readonly #fixed: Omit<Asdu, 'smpCnt' | 'sample' | 'smpSynch'>
  readonly #asdusPerFrame: number
  #smpSynch: number
  #smpCnt = 0
  #asdus: Asdu[] = []

  /** Throws `UsageError` `iec61850.option`. */
  constructor(block: SampledValueControlBlock) {
    knownKeys(block, KEYS)
    const { svId, datSet, confRev, smpRate, smpMod } = block
    this.samplesPerSecond = whole('samplesPerSecond', block.samplesPerSecond, 1, 65_536)
    this.#asdusPerFrame = whole('asdusPerFrame', block.asdusPerFrame ?? 1, 1, 16)
    this.#smpSynch = whole('smpSynch', block.smpSynch ?? 0, 0, 255)
    this.#fixed = {
      svId,
      confRev: whole('confRev', confRev, 0, U32_MAX),
      ...(datSet === undefined ? {} : { datSet }),
      ...(smpRate === undefined ? {} : { smpRate: whole('smpRate', smpRate, 0, 0xffff) }),
      ...(smpMod === undefined ? {} : { smpMod: whole('smpMod', smpMod, 0, 2) }),
    }
  }

  /** The count that the next sample gets. */
  get smpCnt(): number {
    return this.#smpCnt
  }

  /** The clock by which samples are taken from now on; at the top of its second the count begins at 0. */
  synchronise(smpSynch: number, topOfSecond = false): void {
    this.#smpSynch = whole('smpSynch', smpSynch, 0, 255)
    if (topOfSecond) this.#smpCnt = 0
  }

  /** Takes the next sample; returns the PDU that it completes. */
  push(sample: Uint8Array): SavPdu | undefined {
    this.#asdus.push({ ...this.#fixed, smpCnt: this.#smpCnt, smpSynch: this.#smpSynch, sample })
    this.#smpCnt = (this.#smpCnt + 1) % this.samplesPerSecond
    if (this.#asdus.length < this.#asdusPerFrame) return undefined
    const asdus = this.#asdus
    this.#asdus = []
    return { noAsdu: asdus.length, asdus }
  }
}
