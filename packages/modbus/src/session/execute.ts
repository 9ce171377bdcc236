import { bitAt, packBits } from '../codec/bits.ts'
import type { Request, Response } from '../codec/pdu.ts'
import { readIdentification } from './identification.ts'
import type { DataTable } from './register-file.ts'
import type { Unit } from './unit.ts'

/** Exception codes that a device of ours sends (7). */
export const ILLEGAL_FUNCTION = 0x01
export const ILLEGAL_DATA_ADDRESS = 0x02
export const ILLEGAL_DATA_VALUE = 0x03
export const SERVER_DEVICE_FAILURE = 0x04
export const GATEWAY_TARGET_FAILED = 0x0b

const RETURN_QUERY_DATA = 0

/** Carries out one request that is sound in form. A number is the exception to answer. */
export function execute(unit: Unit, request: Request): Response | number {
  const { coils, discreteInputs, inputRegisters, holdingRegisters } = unit.registers
  switch (request.kind) {
    case 'readCoils':
      return readBits(request.kind, coils, request.address, request.quantity)
    case 'readDiscreteInputs':
      return readBits(request.kind, discreteInputs, request.address, request.quantity)
    case 'readHoldingRegisters':
      return readWords(request.kind, holdingRegisters, request.address, request.quantity)
    case 'readInputRegisters':
      return readWords(request.kind, inputRegisters, request.address, request.quantity)
    case 'writeSingleCoil':
      return write(coils, request.address, [request.on ? 1 : 0]) ?? request
    case 'writeSingleRegister':
      return write(holdingRegisters, request.address, [request.value]) ?? request
    case 'writeMultipleCoils': {
      const { kind, address, quantity, bits } = request
      const values = Array.from({ length: quantity }, (_, index) => (bitAt(bits, index) ? 1 : 0))
      return write(coils, address, values) ?? { kind, address, quantity }
    }
    case 'writeMultipleRegisters': {
      const { kind, address, quantity, values } = request
      return write(holdingRegisters, address, values) ?? { kind, address, quantity }
    }
    case 'maskWriteRegister': {
      const cells = holdingRegisters.find(request.address, 1)
      if (cells === undefined) return ILLEGAL_DATA_ADDRESS
      cells[0] = (cells[0]! & request.and) | (request.or & ~request.and)
      return request
    }
    case 'readWriteMultipleRegisters': {
      // Both ranges are checked before anything is written.
      const read = holdingRegisters.find(request.readAddress, request.readQuantity)
      if (read === undefined) return ILLEGAL_DATA_ADDRESS
      const refused = write(holdingRegisters, request.writeAddress, request.values)
      return refused ?? { kind: request.kind, values: [...read] }
    }
    case 'diagnostics':
      return request.subFunction === RETURN_QUERY_DATA ? request : ILLEGAL_FUNCTION
    case 'reportServerId':
      if (unit.serverId === undefined) return ILLEGAL_FUNCTION
      return { kind: request.kind, data: unit.serverId }
    case 'readDeviceIdentification':
      if (unit.identification === undefined) return ILLEGAL_FUNCTION
      return readIdentification(unit.identification, request) ?? ILLEGAL_DATA_ADDRESS
    default:
      return ILLEGAL_FUNCTION
  }
}

/** The functions that {@link execute} knows; the others are refused before their data is looked at. */
export function isSupported(unit: Unit, kind: string, subFunction: number): boolean {
  switch (kind) {
    case 'diagnostics':
      return subFunction === RETURN_QUERY_DATA
    case 'reportServerId':
      return unit.serverId !== undefined
    case 'readDeviceIdentification':
      return unit.identification !== undefined
    default:
      return DATA_FUNCTIONS.has(kind)
  }
}

const DATA_FUNCTIONS: ReadonlySet<string> = new Set<Request['kind']>([
  'readCoils',
  'readDiscreteInputs',
  'readHoldingRegisters',
  'readInputRegisters',
  'writeSingleCoil',
  'writeSingleRegister',
  'writeMultipleCoils',
  'writeMultipleRegisters',
  'maskWriteRegister',
  'readWriteMultipleRegisters',
])

function readBits(
  kind: 'readCoils' | 'readDiscreteInputs',
  table: DataTable,
  address: number,
  quantity: number,
): Response | number {
  const cells = table.find(address, quantity)
  if (cells === undefined) return ILLEGAL_DATA_ADDRESS
  return { kind, bits: packBits(Array.from(cells, (cell) => cell !== 0)) }
}

function readWords(
  kind: 'readHoldingRegisters' | 'readInputRegisters',
  table: DataTable,
  address: number,
  quantity: number,
): Response | number {
  const cells = table.find(address, quantity)
  return cells === undefined ? ILLEGAL_DATA_ADDRESS : { kind, values: [...cells] }
}

function write(table: DataTable, address: number, values: readonly number[]): number | undefined {
  const cells = table.find(address, values.length)
  if (cells === undefined) return ILLEGAL_DATA_ADDRESS
  cells.set(values)
  return undefined
}
