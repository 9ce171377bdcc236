import type { Direction } from '@gridseal/adapter'
import type { Packet } from '@gridseal/pcap'
import type { TextWriter } from '@gridseal/wire'
import type { FlowHalf, FlowParts, FlowReader } from './flow.ts'
import { InspectedFlow, Readers } from './flow.ts'
import { writeJson, writeWords } from './lines.ts'
import type { WalkVisitor } from './walk.ts'

/** Turns the pieces of a capture's conversations into a line per frame, as JSON or for people. */
export abstract class Inspection implements WalkVisitor<InspectedFlow> {
  #records = 0
  #noise = 0
  readonly #write: typeof writeJson
  readonly #text: TextWriter
  readonly #readers = new Readers()

  /** Lines are written into `text`. */
  constructor(json: boolean, text: TextWriter) {
    this.#write = json ? writeJson : writeWords
    this.#text = text
  }

  /** Told of each line when it is written, its end of line included. */
  protected abstract lineEnd(): void

  /** What the walk waits for between the chunks of a capture. */
  abstract ready(packets: number): Promise<void>

  begin(parts: FlowParts): InspectedFlow {
    return new InspectedFlow(parts)
  }

  piece(flow: InspectedFlow, direction: Direction, packet: Packet, bytes: Uint8Array): void {
    const reader = this.#readers.of(flow)
    const half = reader.half(direction)
    const { framer } = half
    const { invalid } = framer
    const frames = framer.push(bytes)
    const checked = framer.invalid === invalid
    for (const frame of frames) this.#frame(flow, reader, half, packet, frame, checked)
    if (flow.medium === 'datagram') framer.reset()
    // A copy: a view would keep the whole of the capture in memory.
    half.unfinished = framer.pending === 0 ? undefined : packet.detached()
  }

  /** What follows begins anew: what a framer still holds is what there is. */
  gap(flow: InspectedFlow, direction: Direction): void {
    if (flow.reader !== undefined) this.#giveUp(flow, flow.reader, direction)
  }

  end(flow: InspectedFlow): void {
    const { reader } = flow
    if (reader === undefined) return
    this.#giveUp(flow, reader, 'to-device')
    this.#giveUp(flow, reader, 'to-master')
    this.#noise += reader.noise
    this.#readers.giveBack(flow)
  }

  #giveUp(flow: InspectedFlow, reader: FlowReader, direction: Direction): void {
    const half = reader.half(direction)
    const { unfinished } = half
    if (unfinished === undefined) return
    for (const frame of half.framer.quiet()) this.#frame(flow, reader, half, unfinished, frame, false)
    half.unfinished = undefined
  }

  #frame(
    flow: InspectedFlow,
    reader: FlowReader,
    half: FlowHalf,
    packet: Packet,
    frame: Uint8Array,
    checked: boolean,
  ): void {
    this.#records++
    this.#write(flow, reader.inspector, half, packet, frame, checked, this.#text)
    this.lineEnd()
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
