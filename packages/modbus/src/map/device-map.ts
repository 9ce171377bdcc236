import type { Range, ReadLimits } from '../session/merge.ts'
import type { Order, Value, ValueType } from './value-types.ts'
import { decodeValue, encodeValue } from './value-types.ts'

/** One point of a device: where it lies and what it means. */
export interface MapPoint extends Range {
  readonly name: string
  readonly type: ValueType
  readonly order: Order
  /** Bit of the register, 0 = least significant, for a `bool` in a register. */
  readonly bit: number | undefined
  /** Value = raw * scale + offset. */
  readonly scale: number
  readonly offset: number
  /** Engineering unit as UCUM or as the manual prints it: V, kWh. */
  readonly unit: string | undefined
  /** Name of a class in {@link DeviceMap.classes}. */
  readonly readClass: string
  /** Raw value by which the device says that it has none. */
  readonly invalid: number | undefined
  /** Value in engineering units that a simulated device begins with. */
  readonly initial: Value | undefined
  /** Line in the file. */
  readonly line: number
}

/** What is known of a kind of device. */
export interface DeviceMap {
  readonly name: string
  readonly limits: ReadLimits
  /** Milliseconds between reads, by class. */
  readonly classes: Readonly<Record<string, number>>
  readonly points: readonly MapPoint[]
  /** What is allowed and most often a mistake, such as points on top of each other. */
  readonly warnings: readonly string[]
}

/** The value of a point, in engineering units, from its registers or bit; undefined where it has none. */
export function valueOf(point: MapPoint, cells: ArrayLike<number>): Value | undefined {
  if (point.bit !== undefined) return ((cells[0]! >> point.bit) & 1) === 1
  const raw = decodeValue(cells, point.type, point.order)
  if (raw === undefined || (point.invalid !== undefined && Number(raw) === point.invalid)) return undefined
  if (typeof raw === 'boolean' || typeof raw === 'string') return raw
  if (point.scale === 1 && point.offset === 0) return raw
  return rounded(Number(raw) * point.scale + point.offset)
}

/** The registers of a point for a value in engineering units. Throws `UsageError` `modbus.value` for what does not fit. */
export function cellsOf(point: MapPoint, value: Value): number[] {
  if (point.bit !== undefined) return [value === true ? 1 << point.bit : 0]
  const { type, order, quantity, scale, offset } = point
  if (typeof value !== 'number' || (scale === 1 && offset === 0)) return encodeValue(value, type, order, quantity)
  return encodeValue((value - offset) / scale, type, order, quantity)
}

/** 0.1 * 3 is 0.30000000000000004: digits that the register does not have are not shown. */
function rounded(value: number): number {
  return Number(value.toPrecision(15))
}

/** Whether two points claim the same cells, bits of one register aside. */
export function overlap(one: MapPoint, other: MapPoint): boolean {
  if (one.table !== other.table) return false
  if (one.address >= other.address + other.quantity || other.address >= one.address + one.quantity) return false
  return one.bit === undefined || other.bit === undefined || one.bit === other.bit
}
