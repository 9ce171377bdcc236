import { DecodeError, UsageError, toHex } from '@gridseal/wire'
import type { RawBatch } from '../batch.ts'
import { decodeBatch, peekBatch } from '../batch.ts'
import type { Lane, LogPosition } from '../entry.ts'
import { readHeaderLeaf } from '../leaf.ts'
import { Frontier } from '../merkle/frontier.ts'
import { decodeCheckpoint, isCheckpoint } from './checkpoint.ts'
import type { Note } from './note.ts'
import { decodeNote, isNote } from './note.ts'

/** Where a record lies. */
export interface Place {
  readonly segment: number
  readonly offset: number
}

/** One batch in a segment. */
export interface IndexEntry {
  readonly offset: number
  /** Where the next record begins. */
  readonly end: number
  /** Log id in hex. */
  readonly stream: string
  readonly number: number
  readonly treeSize: number
  readonly leaves: number
  /** When it was appended, ms since 1970-01-01 UTC; 0 where that is not known. */
  readonly time: number
  /** Where the log stood before this batch; every now and then, and at the log's first batch in the segment. */
  readonly origin: LogPosition | undefined
}

/** What a segment holds of one log: batches, or a checkpoint that tells where it stands. */
export interface StreamSummary {
  readonly stream: string
  /** What the log is of, where the segment tells. */
  lane: Lane | undefined
  readonly first: number
  last: number
  treeSize: number
  batches: number
  /** Bytes of its records in the file. */
  bytes: number
  readonly firstOffset: number
  lastOffset: number
}

/** What a segment holds, all told. */
export interface SegmentSummary {
  readonly segment: number
  /** Bytes of the file up to the end of the last record. */
  readonly end: number
  readonly batches: number
  /** When it was first and last written to, ms since 1970-01-01 UTC; 0 where that is not known. */
  readonly firstTime: number
  readonly lastTime: number
  /** The last opening that the segment tells of. */
  readonly opened: { readonly journal: string; readonly epoch: number } | undefined
  readonly streams: readonly StreamSummary[]
}

/** An origin is kept at least so often: a receipt costs no more hashes than that. */
const ORIGIN_LEAVES = 2048
const ORIGIN_BATCHES = 64

/** The index of one segment, as it grows. */
export class SegmentIndex {
  readonly segment: number
  readonly entries: IndexEntry[] = []
  readonly #streams = new Map<string, StreamSummary>()
  readonly #lanes = new Map<string, Lane>()
  readonly #sinceOrigin = new Map<string, { leaves: number; batches: number }>()
  #end: number
  #firstTime = 0
  #lastTime = 0
  #opened: SegmentSummary['opened']

  constructor(segment: number, end: number) {
    this.segment = segment
    this.#end = end
  }

  /** Whether the segment tells where a log stands: its beginning, or a checkpoint of it. */
  knows(stream: string): boolean {
    return this.#lanes.has(stream)
  }

  get summary(): SegmentSummary {
    return {
      segment: this.segment,
      end: this.#end,
      batches: this.entries.length,
      firstTime: this.#firstTime,
      lastTime: this.#lastTime,
      opened: this.#opened,
      streams: [...this.#streams.values()],
    }
  }

  /** Notes a record that was written at `offset`; `origin` is where its log stood before it, if that is known. */
  add(offset: number, end: number, payload: Uint8Array, time: number, origin: LogPosition | undefined): void {
    this.#end = end
    if (time > 0) {
      if (this.#firstTime === 0) this.#firstTime = time
      this.#lastTime = Math.max(this.#lastTime, time)
    }
    try {
      if (isCheckpoint(payload)) this.#checkpoint(offset, decodeCheckpoint(payload))
      else if (isNote(payload)) this.#note(decodeNote(payload))
      else this.#batch(offset, end, payload, time, origin)
    } catch (error) {
      // What is no batch lies in the journal like any other record; it cannot be looked up.
      if (!(error instanceof DecodeError)) throw error
    }
  }

  #checkpoint(offset: number, { site, direction, class: streamClass, stream: id, next, treeSize }: LogPosition): void {
    const stream = toHex(id)
    const lane = { site, direction, class: streamClass }
    this.#lanes.set(stream, lane)
    if (this.#streams.has(stream) || next === 0) return
    const at = { firstOffset: offset, lastOffset: offset }
    this.#streams.set(stream, { stream, lane, first: next, last: next - 1, treeSize, batches: 0, bytes: 0, ...at })
  }

  #note(note: Note): void {
    if (note.kind === 'opened') this.#opened = { journal: toHex(note.journal), epoch: note.epoch }
  }

  /** Takes over an entry of an index that was read. */
  restore(entry: IndexEntry): void {
    const { offset, end, stream, origin, time } = entry
    this.#end = end
    if (this.#firstTime === 0) this.#firstTime = time
    this.#lastTime = Math.max(this.#lastTime, time)
    if (origin !== undefined) this.#checkpoint(offset, origin)
    this.#enter(entry, end - offset)
    this.#sinceOrigin.set(stream, { leaves: 0, batches: 0 })
  }

  #batch(offset: number, end: number, payload: Uint8Array, time: number, origin: LogPosition | undefined): void {
    const { stream: id, number, treeSize, leaves, log } = peekBatch(payload)
    const stream = toHex(id)
    if (log !== undefined) this.#lanes.set(stream, { site: log.site, direction: log.direction, class: log.class })
    const keep = origin !== undefined && this.#isDue(stream, leaves)
    const entry = { offset, end, stream, number, treeSize, leaves, time, origin: keep ? origin : undefined }
    this.#enter(entry, end - offset)
  }

  #enter(entry: IndexEntry, bytes: number): void {
    const { stream, number, treeSize, offset } = entry
    this.entries.push(entry)
    const known = this.#streams.get(stream)
    if (known === undefined) {
      const lane = this.#lanes.get(stream)
      const at = { firstOffset: offset, lastOffset: offset }
      this.#streams.set(stream, { stream, lane, first: number, last: number, treeSize, batches: 1, bytes, ...at })
      return
    }
    known.lane ??= this.#lanes.get(stream)
    known.last = number
    known.treeSize = treeSize
    known.batches++
    known.bytes += bytes
    known.lastOffset = offset
  }

