import type { Description, FieldValue, ProtocolId, Reading } from '@gridseal/adapter'
import type { DecodeError } from '@gridseal/wire'
import { describeError, toHex } from '@gridseal/wire'
import { bitText } from '../codec/bits.ts'
import { formatMac, vlanOf } from '../codec/ethernet.ts'
import type { Data } from '../codec/mms/data.ts'
import type { OpenedFrame } from '../codec/process-bus/header.ts'
import type { RoutableSession } from '../codec/routable/session.ts'
import type { Quality } from '../codec/quality.ts'
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
export function commonFields({ ethernet, header, extension, session }: OpenedFrame): Fields {
  const vlan = ethernet === undefined ? undefined : vlanOf(ethernet)
  return {
    vlan: vlan === undefined ? null : { id: vlan.id, priority: vlan.priority },
    simulated: header?.simulated ?? null,
    // Octets of what IEC 62351-6 puts behind the APDU.
    extension: extension?.length ?? null,
    ...(session === undefined ? {} : { session: sessionFields(session) }),
  }
}

/** What a datagram of R-GOOSE or R-SV has around its payload. */
function sessionFields({ spduNumber, security, elements, signature }: RoutableSession): Fields {
  return {
    spduNumber,
    version: security.version,
    keyId: security.keyId,
    encrypted: elements === undefined,
    elements: elements?.length ?? null,
    signature: signature?.length ?? 0,
  }
}

/** What stands for a frame in policies and messages: APPID and destination, or the session where that is encrypted. */
export function targetOf({ ethernet, header, session }: OpenedFrame): string {
  const parts: string[] = []
  if (header !== undefined) parts.push(`appId 0x${header.appId.toString(16).padStart(4, '0')}`)
  if (ethernet !== undefined) parts.push(`to ${formatMac(ethernet.destination)}`)
  if (session !== undefined && session.elements === undefined) parts.push(`encrypted, key ${session.security.keyId}`)
  return parts.join(' ')
}

/** What a quality means for a reading: what is tested or blocked is not to be relied on. */
export function readingQuality({ validity, flags }: Quality): Reading['quality'] {
  if (validity === 'good') return flags.includes('test') || flags.includes('operatorBlocked') ? 'uncertain' : 'good'
  return validity === 'questionable' ? 'uncertain' : 'bad'
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
