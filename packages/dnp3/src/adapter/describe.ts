import type { Description, Direction, FieldValue, Inspector } from '@gridseal/adapter'
import { DecodeError, describeError } from '@gridseal/wire'
import type { Fragment } from '../codec/application.ts'
import { decodeFragment } from '../codec/application.ts'
import { segmentOf, senderOf } from '../codec/frame-segment.ts'
import { functionOf } from '../codec/functions.ts'
import { iinNames } from '../codec/iin.ts'
import { checkLinkFrame } from '../codec/link-check.ts'
import type { LinkFrame } from '../codec/link-frame.ts'
import { LINK_HEADER, START_1, START_2, decodeLinkFrame, readLinkHeader } from '../codec/link-frame.ts'
import { linkFunctionOf } from '../codec/link-functions.ts'
import { isUnknown } from '../codec/object-walk.ts'
import { Reassembler } from '../session/reassembly.ts'

type Fields = Record<string, FieldValue>

/** One frame on its own: of a fragment in several frames, the link and transport layers only. */
export function describe(frame: Uint8Array): Description {
  return inspect(frame, new Reassembler<number>())
}

/**
 * Describes a conversation: fragments are put together, and told with the frame that completes them. Both directions
 * and any number of stations may be mixed.
 */
export function createInspector(): Inspector {
  const reassembler = new Reassembler<number>()
  return { push: (frame) => inspect(frame, reassembler) }
}

function inspect(bytes: Uint8Array, reassembler: Reassembler<number>): Description {
  let frame: LinkFrame
  try {
    frame = decodeLinkFrame(bytes)
  } catch (error) {
    return new Dnp3Description(damagedText(bytes), undefined, describeError(error))
  }
  const broken = checkLinkFrame(frame)
  const violation = broken && `link: ${broken}`
  const segment = segmentOf(frame)
  if (segment === undefined) {
    // A function that must carry user data and does not, or the other way about, cannot be read any further.
    const malformed = broken === 'length' ? 'dnp3.link.length: function and length disagree' : null
    return new Dnp3Description(linkText(frame), violation, malformed)
  }
  const text = linkText(frame) + TRANSPORT[frame.user[0]!]!
  const assembly = reassembler.push(senderOf(frame), segment)
  const found = violation ?? (assembly.violation && `transport: ${assembly.violation}`)
  const { fragment } = assembly
  return fragment === undefined ? new Dnp3Description(text, found, null) : describeFragment(text, found, fragment)
}

/** Goes on with what a fragment says. */
function describeFragment(text: string, violation: string | undefined, bytes: Uint8Array): Description {
  let fragment: Fragment
  try {
    fragment = decodeFragment(bytes)
  } catch (error) {
    if (error instanceof DecodeError) return new Dnp3Description(text, violation, describeError(error))
    throw error
  }
  const { function: code, iin, headers, stop, rest } = fragment
  text += FUNCTION[code]! + CONTROL[bytes[0]!]! + (iin === undefined ? ',"iin":null' : IIN.of(iin)) + ',"objects":['
  let last = ''
  for (const { group, variation } of headers) {
    if (last !== '') text += `${last},`
    last = OBJECT.of(group * 256 + variation)
  }
  if (stop === undefined) return new Dnp3Description(`${text}${last}]`, violation, null)
  if (stop.group !== undefined && stop.variation !== undefined) {
    if (last !== '') text += `${last},`
    last = OBJECT.of(stop.group * 256 + stop.variation)
  }
  text += `${last}],"undecoded":${rest.length}`
  const why = `${stop.code}: ${stop.reason} (${stop.field} at offset ${stop.offset})`
  return isUnknown(stop) ? new Dnp3Description(text, violation ?? why, null) : new Dnp3Description(text, violation, why)
}

// The texts of JSON members that follow from a few octets are made once: captures have frames by the million.

const octets = (make: (octet: number) => string): readonly string[] => Array.from({ length: 256 }, (_, i) => make(i))
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
    text = this.#make(key)
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

function linkText(frame: Omit<LinkFrame, 'user'>): string {
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