  #isDue(stream: string, leaves: number): boolean {
    const since = this.#sinceOrigin.get(stream)
    if (since === undefined || since.leaves >= ORIGIN_LEAVES || since.batches >= ORIGIN_BATCHES) {
      this.#sinceOrigin.set(stream, { leaves, batches: 1 })
      return true
    }
    since.leaves += leaves
    since.batches++
    return false
  }
}

/** Follows the logs of records that are read in order, to know where each stood: for an index that is made anew. */
export class OriginTracker {
  readonly #logs = new Map<
    string,
    { readonly frontier: Frontier; root: Uint8Array; next: number; lane: Lane; created: bigint }
  >()

  /** Where the log of a batch stood before it, if that is known; takes checkpoints as well. */
  push(payload: Uint8Array): LogPosition | undefined {
    try {
      if (isCheckpoint(payload)) this.#resume(decodeCheckpoint(payload))
      else if (!isNote(payload)) return this.#extend(decodeBatch(payload))
    } catch (error) {
      if (!(error instanceof DecodeError) && !(error instanceof UsageError)) throw error
    }
    return undefined
  }

  /** Goes on from a known position of a log. */
  seed(position: LogPosition): void {
    this.#resume(position)
  }

  #resume(position: LogPosition): void {
    const { site, direction, class: streamClass, root, next, created } = position
    const lane = { site, direction, class: streamClass }
    const frontier = Frontier.from(position.treeSize, position.frontier)
    this.#logs.set(toHex(position.stream), { frontier, root, next, lane, created })
  }

  #extend(batch: RawBatch): LogPosition | undefined {
    const { header, leaves } = batch
    const stream = toHex(header.stream)
    let log = this.#logs.get(stream)
    const [first] = leaves
    if (header.number === 0 && first !== undefined) {
      const { site, direction, class: streamClass, created } = readHeaderLeaf(first)
      const lane = { site, direction, class: streamClass }
      log = { frontier: new Frontier(), root: new Uint8Array(0), next: 0, lane, created }
      this.#logs.set(stream, log)
    }
    if (log === undefined || log.next !== header.number) return undefined
    const origin = header.number === 0 ? undefined : positionOf(header.stream, log)
    for (const leaf of leaves) log.frontier.append(leaf)
    log.root = log.frontier.root()
    log.next++
    return origin
  }

  /** Where a log stands now. */
  position(stream: Uint8Array): LogPosition | undefined {
    const log = this.#logs.get(toHex(stream))
    return log && positionOf(stream, log)
  }
}

function positionOf(
  stream: Uint8Array,
  log: { readonly frontier: Frontier; root: Uint8Array; next: number; lane: Lane; created: bigint },
): LogPosition {
  const { frontier, root, next, lane, created } = log
  return {
    ...lane,
    stream: Uint8Array.from(stream),
    next,
    treeSize: frontier.size,
    root,
    created,
    frontier: frontier.hashes(),
  }
}
