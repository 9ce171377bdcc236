import type { Description, Direction } from '@gridseal/adapter'
import { adapters } from '@gridseal/bridge'
import type { Packet } from '@gridseal/pcap'
import { UsageError } from '@gridseal/wire'
import type { FlowHalf, FlowParts } from '../inspect/flow.ts'
import { InspectedFlow } from '../inspect/flow.ts'
import type { WalkVisitor } from '../inspect/walk.ts'
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
    const out = new LineWriter()
    const format = options.json ? jsonLine : textLine
    const inspection = new Inspection((half, packet, description) => out.line(format(half, packet, description)))
    const summary = await walkCapture(file, options, inspection)
    await out.end()
    for (const text of summary.problems) complain(`${file}: ${text}`)
    if (summary.missing > 0) complain(`${file}: ${summary.missing} bytes of TCP streams were not captured`)
    if (inspection.noise > 0) complain(`${file}: ${inspection.noise} bytes belong to no frame`)
  }
  return EXIT.ok
}

type Visit = (half: FlowHalf, packet: Packet, description: Description) => void

/** Turns the pieces of a capture's conversations into described frames. */
export class Inspection implements WalkVisitor<InspectedFlow> {
  readonly #visit: Visit
  #noise = 0

  constructor(visit: Visit) {
    this.#visit = visit
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

/** Collects lines and writes them in large pieces, waiting where the reader is slow. */
class LineWriter {
  #text = ''
  #pending: Promise<void> = Promise.resolve()

  line(text: string): void {
    this.#text += `${text}\n`
    if (this.#text.length > 1 << 16) this.#flush()
  }

  #flush(): void {
    const text = this.#text
    this.#text = ''
    this.#pending = this.#pending.then(
      () =>
        new Promise((resolve) =>
          process.stdout.write(text) ? resolve() : process.stdout.once('drain', () => resolve()),
        ),
    )
  }

  async end(): Promise<void> {
    this.#flush()
    await this.#pending
  }
}

/** The common fields, then the protocol's own. */
export function jsonLine(half: FlowHalf, packet: Packet, { malformed, members }: Description): string {
  const reason = malformed === null ? 'null' : JSON.stringify(malformed)
  const common = `{"frame":${packet.number},"time":"${packet.timeText}",${half.members},"malformed":${reason}`
  return members === '' ? `${common}}` : `${common},${members}}`
}

export function textLine(half: FlowHalf, packet: Packet, { protocol, malformed, summary }: Description): string {
  const ends = `${half.source.text} > ${half.destination.text}`
  const flag = malformed === null ? '' : `  MALFORMED: ${malformed}`
  return `${packet.number}  ${packet.timeText}  ${ends}  ${protocol}  ${summary}${flag}`
}
