import { stat } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { UsageError, describeError } from '@gridseal/wire'
import { Inspection } from './inspection.ts'
import type { Sink } from './line-writer.ts'
import { LineWriter } from './line-writer.ts'
import { inspectInParts } from './parts.ts'
import type { WalkSummary } from './walk.ts'
import { walkCapture } from './walk.ts'

export interface InspectOptions {
  /** A line of JSON per record rather than of text. */
  readonly json: boolean
  /** Only this protocol. */
  readonly protocol?: string
  /** Threads among which the pairs of hosts are divided; default as many as pay. The output does not depend on it. */
  readonly threads?: number
}

/** What was seen in a capture beside the records. */
export interface InspectSummary extends WalkSummary {
  readonly records: number
  /** Bytes that belong to no frame. */
  readonly noise: number
}

/** A capture must be larger for threads to pay: each loads the program and warms up by itself. */
const SMALL = 512 << 20
const MOST_THREADS = 4

/**
 * Into how many threads to divide a capture of `size` bytes on so many `cores`. Two threads take more than twice the CPU
 * time of one: both read everything, and the lines are put together in a third. On two cores that is a loss.
 */
export function threadsThatPay(size: number, cores: number): number {
  return size < SMALL ? 1 : Math.max(1, Math.min(MOST_THREADS, cores - 1))
}

/**
 * Writes the records of one capture, a line each, in the order captured and in constant memory however slow `sink` is.
 * Throws `UsageError` `capture.read` for what is no capture.
 */
export async function inspectFile(file: string, options: InspectOptions, sink: Sink): Promise<InspectSummary> {
  const out = new LineWriter(sink)
  const size = await sizeOf(file)
  const threads = options.threads ?? threadsThatPay(size, availableParallelism())
  if (threads > 1) return inspectInParts(file, size, options, threads, out)
  const inspection = new WrittenInspection(options.json, out)
  const summary = await walkCapture(file, options, inspection)
  await out.end()
  return { ...summary, records: inspection.records, noise: inspection.noise }
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size
  } catch (error) {
    throw new UsageError('capture.read', `${file}: ${describeError(error)}`, { file }, error)
  }
}

class WrittenInspection extends Inspection {
  readonly #out: LineWriter

  constructor(json: boolean, out: LineWriter) {
    super(json, out.text)
    this.#out = out
  }

  protected override lineEnd(): void {
    this.#out.lineEnd()
  }

  override ready(): Promise<void> {
    return this.#out.drained()
  }
}
