import type { Direction, Inspector } from '@gridseal/adapter'
import type { Packet } from '@gridseal/pcap'
import { TextWriter, octetsOf } from '@gridseal/wire'
import type { FlowEnd, FlowHalf, InspectedFlow } from './flow.ts'

const FRAME = octetsOf('{"frame":')
const TIME = octetsOf(',"time":"')
const PROTOCOL = octetsOf('","protocol":"')
const SOURCE = octetsOf('","src":"')
const DESTINATION = octetsOf('","dst":"')
const SOUND = octetsOf('","malformed":null,')
const NULL = octetsOf('null')
const COMMA = octetsOf(',')
const JSON_END = octetsOf('}\n')

/** Why the frame under way cannot be decoded: nothing outlives it. */
const malformed = new TextWriter(256)

/** Writes a frame as a line of JSON: the common fields, then the protocol's own. `checked`: see {@link Inspector.write}. */
export function writeJson(
  flow: InspectedFlow,
  inspector: Inspector,
  { direction, common }: FlowHalf,
  packet: Packet,
  frame: Uint8Array,
  checked: boolean,
  into: TextWriter,
): void {
  if (common.length === 0) writeCommon(flow, direction, common)
  into.octets(FRAME).decimal(packet.number).octets(TIME)
  packet.writeTime(into)
  into.append(common)
  const members = into.length
  writeMembers(inspector, direction, frame, checked, into)
  if (into.length === members) into.clear(members - COMMA.length)
  // What stands in front of the members is known last; it is nearly always `null`.
  if (malformed.length > 0) into.replace(members - NULL.length - COMMA.length, members - COMMA.length, malformed)
  into.octets(JSON_END)
}

/** What lies between the time and the members of a sound frame. */
function writeCommon(flow: InspectedFlow, direction: Direction, into: TextWriter): void {
  into.octets(PROTOCOL).text(flow.adapter.protocol).octets(SOURCE)
  writeEnd(flow.source(direction), into)
  into.octets(DESTINATION)
  writeEnd(flow.destination(direction), into)
  into.octets(SOUND)
}

function writeEnd(end: FlowEnd, into: TextWriter): void {
  if (end.write === undefined) into.text(end.text)
  else end.write(into)
}

/** Writes the members of a frame, and the text of why it is malformed to {@link malformed}. */
function writeMembers(
  inspector: Inspector,
  direction: Direction,
  frame: Uint8Array,
  checked: boolean,
  into: TextWriter,
): void {
  malformed.clear()
  if (inspector.write !== undefined) {
    inspector.write(frame, direction, checked, into, malformed)
    return
  }
  const description = inspector.push(frame, direction)
  into.text(description.members)
  if (description.malformed !== null) malformed.quoted(description.malformed)
}

/** Writes a frame as a line for people. */
export function writeWords(
  flow: InspectedFlow,
  inspector: Inspector,
  { direction }: FlowHalf,
  packet: Packet,
  frame: Uint8Array,
  _checked: boolean,
  into: TextWriter,
): void {
  const { protocol, malformed: reason, summary } = inspector.push(frame, direction)
  const ends = `${flow.source(direction).text} > ${flow.destination(direction).text}`
  const flag = reason === null ? '' : `  MALFORMED: ${reason}`
  into.decimal(packet.number).text('  ')
  packet.writeTime(into)
  into.text(`  ${ends}  ${protocol}  ${summary}${flag}\n`)
}
