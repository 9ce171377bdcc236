import type { Description, Direction, FieldValue, Inspector } from '@gridseal/adapter'
import { describeError } from '@gridseal/wire'
import { bytesForBits, unpackBits } from '../codec/bits.ts'
import type { Framing } from '../codec/adu.ts'
import {
  ENCAPSULATED_INTERFACE,
  EXCEPTIONS,
  MEI_DEVICE_IDENTIFICATION,
  diagnosticOf,
  functionByCode,
  functionOf,
} from '../codec/functions.ts'
import type { DeviceObject } from '../codec/pdu.ts'
import { rangeName } from '../codec/reference.ts'
import { Pairing } from '../session/pairing.ts'
import type { Dissection } from './dissect.ts'
import { dissect } from './dissect.ts'

type Fields = Record<string, FieldValue>
type Dissected = Exclude<Dissection, { adu: undefined }>

/** One frame on its own. */
export function describe(frame: Uint8Array, direction: Direction, framing: Framing): Description {
  return new ModbusDescription(dissect(frame, direction, framing), direction, undefined)
}

/** What a request leaves for the description of its response. */
interface Asked {
  readonly address: number | null
  readonly quantity: number | null
}

/** Describes a conversation: a response is told together with what was asked for. */
export function createInspector(framing: Framing): Inspector {
  const pairing = new Pairing<Asked>(framing)
  return {
    push: (frame, direction) => {
      const dissection = dissect(frame, direction, framing)
      let asked: Asked | undefined
      if (dissection.adu !== undefined) {
        const { adu, functionCode, values } = dissection
        if (direction === 'to-device') pairing.sent(adu, functionCode, askedBy(values))
        else asked = pairing.answered(adu, functionCode)
      }
      return new ModbusDescription(dissection, direction, asked)
    },
  }
}

function askedBy(values: Dissected['values']): Asked {
  const read = values['kind'] === 'readWriteMultipleRegisters'
  return {
    address: numberOrNull(values[read ? 'readAddress' : 'address']),
    quantity: numberOrNull(values[read ? 'readQuantity' : 'quantity']),
  }
}

function numberOrNull(value: unknown): number | null {
  return typeof value === 'number' ? value : null
}

/** The text is what is made first; fields and the line for people follow from it where they are asked for. */
class ModbusDescription implements Description {
  readonly protocol = 'modbus'
  readonly malformed: string | null
  readonly members: string
  #fields: Readonly<Fields> | undefined

  constructor(dissection: Dissection, direction: Direction, asked: Asked | undefined) {
    const wrong = dissection.adu === undefined ? dissection.error : dissection.malformed
    this.malformed = wrong === undefined ? null : describeError(wrong)
    this.members = dissection.adu === undefined ? NO_ADU[direction] : membersOf(dissection, direction, asked)
  }

