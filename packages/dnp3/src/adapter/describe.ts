import type { Description, Direction, FieldValue, Inspector } from '@gridseal/adapter'
import { flatText } from '@gridseal/adapter'
import { InternalError, describeError } from '@gridseal/wire'
import { decodeApplicationHeader } from '../codec/application.ts'
import { carriesSegment, senderOf } from '../codec/frame-segment.ts'
import { functionOf } from '../codec/functions.ts'
import { iinNames } from '../codec/iin.ts'
import { checkLinkHeader } from '../codec/link-check.ts'
import type { LinkHeader } from '../codec/link-frame.ts'
import {
  LINK_HEADER,
  MAX_USER_DATA,
  START_1,
  START_2,
  checkOctets,
  copyUserData,
  readLinkHeader,
} from '../codec/link-frame.ts'
import { linkFunctionOf } from '../codec/link-functions.ts'
import { ObjectCursor } from '../codec/object-cursor.ts'
import { decodeSegment } from '../codec/transport.ts'
import { isUnknown } from '../codec/walk-stop.ts'
import { Reassembler } from '../session/reassembly.ts'

type Fields = Record<string, FieldValue>

/** One frame on its own: of a fragment in several frames, the link and transport layers only. */
export function describe(frame: Uint8Array): Description {
  return new Dnp3Inspector().push(frame)
}

/**
 * Describes a conversation: fragments are put together, and told with the frame that completes them. Both directions
 * and any number of stations may be mixed.
 */
export function createInspector(): Inspector {
  return new Dnp3Inspector()
}

/** The user data of the frame that is being described, and where the walk over its objects stands: nothing outlives it. */
const user = new Uint8Array(MAX_USER_DATA)
const cursor = new ObjectCursor()

class Dnp3Inspector implements Inspector {
  /** Made for the first fragment in several frames: most conversations have none. */
  #reassembler: Reassembler<number> | undefined

  push(bytes: Uint8Array): Description {
    try {
      checkOctets(bytes)
    } catch (error) {
      return new Dnp3Description(damagedText(bytes), undefined, describeError(error))
    }
    const header = readLinkHeader(bytes)
    const length = copyUserData(bytes, bytes.length, user)
    const broken = checkLinkHeader(header, length)
    const violation = broken && `link: ${broken}`
    if (!carriesSegment(header, length)) {
      // A function that must carry user data and does not, or the other way about, cannot be read any further.
      const malformed = broken === 'length' ? 'dnp3.link.length: function and length disagree' : null
      return new Dnp3Description(linkText(header), violation, malformed)
    }
    const text = linkText(header) + TRANSPORT[user[0]!]!
    const isWhole = length > 1 && (user[0]! & WHOLE) === WHOLE
    if (isWhole && this.#reassembler === undefined) return describeFragment(text, violation, user, 1, length)
    this.#reassembler ??= new Reassembler<number>()
    const assembly = this.#reassembler.push(senderOf(header), decodeSegment(user.subarray(0, length)))
    const found = violation ?? (assembly.violation && `transport: ${assembly.violation}`)
    const { fragment } = assembly
    if (fragment === undefined) return new Dnp3Description(text, found, null)
    return describeFragment(text, found, fragment, 0, fragment.length)
  }
}

/** FIR and FIN of a transport octet. */
const WHOLE = 0xc0

/** Goes on with what the fragment `bytes[at..end)` says. */
function describeFragment(
  text: string,
  violation: string | undefined,
  bytes: Uint8Array,
  at: number,
  end: number,
): Description {
  const code = bytes[at + 1] ?? 0
  const spec = functionOf(code)
  const isResponse = spec?.response === true
  const objects = at + (isResponse ? 4 : 2)
  if (objects > end) return new Dnp3Description(text, violation, headerFault(bytes.subarray(at, end)))
  text += FUNCTION[code]! + CONTROL[bytes[at]!]!
  text += isResponse ? IIN.of((bytes[at + 2]! << 8) | bytes[at + 3]!) : ',"iin":null'
  text += ',"objects":['
  cursor.load(bytes, objects, end, spec)
  let last = ''
  while (cursor.next()) {
    if (last !== '') text += `${last},`
    last = OBJECT.of(cursor.group * 256 + cursor.variation)
  }
  const stop = cursor.ended()
  if (stop === undefined) return new Dnp3Description(`${text}${last}]`, violation, null)
  if (stop.group !== undefined && stop.variation !== undefined) {
    if (last !== '') text += `${last},`
    last = OBJECT.of(stop.group * 256 + stop.variation)
  }
  text += `${last}],"undecoded":${end - cursor.headerAt}`
  const why = `${stop.code}: ${stop.reason} (${stop.field} at offset ${stop.offset - at})`
  return isUnknown(stop) ? new Dnp3Description(text, violation ?? why, null) : new Dnp3Description(text, violation, why)
}

/** Why there is no application header. */
function headerFault(fragment: Uint8Array): string {
  try {
    decodeApplicationHeader(fragment)
  } catch (error) {
    return describeError(error)
  }
  throw new InternalError('dnp3.describe', 'a header that was too short could be decoded')
}

// The texts of JSON members that follow from a few octets are made once: captures have frames by the million.

const octets = (make: (octet: number) => string): readonly string[] =>
  Array.from({ length: 256 }, (_, i) => flatText(make(i)))
const bit = (octet: number, mask: number): boolean => (octet & mask) !== 0

/** By the link control octet less FCB and FCV. */
const LINK = octets((octet) => {
  const [primary, code] = [bit(octet, 0x40), octet & 0x0f]
  const name = JSON.stringify(linkFunctionOf(primary, code)?.name ?? null)
  const direction: Direction = bit(octet, 0x80) ? 'to-device' : 'to-master'
  return `,"linkFunction":${code},"linkFunctionName":${name},"primary":${primary},"direction":"${direction}"`
})

/** By the transport octet. */
const TRANSPORT = octets(
  (octet) => `,"transport":{"first":${bit(octet, 0x40)},"final":${bit(octet, 0x80)},"sequence":${octet & 0x3f}}`,
)

/** By the function code. */
const FUNCTION = octets(
  (code) => `,"function":${code},"functionName":${JSON.stringify(functionOf(code)?.name ?? null)}`,
)

/** By the application control octet. */
const CONTROL = octets((octet) => {
  const [first, final, confirm, unsolicited] = [0x80, 0x40, 0x20, 0x10].map((mask) => bit(octet, mask))
  const flags = `"first":${first},"final":${final},"confirm":${confirm},"unsolicited":${unsolicited}`
  return `,"sequence":${octet & 0x0f},"control":{${flags}}`
})

/** Texts by a number, made when it is first met, and again when there have been too many others. */
class Texts {
  readonly #make: (key: number) => string
  readonly #made = new Map<number, string>()

