import { parentPort, workerData } from 'node:worker_threads'
import type { Worker, WorkerOptions } from 'node:worker_threads'
import type { CapturePart } from '@gridseal/pcap'
import { GridsealError, InternalError, TextWriter } from '@gridseal/wire'
import type { InspectSummary } from './inspect-file.ts'
import { Inspection } from './inspection.ts'
import { walkCapture } from './walk.ts'

/** What a thread is to do. */
export interface PartTask {
  readonly file: string
  readonly json: boolean
  readonly protocol: string | undefined
  readonly part: CapturePart
  /** Bytes of the file that are looked at: the same for all threads, should somebody write to it. */
  readonly maxBytes: number
}

/** The lines of some packets. */
export interface PartLines {
  readonly kind: 'lines'
  /** Lines of UTF-8 with their ends. */
  readonly bytes: Uint8Array<ArrayBuffer>
  /** For each line the number of the packet that brought it, and its octets. */
  readonly marks: Float64Array<ArrayBuffer>
  /** All lines that packets up to this number bring have been sent. */
  readonly through: number
}

/** Memory of a batch that has been merged, on its way back. A message to a thread is a list of them. */
export interface PartMemory {
  readonly text: ArrayBuffer
  readonly marks: ArrayBuffer
}

export type PartMessage =
  | PartLines
  | { readonly kind: 'end'; readonly summary: InspectSummary }
  | { readonly kind: 'failed'; readonly code: string; readonly reason: string }

/**
 * Batches that a thread may be ahead of what has been merged, each about a megabyte: much of what follows one another
 * in a capture is of the same hosts, and the thread that has them must not hold up the others.
 */
export const MOST_AHEAD = 48

/** Batches of packets whose lines are sent at once. */
const BATCHES_SENT = 8

/** Octets of lines, and numbers of marks, that such a batch of lines has room for at first. */
const TEXT = 1 << 20
const MARKS = 1 << 14

/** Makes this file the work of a thread; `start` is given what the constructor of `Worker` takes. */
export function startPart(start: (file: URL, options: WorkerOptions) => Worker, task: PartTask): Worker {
  return start(new URL(import.meta.url), { workerData: { inspectPart: task } })
}

/** Keeps lines as bytes, with the packets that brought them. */
class MarkedInspection extends Inspection {
  readonly #send: (lines: PartLines) => Promise<void>
  /** Memory of batches that have been merged: new memory, by the megabyte, is what costs most of all that threads do. */
  readonly #merged: PartMemory[]
  readonly #text: TextWriter
  /** Where the line that is being written begins. */
  #start = 0
  #marks = new Float64Array(MARKS)
  #marked = 0
  #packet = 0
  #batches = 0

  constructor(json: boolean, merged: PartMemory[], send: (lines: PartLines) => Promise<void>) {
    const text = new TextWriter(TEXT)
    super(json, text)
    this.#text = text
    this.#merged = merged
    this.#send = send
  }

  arrival(packet: number): void {
    this.#packet = packet
  }

  protected override lineEnd(): void {
    if (this.#marked === this.#marks.length) {
      const marks = new Float64Array(this.#marks.length * 2)
      marks.set(this.#marks)
      this.#marks = marks
    }
    const { length } = this.#text
    this.#marks[this.#marked++] = this.#packet
    this.#marks[this.#marked++] = length - this.#start
    this.#start = length
  }

  override async ready(packets: number): Promise<void> {
    if (++this.#batches % BATCHES_SENT !== 0 && Number.isFinite(packets)) return
    const { text, marks } = this.#merged.pop() ?? { text: new ArrayBuffer(TEXT), marks: new ArrayBuffer(8 * MARKS) }
    const sent: PartLines = {
      kind: 'lines',
      bytes: this.#text.take(text),
      marks: this.#marks.subarray(0, this.#marked),
      through: packets,
    }
    this.#marks = new Float64Array(marks)
    this.#start = 0
    this.#marked = 0
    await this.#send(sent)
  }
}

async function runPart(task: PartTask): Promise<void> {
  const port = parentPort
  if (port === null) throw new InternalError('inspect.part', 'this is not a thread')
  let ahead = 0
  let goOn: (() => void) | undefined
  const merged: PartMemory[] = []
  port.on('message', (memory: PartMemory[]) => {
    merged.push(...memory)
    ahead -= memory.length
    goOn?.()
  })
  const send = async (lines: PartLines): Promise<void> => {
    port.postMessage(lines, [lines.bytes.buffer, lines.marks.buffer])
    ahead++
    while (ahead >= MOST_AHEAD) await new Promise<void>((resolve) => (goOn = resolve))
  }
  const { file, json, protocol, part, maxBytes } = task
  const inspection = new MarkedInspection(json, merged, send)
  try {
    const only = protocol === undefined ? {} : { protocol }
    const summary = await walkCapture(file, { ...only, part, maxBytes }, inspection)
    await inspection.ready(Infinity)
    const { records, noise } = inspection
    port.postMessage({ kind: 'end', summary: { ...summary, records, noise } })
  } catch (error) {
    if (!(error instanceof GridsealError)) throw error
    port.postMessage({ kind: 'failed', code: error.code, reason: error.message })
  } finally {
    port.close()
  }
}

const data = workerData as { readonly inspectPart?: PartTask } | null
if (data?.inspectPart !== undefined) await runPart(data.inspectPart)
