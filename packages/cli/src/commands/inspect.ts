import type { Description, Direction } from '@gridseal/adapter'
import { adapters } from '@gridseal/bridge'
import { UsageError } from '@gridseal/wire'
import { InspectedFlow } from '../inspect/flow.ts'
import type { Flow } from '../inspect/flow.ts'
import type { Piece, WalkVisitor } from '../inspect/walk.ts'
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
    const inspection = new Inspection((piece, direction, description) =>
      out.line(format(piece, direction, description)),
    )
    const summary = await walkCapture(file, options, inspection)
    inspection.finish()
    await out.end()
    for (const text of summary.problems) complain(`${file}: ${text}`)
    if (summary.missing > 0) complain(`${file}: ${summary.missing} bytes of TCP streams were not captured`)
    if (inspection.noise > 0) complain(`${file}: ${inspection.noise} bytes belong to no frame`)
  }
  return EXIT.ok
}

type Visit = (piece: Piece, direction: Direction, description: Description) => void

/** Turns the pieces of a capture's conversations into described frames. */
export class Inspection implements WalkVisitor {
  readonly #flows = new Map<Flow, InspectedFlow>()
  readonly #visit: Visit
  #noise = 0

  constructor(visit: Visit) {
    this.#visit = visit
  }

  piece(piece: Piece): void {
    const { flow, direction, bytes } = piece
    let inspected = this.#flows.get(flow)
    if (inspected === undefined) this.#flows.set(flow, (inspected = new InspectedFlow(flow)))
    inspected.last[direction] = piece
    const framer = inspected.framer(direction)
    for (const frame of framer.push(bytes)) this.#visit(piece, direction, inspected.inspector.push(frame, direction))
    if (flow.medium === 'datagram') framer.reset()
  }

  /** What follows begins anew: what a framer still holds is what there is. */
  gap(flow: Flow, direction: Direction): void {
    const inspected = this.#flows.get(flow)
    const piece = inspected?.last[direction]
    if (inspected === undefined || piece === undefined) return
    for (const frame of inspected.framer(direction).quiet()) {
      this.#visit(piece, direction, inspected.inspector.push(frame, direction))
    }
  }

  end(flow: Flow): void {
    this.gap(flow, 'to-device')
    this.gap(flow, 'to-master')
    this.#noise += this.#flows.get(flow)?.noise ?? 0
    this.#flows.delete(flow)
  }

  /** The capture is over. */
  finish(): void {
    for (const flow of this.#flows.keys()) this.end(flow)
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
export function jsonLine({ packet, flow }: Piece, direction: Direction, { malformed, members }: Description): string {
  const reason = malformed === null ? 'null' : JSON.stringify(malformed)
  const common = `{"frame":${packet.number},"time":"${packet.timeText}",${flow.members[direction]},"malformed":${reason}`
  return members === '' ? `${common}}` : `${common},${members}}`
}

export function textLine({ packet, flow }: Piece, direction: Direction, description: Description): string {
  const { client, server } = flow
  const ends = direction === 'to-device' ? `${client} > ${server}` : `${server} > ${client}`
  const { protocol, malformed, summary } = description
  const flag = malformed === null ? '' : `  MALFORMED: ${malformed}`
  return `${packet.number}  ${packet.timeText}  ${ends}  ${protocol}  ${summary}${flag}`
}
