import type { TableName } from '../codec/functions.ts'
import { MAX_READ_BITS, MAX_READ_WORDS } from '../codec/limits.ts'

/** Consecutive cells of one table that somebody wants to know. */
export interface Range {
  readonly table: TableName
  /** 0-based. */
  readonly address: number
  readonly quantity: number
}

/** What a device puts up with in one read. */
export interface ReadLimits {
  /** Registers of one read. Default 125. */
  readonly words?: number
  /** Coils or discrete inputs of one read. Default 2000. */
  readonly bits?: number
  /** Registers that nobody asked for, read all the same to save a request. Default 8; 0 for devices with holes. */
  readonly gap?: number
}

/** One read, and what was asked for within it. */
export interface MergedRead<T extends Range> extends Range {
  readonly parts: readonly T[]
}

const DEFAULT_GAP = 8
/** Bits are cheap: a gap of them counts as one register for each 16. */
const BITS_PER_WORD = 16

/**
 * The fewest reads that cover all ranges: those near to each other are read together, no read is longer than the device
 * takes. A range that is longer than that by itself is a read by itself, which the device will refuse.
 */
export function mergeReads<T extends Range>(ranges: readonly T[], limits: ReadLimits = {}): MergedRead<T>[] {
  const { words = MAX_READ_WORDS, bits = MAX_READ_BITS, gap = DEFAULT_GAP } = limits
  const merged: MergedRead<T>[] = []
  for (const table of new Set(ranges.map((range) => range.table))) {
    const isBits = table === 'co' || table === 'di'
    const most = isBits ? bits : words
    const reach = isBits ? gap * BITS_PER_WORD : gap
    const sorted = ranges.filter((range) => range.table === table).sort((a, b) => a.address - b.address)
    let parts: T[] = []
    let end = 0
    const finish = (): void => {
      const first = parts[0]
      if (first !== undefined) merged.push({ table, address: first.address, quantity: end - first.address, parts })
      parts = []
    }
    for (const range of sorted) {
      const itsEnd = range.address + range.quantity
      const start = parts[0]?.address ?? range.address
      if (parts.length > 0 && (range.address > end + reach || Math.max(end, itsEnd) - start > most)) finish()
      end = parts.length === 0 ? itsEnd : Math.max(end, itsEnd)
      parts.push(range)
    }
    finish()
  }
  return merged
}

/** The reads to make instead of one that a device refused for an address it does not have: without gaps, else one by one. */
export function splitRead<T extends Range>(read: MergedRead<T>, limits: ReadLimits): MergedRead<T>[] {
  const closer = mergeReads(read.parts, { ...limits, gap: 0 })
  return closer.length > 1 ? closer : read.parts.map((part) => ({ ...rangeOf(part), parts: [part] }))
}

function rangeOf({ table, address, quantity }: Range): Range {
  return { table, address, quantity }
}
