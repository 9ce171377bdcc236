import type { Description, Direction, FieldValue, Inspector } from '@gridseal/adapter'
import { TextWriter, describeError } from '@gridseal/wire'
import type { Framing } from '../codec/adu.ts'
import { functionByCode } from '../codec/functions.ts'
import { rangeName } from '../codec/reference.ts'
import { Pairing } from '../session/pairing.ts'
import type { Dissection } from './dissect.ts'
import { dissect } from './dissect.ts'
import type { Asked } from './members.ts'
import { numberOrNull, writeMembers } from './members.ts'

type Fields = Record<string, FieldValue>

/** One frame on its own. */
export function describe(frame: Uint8Array, direction: Direction, framing: Framing): Description {
  return new ModbusDescription(dissect(frame, direction, framing), direction, undefined)
}

/** Describes a conversation: a response is told together with what was asked for. */
export function createInspector(framing: Framing): Inspector {
  return new ModbusInspector(framing)
}

class ModbusInspector implements Inspector {
  readonly #framing: Framing
  readonly #pairing: Pairing<Asked>

  constructor(framing: Framing) {
    this.#framing = framing
    this.#pairing = new Pairing(framing)
  }

  get atRest(): boolean {
    return this.#pairing.size === 0
  }

  push(frame: Uint8Array, direction: Direction): Description {
    const dissection = dissect(frame, direction, this.#framing)
    return new ModbusDescription(dissection, direction, this.#asked(dissection, direction))
  }

  write(frame: Uint8Array, direction: Direction, _checked: boolean, into: TextWriter, malformed: TextWriter): void {
    const dissection = dissect(frame, direction, this.#framing)
    writeMembers(dissection, direction, this.#asked(dissection, direction), into)
    const wrong = faultOf(dissection)
    if (wrong !== null) malformed.quoted(wrong)
  }

  /** Keeps a request in mind; returns what was asked for where the frame is a response to one. */
  #asked(dissection: Dissection, direction: Direction): Asked | undefined {
    if (dissection.adu === undefined) return undefined
    const { adu, functionCode, values } = dissection
    if (direction === 'to-master') return this.#pairing.answered(adu, functionCode)
    this.#pairing.sent(adu, functionCode, askedBy(values))
    return undefined
  }
}

function askedBy(values: Exclude<Dissection, { adu: undefined }>['values']): Asked {
  const read = values['kind'] === 'readWriteMultipleRegisters'
  return {
    address: numberOrNull(values[read ? 'readAddress' : 'address']),
    quantity: numberOrNull(values[read ? 'readQuantity' : 'quantity']),
  }
}

/** Why a frame cannot be decoded, or null. */
function faultOf(dissection: Dissection): string | null {
  const wrong = dissection.adu === undefined ? dissection.error : dissection.malformed
  return wrong === undefined ? null : describeError(wrong)
}

/** Where members are put together: nothing outlives it. */
const text = new TextWriter(1024)

/** The text is what is made first; fields and the line for people follow from it where they are asked for. */
class ModbusDescription implements Description {
  readonly protocol = 'modbus'
  readonly malformed: string | null
  readonly members: string
  #fields: Readonly<Fields> | undefined

  constructor(dissection: Dissection, direction: Direction, asked: Asked | undefined) {
    this.malformed = faultOf(dissection)
    writeMembers(dissection, direction, asked, text.clear())
    this.members = text.toString()
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
