import type { Reading } from '@gridseal/adapter'
import { UsageError } from '@gridseal/wire'
import { pointName } from '../codec/reference.ts'
import type { Value } from './value-types.ts'
import type { ReadBitsResponse, ReadWordsResponse, Request } from '../codec/pdu.ts'
import { bitAt } from '../codec/bits.ts'
import type { TableName } from '../codec/functions.ts'
import type { MergedRead, Range } from '../session/merge.ts'
import type { Block } from '../session/register-file.ts'
import type { Answer } from '../session/exchange.ts'
import type { UnitOptions } from '../session/unit.ts'
import type { DeviceMap, MapPoint } from './device-map.ts'
import { cellsOf, valueOf } from './device-map.ts'

const READS: Readonly<
  Record<TableName, 'readCoils' | 'readDiscreteInputs' | 'readInputRegisters' | 'readHoldingRegisters'>
> = { co: 'readCoils', di: 'readDiscreteInputs', ir: 'readInputRegisters', hr: 'readHoldingRegisters' }

/** The request that reads a range. */
export function requestOf({ table, address, quantity }: Range): Request {
  return { kind: READS[table], address, quantity }
}

/** The cells that an answer to {@link requestOf} brings; bits as 0 and 1. */
export function cellsIn(answer: Answer, quantity: number): ArrayLike<number> {
  if ('bits' in answer) {
    const { bits } = answer as ReadBitsResponse
    return Uint8Array.from({ length: quantity }, (_, i) => Number(bitAt(bits, i)))
  }
  return (answer as ReadWordsResponse).values
}

/** Readings of the points within a read, named and in engineering units; a point without a value is `bad` and NaN. */
export function readingsIn(
  read: MergedRead<MapPoint>,
  cells: ArrayLike<number>,
  link: string,
  time: bigint,
): Reading[] {
  return read.parts.map((point) => {
    const at = point.address - read.address
    const value = valueOf(point, Array.prototype.slice.call(cells, at, at + point.quantity) as number[])
    return {
      link,
      time,
      point: point.name,
      value: value ?? Number.NaN,
      quality: value === undefined ? 'bad' : 'good',
      ...(point.unit === undefined ? {} : { unit: point.unit }),
    }
  })
}

/** A map of raw registers and bits, named by their references, e.g. `hr/40001`. */
export function mapOfRanges(ranges: readonly Range[]): DeviceMap {
  const points = ranges.flatMap(({ table, address, quantity }) =>
    Array.from({ length: quantity }, (_, i): MapPoint => {
      const type = table === 'co' || table === 'di' ? 'bool' : 'uint16'
      const place = { name: pointName(table, address + i), table, address: address + i, quantity: 1 }
      const plain = {
        order: 'ABCD',
        bit: undefined,
        scale: 1,
        offset: 0,
        unit: undefined,
        readClass: 'normal',
      } as const
      return { ...place, type, ...plain, invalid: undefined, initial: undefined, line: 0 }
    }),
  )
  return { name: 'registers', limits: {}, classes: { normal: 10_000 }, points, warnings: [] }
}

/**
 * The request that writes a value, in engineering units, to a point. Throws {@link UsageError} for a table that cannot
 * be written and for a value that does not fit.
 */
export function writeOf(point: MapPoint, value: Value): Request {
  const { name, table, address, bit } = point
  if (table === 'di' || table === 'ir') throw new UsageError('modbus.write', `${name}: inputs cannot be written`)
  if (table === 'co') return { kind: 'writeSingleCoil', address, on: Boolean(value) }
  if (bit !== undefined) {
    // One bit of a register without touching the others.
    const mask = 1 << bit
    return { kind: 'maskWriteRegister', address, and: 0xffff & ~mask, or: value === true || value === 1 ? mask : 0 }
  }
  const values = cellsOf(point, value)
  if (values.length === 1) return { kind: 'writeSingleRegister', address, value: values[0]! }
  return { kind: 'writeMultipleRegisters', address, quantity: values.length, values }
}

/** A simulated unit with the points of a map, at their initial values. */
export function unitOfMap(map: DeviceMap): UnitOptions {
  const tables: Record<TableName, Map<number, number>> = { co: new Map(), di: new Map(), ir: new Map(), hr: new Map() }
  for (const point of map.points) {
    const cells =
      point.initial === undefined ? new Array<number>(point.quantity).fill(0) : cellsOf(point, point.initial)
    const table = tables[point.table]
    cells.forEach((cell, i) => table.set(point.address + i, (table.get(point.address + i) ?? 0) | cell))
  }
  return {
    coils: blocksOf(tables.co),
    discreteInputs: blocksOf(tables.di),
    inputRegisters: blocksOf(tables.ir),
    holdingRegisters: blocksOf(tables.hr),
  }
}

/** Consecutive cells as blocks. */
function blocksOf(cells: ReadonlyMap<number, number>): Block[] {
  const addresses = [...cells.keys()].sort((a, b) => a - b)
  const blocks: { start: number; cells: number[] }[] = []
  for (const address of addresses) {
    const last = blocks.at(-1)
    const value = cells.get(address)!
    if (last !== undefined && last.start + last.cells.length === address) last.cells.push(value)
    else blocks.push({ start: address, cells: [value] })
  }
  return blocks
}
