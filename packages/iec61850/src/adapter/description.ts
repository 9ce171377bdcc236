import type { Description, FieldValue, ProtocolId } from '@gridseal/adapter'
import type { DecodeError } from '@gridseal/wire'
import { describeError, toHex } from '@gridseal/wire'
import { bitText } from '../codec/bits.ts'
import type { EthernetHeader } from '../codec/ethernet.ts'
import { formatMac, vlanOf } from '../codec/ethernet.ts'
import type { Data } from '../codec/mms/data.ts'
import type { OpenedFrame } from '../codec/process-bus/header.ts'
import { utcText } from '../codec/utc-time.ts'

type Fields = Readonly<Record<string, FieldValue>>

/** A description whose text is made from its fields. */
export class FrameDescription implements Description {
  readonly protocol: ProtocolId
  readonly malformed: string | null
  readonly fields: Fields
  readonly #summary: () => string
  #members: string | undefined

  constructor(protocol: ProtocolId, malformed: DecodeError | undefined, fields: Fields, summary: () => string) {
    this.protocol = protocol
    this.malformed = malformed === undefined ? null : describeError(malformed)
    this.fields = fields
    this.#summary = summary
  }

  get members(): string {
    return (this.#members ??= JSON.stringify(this.fields).slice(1, -1))
  }

  get summary(): string {
    return this.malformed === null ? this.#summary() : `malformed: ${this.malformed}`
  }

  toJSON(): Pick<Description, 'protocol' | 'malformed' | 'summary' | 'fields'> {
    const { protocol, malformed, summary, fields } = this
    return { protocol, malformed, summary, fields }
  }
}

/** What all frames of the process bus have, in the order of a record. */
export function commonFields({ ethernet, header, extension }: OpenedFrame): Fields {
  const vlan = ethernet === undefined ? undefined : vlanOf(ethernet)
  return {
    vlan: vlan === undefined ? null : { id: vlan.id, priority: vlan.priority },
    simulated: header?.simulated ?? null,
    secured: extension === undefined ? null : extension.length > 0,
  }
}

/** What stands for a frame in policies and messages: its destination and APPID. */
export function targetOf(ethernet: EthernetHeader | undefined, appId: number | undefined): string {
  const mac = ethernet === undefined ? '' : ` to ${formatMac(ethernet.destination)}`
  return `${appId === undefined ? '' : `appId 0x${appId.toString(16).padStart(4, '0')}`}${mac}`.trim()
}

/** A value as JSON can carry it: bits and octets as text, large integers as text. */
export function dataValue(data: Data): FieldValue {
  switch (data.kind) {
    case 'array':
    case 'structure':
      return data.elements.map(dataValue)
    case 'bitString':
    case 'booleanArray':
      return bitText(data.value)
    case 'integer':
    case 'unsigned':
    case 'bcd':
      return typeof data.value === 'bigint' ? data.value.toString() : data.value
    case 'floatingPoint':
      return Number.isFinite(data.value) ? data.value : String(data.value)
    case 'real':
    case 'octetString':
    case 'binaryTime':
    case 'objId':
      return toHex(data.value)
    case 'utcTime':
      return utcText(data.value)
    default:
      return data.value
  }
}
