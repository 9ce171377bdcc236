import { Worker } from 'node:worker_threads'
import { InternalError, UsageError } from '@gridseal/wire'
import type { InspectOptions, InspectSummary } from './inspect-file.ts'
import type { LineWriter } from './line-writer.ts'
import type { PartLines, PartMemory, PartMessage } from './part-worker.ts'
import { MOST_AHEAD, startPart } from './part-worker.ts'
import { MOST_PROBLEMS } from './walk.ts'
import type { WalkProblem } from './walk.ts'

/**
 * Inspects a capture in several threads. Each walks the whole file, but follows only the pairs of hosts that fall to its
 * part; the lines are merged in the order of the packets that brought them, so that the output is that of one thread.
 */
export async function inspectInParts(
  file: string,
  size: number,
  { json, protocol }: InspectOptions,
  threads: number,
  out: LineWriter,
): Promise<InspectSummary> {
  const parts = Array.from({ length: threads }, () => new PartQueue())
  const workers: Worker[] = []
  const merge = new PartMerge(parts, out)
  try {
    const summaries = await Promise.all(
      parts.map(async (queue, index) => {
        const task = { file, json, protocol, part: { index, of: threads }, maxBytes: size }
        const worker = startPart((script, options) => new Worker(script, options), task)
        workers.push(worker)
        return runPart(file, worker, queue, merge)
      }),
    )
    await out.end()
    return summaries.reduce(joined)
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()))
  }
}

/** A thread is told of so many merged batches at once; a part of what it may be ahead. */
const TOLD_AT_ONCE = MOST_AHEAD / 6

/** Resolves with what a thread has seen when all its lines are merged. */
function runPart(file: string, worker: Worker, queue: PartQueue, merge: PartMerge): Promise<InspectSummary> {
  let merged: PartMemory[] = []
  queue.merged = ({ bytes, marks }) => {
    merged.push({ text: bytes.buffer, marks: marks.buffer })
    if (merged.length < TOLD_AT_ONCE) return
    worker.postMessage(
      merged,
      merged.flatMap((memory) => [memory.text, memory.marks]),
    )
    merged = []
  }
  let ended = false
  return new Promise((resolve, reject) => {
    worker.on('message', (message: PartMessage) => {
      switch (message.kind) {
        case 'lines':
          queue.push(message)
          merge.run().catch(reject)
          return
        case 'end':
          // The thread is gone at once; its last lines wait for a reader that may be slow.
          ended = true
          merge.run().then(() => resolve(message.summary), reject)
          return
        case 'failed':
          reject(new UsageError(message.code, message.reason, { file }))
      }
    })
    worker.on('error', reject)
    worker.on('exit', () => {
      if (!ended) reject(new InternalError('inspect.part', 'a thread has ended too early'))
    })
  })
}

/** Lines of one thread that wait to be merged. */
class PartQueue {
  /** Told for each batch that has been merged. */
  merged: (lines: PartLines) => void = () => {}
  /** Packets up to this number have brought all their lines. */
  through = 0
  readonly #batches: PartLines[] = []
  /** The next line of the first batch: its place among the marks, and its first octet. */
  #mark = 0
  #at = 0

  push(lines: PartLines): void {
    this.through = lines.through
    this.#batches.push(lines)
    this.#skipEmpty()
  }

  /** Number of the packet that brought the next line; Infinity without one. */
  get next(): number {
    return this.#batches[0]?.marks[this.#mark] ?? Infinity
  }

  /** Writes the lines up to those of packet `last`, as far as the first batch has them. */
  write(last: number, out: LineWriter): void {
    const batch = this.#batches[0]!
    const { marks } = batch
    const from = this.#at
    while (this.#mark < marks.length && marks[this.#mark]! <= last) {
      this.#at += marks[this.#mark + 1]!
      this.#mark += 2
    }
    out.lines(batch.bytes, from, this.#at)
    this.#skipEmpty()
  }

  #skipEmpty(): void {
    while (this.#batches.length > 0 && this.#mark >= this.#batches[0]!.marks.length) {
      const lines = this.#batches.shift()!
      this.#mark = 0
      this.#at = 0
      this.merged(lines)
    }
  }
}

/** Merges the lines of all threads as far as they go. */
class PartMerge {
  readonly #parts: readonly PartQueue[]
  readonly #out: LineWriter
  #running: Promise<void> = Promise.resolve()

  constructor(parts: readonly PartQueue[], out: LineWriter) {
    this.#parts = parts
    this.#out = out
  }

  /** Resolves when what was there when it was called is merged, and the reader has taken it. */
  run(): Promise<void> {
    this.#running = this.#running.then(() => {
      this.#merge()
      return this.#out.drained()
    })
    return this.#running
  }

  #merge(): void {
    const known = Math.min(...this.#parts.map((part) => part.through))
    for (;;) {
      // A packet is of one part, so two parts never wait with the same number.
      let first: PartQueue | undefined
      let next = Infinity
      let others = Infinity
      for (const part of this.#parts) {
        if (part.next < next) {
          others = next
          next = part.next
          first = part
        } else others = Math.min(others, part.next)
      }
      if (first === undefined || next > known) return
      first.write(Math.min(others, known), this.#out)
    }
  }
}

/** What two parts of a capture have seen together. */
function joined(one: InspectSummary, other: InspectSummary): InspectSummary {
  const place = ({ packet }: WalkProblem): number => packet ?? Infinity
  const problems = [...one.problems, ...other.problems].sort((a, b) => place(a) - place(b) || 0)
  return {
    packets: one.packets,
    problems: problems.slice(0, MOST_PROBLEMS),
    missing: one.missing + other.missing,
    unknown: one.unknown + other.unknown,
    records: one.records + other.records,
    noise: one.noise + other.noise,
  }
}
