import type { Description, Direction } from '@gridseal/adapter'
import type { Packet } from '@gridseal/pcap'
import type { FlowHalf, FlowParts } from './flow.ts'
import { InspectedFlow } from './flow.ts'
import type { WalkVisitor } from './walk.ts'

/** Turns the pieces of a capture's conversations into a line per frame, as JSON or for people. */
export abstract class Inspection implements WalkVisitor<InspectedFlow> {
  #records = 0
  #noise = 0
  readonly #format: typeof jsonLine

  constructor(json: boolean) {
    this.#format = json ? jsonLine : textLine
  }

  /** Takes the line of one frame, without an end of line. */
  protected abstract line(text: string): void

  /** What the walk waits for between the chunks of a capture. */
  abstract ready(packets: number): Promise<void>

  begin(parts: FlowParts): InspectedFlow {
    return new InspectedFlow(parts)
  }

  piece(flow: InspectedFlow, direction: Direction, packet: Packet, bytes: Uint8Array): void {
    const half = flow.half(direction)
    const { framer } = half
    for (const frame of framer.push(bytes)) this.#frame(flow, half, packet, frame)
    if (flow.parts.medium === 'datagram') framer.reset()
    // A copy: a view would keep the whole of the capture in memory.
    half.unfinished = framer.pending === 0 ? undefined : packet.detached()
  }

  /** What follows begins anew: what a framer still holds is what there is. */
  gap(flow: InspectedFlow, direction: Direction): void {
    const half = direction === 'to-device' ? flow.toDevice : flow.toMaster
    if (half?.unfinished === undefined) return
    for (const frame of half.framer.quiet()) this.#frame(flow, half, half.unfinished, frame)
    half.unfinished = undefined
  }

  end(flow: InspectedFlow): void {
    this.gap(flow, 'to-device')
    this.gap(flow, 'to-master')
    this.#noise += (flow.toDevice?.noise ?? 0) + (flow.toMaster?.noise ?? 0)
  }

  #frame(flow: InspectedFlow, half: FlowHalf, packet: Packet, frame: Uint8Array): void {
    this.#records++
    this.line(this.#format(half, packet, flow.inspector.push(frame, half.direction)))
  }

  /** Lines so far. */
  get records(): number {
    return this.#records
  }

  /** Bytes that belong to no frame, of the flows that have ended. */
  get noise(): number {
    return this.#noise
  }
}

/** The common fields, then the protocol's own. */
function jsonLine(half: FlowHalf, packet: Packet, { malformed, members }: Description): string {
  const reason = malformed === null ? 'null' : JSON.stringify(malformed)
  const common = `{"frame":${packet.number},"time":"${packet.timeText}",${half.members},"malformed":${reason}`
  return members === '' ? `${common}}` : `${common},${members}}`
}

function textLine(half: FlowHalf, packet: Packet, { protocol, malformed, summary }: Description): string {
  const ends = `${half.source.text} > ${half.destination.text}`
  const flag = malformed === null ? '' : `  MALFORMED: ${malformed}`
  return `${packet.number}  ${packet.timeText}  ${ends}  ${protocol}  ${summary}${flag}`
}
