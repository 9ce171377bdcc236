import { UsageError, allocate } from '@gridseal/wire'
import type { Segment } from '../codec/transport.ts'

/** Bounds of a {@link Reassembler}; every one may be left out. */
export interface ReassemblyLimits {
  /** Octets of the largest fragment taken. Default and largest 65,535. */
  readonly maxFragment?: number
  /** Fragments that may be under way at once; the oldest is given up. Default 1024. */
  readonly maxSeries?: number
  /** Octets held by all of them together; the oldest are given up. Default 4 MiB. */
  readonly maxOctets?: number
}

const DEFAULTS: Required<ReassemblyLimits> = { maxFragment: 65_535, maxSeries: 1024, maxOctets: 4 << 20 }

/** Why a segment did not go on with a fragment. */
export type TransportViolation =
  /** Not the first of a fragment, and none is under way. */
  | 'stray'
  /** Not the next sequence number: the fragment under way is given up. */
  | 'sequence'
  /** The fragment would be longer than the limit. */
  | 'too-long'
  /** A fragment without a single octet. */
  | 'empty'

export interface Assembly {
  /** The fragment that the segment completed. */
  readonly fragment: Uint8Array | undefined
  readonly violation: TransportViolation | undefined
}

/** A fragment under way. */
interface Series {
  buffer: Uint8Array
  length: number
  /** The last segment: its sequence number and where its data begin. */
  sequence: number
  lastStart: number
}

const UNDER_WAY: Assembly = { fragment: undefined, violation: undefined }
const refused = (violation: TransportViolation): Assembly => ({ fragment: undefined, violation })
const STRAY = refused('stray')
const SEQUENCE = refused('sequence')
const TOO_LONG = refused('too-long')
const EMPTY = refused('empty')

/**
 * Puts fragments together from transport segments (IEEE 1815 clause 8), each sender and receiver on its own: FIR
 * begins anew, the next sequence number goes on, a bit-identical repeat of the last segment is ignored, anything else
 * ends the series. Memory is bounded by {@link ReassemblyLimits}, however many senders there are.
 */
export class Reassembler<Key> {
  readonly #limits: Required<ReassemblyLimits>
  /** Oldest first. */
  readonly #series = new Map<Key, Series>()
  #octets = 0

  /** Throws {@link UsageError} `dnp3.reassembly.limit` for a limit that is not a positive integer, or too large. */
  constructor(limits?: ReassemblyLimits) {
    this.#limits = limits === undefined ? DEFAULTS : { ...DEFAULTS, ...limits }
    if (limits === undefined) return
    for (const [name, value] of Object.entries(this.#limits)) {
      if (!Number.isInteger(value) || value < 1 || (name === 'maxFragment' && value > 65_535)) {
        throw new UsageError('dnp3.reassembly.limit', `${name} cannot be ${value}`, { name, value })
      }
    }
  }

  /** Fragments under way. */
  get pending(): number {
    return this.#series.size
  }

  /** Octets held for them. */
  get octets(): number {
    return this.#octets
  }

  /**
   * Takes the next segment of one sender to one receiver. A fragment of one segment is a view of its data, a longer one
   * a buffer of its own.
   */
  push(key: Key, segment: Segment): Assembly {
    const { data } = segment
    const open = this.#series.get(key)
    if (segment.first) {
      if (open !== undefined) this.#giveUp(key, open)
      if (data.length > this.#limits.maxFragment) return TOO_LONG
      if (segment.final) return data.length === 0 ? EMPTY : { fragment: data, violation: undefined }
      this.#begin(key, segment)
      return UNDER_WAY
    }
    if (open === undefined) return STRAY
    if (segment.sequence !== ((open.sequence + 1) & 0x3f)) {
      if (isRepeat(open, segment)) return UNDER_WAY
      this.#giveUp(key, open)
      return SEQUENCE
    }
    const length = open.length + data.length
    if (length > this.#limits.maxFragment) {
      this.#giveUp(key, open)
      return TOO_LONG
    }
    this.#append(open, segment)
    if (!segment.final) {
      this.#bound(key)
      return UNDER_WAY
    }
    this.#giveUp(key, open)
    return length === 0 ? EMPTY : { fragment: open.buffer.subarray(0, length), violation: undefined }
  }

  /** Forgets what is under way between one sender and one receiver, e.g. when their connection ends. */
  drop(key: Key): void {
    const open = this.#series.get(key)
    if (open !== undefined) this.#giveUp(key, open)
  }

  /** Forgets everything that is under way. */
  clear(): void {
    this.#series.clear()
    this.#octets = 0
  }

  #begin(key: Key, segment: Segment): void {
    const series: Series = { buffer: allocate(512), length: 0, sequence: 0, lastStart: 0 }
    this.#octets += series.buffer.length
    this.#append(series, segment)
    this.#series.set(key, series)
    this.#bound(key)
  }

  #append(series: Series, { data, sequence }: Segment): void {
    const length = series.length + data.length
    if (length > series.buffer.length) {
      const bigger = allocate(Math.max(length, series.buffer.length * 2))
      bigger.set(series.buffer.subarray(0, series.length))
      this.#octets += bigger.length - series.buffer.length
      series.buffer = bigger
    }
    series.buffer.set(data, series.length)
    series.lastStart = series.length
    series.length = length
    series.sequence = sequence
  }

  /** Gives up the oldest series, but not the one that is being served, until the bounds hold. */
  #bound(serving: Key): void {
    const { maxSeries, maxOctets } = this.#limits
    for (const [key, series] of this.#series) {
      if (this.#series.size <= maxSeries && this.#octets <= maxOctets) break
      if (key !== serving) this.#giveUp(key, series)
    }
  }

  #giveUp(key: Key, series: Series): void {
    this.#octets -= series.buffer.length
    this.#series.delete(key)
  }
}

/** FIN of the last segment was 0, or the series would not be open. */
function isRepeat(series: Series, segment: Segment): boolean {
  if (segment.final || segment.sequence !== series.sequence) return false
  const { data } = segment
  if (data.length !== series.length - series.lastStart) return false
  return data.every((octet, i) => octet === series.buffer[series.lastStart + i])
}
