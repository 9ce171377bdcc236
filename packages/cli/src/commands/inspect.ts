import type { Description, Direction } from '@gridseal/adapter'
import { adapters } from '@gridseal/bridge'
import type { Packet } from '@gridseal/pcap'
import { UsageError } from '@gridseal/wire'
import type { FlowHalf, FlowParts } from '../inspect/flow.ts'
import { InspectedFlow } from '../inspect/flow.ts'
import type { Sink } from '../inspect/line-writer.ts'
import { LineWriter, standardOutput } from '../inspect/line-writer.ts'
import type { WalkSummary, WalkVisitor } from '../inspect/walk.ts'
import { walkCapture } from '../inspect/walk.ts'
import { EXIT, complain } from '../output.ts'

export interface InspectOptions {
  readonly json: boolean
  readonly protocol?: string
}

/** Prints one record per protocol data unit of each capture. */
export async function inspect(files: readonly string[], options: InspectOptions): Promise<number> {
  if (options.protocol !== undefined && !adapters().some((adapter) => adapter.protocol === options.protocol)) {
    const names = adapters().map((adapter) => adapter.protocol)
    throw new UsageError('inspect.protocol', `no protocol "${options.protocol}"; there are ${names.join(', ')}`)
  }
  for (const file of files) {
    const { problems, missing, noise } = await inspectFile(file, options, standardOutput)
    for (const text of problems) complain(`${file}: ${text}`)
    if (missing > 0) complain(`${file}: ${missing} bytes of TCP streams were not captured`)
    if (noise > 0) complain(`${file}: ${noise} bytes belong to no frame`)
  }
  return EXIT.ok
}

/** What was seen in a capture beside the records. */
export interface InspectSummary extends WalkSummary {
  readonly records: number
  /** Bytes that belong to no frame. */
  readonly noise: number
}

/** Writes the records of one capture, a line each, in constant memory however slow `sink` is. */
export async function inspectFile(file: string, options: InspectOptions, sink: Sink): Promise<InspectSummary> {
  const out = new LineWriter(sink)
  const format = options.json ? jsonLine : textLine
  let records = 0
  const inspection = new Inspection(
    (half, packet, description) => {
      records++
      out.line(format(half, packet, description))
    },
    () => out.drained(),
  )
  const summary = await walkCapture(file, options, inspection)
  await out.end()
  return { ...summary, records, noise: inspection.noise }
}

type Visit = (half: FlowHalf, packet: Packet, description: Description) => void

/** Turns the pieces of a capture's conversations into described frames. */
class Inspection implements WalkVisitor<InspectedFlow> {
  readonly #visit: Visit
  #noise = 0

  /** What the walk waits for between the chunks of a capture. */
  readonly ready: () => Promise<void>

  constructor(visit: Visit, ready: () => Promise<void>) {
    this.#visit = visit
    this.ready = ready
  }

  begin(parts: FlowParts): InspectedFlow {
    return new InspectedFlow(parts)
  }

  piece(flow: InspectedFlow, direction: Direction, packet: Packet, bytes: Uint8Array): void {
    const half = flow.half(direction)
    const { framer } = half
    for (const frame of framer.push(bytes)) this.#visit(half, packet, flow.inspector.push(frame, direction))
    if (flow.parts.medium === 'datagram') framer.reset()
    // A copy: a view would keep the whole of the capture in memory.
    half.unfinished = framer.pending === 0 ? undefined : packet.detached()
  }

  /** What follows begins anew: what a framer still holds is what there is. */
  gap(flow: InspectedFlow, direction: Direction): void {
    const half = direction === 'to-device' ? flow.toDevice : flow.toMaster
    if (half?.unfinished === undefined) return
    for (const frame of half.framer.quiet()) this.#visit(half, half.unfinished, flow.inspector.push(frame, direction))
    half.unfinished = undefined
  }

  end(flow: InspectedFlow): void {
    this.gap(flow, 'to-device')
    this.gap(flow, 'to-master')
    this.#noise += (flow.toDevice?.noise ?? 0) + (flow.toMaster?.noise ?? 0)
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
