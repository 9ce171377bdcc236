import type { Direction, FieldValue } from '@gridseal/adapter'
import type { TextWriter } from '@gridseal/wire'
import { describeError, octetsOf, toHex } from '@gridseal/wire'
import { bitAt, bytesForBits } from '../codec/bits.ts'
import {
  ENCAPSULATED_INTERFACE,
  EXCEPTIONS,
  MEI_DEVICE_IDENTIFICATION,
  diagnosticOf,
  functionByCode,
  functionOf,
} from '../codec/functions.ts'
import type { DeviceObject } from '../codec/pdu.ts'
import type { Dissection } from './dissect.ts'

// The JSON members of a frame, written as octets: captures have frames by the million.

type Dissected = Exclude<Dissection, { adu: undefined }>

/** What a request leaves for the description of its response. */
export interface Asked {
  readonly address: number | null
  readonly quantity: number | null
}

const TRANSACTION = octetsOf('"transaction":')
const UNIT = octetsOf(',"unit":')
const FUNCTION = octetsOf(',"function":')
const FUNCTION_NAME = octetsOf(',"functionName":')
const EXCEPTION = octetsOf(',"exception":')
const ADDRESS = octetsOf(',"address":')
const QUANTITY = octetsOf(',"quantity":')
const VIOLATION = octetsOf(',"violation":')
const NO_VIOLATION = octetsOf(',"violation":null')
const MEI = octetsOf(`,"mei":${MEI_DEVICE_IDENTIFICATION}`)
const EXCEPTION_NAME = octetsOf(',"exceptionName":')
const ASKED_ADDRESS = octetsOf(',"asked":{"address":')
const DATA = octetsOf(',"data":"')
const VALUES = octetsOf(',"values":[')
const TRUE = octetsOf('true')
const FALSE = octetsOf('false')
const NULL = octetsOf('null')

const COMMA = 0x2c
const QUOTE = 0x22
const END_OF_LIST = 0x5d
const END_OF_OBJECT = 0x7d

/** The JSON member that says which side sent a frame. */
const SIDE = {
  'to-device': ',"direction":"request"',
  'to-master': ',"direction":"response"',
} as const satisfies Record<Direction, string>

const SIDES: Readonly<Record<Direction, Uint8Array>> = {
  'to-device': octetsOf(SIDE['to-device']),
  'to-master': octetsOf(SIDE['to-master']),
}

const noAdu = (direction: Direction): Uint8Array => {
  const names = ['transaction', 'unit', 'function', 'functionName', 'exception', 'address', 'quantity', 'violation']
  return octetsOf(`${names.map((name) => `"${name}":null`).join(',')}${SIDE[direction]}`)
}
const NO_ADU: Readonly<Record<Direction, Uint8Array>> = {
  'to-device': noAdu('to-device'),
  'to-master': noAdu('to-master'),
}

/** JSON of the names of the public functions, made once: by code, and that of device identification. */
const nameText = (code: number, meiType?: number): Uint8Array =>
  octetsOf(JSON.stringify(functionByCode(code, meiType)?.name ?? null))
const NAMES: readonly Uint8Array[] = Array.from({ length: 256 }, (_, code) => nameText(code))
const IDENTIFICATION = nameText(ENCAPSULATED_INTERFACE, MEI_DEVICE_IDENTIFICATION)

/** Writes what a frame says. */
export function writeMembers(
  dissection: Dissection,
  direction: Direction,
  asked: Asked | undefined,
  into: TextWriter,
): void {
  if (dissection.adu === undefined) into.octets(NO_ADU[direction])
  else writeDissected(dissection, direction, asked, into)
}

