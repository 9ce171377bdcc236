import { DecodeError, InternalError, describeError, toHex } from '@gridseal/wire'
import { peekBatch } from '../batch.ts'
import type { Lane, LogPosition } from '../entry.ts'
import { laneName } from '../entry.ts'
import { decodeCheckpoint, isCheckpoint } from './checkpoint.ts'
import type { Journal } from './journal.ts'
import { isNote } from './note.ts'
import type { Mark } from './marks.ts'
import type { Place } from './segment-index.ts'

/** One batch of a queue. */
export interface QueuedBatch {
  readonly bytes: Uint8Array
  /** 16-byte id of its log. */
  readonly stream: Uint8Array
  readonly number: number
  /** Where the record behind it begins. */
  readonly after: Place
  /** Where its log stood before it, where that is at hand. */
  readonly origin: LogPosition | undefined
}

export interface QueueOptions {
  /** Names the mark; unique in the journal. */
  readonly name: string
  readonly lane: Lane
  /** What is queued where no mark tells: `all` that the journal holds of the lane, or `none` of it. */
  readonly unmarked: 'all' | 'none'
  /** Bytes of batches kept in memory so that they need not be read again; default 8 MiB. */
  readonly memory?: number
  /** {@link JournalQueue.next} may have something again. */
  readonly onReady: () => void
  /** The journal cannot be read; the queue has ended. */
  readonly onError: (error: unknown) => void
}

/** A receiver's word on what it has: all before batch `next` of a log. */
export interface Received {
  readonly stream: Uint8Array
  readonly next: number
}

const MEMORY = 8 << 20

interface TailItem {
  readonly batch: Omit<QueuedBatch, 'after'>
  after: Place | undefined
}

/**
 * The batches of one lane that still have to be dealt with, in order, in the journal: a queue that a restart does not
 * empty and that takes no memory. {@link next} gives out each batch once it is on disk; {@link settle} moves the mark
 * that survives. The latest batches are kept in memory, so that a queue which is not behind reads nothing.
 */
export class JournalQueue {
  readonly #journal: Journal
  readonly #options: QueueOptions
  readonly #memory: number
  /** The latest batches, without a gap up to the newest; `after` is missing while one is being written. */
  #tail: TailItem[] = []
  #tailBytes = 0
  /** Index into the tail of the next batch to give out, unless there are older ones on disk only. */
  #cursor = 0
  /** Batches before the tail lie on disk only, from here on. */
  #spilled: Place | undefined
  #read: QueuedBatch[] = []
  #reading = false
  /** Given out and not settled yet. */
  #out: { readonly stream: Uint8Array; readonly number: number; readonly after: Place; readonly bytes: number }[] = []
  #backlog = { batches: 0, bytes: 0 }
  #generation = 0
  /** What the receiver has said; with `before` also that it has all that lies before that log. */
  #skip: (Received & { readonly before: boolean }) | undefined
  #ended = false

  private constructor(journal: Journal, options: QueueOptions) {
    this.#journal = journal
    this.#options = options
    this.#memory = options.memory ?? MEMORY
  }

