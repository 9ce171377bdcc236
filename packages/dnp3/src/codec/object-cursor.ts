import type { TextWriter } from '@gridseal/wire'
import type { FunctionSpec } from './functions.ts'
import { layoutOf } from './object-table.ts'
import type { PrefixSpec, RangeSpec } from './qualifier.ts'
import { prefixOf, rangeOf } from './qualifier.ts'
import type { WalkStop } from './walk-stop.ts'

const NOTHING = new Uint8Array(0)
const AUTHENTICATION = 120
/** In place of a number of a reason. */
const NO_NUMBER = -1

/**
 * Where a walk over object headers stands. There is one cursor, refilled for each fragment, so that a header costs no
 * object: captures have them by the million. What belongs to a header follows from its group, variation and qualifier,
 * and from the function: requests to read carry headers only.
 */
export class ObjectCursor {
  group = 0
  variation = 0
  qualifier = 0
  rangeKind: RangeSpec['kind'] = 'all'
  /** First index of a range. */
  start = 0
  /** Last index of a range. */
  stop = 0
  /** How many objects are meant; 0 for all there are. */
  count = 0
  /** Where the prefixes and objects of the header begin; they end at {@link at}. */
  dataAt = 0
  /** Whether objects follow the header: neither nothing nor the bare indexes of those meant. */
  carriesObjects = false
  /** Where the next header begins, or the fault is. */
  at = 0
  /** Where the header under the cursor begins, or the one at which the walk ended. */
  headerAt = 0

  #bytes: Uint8Array = NOTHING
  #end = 0
  #spec: FunctionSpec | undefined
  /** Why the walk ended early; the empty string where it did not. */
  #code = ''
  #field = ''
  /** Words of the reason, and the number behind each where there is one. */
  #words = ''
  #number1 = NO_NUMBER
  #words2 = ''
  #number2 = NO_NUMBER

  /** Begins a walk over `bytes[at..end)`, the objects of a fragment with the function `spec`. */
  load(bytes: Uint8Array, at: number, end: number, spec: FunctionSpec | undefined): void {
    this.#bytes = bytes
    this.#end = end
    this.#spec = spec
    this.at = at
    this.#code = ''
  }

