import type { Value } from '../map/value-types.ts'
import { decodeValue, encodeValue } from '../map/value-types.ts'
import type { SunSpecModel, SunSpecPoint, SunSpecType } from './models.ts'

/** A point with a value. What a device does not implement has none and does not appear. */
export interface SunSpecValue {
  readonly name: string
  readonly value: Value
  readonly unit: string | undefined
  /** `bad`: the device gives a scale factor that cannot be, so the value is raw. */
  readonly quality: 'good' | 'bad'
}

/** Raw words by which a device says that it does not implement a point. */
const ABSENT: Readonly<Record<string, readonly number[]>> = {
  int16: [0x8000],
  uint16: [0xffff],
  enum16: [0xffff],
  acc32: [0, 0],
  bitfield32: [0xffff, 0xffff],
  sunssf: [0x8000],
  pad: [0x8000],
}

const MOST_SCALE = 10

/** Type in terms of registers. */
function plainType(type: SunSpecType): 'int16' | 'uint16' | 'uint32' | 'float32' | 'string' {
  switch (type) {
    case 'int16':
    case 'sunssf':
    case 'pad':
      return 'int16'
    case 'uint16':
    case 'enum16':
      return 'uint16'
    case 'acc32':
    case 'bitfield32':
      return 'uint32'
    case 'float32':
      return 'float32'
    default:
      return 'string'
  }
}

/**
 * The values of a model from its registers, identifier and length included. Points past the end of `words` are not
 * there: a device may have a shorter model than the definition says.
 */
export function sunSpecValues(model: SunSpecModel, words: ArrayLike<number>): SunSpecValue[] {
  const raws = new Map<string, Value>()
  for (const point of model.points) {
    const raw = rawOf(point, words)
    if (raw !== undefined) raws.set(point.name, raw)
  }
  const values: SunSpecValue[] = []
  for (const { name, type, unit, scale } of model.points) {
    const raw = raws.get(name)
    if (raw === undefined || type === 'sunssf' || type === 'pad') continue
    if (scale === undefined) values.push({ name, value: raw, unit, quality: 'good' })
    else {
      const power = raws.get(scale)
      const sound = typeof power === 'number' && Math.abs(power) <= MOST_SCALE
      const value = sound ? scaled(Number(raw), power) : raw
      values.push({ name, value, unit, quality: sound ? 'good' : 'bad' })
    }
  }
  return values
}

/** The registers of a model, for a simulated device; points without a value hold their type's marker for absent. */
export function sunSpecWords(model: SunSpecModel, values: Readonly<Record<string, Value>>): number[] {
  const words = [model.id, model.length]
  for (const { name, type, size } of model.points) {
    const value = values[name]
    if (value === undefined) words.push(...absent(type, size))
    else words.push(...encodeValue(value, plainType(type), 'ABCD', size))
  }
  return words
}

function rawOf({ type, offset, size }: SunSpecPoint, words: ArrayLike<number>): Value | undefined {
  if (offset + size > words.length) return undefined
  const own = Array.from({ length: size }, (_, i) => words[offset + i]!)
  const marker = ABSENT[type]
  if (marker?.every((word, i) => word === own[i]) === true) return undefined
  const value = decodeValue(own, plainType(type), 'ABCD')
  return value === '' ? undefined : value
}

/** Powers of ten as decimal digits: 2301 * 10^-1 is 230.1, not 230.10000000000002. */
function scaled(raw: number, power: number): number {
  return power >= 0 ? raw * 10 ** power : raw / 10 ** -power
}

function absent(type: SunSpecType, size: number): readonly number[] {
  if (type === 'float32') return [0x7fc0, 0]
  return ABSENT[type] ?? new Array<number>(size).fill(0)
}
