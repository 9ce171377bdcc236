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
  readonly bytes: Uint8Array
  /** For each line the number of the packet that brought it, and its octets. */
  readonly marks: Float64Array
  /** All lines that packets up to this number bring have been sent. */
  readonly through: number
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

/** Makes this file the work of a thread; `start` is given what the constructor of `Worker` takes. */
export function startPart(start: (file: URL, options: WorkerOptions) => Worker, task: PartTask): Worker {
  return start(new URL(import.meta.url), { workerData: { inspectPart: task } })
}

/** Keeps lines as bytes, with the packets that brought them. */
class MarkedInspection extends Inspection {
  readonly #send: (lines: PartLines, transfer: ArrayBuffer[]) => Promise<void>
  readonly #text: TextWriter
  /** Where the line that is being written begins. */
  #start = 0
  #marks = new Float64Array(1 << 14)
  #marked = 0
  #packet = 0
  #batches = 0

  constructor(json: boolean, send: (lines: PartLines, transfer: ArrayBuffer[]) => Promise<void>) {
    const text = new TextWriter(1 << 20)
    super(json, text)
    this.#text = text
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
    const bytes = this.#text.view().slice()
    const marks = this.#marks.slice(0, this.#marked)
    this.#text.clear()
    this.#start = 0
    this.#marked = 0
    await this.#send({ kind: 'lines', bytes, marks, through: packets }, [bytes.buffer, marks.buffer])
  }
}

async function runPart(task: PartTask): Promise<void> {
  const port = parentPort
  if (port === null) throw new InternalError('inspect.part', 'this is not a thread')
  let ahead = 0
  let goOn: (() => void) | undefined
  // Each message says how many batches have been merged.
  port.on('message', (merged: number) => {
    ahead -= merged
    goOn?.()
  })
  const send = async (lines: PartLines, transfer: ArrayBuffer[]): Promise<void> => {
    port.postMessage(lines, transfer)
    ahead++
    while (ahead >= MOST_AHEAD) await new Promise<void>((resolve) => (goOn = resolve))
  }
  const { file, json, protocol, part, maxBytes } = task
  const inspection = new MarkedInspection(json, send)
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