  /**
   * Goes to the next header. False at the end, and at the first header whose objects cannot be told or are not all
   * there: then {@link ended} says why. Never throws; nothing is allocated by a count.
   */
  next(): boolean {
    if (this.at >= this.#end) return false
    this.headerAt = this.at
    if (this.#spec !== undefined) return this.#header(this.#spec)
    return this.#fail('dnp3.function.unknown', 'function', 'reserved function: its objects cannot be told')
  }

  /** Why the walk ended early, or undefined where it came to the end. */
  ended(): WalkStop | undefined {
    if (this.#code === '') return undefined
    const group = this.#isNamed ? this.#bytes[this.headerAt] : undefined
    const variation = this.#isNamed ? this.#bytes[this.headerAt + 1] : undefined
    const reason = `${this.#words}${numberText(this.#number1)}${this.#words2}${numberText(this.#number2)}`
    return { code: this.#code, offset: this.at, field: this.#field, reason, group, variation }
  }

  /** {@link WalkStop.code}, or the empty string where the walk came to the end. */
  get code(): string {
    return this.#code
  }

  /** Group * 256 + variation of the header at which the walk ended early, or -1 where it is not there. */
  get stoppedAt(): number {
    return this.#isNamed ? this.#bytes[this.headerAt]! * 256 + this.#bytes[this.headerAt + 1]! : -1
  }

  /** Whether group and variation of the header at which the walk ended are there. */
  get #isNamed(): boolean {
    return this.#code !== '' && this.#spec !== undefined && this.#end - this.headerAt >= 2
  }

  /**
   * Writes why the walk ended early, as `describeError` words it: nothing in it that JSON escapes. Offsets count from
   * `start`.
   */
  writeStop(start: number, into: TextWriter): void {
    into.text(this.#code).text(': ').text(this.#words)
    if (this.#number1 !== NO_NUMBER) into.decimal(this.#number1).text(this.#words2)
    if (this.#number2 !== NO_NUMBER) into.decimal(this.#number2)
    into
      .text(' (')
      .text(this.#field)
      .text(' at offset ')
      .decimal(this.at - start)
      .text(')')
  }

  /** Ends the walk. The reason is words and numbers by turns: nobody may ever ask for it as one text. */
  #fail(code: string, field: string, words: string, number1 = NO_NUMBER, words2 = '', number2 = NO_NUMBER): false {
    this.#code = code
    this.#field = field
    this.#words = words
    this.#number1 = number1
    this.#words2 = words2
    this.#number2 = number2
    return false
  }

  /** Whether `count` more octets are there; ends the walk if not. */
  #need(count: number, field: string): boolean {
    const left = this.#end - this.at
    return count <= left || this.#fail('decode.truncated', field, 'needs ', count, ' bytes, has ', left)
  }

  /** The next unsigned number of 1, 2 or 4 octets, which must be there. */
  #number(width: 0 | 1 | 2 | 4): number {
    const bytes = this.#bytes
    let value = 0
    for (let i = width - 1; i >= 0; i--) value = value * 256 + bytes[this.at + i]!
    this.at += width
    return value
  }

  #header(spec: FunctionSpec): boolean {
    if (!this.#need(3, 'objectHeader')) return false
    const bytes = this.#bytes
    const group = (this.group = bytes[this.at]!)
    const variation = (this.variation = bytes[this.at + 1]!)
    const qualifier = (this.qualifier = bytes[this.at + 2]!)
    if (spec.objects === 'none' && group !== AUTHENTICATION) {
      return this.#fail('dnp3.object.unexpected', 'group', `${spec.name} takes no objects`)
    }
    const prefix = prefixOf(qualifier)
    const range = rangeOf(qualifier)
    this.at += 2
    if (prefix === undefined || range === undefined) {
      const text = `0x${qualifier.toString(16).padStart(2, '0')}`
      return this.#fail('dnp3.object.qualifier', 'qualifier', `reserved qualifier ${text}`)
    }
    this.at++
    if (!this.#range(range)) return false
    const { count } = this
    const carriesObjects = count > 0 && carries(spec, group, variation, prefix)
    const length = carriesObjects ? this.#objectOctets(group, variation, prefix, count) : count * prefix.width
    if (length < 0 || !this.#need(length, 'objects')) return false
    this.dataAt = this.at
    this.at += length
    // Objects without octets (classes, empty strings) are none: their count is bounded by nothing.
    this.carriesObjects = carriesObjects && length > 0
    return true
  }

  #range({ kind, width }: RangeSpec): boolean {
    this.rangeKind = kind
    if (kind === 'all') {
      this.count = 0
      return true
    }
    if (!this.#need(kind === 'count' ? width : 2 * width, 'range')) return false
    if (kind === 'count') {
      this.count = this.#number(width)
      return true
    }
    const start = (this.start = this.#number(width))
    const stop = (this.stop = this.#number(width))
    this.count = stop - start + 1
    return start <= stop || this.#fail('dnp3.object.range', 'range', 'start ', start, ' is behind stop ', stop)
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
    const start = this.at
    if (!this.#need(count * prefix.width, 'objectSize')) return -1
    for (let i = 0; i < count; i++) {
      if (!this.#need(prefix.width, 'objectSize')) return -1
      const size = this.#number(prefix.width)
      if (size < min) {
        this.#fail('dnp3.object.size', 'objectSize', '', size, ' octets, its fields take ', min)
        return -1
      }
      if (!this.#need(size, 'object')) return -1
      this.at += size
    }
    return this.#backTo(start)
  }

  /** Device attributes: type, length, value; type 255 is 256 octets longer than its length says. */
  #attributeOctets(prefix: PrefixSpec, count: number): number {
    const start = this.at
    if (!this.#need(count * (prefix.width + 2), 'attribute')) return -1
    for (let i = 0; i < count; i++) {
      if (!this.#need(prefix.width + 2, 'attribute')) return -1
      this.at += prefix.width
      const type = this.#number(1)
      const length = this.#number(1) + (type === EXTENDED ? 256 : 0)
      if (!this.#need(length, 'attributeValue')) return -1
      this.at += length
    }
    return this.#backTo(start)
  }

  /** Returns the octets passed since `start`, which has them still to come. */
  #backTo(start: number): number {
    const length = this.at - start
    this.at = start
    return length
  }
}

function numberText(number: number): string {
  return number === NO_NUMBER ? '' : String(number)
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