  /** Takes up what is left from before. */
  static async open(journal: Journal, options: QueueOptions): Promise<JournalQueue> {
    const queue = new JournalQueue(journal, options)
    const mark = journal.marks.get(options.name)
    const [oldest] = journal.history.segments
    const start =
      mark?.place ?? (options.unmarked === 'none' ? journal.end : { segment: oldest?.segment ?? 1, offset: 0 })
    if (mark === undefined) journal.marks.set(options.name, { stream: new Uint8Array(16), number: 0, place: start })
    queue.#backlog = await journal.history.behind(options.lane, start)
    if (queue.#backlog.batches > 0) queue.#spilled = start
    queue.#guard()
    return queue
  }

  /** What is not settled yet. */
  get backlog(): { readonly batches: number; readonly bytes: number } {
    return { ...this.#backlog }
  }

  /** Appends a batch to the journal and to the queue; resolves when it is on disk. */
  async push(bytes: Uint8Array, stream: Uint8Array, number: number, origin: LogPosition | undefined): Promise<void> {
    const item: TailItem = { batch: { bytes, stream, number, origin }, after: undefined }
    this.#tail.push(item)
    this.#tailBytes += bytes.length
    this.#backlog.batches++
    this.#backlog.bytes += bytes.length
    this.#guard()
    const { segment, end } = await this.#journal.append(bytes, origin)
    item.after = { segment, offset: end }
    this.#trim()
    this.#options.onReady()
  }

  /** The next batch, or undefined: then `onReady` tells when there may be one. */
  next(): QueuedBatch | undefined {
    for (let batch = this.#take(); batch !== undefined; batch = this.#take()) {
      const { stream, number, after, bytes } = batch
      this.#out.push({ stream, number, after, bytes: bytes.length })
      if (!this.#has(batch)) return batch
      this.settle(stream, number)
    }
    return undefined
  }

  #take(): QueuedBatch | undefined {
    if (this.#ended) return undefined
    const read = this.#read.shift()
    if (read !== undefined) return read
    if (this.#spilled !== undefined) {
      this.#fill(this.#spilled)
      return undefined
    }
    const item = this.#tail[this.#cursor]
    if (item?.after === undefined) return undefined
    this.#cursor++
    return { ...item.batch, after: item.after }
  }

  /** Whether the receiver has said that it has this batch. */
  #has({ stream, number }: QueuedBatch): boolean {
    const skip = this.#skip
    if (skip === undefined) return false
    if (Buffer.compare(skip.stream, stream) !== 0) return skip.before
    if (number < skip.next) {
      this.#skip = { ...skip, before: false }
      return true
    }
    this.#skip = undefined
    return false
  }

  /** Whether a mark lies before the beginning of a log in the journal. */
  #isBehind({ place }: Mark, log: Uint8Array): boolean {
    const id = toHex(log)
    for (const { segment, streams } of this.#journal.history.segments) {
      // A checkpoint alone says nothing of where it began.
      const stream = streams.find((s) => s.stream === id && s.batches > 0)
      // The first segment that holds some of the log.
      if (stream !== undefined) {
        return segment > place.segment || (segment === place.segment && stream.firstOffset >= place.offset)
      }
    }
    return false
  }

  /** Entries of the first batch that are settled already: see {@link settlePart}. */
  get part(): number {
    return this.#journal.marks.get(this.#options.name)?.part ?? 0
  }

  /** So many entries of the batch that comes next to be settled need no more work. */
  settlePart(part: number): void {
    const mark = this.#journal.marks.get(this.#options.name)
    if (mark !== undefined) this.#journal.marks.set(this.#options.name, { ...mark, part })
  }

  /** The last batch that was settled, if there was one. */
  get settled(): { readonly stream: Uint8Array; readonly number: number } | undefined {
    const mark = this.#journal.marks.get(this.#options.name)
    return mark?.stream.some((octet) => octet !== 0) === true ? mark : undefined
  }

  /** All up to this batch needs no more work. */
  settle(stream: Uint8Array, number: number): void {
    const upTo = this.#out.findLastIndex((o) => o.number <= number && Buffer.compare(o.stream, stream) === 0)
    if (upTo < 0) return
    const settled = this.#out.splice(0, upTo + 1)
    const last = settled.at(-1)
    if (last === undefined) return
    for (const { bytes } of settled) {
      this.#backlog.batches--
      // What a restart has found is counted as it lies on disk, a little more than its batches.
      this.#backlog.bytes = this.#backlog.batches === 0 ? 0 : Math.max(0, this.#backlog.bytes - bytes)
    }
    this.#journal.marks.set(this.#options.name, { stream: last.stream, number: last.number, place: last.after })
    this.#guard()
    this.#trim()
  }

  /**
   * Begins anew behind what has been settled: what was given out and not settled comes again. What the receiver says it
   * has is settled first.
   */
  rewind(received?: Received): void {
    this.#generation++
    this.#read = []
    this.#out = []
    this.#cursor = 0
    this.#reading = false
    const mark = this.#journal.marks.get(this.#options.name)
    this.#skip = received && { ...received, before: mark !== undefined && this.#isBehind(mark, received.stream) }
    const first = this.#tail[0]
    // The tail reaches back to the mark, or what lies between is on disk.
    const whole = first !== undefined && this.#backlog.batches === this.#tail.length
    this.#spilled = this.#backlog.batches === 0 || whole ? undefined : mark?.place
    this.#options.onReady()
  }

  /** Begins anew at an older place: a receiver has lost what it had acknowledged. */
  async reopen(place: Place, before: { readonly stream: Uint8Array; readonly number: number }): Promise<void> {
    const mark = this.#journal.marks.get(this.#options.name)
    if (mark === undefined) return
    this.#journal.protect(this.#options.name, place.segment)
    const more = await this.#journal.history.behind(this.#options.lane, place, mark.place)
    // Settled meanwhile, or the same asked twice: the mark has moved, and what was measured is wrong.
    if (this.#journal.marks.get(this.#options.name) !== mark) return
    this.#journal.marks.set(this.#options.name, { ...before, place })
    this.#backlog = { batches: this.#backlog.batches + more.batches, bytes: this.#backlog.bytes + more.bytes }
    this.rewind()
  }

  /** Gives nothing out any more. Retention still leaves what is not settled. */
  end(): void {
    this.#ended = true
    this.#generation++
  }

  /** Retention must leave what is not settled, and the memory what has been given out and may come again. */
  #guard(): void {
    const place = this.#journal.marks.get(this.#options.name)?.place
    this.#journal.protect(this.#options.name, this.#backlog.batches === 0 ? undefined : place?.segment)
  }

  /** Forgets what is settled, and the oldest of what is on disk where there is too much. */
  #trim(): void {
    while (this.#tail.length > this.#backlog.batches) this.#drop()
    for (let [first] = this.#tail; this.#tailBytes > this.#memory && first?.after !== undefined; [first] = this.#tail) {
      this.#spilled ??= this.#cursor > 0 ? undefined : this.#lastGiven()
      this.#drop()
    }
  }

  /** Behind what was given out, or was read and will be. */
  #lastGiven(): Place | undefined {
    const last = this.#read.at(-1) ?? this.#out.at(-1)
    return last?.after ?? this.#journal.marks.get(this.#options.name)?.place
  }

