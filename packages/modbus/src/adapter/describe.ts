import type { Description, Direction, FieldValue, Inspector } from '@gridseal/adapter'
import { describeError } from '@gridseal/wire'
import { bytesForBits, unpackBits } from '../codec/bits.ts'
import type { Framing } from '../codec/adu.ts'
import { EXCEPTIONS, MEI_DEVICE_IDENTIFICATION, diagnosticOf, functionByCode } from '../codec/functions.ts'
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

/** The line for people is put together only when it is asked for: captures are mostly read by programs. */
class ModbusDescription implements Description {
  readonly protocol = 'modbus'
  readonly malformed: string | null
  readonly fields: Readonly<Fields>

  constructor(dissection: Dissection, direction: Direction, asked: Asked | undefined) {
    if (dissection.adu === undefined) {
      this.malformed = describeError(dissection.error)
      this.fields = { ...NO_ADU, direction: sideName(direction) }
    } else {
      const { malformed } = dissection
      this.malformed = malformed === undefined ? null : describeError(malformed)
      this.fields = fieldsOf(dissection, direction, asked)
    }
  }

  get summary(): string {
    const { fields, malformed } = this
    if (malformed !== null) return `${String(fields['direction'])} malformed: ${malformed}`
    return summaryOf(fields)
  }

  toJSON(): Description {
    const { protocol, malformed, summary, fields } = this
    return { protocol, malformed, summary, fields }
  }
}

function sideName(direction: Direction): string {
  return direction === 'to-device' ? 'request' : 'response'
}

const NO_ADU: Readonly<Fields> = {
  transaction: null,
  unit: null,
  function: null,
  functionName: null,
  exception: null,
  address: null,
  quantity: null,
  violation: null,
}

function fieldsOf(dissection: Dissected, direction: Direction, asked: Asked | undefined): Fields {
  const { adu, functionCode, values, violation } = dissection
  const fields: Fields = {
    transaction: adu.transaction,
    unit: adu.unit,
    function: functionCode,
    functionName: values['kind'] === 'other' ? null : (functionByCode(functionCode, adu.pdu[1])?.name ?? null),
    exception: numberOrNull(values['exception']),
    direction: sideName(direction),
    address: numberOrNull(values['address']),
    quantity: numberOrNull(values['quantity']),
    violation: violation === undefined ? null : describeError(violation),
  }
  for (const name in values) {
    if (!(name in fields) && name !== 'kind') addDetail(fields, name, values[name], asked)
  }
  if (values['kind'] === 'readDeviceIdentification') fields['mei'] = MEI_DEVICE_IDENTIFICATION
  if (fields['exception'] !== null) fields['exceptionName'] = EXCEPTIONS[fields['exception'] as number] ?? null
  if (asked !== undefined) fields['asked'] = { address: asked.address, quantity: asked.quantity }
  return fields
}

/** Adds what only some functions have, in a form that JSON can carry: bytes as hex, bits as booleans once counted. */
function addDetail(fields: Fields, name: string, value: unknown, asked: Asked | undefined): void {
  switch (name) {
    case 'meiType':
      fields['mei'] = value as number
      return
    case 'subFunction':
      fields['subFunction'] = value as number
      fields['subFunctionName'] = diagnosticOf(value as number)?.name ?? null
      return
    case 'bits': {
      const packed = value as Uint8Array
      const count = (fields['quantity'] as number | null) ?? asked?.quantity ?? null
      fields['data'] = hexOf(packed)
      if (count !== null && bytesForBits(count) === packed.length) fields['values'] = unpackBits(packed, count)
      return
    }
    case 'values':
      fields['values'] = value as readonly number[]
      // The response of function 24 says itself how many it brings.
      if (fields['function'] === 24) fields['quantity'] = (value as readonly number[]).length
      return
    case 'objects':
      fields['objects'] = (value as readonly DeviceObject[]).map((object) => ({
        id: object.id,
        value: Buffer.from(object.value).toString('utf8'),
      }))
      return
    default:
      fields[name] = jsonOf(value)
  }
}

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
