import type { Description, Direction, FieldValue, Inspector } from '@gridseal/adapter'
import { InternalError, TextWriter, describeError } from '@gridseal/wire'
import { decodeApplicationHeader } from '../codec/application.ts'
import { carriesSegment, senderOf } from '../codec/frame-segment.ts'
import { functionOf } from '../codec/functions.ts'
import { checkLinkHeader } from '../codec/link-check.ts'
import { MAX_USER_DATA, checkOctets, copyUserData, readLinkHeader } from '../codec/link-frame.ts'
import { ObjectCursor } from '../codec/object-cursor.ts'
import { decodeSegment } from '../codec/transport.ts'
import { isUnknown } from '../codec/walk-stop.ts'
import { Reassembler } from '../session/reassembly.ts'
import {
  END,
  END_NO_VIOLATION,
  END_UNDECODED,
  FIRST_OBJECT,
  IIN,
  NEXT_OBJECT,
  NO_OBJECT,
  NO_VIOLATION,
  REQUEST,
  RESPONSE,
  VIOLATION,
  writeDamaged,
  writeLink,
  writeSegmentHeader,
} from './member-texts.ts'

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

  get atRest(): boolean {
    return this.#reassembler === undefined
  }

  push(bytes: Uint8Array): Description {
    this.write(bytes, undefined, false, members.clear(), reason.clear())
    const malformed = reason.length === 0 ? null : (JSON.parse(reason.toString()) as string)
    return new Dnp3Description(members.toString(), malformed)
  }

  write(
    bytes: Uint8Array,
    _direction: Direction | undefined,
    checked: boolean,
    into: TextWriter,
    malformed: TextWriter,
  ): void {
    try {
      if (!checked) checkOctets(bytes)
    } catch (error) {
      writeDamaged(bytes, into)
      into.octets(NO_VIOLATION)
      malformed.quoted(describeError(error))
      return
    }
    const header = readLinkHeader(bytes)
    const length = copyUserData(bytes, bytes.length, user)
    const broken = checkLinkHeader(header, length)
    const violation = broken && `link: ${broken}`
    if (!carriesSegment(header, length)) {
      writeLink(header, into)
      writeViolation(violation, into)
      // A function that must carry user data and does not, or the other way about, cannot be read any further.
      if (broken === 'length') malformed.quoted('dnp3.link.length: function and length disagree')
      return
    }
    writeSegmentHeader(header, user[0]!, into)
    const isWhole = length > 1 && (user[0]! & WHOLE) === WHOLE
    if (isWhole && this.#reassembler === undefined) {
      writeFragment(violation, user, 1, length, into, malformed)
      return
    }
    this.#reassembler ??= new Reassembler<number>()
    const assembly = this.#reassembler.push(senderOf(header), decodeSegment(user.subarray(0, length)))
    const found = violation ?? (assembly.violation && `transport: ${assembly.violation}`)
    const { fragment } = assembly
    if (fragment === undefined) writeViolation(found, into)
    else writeFragment(found, fragment, 0, fragment.length, into, malformed)
  }
}

/** FIR and FIN of a transport octet. */
const WHOLE = 0xc0

/** Ends what is told of a frame with the rule that it breaks, although it can be read. */
function writeViolation(violation: string | undefined, into: TextWriter): void {
  if (violation === undefined) into.octets(NO_VIOLATION)
  else into.octets(VIOLATION).quoted(violation)
}

/** Goes on with what the fragment `bytes[at..end)` says, and why it is malformed where it is. */
function writeFragment(
  violation: string | undefined,
  bytes: Uint8Array,
  at: number,
  end: number,
  into: TextWriter,
  malformed: TextWriter,
): void {
  const code = bytes[at + 1] ?? 0
  const spec = functionOf(code)
  const isResponse = spec?.response === true
  const objects = at + (isResponse ? 4 : 2)
  if (objects > end) {
    writeViolation(violation, into)
    malformed.quoted(headerFault(bytes.subarray(at, end)))
    return
  }
  const key = code * 256 + bytes[at]!
  if (isResponse) into.octets(RESPONSE.of(key)).octets(IIN.of(bytes[at + 2]! * 256 + bytes[at + 3]!))
  else into.octets(REQUEST.of(key))
  cursor.load(bytes, objects, end, spec)
  let texts = FIRST_OBJECT
  while (cursor.next()) {
    into.octets(texts.of(cursor.group * 256 + cursor.variation))
    texts = NEXT_OBJECT
  }
  if (cursor.code === '') {
    if (texts === FIRST_OBJECT) into.octets(NO_OBJECT)
    if (violation === undefined) into.octets(END_NO_VIOLATION)
    else writeViolation(violation, into.octets(END))
    return
  }
  const { stoppedAt } = cursor
  if (stoppedAt >= 0) into.octets(texts.of(stoppedAt))
  else if (texts === FIRST_OBJECT) into.octets(NO_OBJECT)
  into.octets(END_UNDECODED).decimal(end - cursor.headerAt)
  const unknown = isUnknown(cursor)
  if (!unknown) writeStop(at, malformed)
  if (violation === undefined && unknown) writeStop(at, into.octets(VIOLATION))
  else writeViolation(violation, into)
}

/** Why the walk over the objects ended early, as a JSON text. */
function writeStop(start: number, into: TextWriter): void {
  cursor.writeStop(start, into.octet(QUOTE))
  into.octet(QUOTE)
}

const QUOTE = 0x22

/** Why there is no application header. */
function headerFault(fragment: Uint8Array): string {
  try {
    decodeApplicationHeader(fragment)
  } catch (error) {
    return describeError(error)
  }
  throw new InternalError('dnp3.describe', 'a header that was too short could be decoded')
}

/** Where {@link Dnp3Inspector.push} has its texts put together: nothing outlives it. */
const members = new TextWriter(1024)
const reason = new TextWriter(256)

/** The text is what is made first; fields and the line for people follow from it where they are asked for. */
class Dnp3Description implements Description {
  readonly protocol = 'dnp3'
  readonly malformed: string | null
  readonly members: string
  #fields: Readonly<Fields> | undefined

  constructor(text: string, malformed: string | null) {
    this.members = text
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