  constructor(make: (key: number) => string) {
    this.#make = make
  }

  of(key: number): string {
    let text = this.#made.get(key)
    if (text !== undefined) return text
    if (this.#made.size >= MOST_TEXTS) this.#made.clear()
    text = flatText(this.#make(key))
    this.#made.set(key, text)
    return text
  }
}

const MOST_TEXTS = 65_536

/** By the internal indications. */
const IIN = new Texts((iin) => `,"iin":${iin},"iinNames":${JSON.stringify(iinNames(iin))}`)

/** By group * 256 + variation. */
const OBJECT = new Texts((key) => `[${key >> 8},${key & 0xff}]`)

/** By source * 65536 + destination. */
const ADDRESSES = new Texts((key) => `"linkSource":${Math.floor(key / 65_536)},"linkDestination":${key % 65_536}`)

function linkText(frame: LinkHeader): string {
  const control = (frame.fromMaster ? 0x80 : 0) | (frame.primary ? 0x40 : 0) | frame.function
  return ADDRESSES.of(frame.source * 65_536 + frame.destination) + LINK[control]!
}

/** Of a frame with a wrong check sum, what its header says, for what that is worth. */
function damagedText(bytes: Uint8Array): string {
  if (bytes.length >= LINK_HEADER && bytes[0] === START_1 && bytes[1] === START_2) {
    return linkText(readLinkHeader(bytes))
  }
  const names = ['linkSource', 'linkDestination', 'linkFunction', 'linkFunctionName', 'primary', 'direction']
  return names.map((name) => `"${name}":null`).join(',')
}

/** The text is what is made first; fields and the line for people follow from it where they are asked for. */
class Dnp3Description implements Description {
  readonly protocol = 'dnp3'
  readonly malformed: string | null
  readonly members: string
  #fields: Readonly<Fields> | undefined

  constructor(members: string, violation: string | undefined, malformed: string | null) {
    this.members = `${members},"violation":${violation === undefined ? 'null' : JSON.stringify(violation)}`
    this.malformed = malformed
  }

  get fields(): Readonly<Fields> {
    return (this.#fields ??= JSON.parse(`{${this.members}}`) as Fields)
  }

  get summary(): string {
    return summaryOf(this.fields, this.malformed)
  }

  toJSON(): Pick<Description, 'protocol' | 'malformed' | 'summary' | 'fields'> {
    const { protocol, malformed, summary, fields } = this
    return { protocol, malformed, summary, fields }
  }
}

function summaryOf(fields: Readonly<Fields>, malformed: string | null): string {
  const { linkSource, linkDestination, linkFunction, linkFunctionName, violation } = fields
  if (linkSource === null) return `malformed: ${malformed}`
  const parts = [`${String(linkSource)} -> ${String(linkDestination)}`]
  if ('function' in fields) parts.push(...fragmentParts(fields))
  else {
    parts.push(String(linkFunctionName ?? `link function ${String(linkFunction)}`))
    if (fields['transport'] !== undefined) {
      parts.push(`segment ${(fields['transport'] as { sequence: number }).sequence}`)
    }
  }
  if (malformed !== null) parts.push(`malformed: ${malformed}`)
  if (typeof violation === 'string') parts.push(`(${violation})`)
  return parts.join(' ')
}

function fragmentParts(fields: Readonly<Fields>): string[] {
  const objects = fields['objects'] as readonly (readonly [number, number])[]
  const shown = objects.slice(0, 8).map(([group, variation]) => `g${group}v${variation}`)
  if (objects.length > shown.length) shown.push(`and ${objects.length - shown.length} more`)
  const names = (fields['iinNames'] ?? []) as readonly string[]
  return [
    String(fields['functionName'] ?? `function ${String(fields['function'])}`),
    `#${String(fields['sequence'])}`,
    ...shown,
    ...(names.length === 0 ? [] : [`[${names.join(' ')}]`]),
  ]
}