  get fields(): Readonly<Fields> {
    return (this.#fields ??= JSON.parse(`{${this.members}}`) as Fields)
  }

  get summary(): string {
    const { fields, malformed } = this
    if (malformed !== null) return `${String(fields['direction'])} malformed: ${malformed}`
    return summaryOf(fields)
  }

  toJSON(): Pick<Description, 'protocol' | 'malformed' | 'summary' | 'fields'> {
    const { protocol, malformed, summary, fields } = this
    return { protocol, malformed, summary, fields }
  }
}

/** The JSON member that says which side sent a frame. */
const SIDE: Readonly<Record<Direction, string>> = {
  'to-device': ',"direction":"request"',
  'to-master': ',"direction":"response"',
}

const noAdu = (direction: Direction): string => {
  const names = ['transaction', 'unit', 'function', 'functionName', 'exception', 'address', 'quantity', 'violation']
  return `${names.map((name) => `"${name}":null`).join(',')}${SIDE[direction]}`
}
const NO_ADU: Readonly<Record<Direction, string>> = { 'to-device': noAdu('to-device'), 'to-master': noAdu('to-master') }

/** JSON of the names of the public functions, made once: by code, and that of device identification. */
const nameText = (code: number, meiType?: number): string => JSON.stringify(functionByCode(code, meiType)?.name ?? null)
const NAMES: readonly string[] = Array.from({ length: 256 }, (_, code) => nameText(code))
const IDENTIFICATION = nameText(ENCAPSULATED_INTERFACE, MEI_DEVICE_IDENTIFICATION)

/** The fields of a frame as the text of JSON members. */
function membersOf(dissection: Dissected, direction: Direction, asked: Asked | undefined): string {
  const { adu, functionCode, values, violation } = dissection
  const { kind } = values
  const isIdentification = functionCode === ENCAPSULATED_INTERFACE && adu.pdu[1] === MEI_DEVICE_IDENTIFICATION
  const name = kind === 'other' ? 'null' : isIdentification ? IDENTIFICATION : NAMES[functionCode]!
  const exception = numberOrNull(values['exception'])
  const quantity = numberOrNull(values['quantity']) ?? countOf(functionCode, values['values'])
  let text =
    `"transaction":${adu.transaction},"unit":${adu.unit},"function":${functionCode},"functionName":${name}` +
    `,"exception":${exception}${SIDE[direction]},"address":${numberOrNull(values['address'])},"quantity":${quantity}` +
    `,"violation":${violation === undefined ? 'null' : JSON.stringify(describeError(violation))}`
  for (const field in values) {
    if (!COMMON.has(field)) text += detailText(field, values[field], quantity ?? asked?.quantity ?? null)
  }
  if (kind === 'readDeviceIdentification') text += `,"mei":${MEI_DEVICE_IDENTIFICATION}`
  if (exception !== null) text += `,"exceptionName":${JSON.stringify(EXCEPTIONS[exception] ?? null)}`
  if (asked !== undefined) text += `,"asked":{"address":${asked.address},"quantity":${asked.quantity}}`
  return text
}

/** What every record has, in its own place. */
const COMMON: ReadonlySet<string> = new Set(['kind', 'function', 'exception', 'address', 'quantity'])

/** The response of function 24 says itself how many it brings. */
function countOf(functionCode: number, values: unknown): number | null {
  return functionCode === READ_FIFO_QUEUE && Array.isArray(values) ? values.length : null
}

/** What only some functions have, in a form that JSON can carry: bytes as hex, bits as booleans once counted. */
function detailText(name: string, value: unknown, count: number | null): string {
  switch (name) {
    case 'meiType':
      return `,"mei":${value as number}`
    case 'subFunction':
      return `,"subFunction":${value as number},"subFunctionName":${JSON.stringify(diagnosticOf(value as number)?.name ?? null)}`
    case 'bits': {
      const packed = value as Uint8Array
      const data = `,"data":"${hexOf(packed)}"`
      if (count === null || bytesForBits(count) !== packed.length) return data
      return `${data},"values":[${unpackBits(packed, count).join(',')}]`
    }
    case 'values':
      return `,"values":[${(value as readonly number[]).join(',')}]`
    case 'objects': {
      const objects = value as readonly DeviceObject[]
      const texts = objects.map((object) => ({ id: object.id, value: Buffer.from(object.value).toString('utf8') }))
      return `,"objects":${JSON.stringify(texts)}`
    }
    default:
      if (value instanceof Uint8Array) return `,"${name}":"${hexOf(value)}"`
      return typeof value === 'object' ? `,"${name}":${JSON.stringify(jsonOf(value))}` : `,"${name}":${String(value)}`
  }
}

const READ_FIFO_QUEUE = functionOf('readFifoQueue').code

const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** Hex of a PDU's few bytes, without the detour by a Buffer, which takes longer than all the rest of a description. */
function hexOf(bytes: Uint8Array): string {
  let hex = ''
  for (let i = 0; i < bytes.length; i++) hex += HEX[bytes[i]!]!
  return hex
}

function jsonOf(value: unknown): FieldValue {
  if (value instanceof Uint8Array) return hexOf(value)
  if (Array.isArray(value)) return value.map(jsonOf)
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, jsonOf(item)]))
  }
  return value as FieldValue
}

function summaryOf(fields: Readonly<Fields>): string {
  const { transaction, unit, direction, functionName, subFunctionName, exception, exceptionName, violation } = fields
  const code = fields['function'] as number
  const parts = [`${String(direction)} unit ${String(unit)}`]
  if (typeof transaction === 'number') parts.push(`#${transaction}`)
  parts.push(typeof functionName === 'string' ? functionName : `function ${code}`)
  if (typeof subFunctionName === 'string') parts.push(`(${subFunctionName})`)
  const place = placeOf(fields)
  if (place !== '') parts.push(place)
  const shown = shownValue(fields)
  if (shown !== '') parts.push(`= ${shown}`)
  if (typeof exception === 'number') parts.push(`refused: ${exception} ${String(exceptionName ?? 'unknown')}`)
  if (typeof violation === 'string') parts.push(`(against the standard: ${violation})`)
  return parts.join(' ')
}

/** The range that a frame, or the request it answers, names. */
function placeOf(fields: Readonly<Fields>): string {
  const asked = fields['asked'] as Asked | undefined
  const address = fields['address'] ?? asked?.address ?? null
  const quantity = fields['quantity'] ?? asked?.quantity ?? null
  if (typeof address !== 'number') return ''
  const table = functionByCode(fields['function'] as number)?.table
  const count = typeof quantity === 'number' && quantity > 0 ? quantity : 1
  return table === undefined ? String(address) : rangeName(table, address, count)
}

const MOST_SHOWN = 8

function shownValue({ value, on, values }: Readonly<Fields>): string {
  if (value !== undefined) return String(value)
  if (on !== undefined) return on === true ? 'on' : 'off'
  if (!Array.isArray(values)) return ''
  const shown = values.slice(0, MOST_SHOWN).map((item) => (typeof item === 'boolean' ? Number(item) : String(item)))
  return shown.join(' ') + (values.length > MOST_SHOWN ? ` … (${values.length})` : '')
}
