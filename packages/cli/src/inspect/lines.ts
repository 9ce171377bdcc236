import type { Inspector } from '@gridseal/adapter'
import type { Packet } from '@gridseal/pcap'
import { TextWriter } from '@gridseal/wire'
import type { FlowHalf } from './flow.ts'

const octets = (text: string): Uint8Array => new TextEncoder().encode(text)

const FRAME = octets('{"frame":')
const TIME = octets(',"time":"')
const MALFORMED = octets(',"malformed":')
const SOUND = octets(',"malformed":null,')
const COMMA = octets(',')
const JSON_END = octets('}\n')

/** Why the frame under way cannot be decoded: nothing outlives it. */
const reason = new TextWriter(256)

/** Writes a frame as a line of JSON: the common fields, then the protocol's own. `checked`: see {@link Inspector.write}. */
export function writeJson(
  inspector: Inspector,
  half: FlowHalf,
  packet: Packet,
  frame: Uint8Array,
  checked: boolean,
  into: TextWriter,
): void {
  into.octets(FRAME).decimal(packet.number).octets(TIME)
  packet.writeTime(into)
  into.append(half.members)
  const at = into.length
  into.octets(SOUND)
  const members = into.length
  const malformed = writeMembers(inspector, half, frame, checked, into)
  const isBare = into.length === members
  // What stands in front of the members is known last; it is nearly always `null`.
  if (malformed !== null) into.replace(at, members, reason.clear().octets(MALFORMED).quoted(malformed).octets(COMMA))
  if (isBare) into.clear(into.length - 1)
  into.octets(JSON_END)
}

function writeMembers(
  inspector: Inspector,
  half: FlowHalf,
  frame: Uint8Array,
  checked: boolean,
  into: TextWriter,
): string | null {
  if (inspector.write !== undefined) return inspector.write(frame, half.direction, checked, into)
  const { malformed, members } = inspector.push(frame, half.direction)
  into.text(members)
  return malformed
}

/** Writes a frame as a line for people. */
export function writeWords(
  inspector: Inspector,
  half: FlowHalf,
  packet: Packet,
  frame: Uint8Array,
  _checked: boolean,
  into: TextWriter,
): void {
  const { protocol, malformed, summary } = inspector.push(frame, half.direction)
  const ends = `${half.source.text} > ${half.destination.text}`
  const flag = malformed === null ? '' : `  MALFORMED: ${malformed}`
  into.decimal(packet.number).text('  ')
  packet.writeTime(into)
  into.text(`  ${ends}  ${protocol}  ${summary}${flag}\n`)
}
