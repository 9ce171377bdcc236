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
    return new Dnp3Description(damagedFields(bytes), describeError(error))
  }
  const fields = linkFields(frame)
  const violation = checkLinkFrame(frame)
  if (violation !== undefined) fields['violation'] = `link: ${violation}`
  const segment = segmentOf(frame)
  if (segment === undefined) {
    // A function that must carry user data and does not, or the other way about, cannot be read any further.
    return new Dnp3Description(fields, violation === 'length' ? 'dnp3.link.length: function and length disagree' : null)
  }
  fields['transport'] = { first: segment.first, final: segment.final, sequence: segment.sequence }
  const { fragment, violation: broken } = reassembler.push(senderOf(frame), segment)
  if (broken !== undefined) fields['violation'] ??= `transport: ${broken}`
  return new Dnp3Description(fields, fragment === undefined ? null : addFragment(fields, fragment))
}

function linkFields(frame: Omit<LinkFrame, 'user'>): Fields {
  return {
    linkSource: frame.source,
    linkDestination: frame.destination,
    linkFunction: frame.function,
    linkFunctionName: linkFunctionOf(frame.primary, frame.function)?.name ?? null,
    primary: frame.primary,
    direction: directionOf(frame),
    violation: null,
  }
}

function directionOf(frame: Omit<LinkFrame, 'user'>): Direction {
  return frame.fromMaster ? 'to-device' : 'to-master'
}

/** Of a frame with a wrong check sum, what its header says, for what that is worth. */
function damagedFields(bytes: Uint8Array): Fields {
  if (bytes.length >= LINK_HEADER && bytes[0] === START_1 && bytes[1] === START_2) {
    return linkFields(readLinkHeader(bytes))
  }
  return {
    linkSource: null,
    linkDestination: null,
    linkFunction: null,
    linkFunctionName: null,
    primary: null,
    direction: null,
    violation: null,
  }
}

/** Adds what a fragment says; returns what is wrong with it, or null. */
function addFragment(fields: Fields, bytes: Uint8Array): string | null {
  let fragment: Fragment
  try {
    fragment = decodeFragment(bytes)
  } catch (error) {
    if (error instanceof DecodeError) return describeError(error)
    throw error
  }
  const { control, function: code, iin, headers, stop, rest } = fragment
  const objects: [number, number][] = headers.map(({ group, variation }) => [group, variation])
  if (stop?.group !== undefined && stop.variation !== undefined) objects.push([stop.group, stop.variation])
  fields['function'] = code
  fields['functionName'] = functionOf(code)?.name ?? null
  fields['sequence'] = control.sequence
  fields['control'] = {
    first: control.first,
    final: control.final,
    confirm: control.confirm,
    unsolicited: control.unsolicited,
  }
  fields['iin'] = iin ?? null
  if (iin !== undefined) fields['iinNames'] = iinNames(iin)
  fields['objects'] = objects
  if (stop === undefined) return null
  fields['undecoded'] = rest.length
  const why = `${stop.code}: ${stop.reason} (${stop.field} at offset ${stop.offset})`
  if (!isUnknown(stop)) return why
  fields['violation'] ??= why
  return null
}

/** The line for people is put together only when it is asked for: captures are mostly read by programs. */
class Dnp3Description implements Description {
  readonly protocol = 'dnp3'
  readonly malformed: string | null
  readonly fields: Readonly<Fields>

  constructor(fields: Fields, malformed: string | null) {
    this.fields = fields
    this.malformed = malformed
  }

  get summary(): string {
    return summaryOf(this.fields, this.malformed)
  }

  toJSON(): Description {
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
