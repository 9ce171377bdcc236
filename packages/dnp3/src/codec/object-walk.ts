import { DecodeError, Reader } from '@gridseal/wire'
import type { FunctionSpec } from './functions.ts'
import type { ObjectLayout } from './object-layout.ts'
import { layoutOf } from './object-table.ts'
import type { ObjectRange, PrefixSpec } from './qualifier.ts'
import { countOf, prefixOf, rangeOf, readNumber, readRange } from './qualifier.ts'

/** One object header and what follows it. */
export interface ObjectHeader {
  readonly group: number
  readonly variation: number
  readonly qualifier: number
  readonly range: ObjectRange
  /** Prefixes and objects, a view: exactly the octets that belong to this header. */
  readonly data: Uint8Array
  /** Whether `data` holds objects, or nothing but the indexes of those meant. */
  readonly carriesObjects: boolean
}

/** What was found in the octets behind an application header. */
export interface ObjectWalk {
  /** The headers whose octets are all there, in wire order. */
  readonly headers: readonly ObjectHeader[]
  /** Where the walk ended early. */
  readonly stop: WalkStop | undefined
  /** The octets from the header on at which it ended; empty without a stop. */
  readonly rest: Uint8Array
}

export interface WalkStop {
  /**
   * Why: `dnp3.object.unknown` means that the length of an object is not known to us, `dnp3.function.unknown` that the
   * function is not; all other codes are faults of the sender.
   */
  readonly error: DecodeError
  /** The header at which it ended, as far as it is there. */
  readonly group: number | undefined
  readonly variation: number | undefined
}

const NOTHING = new Uint8Array(0)
const AUTHENTICATION = 120

/** Reserved and unknown, not wrong. */
export function isUnknown(error: DecodeError): boolean {
  return error.code === 'dnp3.object.unknown' || error.code === 'dnp3.function.unknown'
}

/**
 * Walks the object headers of `fragment` from `offset` on. What belongs to a header follows from its group, variation
 * and qualifier, and from the function: requests to read carry headers only. Ends at the first header whose objects
 * cannot be told or are not all there, and keeps those before it. Never throws; nothing is allocated by a count.
 */
export function walkObjects(fragment: Uint8Array, offset: number, spec: FunctionSpec | undefined): ObjectWalk {
  const headers: ObjectHeader[] = []
  const r = new Reader(fragment, offset)
  if (spec === undefined) {
    if (r.atEnd) return { headers, stop: undefined, rest: NOTHING }
    const error = r.error('dnp3.function.unknown', 'function', 'reserved function: its objects cannot be told')
    return { headers, stop: { error, group: undefined, variation: undefined }, rest: r.rest() }
  }
  while (!r.atEnd) {
    const start = r.offset
    try {
      headers.push(readHeader(r, spec))
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      const named = fragment.length - start >= 2
      const stop: WalkStop = {
        error,
        group: named ? fragment[start] : undefined,
        variation: named ? fragment[start + 1] : undefined,
      }
      return { headers, stop, rest: fragment.subarray(start) }
    }
  }
  return { headers, stop: undefined, rest: NOTHING }
}

function readHeader(r: Reader, spec: FunctionSpec): ObjectHeader {
  const group = r.u8('group')
  const variation = r.u8('variation')
  if (spec.objects === 'none' && group !== AUTHENTICATION) {
    throw r.error('dnp3.object.unexpected', 'group', `${spec.name} takes no objects`)
  }
  const qualifier = r.u8('qualifier')
  const prefix = prefixOf(qualifier)
  const rangeSpec = rangeOf(qualifier)
  if (prefix === undefined || rangeSpec === undefined) {
    throw r.error('dnp3.object.qualifier', 'qualifier', `reserved qualifier ${hex(qualifier)}`)
  }
  const range = readRange(r, rangeSpec)
  const count = countOf(range)
  const carriesObjects = count > 0 && carries(spec, group, variation, prefix)
  const length = carriesObjects ? objectOctets(r, group, variation, prefix, count) : count * prefix.width
  const data = length === 0 ? NOTHING : r.take(length, `g${group}v${variation}`)
  return { group, variation, qualifier, range, data, carriesObjects }
}

/** Whether objects follow a header, rather than nothing or the bare indexes of the objects meant. */
function carries(spec: FunctionSpec, group: number, variation: number, prefix: PrefixSpec): boolean {
  if (prefix.kind === 'size') return true
  // g120v3 opens a request in aggressive mode, whatever its function (IEEE 1815 clause 7).
  if (group === AUTHENTICATION && variation !== 0) return true
  switch (spec.objects) {
    case 'data':
    case 'none':
      return true
    case 'by-variation':
      return variation !== 0
    case 'headers':
      return false
  }
}

/** Octets of all prefixes and objects of a header, checked to be there as far as that takes walking over them. */
function objectOctets(r: Reader, group: number, variation: number, prefix: PrefixSpec, count: number): number {
  if (prefix.kind === 'size') return sizedOctets(r, layoutOf(group, variation), prefix, count)
  const layout = layoutOf(group, variation)
  switch (layout?.kind) {
    case 'fixed':
      return count * (prefix.width + layout.size)
    case 'octets':
      return count * (prefix.width + variation)
    case 'none':
      return count * prefix.width
    case 'packed':
      if (prefix.kind === 'index') {
        throw r.error('dnp3.object.qualifier', 'qualifier', `g${group}v${variation} is packed and takes no indexes`)
      }
      return Math.ceil((count * layout.bits) / 8)
    case 'attribute':
      return attributeOctets(r, prefix, count)
    case 'sized':
    case undefined:
      // Of whatever size, each object takes an octet at least.
      r.need(count * (prefix.width + 1), `g${group}v${variation}`)
      throw r.error('dnp3.object.unknown', 'variation', `the length of g${group}v${variation} is not known`)
  }
}

/** Objects that each say their size. */
function sizedOctets(r: Reader, layout: ObjectLayout | undefined, prefix: PrefixSpec, count: number): number {
  const ahead = new Reader(r.bytes, r.offset)
  const start = ahead.offset
  const min = layout?.kind === 'sized' ? layout.min : 0
  ahead.need(count * prefix.width, 'objectSize')
  for (let i = 0; i < count; i++) {
    const size = readNumber(ahead, prefix.width, 'objectSize')
    if (size < min) throw ahead.error('dnp3.object.size', 'objectSize', `${size} octets, its fields take ${min}`)
    ahead.skip(size, 'object')
  }
  return ahead.offset - start
}

/** Device attributes: type, length, value; type 255 is 256 octets longer than its length says (annex A). */
function attributeOctets(r: Reader, prefix: PrefixSpec, count: number): number {
  const ahead = new Reader(r.bytes, r.offset)
  const start = ahead.offset
  ahead.need(count * (prefix.width + 2), 'attribute')
  for (let i = 0; i < count; i++) {
    ahead.skip(prefix.width, 'index')
    const type = ahead.u8('attributeType')
    const length = ahead.u8('attributeLength')
    ahead.skip(type === 255 ? 256 + length : length, 'attributeValue')
  }
  return ahead.offset - start
}

function hex(octet: number): string {
  return `0x${octet.toString(16).padStart(2, '0')}`
}
