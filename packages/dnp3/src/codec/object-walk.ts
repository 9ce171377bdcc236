import { DecodeError } from '@gridseal/wire'
import type { FunctionSpec } from './functions.ts'
import { layoutOf } from './object-table.ts'
import type { ObjectRange, PrefixSpec, RangeSpec } from './qualifier.ts'
import { countOf, prefixOf, rangeOf } from './qualifier.ts'

/** One object header and what follows it. */
export interface ObjectHeader {
  readonly group: number
  readonly variation: number
  readonly qualifier: number
  readonly range: ObjectRange
  /** Prefixes and objects, a view: exactly the octets that belong to this header. */
  readonly data: Uint8Array
  /** Whether `data` holds objects: neither nothing nor the bare indexes of those meant. */
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

/**
 * Why and where the object headers could not be told to the end. Not an error that was thrown: malformed requests come
 * by the thousand, and an `Error` costs more than the whole walk; {@link stopError} makes one of it.
 */
export interface WalkStop {
  /**
   * `dnp3.object.unknown` means that the length of an object is not known to us, `dnp3.function.unknown` that the
   * function is not; all other codes are faults of the sender.
   */
  readonly code: string
  /** Offset in the fragment. */
  readonly offset: number
  readonly field: string
  readonly reason: string
  /** The header at which the walk ended, as far as it is there. */
  readonly group: number | undefined
  readonly variation: number | undefined
}

/** Reserved and unknown, not wrong. */
export function isUnknown(stop: WalkStop): boolean {
  return stop.code === 'dnp3.object.unknown' || stop.code === 'dnp3.function.unknown'
}

export function stopError({ code, offset, field, reason }: WalkStop): DecodeError {
  return new DecodeError(code, offset, field, reason)
}

/**
 * Walks the object headers of `fragment` from `offset` on. What belongs to a header follows from its group, variation
 * and qualifier, and from the function: requests to read carry headers only. Ends at the first header whose objects
 * cannot be told or are not all there, and keeps those before it. Never throws; nothing is allocated by a count.
 */
export function walkObjects(fragment: Uint8Array, offset: number, spec: FunctionSpec | undefined): ObjectWalk {
  return new Walker(fragment, offset).walk(spec)
}

const NOTHING = new Uint8Array(0)
const ALL: ObjectRange = { kind: 'all' }
const AUTHENTICATION = 120

class Walker {
  readonly #bytes: Uint8Array
  #at: number
  #stop: Pick<WalkStop, 'code' | 'offset' | 'field' | 'reason'> | undefined

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes
    this.#at = at
  }

  walk(spec: FunctionSpec | undefined): ObjectWalk {
    const bytes = this.#bytes
    const headers: ObjectHeader[] = []
    while (this.#at < bytes.length) {
      const start = this.#at
      const header = spec === undefined ? this.#unknownFunction() : this.#header(spec)
      if (header !== undefined) {
        headers.push(header)
        continue
      }
      const named = spec !== undefined && bytes.length - start >= 2
      const group = named ? bytes[start] : undefined
      const variation = named ? bytes[start + 1] : undefined
      return { headers, stop: { ...this.#stop!, group, variation }, rest: bytes.subarray(start) }
    }
    return { headers, stop: undefined, rest: NOTHING }
  }

  /** Ends the walk. */
  #fail(code: string, field: string, reason: string): undefined {
    this.#stop = { code, offset: this.#at, field, reason }
  }

  #unknownFunction(): undefined {
    this.#fail('dnp3.function.unknown', 'function', 'reserved function: its objects cannot be told')
  }

