import { UsageError } from '@gridseal/wire'
import type { TableName } from './functions.ts'

/**
 * Reference numbers as device manuals print them: the table's digit, then the 1-based number with at least four digits.
 * Address 0 of the holding registers is 40001, address 9999 is 410000.
 */
const TABLE_DIGIT: Readonly<Record<TableName, string>> = { co: '0', di: '1', ir: '3', hr: '4' }

/** The reference of an address, e.g. `40001`. */
export function reference(table: TableName, address: number): string {
  return TABLE_DIGIT[table] + String(address + 1).padStart(4, '0')
}

/** The name of one value, e.g. `hr/40001`. */
export function pointName(table: TableName, address: number): string {
  return `${table}/${reference(table, address)}`
}

/** The name of a range, e.g. `hr/40001..40010`; of one value, its point name. */
export function rangeName(table: TableName, address: number, quantity: number): string {
  const first = pointName(table, address)
  return quantity === 1 ? first : `${first}..${reference(table, address + quantity - 1)}`
}

const RANGE_NAME = /^(co|di|ir|hr)\/([0134])(\d{4,5})(?:\.\.([0134])(\d{4,5}))?$/

/** The inverse of {@link rangeName}. Throws {@link UsageError} `modbus.reference` for anything else. */
export function parseRangeName(name: string): { table: TableName; address: number; quantity: number } {
  const [, table, digit, first, lastDigit = digit, last = first] = RANGE_NAME.exec(name) ?? []
  const address = Number(first) - 1
  const quantity = Number(last) - address
  const sound = table !== undefined && digit === TABLE_DIGIT[table as TableName] && lastDigit === digit
  if (sound && address >= 0 && quantity >= 1 && address + quantity <= 0x1_0000) {
    return { table: table as TableName, address, quantity }
  }
  throw new UsageError('modbus.reference', `"${name}" is no range; write it like hr/40001..40010, co/00001, ir/30001`)
}