function writeDissected(dissection: Dissected, direction: Direction, asked: Asked | undefined, into: TextWriter): void {
  const { adu, functionCode, values, violation } = dissection
  const { kind } = values
  const isIdentification = functionCode === ENCAPSULATED_INTERFACE && adu.pdu[1] === MEI_DEVICE_IDENTIFICATION
  const exception = numberOrNull(values['exception'])
  const quantity = numberOrNull(values['quantity']) ?? countOf(functionCode, values['values'])
  writeNumber(adu.transaction, into.octets(TRANSACTION))
  into.octets(UNIT).decimal(adu.unit).octets(FUNCTION).decimal(functionCode).octets(FUNCTION_NAME)
  into.octets(kind === 'other' ? NULL : isIdentification ? IDENTIFICATION : NAMES[functionCode]!)
  writeNumber(exception, into.octets(EXCEPTION))
  writeNumber(numberOrNull(values['address']), into.octets(SIDES[direction]).octets(ADDRESS))
  writeNumber(quantity, into.octets(QUANTITY))
  if (violation === undefined) into.octets(NO_VIOLATION)
  else into.octets(VIOLATION).quoted(describeError(violation))
  for (const field in values) {
    if (!COMMON.has(field)) writeDetail(field, values[field], quantity ?? asked?.quantity ?? null, into)
  }
  if (kind === 'readDeviceIdentification') into.octets(MEI)
  if (exception !== null) into.octets(EXCEPTION_NAME).text(JSON.stringify(EXCEPTIONS[exception] ?? null))
  if (asked === undefined) return
  writeNumber(asked.address, into.octets(ASKED_ADDRESS))
  writeNumber(asked.quantity, into.octets(QUANTITY))
  into.octet(END_OF_OBJECT)
}

/** What every record has, in its own place. */
const COMMON: ReadonlySet<string> = new Set(['kind', 'function', 'exception', 'address', 'quantity'])

export function numberOrNull(value: unknown): number | null {
  return typeof value === 'number' ? value : null
}

function writeNumber(value: number | null, into: TextWriter): void {
  if (value === null) into.octets(NULL)
  else into.decimal(value)
}

/** The response of function 24 says itself how many it brings. */
function countOf(functionCode: number, values: unknown): number | null {
  return functionCode === READ_FIFO_QUEUE && Array.isArray(values) ? values.length : null
}

const READ_FIFO_QUEUE = functionOf('readFifoQueue').code

/** What only some functions have, in a form that JSON can carry: bytes as hex, bits as booleans once counted. */
function writeDetail(name: string, value: unknown, count: number | null, into: TextWriter): void {
  switch (name) {
    case 'meiType':
      into.text(`,"mei":${value as number}`)
      return
    case 'subFunction':
      into.text(`,"subFunction":${value as number},"subFunctionName":`)
      into.text(JSON.stringify(diagnosticOf(value as number)?.name ?? null))
      return
    case 'bits': {
      const packed = value as Uint8Array
      into.octets(DATA).hex(packed).octet(QUOTE)
      if (count !== null && bytesForBits(count) === packed.length) writeBits(packed, count, into)
      return
    }
    case 'values':
      writeRegisters(value as readonly number[], into)
      return
    case 'objects': {
      const objects = value as readonly DeviceObject[]
      const texts = objects.map((object) => ({ id: object.id, value: Buffer.from(object.value).toString('utf8') }))
      into.text(`,"objects":${JSON.stringify(texts)}`)
      return
    }
    default:
      into.octet(COMMA).quoted(name).text(':')
      if (value instanceof Uint8Array) into.octet(QUOTE).hex(value).octet(QUOTE)
      else into.text(typeof value === 'object' ? JSON.stringify(jsonOf(value)) : String(value))
  }
}

function writeBits(packed: Uint8Array, count: number, into: TextWriter): void {
  into.octets(VALUES)
  for (let i = 0; i < count; i++) {
    if (i > 0) into.octet(COMMA)
    into.octets(bitAt(packed, i) ? TRUE : FALSE)
  }
  into.octet(END_OF_LIST)
}

function writeRegisters(values: readonly number[], into: TextWriter): void {
  into.octets(VALUES)
  for (let i = 0; i < values.length; i++) {
    if (i > 0) into.octet(COMMA)
    into.decimal(values[i]!)
  }
  into.octet(END_OF_LIST)
}

function jsonOf(value: unknown): FieldValue {
  if (value instanceof Uint8Array) return toHex(value)
  if (Array.isArray(value)) return value.map(jsonOf)
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, jsonOf(item)]))
  }
  return value as FieldValue
}
