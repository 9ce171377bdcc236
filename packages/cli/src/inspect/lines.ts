import type { Direction } from '@gridseal/adapter'
import type { Packet } from '@gridseal/pcap'
import { TextWriter } from '@gridseal/wire'
import type { FlowEnd, InspectedFlow } from './flow.ts'

const octets = (text: string): Uint8Array => new TextEncoder().encode(text)

const FRAME = octets('{"frame":')
const TIME = octets(',"time":"')
const PROTOCOL = octets('","protocol":"')
const SOURCE = octets('","src":"')
const DESTINATION = octets('","dst":"')
const SOUND = octets('","malformed":null,')
const MALFORMED = octets('","malformed":')
const COMMA = octets(',')
const JSON_END = octets('}\n')

/** Why the frame under way cannot be decoded: nothing outlives it. */
const reason = new TextWriter(256)

/** Writes a frame as a line of JSON: the common fields, then the protocol's own. `checked`: see {@link Inspector.write}. */
export function writeJson(
  flow: InspectedFlow,
  direction: Direction,
  packet: Packet,
  frame: Uint8Array,
  checked: boolean,
  into: TextWriter,
): void {
  into.octets(FRAME).decimal(packet.number).octets(TIME)
  packet.writeTime(into)
  into.octets(PROTOCOL).text(flow.adapter.protocol).octets(SOURCE)
  writeEnd(flow.source(direction), into)
  into.octets(DESTINATION)
  writeEnd(flow.destination(direction), into)
  const at = into.length
  into.octets(SOUND)
  const members = into.length
  const malformed = writeMembers(flow, direction, frame, checked, into)
  const isBare = into.length === members
  // What stands in front of the members is known last; it is nearly always `null`.
  if (malformed !== null) into.replace(at, members, reason.clear().octets(MALFORMED).quoted(malformed).octets(COMMA))
  if (isBare) into.clear(into.length - 1)
  into.octets(JSON_END)
}

function writeEnd(end: FlowEnd, into: TextWriter): void {
  if (end.write === undefined) into.text(end.text)
  else end.write(into)
}

function writeMembers(
  { inspector }: InspectedFlow,
  direction: Direction,
  frame: Uint8Array,
  checked: boolean,
  into: TextWriter,
): string | null {
  if (inspector.write !== undefined) return inspector.write(frame, direction, checked, into)
  const { malformed, members } = inspector.push(frame, direction)
  into.text(members)
  return malformed
}

/** Writes a frame as a line for people. */
export function writeWords(
  flow: InspectedFlow,
  direction: Direction,
  packet: Packet,
  frame: Uint8Array,
  _checked: boolean,
  into: TextWriter,
): void {
  const { protocol, malformed, summary } = flow.inspector.push(frame, direction)
  const ends = `${flow.source(direction).text} > ${flow.destination(direction).text}`
  const flag = malformed === null ? '' : `  MALFORMED: ${malformed}`
  into.decimal(packet.number).text('  ')
  packet.writeTime(into)
  into.text(`  ${ends}  ${protocol}  ${summary}${flag}\n`)
}
