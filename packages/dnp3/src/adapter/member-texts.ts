import type { Direction } from '@gridseal/adapter'
import { TextWriter, octetsOf } from '@gridseal/wire'
import { functionOf } from '../codec/functions.ts'
import { iinNames } from '../codec/iin.ts'
import type { LinkHeader } from '../codec/link-frame.ts'
import { LINK_HEADER, START_1, START_2, readLinkHeader } from '../codec/link-frame.ts'
import { linkFunctionOf } from '../codec/link-functions.ts'

// JSON members that follow from a few octets of a frame are made once, as octets: captures have frames by the million.

const bit = (octet: number, mask: number): boolean => (octet & mask) !== 0

export const NO_OBJECT: Uint8Array = octetsOf(',"objects":[')
export const END: Uint8Array = octetsOf(']')
export const END_UNDECODED: Uint8Array = octetsOf('],"undecoded":')
export const END_NO_VIOLATION: Uint8Array = octetsOf('],"violation":null')
export const VIOLATION: Uint8Array = octetsOf(',"violation":')
export const NO_VIOLATION: Uint8Array = octetsOf(',"violation":null')

/** Texts by a number of 16 bits, made when it is first met. */
class Texts {
  readonly #make: (key: number) => string
  #made: (Uint8Array | undefined)[] | undefined

  constructor(make: (key: number) => string) {
    this.#make = make
  }

  of(key: number): Uint8Array {
    this.#made ??= new Array<undefined>(65_536).fill(undefined)
    return (this.#made[key] ??= octetsOf(this.#make(key)))
  }
}

function linkControlText(octet: number): string {
  const [primary, code] = [bit(octet, 0x40), octet & 0x0f]
  const name = JSON.stringify(linkFunctionOf(primary, code)?.name ?? null)
  const direction: Direction = bit(octet, 0x80) ? 'to-device' : 'to-master'
  return `,"linkFunction":${code},"linkFunctionName":${name},"primary":${primary},"direction":"${direction}"`
}

/** By the link control octet less FCB and FCV. */
const LINK = new Texts(linkControlText)

/** By the same * 256 + the transport octet. */
const SEGMENT = new Texts((key) => {
  const octet = key & 0xff
  const flags = `"first":${bit(octet, 0x40)},"final":${bit(octet, 0x80)}`
  return `${linkControlText(key >> 8)},"transport":{${flags},"sequence":${octet & 0x3f}}`
})

function functionText(code: number, octet: number): string {
  const [first, final, confirm, unsolicited] = [0x80, 0x40, 0x20, 0x10].map((mask) => bit(octet, mask))
  const flags = `"first":${first},"final":${final},"confirm":${confirm},"unsolicited":${unsolicited}`
  const name = JSON.stringify(functionOf(code)?.name ?? null)
  return `,"function":${code},"functionName":${name},"sequence":${octet & 0x0f},"control":{${flags}}`
}

/** Of a request, by the function code * 256 + the application control octet. */
export const REQUEST: Texts = new Texts((key) => `${functionText(key >> 8, key & 0xff)},"iin":null`)

/** Of a response, by the same; the internal indications follow. */
export const RESPONSE: Texts = new Texts((key) => functionText(key >> 8, key & 0xff))

/** By the internal indications. */
export const IIN: Texts = new Texts((iin) => `,"iin":${iin},"iinNames":${JSON.stringify(iinNames(iin))}`)

/** By group * 256 + variation. */
export const FIRST_OBJECT: Texts = new Texts((key) => `,"objects":[[${key >> 8},${key & 0xff}]`)
export const NEXT_OBJECT: Texts = new Texts((key) => `,[${key >> 8},${key & 0xff}]`)

const SOURCE = octetsOf('"linkSource":')
const DESTINATION = octetsOf(',"linkDestination":')

/** What the header of a frame without a transport segment says. */
export function writeLink(header: LinkHeader, into: TextWriter): void {
  writeAddresses(header, into)
  into.octets(LINK.of(controlOf(header)))
}

/** What the header of a frame and the transport octet say. */
export function writeSegmentHeader(header: LinkHeader, transport: number, into: TextWriter): void {
  writeAddresses(header, into)
  into.octets(SEGMENT.of(controlOf(header) * 256 + transport))
}

/** Places for addresses: most links between stations are met again, frame after frame. */
const PLACES = 256
/** Of each place, source << 16 | destination. */
const places = new Int32Array(PLACES)
const addresses = Array.from({ length: PLACES }, () => new TextWriter(64))

function writeAddresses({ source, destination }: LinkHeader, into: TextWriter): void {
  const key = (source << 16) | destination
  const place = (source * 31 + destination) % PLACES
  const text = addresses[place]!
  if (places[place] !== key || text.length === 0) {
    places[place] = key
    text.clear().octets(SOURCE).decimal(source).octets(DESTINATION).decimal(destination)
  }
  into.append(text)
}

function controlOf(header: LinkHeader): number {
  return (header.fromMaster ? 0x80 : 0) | (header.primary ? 0x40 : 0) | header.function
}

const NO_LINK = octetsOf(
  ['linkSource', 'linkDestination', 'linkFunction', 'linkFunctionName', 'primary', 'direction']
    .map((name) => `"${name}":null`)
    .join(','),
)

/** Of a frame with a wrong check sum, what its header says, for what that is worth. */
export function writeDamaged(bytes: Uint8Array, into: TextWriter): void {
  if (bytes.length >= LINK_HEADER && bytes[0] === START_1 && bytes[1] === START_2) {
    writeLink(readLinkHeader(bytes), into)
  } else into.octets(NO_LINK)
}
