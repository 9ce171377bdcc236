import type { Reader, Writer } from '@gridseal/wire'

/** What stands before each object of a header (qualifier bits 6-4, IEEE 1815 clause 4). */
export interface PrefixSpec {
  readonly kind: 'none' | 'index' | 'size'
  /** Octets of the prefix. */
  readonly width: 0 | 1 | 2 | 4
}

/** How a header says which objects it means (qualifier bits 3-0). */
export interface RangeSpec {
  readonly kind: 'start-stop' | 'virtual' | 'all' | 'count'
  /** Octets of each number of the range field. */
  readonly width: 0 | 1 | 2 | 4
}

/** Prefix codes 0..7; 7 is reserved. */
export const PREFIXES: readonly (PrefixSpec | undefined)[] = [
  { kind: 'none', width: 0 },
  { kind: 'index', width: 1 },
  { kind: 'index', width: 2 },
  { kind: 'index', width: 4 },
  { kind: 'size', width: 1 },
  { kind: 'size', width: 2 },
  { kind: 'size', width: 4 },
  undefined,
]

/** Range codes 0..15; A and C to F are reserved. B counts objects of variable size. */
export const RANGES: readonly (RangeSpec | undefined)[] = [
  { kind: 'start-stop', width: 1 },
  { kind: 'start-stop', width: 2 },
  { kind: 'start-stop', width: 4 },
  { kind: 'virtual', width: 1 },
  { kind: 'virtual', width: 2 },
  { kind: 'virtual', width: 4 },
  { kind: 'all', width: 0 },
  { kind: 'count', width: 1 },
  { kind: 'count', width: 2 },
  { kind: 'count', width: 4 },
  undefined,
  { kind: 'count', width: 1 },
  undefined,
  undefined,
  undefined,
  undefined,
]

/** The range field of a header. */
export type ObjectRange =
  | { readonly kind: 'start-stop' | 'virtual'; readonly start: number; readonly stop: number }
  | { readonly kind: 'count'; readonly count: number }
  | { readonly kind: 'all' }

/** The prefix of a qualifier octet, or undefined where it is reserved (bit 7 must be 0). */
export function prefixOf(qualifier: number): PrefixSpec | undefined {
  return qualifier > 0x7f ? undefined : PREFIXES[qualifier >> 4]
}

/** The range of a qualifier octet, or undefined where it is reserved. */
export function rangeOf(qualifier: number): RangeSpec | undefined {
  return RANGES[qualifier & 0x0f]
}

export function writeRange(w: Writer, spec: RangeSpec, range: ObjectRange): void {
  if (range.kind === 'all') return
  if (range.kind === 'count') writeNumber(w, spec.width, range.count)
  else {
    writeNumber(w, spec.width, range.start)
    writeNumber(w, spec.width, range.stop)
  }
}

/** How many objects a range means; 0 for all there are. */
export function countOf(range: ObjectRange): number {
  return range.kind === 'all' ? 0 : range.kind === 'count' ? range.count : range.stop - range.start + 1
}

/** An unsigned number of 1, 2 or 4 octets; of none, 0. */
export function readNumber(r: Reader, width: 0 | 1 | 2 | 4, field: string): number {
  switch (width) {
    case 0:
      return 0
    case 1:
      return r.u8(field)
    case 2:
      return r.u16le(field)
    case 4:
      return r.u32le(field)
  }
}

export function writeNumber(w: Writer, width: 0 | 1 | 2 | 4, value: number): void {
  switch (width) {
    case 0:
      return
    case 1:
      w.u8(value)
      return
    case 2:
      w.u16le(value)
      return
    case 4:
      w.u32le(value)
  }
}
