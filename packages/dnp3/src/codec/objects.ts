import { Reader, UsageError, Writer, toHex } from '@gridseal/wire'
import type { ObjectField, ObjectLayout } from './object-layout.ts'
import { layoutOf } from './object-table.ts'
import type { ObjectHeader } from './object-walk.ts'
import type { ObjectRange, PrefixSpec } from './qualifier.ts'
import { countOf, prefixOf, rangeOf, readNumber, writeNumber } from './qualifier.ts'
import { readScalar, writeScalar } from './scalars.ts'

/** What one object says. Fields are there as the variation has them, in the standard's units. */
export interface ObjectFields {
  /** Flags octet as it came, states of binary points included (IEEE 1815 clause 11). */
  readonly flags?: number
  /** State of a binary point (0, 1), of a double-bit one (0 intermediate, 1 off, 2 on, 3 indeterminate). */
  readonly state?: number
  /** Counters and analogs: a number. Octet strings, BCD and what else has no fields here: the octets. */
  readonly value?: number | Uint8Array
  /** Milliseconds since 1970-01-01 UTC. */
  readonly time?: number
  /** Milliseconds after the common time of occurrence that came before. */
  readonly relativeTime?: number
  /** Status code of a command, 0..127. */
  readonly status?: number
  /** Control code of a command to a binary output; see {@link decodeControlCode}. */
  readonly code?: number
  /** How often a command to a binary output shall be repeated. */
  readonly count?: number
  /** Milliseconds. */
  readonly onTime?: number
  /** Milliseconds. */
  readonly offTime?: number
  readonly interval?: number
  readonly units?: number
  readonly association?: number
  readonly sequence?: number
  readonly user?: number
  readonly characteristics?: number
  readonly fill?: number
  readonly group?: number
  readonly variation?: number
}

/** One object with the index of its point. */
export interface ObjectValue extends ObjectFields {
  /** Index of its prefix, place in its range, or place behind its header where it has neither. */
  readonly index: number
}

/**
 * The objects of a header that {@link walkObjects} found; none where it carries none. Calls `take` instead of building an
 * array, so that a fragment of a thousand points costs no more than they do. Values are views of the fragment.
 */
export function forEachObject(header: ObjectHeader, take: (object: ObjectValue) => void): void {
  const { group, variation, range, data, carriesObjects } = header
  const prefix = prefixOf(header.qualifier)
  if (!carriesObjects || prefix === undefined) return
  const count = countOf(range)
  const first = range.kind === 'start-stop' || range.kind === 'virtual' ? range.start : 0
  const layout = layoutOf(group, variation)
  if (layout?.kind === 'packed' && prefix.kind === 'none') {
    const mask = layout.bits === 1 ? 1 : 3
    for (let i = 0; i < count; i++) {
      const at = i * layout.bits
      take({ index: first + i, state: (data[at >> 3]! >> (at & 7)) & mask })
    }
    return
  }
  const r = new Reader(data)
  for (let i = 0; i < count; i++) {
    const number = readNumber(r, prefix.width, 'prefix')
    const index = prefix.kind === 'index' ? number : first + i
    if (prefix.kind === 'size') take({ index, value: r.take(number, 'object') })
    else take(readObject(r, index, layout, variation))
  }
}

