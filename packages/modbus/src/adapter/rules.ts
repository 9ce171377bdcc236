import type { Direction, FrameRules } from '@gridseal/adapter'
import { UsageError } from '@gridseal/wire'
import { functionOf } from '../codec/functions.ts'
import type { TableName } from '../codec/functions.ts'
import type { Request } from '../codec/pdu.ts'
import { functionCodeOf } from '../codec/pdu-codec.ts'
import { parseRangeName } from '../codec/reference.ts'
import { checkFraming } from '../framing/framer.ts'
import { dissect, sound } from './dissect.ts'

/** Cells of one table that a request reads or writes. */
interface Touched {
  readonly table: TableName
  readonly address: number
  readonly quantity: number
}

/** One rule; what it leaves out, it does not limit. */
interface Rule {
  readonly units: ReadonlySet<number> | undefined
  readonly functions: ReadonlySet<number> | undefined
  readonly addresses: readonly Touched[] | undefined
}

const KEYS = ['units', 'functions', 'addresses'] as const

/**
 * Policy by unit, function and address range. A request passes if one rule allows all of it: its unit, its function, and
 * every cell that it reads or writes; a rule with `addresses` allows no function that has none. Answers pass: what was
 * not let through is not answered. Throws {@link UsageError} `adapter.rules` that says what is wrong.
 *
 * @example
 * modbusRules([
 *   { functions: [3, 4] },
 *   { units: [7], functions: [6, 16], addresses: ['hr/40101..40110'] },
 * ])
 */
export function modbusRules(raw: unknown): FrameRules {
  if (!Array.isArray(raw)) throw wrong('a list of rules is expected')
  const rules = raw.map((item: unknown, index) => ruleOf(item, index))
  return {
    permits: (frame: Uint8Array, direction: Direction, framing?: string) => {
      if (direction === 'to-master') return true
      const dissection = dissect(frame, direction, checkFraming(framing))
      const request = sound(dissection, direction)
      if (dissection.adu === undefined || request === undefined) return false
      const { unit } = dissection.adu
      return rules.some((rule) => allows(rule, unit, request))
    },
  }
}

function allows({ units, functions, addresses }: Rule, unit: number, request: Request): boolean {
  if (units !== undefined && !units.has(unit)) return false
  if (functions !== undefined && !functions.has(functionCodeOf(request))) return false
  if (addresses === undefined) return true
  const touched = touchedBy(request)
  return touched.length > 0 && touched.every((range) => addresses.some((allowed) => lies(range, allowed)))
}

function lies(range: Touched, within: Touched): boolean {
  return (
    range.table === within.table &&
    range.address >= within.address &&
    range.address + range.quantity <= within.address + within.quantity
  )
}

function touchedBy(request: Request): Touched[] {
  switch (request.kind) {
    case 'readCoils':
    case 'readDiscreteInputs':
    case 'readHoldingRegisters':
    case 'readInputRegisters':
    case 'writeMultipleCoils':
    case 'writeMultipleRegisters':
      return [{ table: functionOf(request.kind).table!, address: request.address, quantity: request.quantity }]
    case 'writeSingleCoil':
    case 'writeSingleRegister':
    case 'maskWriteRegister':
      return [{ table: functionOf(request.kind).table!, address: request.address, quantity: 1 }]
    case 'readWriteMultipleRegisters':
      return [
        { table: 'hr', address: request.writeAddress, quantity: request.writeQuantity },
        { table: 'hr', address: request.readAddress, quantity: request.readQuantity },
      ]
    default:
      // A queue has a pointer, a file has records: neither is a range of a table.
      return []
  }
}

function ruleOf(item: unknown, index: number): Rule {
  if (typeof item !== 'object' || item === null || Array.isArray(item)) throw wrong(`rule ${index + 1} is no map`)
  const unknown = Object.keys(item).find((key) => !KEYS.some((known) => known === key))
  if (unknown !== undefined) throw wrong(`rule ${index + 1}: ${unknown}: unknown key; there are ${KEYS.join(', ')}`)
  const given = item as Readonly<Record<string, unknown>>
  return {
    units: numbersOf(given['units'], index, 'units', 0, 255),
    functions: numbersOf(given['functions'], index, 'functions', 1, 127),
    addresses: rangesOf(given['addresses'], index),
  }
}

function listOf(value: unknown, index: number, key: string): readonly unknown[] | undefined {
  if (value === undefined) return undefined
  if (Array.isArray(value) && value.length > 0) return value
  throw wrong(`rule ${index + 1}: ${key}: a list that is not empty`)
}

function numbersOf(value: unknown, index: number, key: string, least: number, most: number): Set<number> | undefined {
  const list = listOf(value, index, key)
  if (list === undefined) return undefined
  return new Set(
    list.map((item) => {
      if (typeof item === 'number' && Number.isInteger(item) && item >= least && item <= most) return item
      throw wrong(`rule ${index + 1}: ${key}: numbers from ${least} to ${most}`)
    }),
  )
}

function rangesOf(value: unknown, index: number): Touched[] | undefined {
  return listOf(value, index, 'addresses')?.map((item) => {
    try {
      return parseRangeName(String(item))
    } catch (error) {
      if (error instanceof UsageError) throw wrong(`rule ${index + 1}: addresses: ${error.message}`)
      throw error
    }
  })
}

function wrong(message: string): UsageError {
  return new UsageError('adapter.rules', message)
}
