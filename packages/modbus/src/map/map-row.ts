import type { TableName } from '../codec/functions.ts'
import type { MapPoint } from './device-map.ts'
import type { Order, Value, ValueType } from './value-types.ts'
import { ORDERS, VALUE_TYPES, wordsOfType } from './value-types.ts'

/** One point as a file has it: a row of a table, an item of a list. */
export type MapRow = Readonly<Record<string, unknown>>

/** What rows leave out. */
export interface RowDefaults {
  /** Address of a table's first cell as the map writes it: 0 as on the wire, 1 as in most manuals. */
  readonly base: number
  readonly order: Order
  readonly classes: Readonly<Record<string, number>>
}

/** Says what is wrong with a key of a row. */
export type Complain = (key: string, message: string) => void

export const ROW_KEYS = [
  'name',
  'table',
  'address',
  'reference',
  'type',
  'length',
  'order',
  'bit',
  'scale',
  'offset',
  'unit',
  'class',
  'invalid',
  'initial',
] as const

const TABLES: readonly TableName[] = ['co', 'di', 'ir', 'hr']
/** First digit of a reference as manuals print it. */
const TABLE_BY_DIGIT: Readonly<Record<string, TableName>> = { '0': 'co', '1': 'di', '3': 'ir', '4': 'hr' }
const LAST_ADDRESS = 0xffff
const LONGEST_TEXT = 125

/** Reads one point; undefined when something was wrong, which `complain` has been told. */
export function pointOf(row: MapRow, defaults: RowDefaults, line: number, complain: Complain): MapPoint | undefined {
  let sound = true
  const wrong: Complain = (key, message) => {
    sound = false
    complain(key, message)
  }
  for (const key of Object.keys(row)) {
    if (!ROW_KEYS.some((known) => known === key)) wrong(key, `unknown key; there are ${ROW_KEYS.join(', ')}`)
  }
  const name = textIn(row, 'name')
  if (name === undefined) wrong('name', 'missing')
  const place = placeOf(row, defaults.base, wrong)
  const bits = place?.table === 'co' || place?.table === 'di'
  const type = oneIn(row, 'type', VALUE_TYPES, bits || row['bit'] !== undefined ? 'bool' : 'uint16', wrong)
  const order = oneIn(row, 'order', ORDERS, defaults.order, wrong)
  const bit = numberIn(row, 'bit', wrong)
  const length = numberIn(row, 'length', wrong)
  if (bits && type !== 'bool') wrong('type', 'a coil or discrete input is a bool')
  if (bits && bit !== undefined) wrong('bit', 'a coil or discrete input has no bits')
  if (bit !== undefined && (type !== 'bool' || !isWithin(bit, 0, 15))) wrong('bit', 'a bool in a register, bit 0 to 15')
  if (type === 'string' && !isWithin(length ?? 0, 1, LONGEST_TEXT)) {
    wrong('length', `a string needs its length, 1 to ${LONGEST_TEXT} registers`)
  }
  if (type !== 'string' && length !== undefined) wrong('length', `the type ${type} has its own`)
  const quantity = wordsOfType(type, length ?? 1)
  if (place !== undefined && place.address + quantity - 1 > LAST_ADDRESS) wrong('address', 'it ends past address 65535')
  const scale = numberIn(row, 'scale', wrong) ?? 1
  if (scale === 0) wrong('scale', 'must not be 0')
  const readClass = textIn(row, 'class') ?? Object.keys(defaults.classes)[0]!
  if (!Object.hasOwn(defaults.classes, readClass)) {
    wrong('class', `no such class; there are ${Object.keys(defaults.classes).join(', ')}`)
  }
  if (!sound || name === undefined || place === undefined) return undefined
  return {
    name,
    ...place,
    quantity,
    type,
    order,
    bit: bit ?? (type === 'bool' && !bits ? 0 : undefined),
    scale,
    offset: numberIn(row, 'offset', wrong) ?? 0,
    unit: textIn(row, 'unit'),
    readClass,
    invalid: numberIn(row, 'invalid', wrong),
    initial: initialIn(row, type),
    line,
  }
}

/** Table and address on the wire, from `table` and `address`, or from a `reference` such as 40001. */
function placeOf(row: MapRow, base: number, wrong: Complain): { table: TableName; address: number } | undefined {
  const reference = textIn(row, 'reference')
  if (reference !== undefined) {
    const [, digit = '', number = ''] = /^([0134])(\d{4,5})$/.exec(reference) ?? []
    const table = TABLE_BY_DIGIT[digit]
    const address = Number(number) - 1
    if (row['address'] !== undefined || row['table'] !== undefined) wrong('reference', 'stands for table and address')
    if (table !== undefined && isWithin(address, 0, LAST_ADDRESS)) return { table, address }
    wrong('reference', 'five or six digits, the first tells the table: 40001, 300017')
    return undefined
  }
  const table = oneIn(row, 'table', TABLES, 'hr', wrong)
  const written = numberIn(row, 'address', wrong)
  if (written === undefined) {
    if (row['address'] === undefined) wrong('address', 'missing; or give a reference such as 40001')
    return undefined
  }
  const address = written - base
  if (isWithin(address, 0, LAST_ADDRESS)) return { table, address }
  wrong('address', `from ${base} to ${LAST_ADDRESS + base}`)
  return undefined
}

function isWithin(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === ''
}

function textIn(row: MapRow, key: string): string | undefined {
  const value = row[key]
  return isEmpty(value) ? undefined : String(value).trim()
}

function numberIn(row: MapRow, key: string, wrong: Complain): number | undefined {
  const value = row[key]
  if (isEmpty(value)) return undefined
  const number = Number(value)
  if (Number.isFinite(number)) return number
  wrong(key, `"${String(value)}" is no number`)
  return undefined
}

function oneIn<const T extends string>(row: MapRow, key: string, all: readonly T[], otherwise: T, wrong: Complain): T {
  const text = textIn(row, key)
  const found = text === undefined ? otherwise : all.find((item) => item.toLowerCase() === text.toLowerCase())
  if (found === undefined) wrong(key, `allowed: ${all.join(', ')}`)
  return found ?? otherwise
}

function initialIn(row: MapRow, type: ValueType): Value | undefined {
  const value = row['initial']
  if (isEmpty(value)) return undefined
  if (type === 'string') return String(value)
  if (type === 'bool') return value === true || value === 'true' || Number(value) === 1
  return Number(value)
}