  /** Whether `count` more octets are there; ends the walk if not. */
  #need(count: number, field: string): boolean {
    const left = this.#bytes.length - this.#at
    if (count <= left) return true
    this.#fail('decode.truncated', field, `needs ${count} bytes, has ${left}`)
    return false
  }

  /** The next unsigned number of 1, 2 or 4 octets, which must be there. */
  #number(width: 0 | 1 | 2 | 4): number {
    const bytes = this.#bytes
    let value = 0
    for (let i = width - 1; i >= 0; i--) value = value * 256 + bytes[this.#at + i]!
    this.#at += width
    return value
  }

  #header(spec: FunctionSpec): ObjectHeader | undefined {
    if (!this.#need(3, 'objectHeader')) return undefined
    const bytes = this.#bytes
    const group = bytes[this.#at]!
    const variation = bytes[this.#at + 1]!
    const qualifier = bytes[this.#at + 2]!
    if (spec.objects === 'none' && group !== AUTHENTICATION) {
      return this.#fail('dnp3.object.unexpected', 'group', `${spec.name} takes no objects`)
    }
    const prefix = prefixOf(qualifier)
    const rangeSpec = rangeOf(qualifier)
    this.#at += 2
    if (prefix === undefined || rangeSpec === undefined) {
      const text = `0x${qualifier.toString(16).padStart(2, '0')}`
      return this.#fail('dnp3.object.qualifier', 'qualifier', `reserved qualifier ${text}`)
    }
    this.#at++
    const range = this.#range(rangeSpec)
    if (range === undefined) return undefined
    const count = countOf(range)
    const carriesObjects = count > 0 && carries(spec, group, variation, prefix)
    const length = carriesObjects ? this.#objectOctets(group, variation, prefix, count) : count * prefix.width
    if (length < 0 || !this.#need(length, 'objects')) return undefined
    const data = length === 0 ? NOTHING : bytes.subarray(this.#at, this.#at + length)
    this.#at += length
    // Objects without octets (classes, empty strings) are none: their count is bounded by nothing.
    return { group, variation, qualifier, range, data, carriesObjects: carriesObjects && length > 0 }
  }

  #range({ kind, width }: RangeSpec): ObjectRange | undefined {
    if (kind === 'all') return ALL
    if (!this.#need(kind === 'count' ? width : 2 * width, 'range')) return undefined
    if (kind === 'count') return { kind, count: this.#number(width) }
    const start = this.#number(width)
    const stop = this.#number(width)
    if (start <= stop) return { kind, start, stop }
    return this.#fail('dnp3.object.range', 'range', `start ${start} is behind stop ${stop}`)
  }

  /** Octets of all prefixes and objects of a header, whether they are there or not; -1 where that cannot be told. */
  #objectOctets(group: number, variation: number, prefix: PrefixSpec, count: number): number {
    const layout = layoutOf(group, variation)
    if (prefix.kind === 'size') return this.#sizedOctets(layout?.kind === 'sized' ? layout.min : 0, prefix, count)
    switch (layout?.kind) {
      case 'fixed':
        return count * (prefix.width + layout.size)
      case 'octets':
        return count * (prefix.width + variation)
      case 'none':
        return count * prefix.width
      case 'packed':
        if (prefix.kind === 'none') return Math.ceil((count * layout.bits) / 8)
        this.#fail('dnp3.object.qualifier', 'qualifier', `g${group}v${variation} is packed and takes no indexes`)
        return -1
      case 'attribute':
        return this.#attributeOctets(prefix, count)
      case 'sized':
      case undefined:
        // Of whatever size, each object takes an octet at least.
        if (this.#need(count * (prefix.width + 1), 'objects')) {
          this.#fail('dnp3.object.unknown', 'variation', `the length of g${group}v${variation} is not known`)
        }
        return -1
    }
  }

  /** Objects that each say their size, of `min` octets at least. */
  #sizedOctets(min: number, prefix: PrefixSpec, count: number): number {
    const start = this.#at
    if (!this.#need(count * prefix.width, 'objectSize')) return -1
    for (let i = 0; i < count; i++) {
      if (!this.#need(prefix.width, 'objectSize')) return -1
      const size = this.#number(prefix.width)
      if (size < min) {
        this.#fail('dnp3.object.size', 'objectSize', `${size} octets, its fields take ${min}`)
        return -1
      }
      if (!this.#need(size, 'object')) return -1
      this.#at += size
    }
    return this.#backTo(start)
  }

  /** Device attributes: type, length, value; type 255 is 256 octets longer than its length says. */
  #attributeOctets(prefix: PrefixSpec, count: number): number {
    const start = this.#at
    if (!this.#need(count * (prefix.width + 2), 'attribute')) return -1
    for (let i = 0; i < count; i++) {
      if (!this.#need(prefix.width + 2, 'attribute')) return -1
      this.#at += prefix.width
      const type = this.#number(1)
      const length = this.#number(1) + (type === EXTENDED ? 256 : 0)
      if (!this.#need(length, 'attributeValue')) return -1
      this.#at += length
    }
    return this.#backTo(start)
  }

  /** Returns the octets passed since `start`, which has them still to come. */
  #backTo(start: number): number {
    const length = this.#at - start
    this.#at = start
    return length
  }
}

/** Data type of attributes that are longer than 255 octets. */
const EXTENDED = 255

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