  #drop(): void {
    const first = this.#tail.shift()
    this.#tailBytes -= first?.batch.bytes.length ?? 0
    this.#cursor = Math.max(0, this.#cursor - 1)
  }

  /** Reads on from disk until the tail takes over. */
  #fill(from: Place): void {
    if (this.#reading) return
    this.#reading = true
    const generation = this.#generation
    this.#readSome(from, generation).then(
      () => {
        if (generation === this.#generation) this.#reading = false
        if (generation === this.#generation) this.#options.onReady()
      },
      (error: unknown) => {
        if (generation !== this.#generation) return
        this.#ended = true
        const what = `cannot read the journal ${this.#journal.directory}: ${describeError(error)}`
        this.#options.onError(new InternalError('journal.read', what, {}, error))
      },
    )
  }

  async #readSome(from: Place, generation: number): Promise<void> {
    const name = laneName(this.#options.lane)
    const mark = this.#journal.marks.get(this.#options.name)
    const mine = new Set([toHex(mark?.stream ?? new Uint8Array(0)), ...this.#streamsAt(from)])
    let bytes = 0
    const { end } = this.#journal
    for await (const item of this.#journal.read(from)) {
      if (generation !== this.#generation) return
      if (item.kind === 'damage') continue
      const found = laneRecord(item.bytes, mine, name)
      if (found === undefined) continue
      const [first] = this.#tail
      if (
        first !== undefined &&
        first.batch.number === found.number &&
        Buffer.compare(first.batch.stream, found.stream) === 0
      ) {
        this.#spilled = undefined
        return
      }
      const after = { segment: item.segment, offset: item.end }
      this.#read.push({ bytes: Uint8Array.from(item.bytes), ...found, after, origin: undefined })
      this.#spilled = after
      bytes += item.bytes.length
      if (bytes >= this.#memory) return
    }
    if (generation !== this.#generation) return
    // All that is on disk has been read, or something has come meanwhile and may be in memory no longer.
    const now = this.#journal.end
    this.#spilled = now.segment === end.segment && now.offset === end.offset ? undefined : end
  }

  /** Logs of the lane that a segment holds. */
  #streamsAt({ segment }: Place): string[] {
    const name = laneName(this.#options.lane)
    const summary = this.#journal.history.segments.find((s) => s.segment === segment)
    const of = summary?.streams.filter(({ lane }) => lane !== undefined && laneName(lane) === name) ?? []
    return of.map(({ stream }) => stream)
  }
}

/** The batch in a record, if it is one of the lane; learns the lane's logs from their headers and checkpoints. */
function laneRecord(
  bytes: Uint8Array,
  mine: Set<string>,
  lane: string,
): { stream: Uint8Array; number: number } | undefined {
  try {
    if (isNote(bytes)) return undefined
    if (isCheckpoint(bytes)) {
      const position = decodeCheckpoint(bytes)
      if (laneName(position) === lane) mine.add(toHex(position.stream))
      return undefined
    }
    const { stream, number, log } = peekBatch(bytes)
    if (log !== undefined && laneName(log) === lane) mine.add(toHex(stream))
    return mine.has(toHex(stream)) ? { stream: Uint8Array.from(stream), number } : undefined
  } catch (error) {
    if (error instanceof DecodeError) return undefined
    throw error
  }
}
