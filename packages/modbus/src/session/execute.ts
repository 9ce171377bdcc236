import { bitAt, packBits } from '../codec/bits.ts'
import { wordsOf } from '../codec/fields.ts'
import { MAX_FIFO_WORDS } from '../codec/limits.ts'
import type { Diagnostics, FileRange, FileRecord, Request, Response } from '../codec/pdu.ts'
import { CHANGE_DELIMITER, LISTEN_ONLY, RESTART, RETURN_QUERY_DATA, isDelimiter, isDiagnostic } from './diagnostics.ts'
import { readIdentification } from './identification.ts'
import type { DataTable } from './register-file.ts'
import type { Unit } from './unit.ts'

/** Exception codes that a device of ours sends (7). */
export const ILLEGAL_FUNCTION = 0x01
export const ILLEGAL_DATA_ADDRESS = 0x02
export const ILLEGAL_DATA_VALUE = 0x03
export const SERVER_DEVICE_FAILURE = 0x04
export const GATEWAY_TARGET_FAILED = 0x0b

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
      return diagnose(unit, request)
    case 'readExceptionStatus':
      if (unit.exceptionStatus === undefined) return ILLEGAL_FUNCTION
      return { kind: request.kind, status: unit.exceptionStatus() & 0xff }
    case 'getCommEventCounter':
      return { kind: request.kind, status: NOT_BUSY, eventCount: unit.diagnostics.eventCount }
    case 'getCommEventLog': {
      const { log, eventCount } = unit.diagnostics
      return { kind: request.kind, status: NOT_BUSY, eventCount, ...log }
    }
    case 'readFileRecord':
      return readFiles(unit, request.groups)
    case 'writeFileRecord':
      return writeFiles(unit, request.groups) ?? request
    case 'readFifoQueue': {
      const values = unit.fifos?.get(request.address)?.()
      if (values === undefined) return ILLEGAL_DATA_ADDRESS
      return values.length > MAX_FIFO_WORDS ? ILLEGAL_DATA_VALUE : { kind: request.kind, values }
    }
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

const NOT_BUSY = 0
const CLEAR_LOG = 0xff00

function diagnose(unit: Unit, request: Diagnostics): Response | number {
  const { subFunction, data } = request
  const value = data.length === 2 ? (data[0]! << 8) | data[1]! : -1
  if (!takes(subFunction, value)) return ILLEGAL_DATA_VALUE
  if (subFunction === CHANGE_DELIMITER) unit.diagnostics.changeDelimiter(value >> 8)
  if (subFunction === RESTART) unit.diagnostics.restart(value === CLEAR_LOG)
  if (subFunction === LISTEN_ONLY) unit.diagnostics.listen()
  const answer = unit.diagnostics.answer(subFunction, data)
  return answer === undefined ? ILLEGAL_FUNCTION : { kind: 'diagnostics', subFunction, data: answer }
}

/** Sub-function 0 takes everything, 1 0000 or FF00, 3 a character, the others nothing else than 0000 (6.8.1). */
function takes(subFunction: number, value: number): boolean {
  if (subFunction === RETURN_QUERY_DATA) return true
  if (subFunction === CHANGE_DELIMITER) return value >= 0 && isDelimiter(value)
  return value === 0 || (subFunction === RESTART && value === CLEAR_LOG)
}

function readFiles(unit: Unit, groups: readonly FileRange[]): Response | number {
  const answers: Uint8Array[] = []
  for (const { file, record, length } of groups) {
    const cells = unit.files?.get(file)?.find(record, length)
    if (cells === undefined) return ILLEGAL_DATA_ADDRESS
    answers.push(bytesOf(cells))
  }
  return { kind: 'readFileRecord', groups: answers }
}

/** All records are looked for before the first is written. */
function writeFiles(unit: Unit, groups: readonly FileRecord[]): number | undefined {
  const places = groups.map(({ file, record, data }) => unit.files?.get(file)?.find(record, data.length / 2))
  if (places.includes(undefined)) return ILLEGAL_DATA_ADDRESS
  groups.forEach(({ data }, index) => places[index]!.set(wordsOf(data)))
  return undefined
}

function bytesOf(cells: Uint16Array): Uint8Array {
  const bytes = new Uint8Array(2 * cells.length)
  for (let i = 0; i < cells.length; i++) {
    bytes[2 * i] = cells[i]! >> 8
    bytes[2 * i + 1] = cells[i]! & 0xff
  }
  return bytes
}

/** The functions that {@link execute} knows; the others are refused before their data is looked at. */
export function isSupported(unit: Unit, kind: string, subFunction: number): boolean {
  switch (kind) {
    case 'diagnostics':
      return isDiagnostic(subFunction)
    case 'readExceptionStatus':
      return unit.exceptionStatus !== undefined
    case 'readFileRecord':
    case 'writeFileRecord':
      return unit.files !== undefined
    case 'readFifoQueue':
      return unit.fifos !== undefined
    case 'reportServerId':
      return unit.serverId !== undefined
    case 'readDeviceIdentification':
      return unit.identification !== undefined
    default:
      return ALWAYS_THERE.has(kind)
  }
}

const ALWAYS_THERE: ReadonlySet<string> = new Set<Request['kind']>([
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
  'getCommEventCounter',
  'getCommEventLog',
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