/** {@link forEachObject} as an array. */
export function decodeObjects(header: ObjectHeader): ObjectValue[] {
  const objects: ObjectValue[] = []
  forEachObject(header, (object) => objects.push(object))
  return objects
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

function readObject(r: Reader, index: number, layout: ObjectLayout | undefined, variation: number): ObjectValue {
  const object: Writable<ObjectValue> = { index }
  if (layout?.kind === 'fixed') {
    for (const field of layout.fields) readField(r, field, object)
    if (layout.state !== 0) splitState(object, layout.state)
  } else if (layout?.kind === 'octets') object.value = r.take(variation, 'octets')
  else if (layout?.kind === 'attribute') object.value = readAttribute(r)
  return object
}

function readField(r: Reader, field: ObjectField, object: Writable<ObjectFields>): void {
  if (field.type === 'octets') object.value = r.take(field.size, field.name)
  else object[field.name] = readScalar(r, field.type, field.name)
}

/** Type, length and value of a device attribute, as they came. */
function readAttribute(r: Reader): Uint8Array {
  const ahead = new Reader(r.bytes, r.offset)
  const extended = ahead.u8('attributeType') === 255
  return r.take(2 + (extended ? 256 : 0) + ahead.u8('attributeLength'), 'attribute')
}

/** The state lies in the highest bits of the flags, or of the status of a command event. */
function splitState(object: Writable<ObjectFields>, bits: 1 | 2): void {
  if (object.flags !== undefined) object.state = object.flags >> (8 - bits)
  else if (object.status !== undefined) {
    object.state = object.status >> 7
    object.status &= 0x7f
  }
}

/** What a header of our own shall be: the qualifier says whether objects go by range, index, size or count alone. */
export interface HeaderForm {
  readonly group: number
  readonly variation: number
  readonly qualifier: number
}

/**
 * A header with its objects. Ranges are taken from the first and last index, which must run on; indexes must ascend by
 * one there. Throws {@link UsageError} `dnp3.object.encode` where qualifier, variation and objects do not go together,
 * `wire.range` for a value that does not fit.
 */
export function encodeObjects(form: HeaderForm, objects: readonly ObjectValue[]): ObjectHeader {
  const { group, variation, qualifier } = form
  const prefix = prefixOf(qualifier)
  const layout = layoutOf(group, variation)
  if (prefix === undefined) throw cannot(form, 'its qualifier is reserved')
  const range = rangeFor(form, objects)
  const w = new Writer(16 * objects.length + 16)
  if (layout?.kind === 'packed' && prefix.kind === 'none') w.bytes(pack(objects, layout.bits))
  else for (const object of objects) writeObject(w, form, prefix, layout, object)
  const data = w.finish()
  return { group, variation, qualifier, range, data, carriesObjects: data.length > 0 }
}

function rangeFor(form: HeaderForm, objects: readonly ObjectValue[]): ObjectRange {
  const spec = rangeOf(form.qualifier)
  if (spec?.kind === 'count') return { kind: 'count', count: objects.length }
  if (spec?.kind === 'all' && objects.length === 0) return { kind: 'all' }
  const first = objects[0]
  if (spec === undefined || spec.kind === 'all' || first === undefined) throw cannot(form, 'it takes no such objects')
  const start = first.index
  if (objects.some(({ index }, i) => index !== start + i)) throw cannot(form, 'its indexes do not run on')
  return { kind: spec.kind, start, stop: start + objects.length - 1 }
}

function pack(objects: readonly ObjectValue[], bits: 1 | 2): Uint8Array {
  const packed = new Uint8Array(Math.ceil((objects.length * bits) / 8))
  objects.forEach(({ state = 0 }, i) => {
    const at = i * bits
    packed[at >> 3]! |= (state & (bits === 1 ? 1 : 3)) << (at & 7)
  })
  return packed
}

function writeObject(
  w: Writer,
  form: HeaderForm,
  prefix: PrefixSpec,
  layout: ObjectLayout | undefined,
  object: ObjectValue,
): void {
  if (prefix.kind === 'index') writeNumber(w, prefix.width, object.index)
  if (prefix.kind !== 'size' && layout?.kind === 'fixed') {
    for (const field of layout.fields) writeField(w, form, field, object)
    return
  }
  if (layout?.kind === 'none') return
  const { value } = object
  if (!(value instanceof Uint8Array)) throw cannot(form, 'its objects are octets')
  if (prefix.kind === 'size') writeNumber(w, prefix.width, value.length)
  else if (layout?.kind === 'octets') {
    if (value.length !== form.variation)
      throw cannot(form, `it does not take ${toHex(value)}: the variation is the length`)
  } else if (layout?.kind !== 'attribute') throw cannot(form, 'its length is not known without a size prefix')
  w.bytes(value)
}

function writeField(w: Writer, form: HeaderForm, field: ObjectField, object: ObjectValue): void {
  if (field.type === 'octets') {
    if (!(object.value instanceof Uint8Array) || object.value.length !== field.size) {
      throw cannot(form, `it takes ${field.size} octets`)
    }
    w.bytes(object.value)
    return
  }
  let value = object[field.name]
  if (typeof value !== 'number') throw cannot(form, `it needs ${field.name}`)
  // The state of a command event travels in its status; that of a point is part of its flags already.
  if (field.name === 'status' && object.state !== undefined) value |= object.state << 7
  writeScalar(w, field.type, value)
}

function cannot(form: HeaderForm, why: string): UsageError {
  const { group, variation, qualifier } = form
  return new UsageError('dnp3.object.encode', `g${group}v${variation} with qualifier ${qualifier}: ${why}`, { ...form })
}
