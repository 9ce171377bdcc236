import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { decodeBatch } from '../batch.ts'
import type { Lane, LogPosition } from '../entry.ts'
import { laneName } from '../entry.ts'
import { isKeyChangeLeaf, readKeyChangeLeaf } from '../leaf.ts'
import { Frontier } from '../merkle/frontier.ts'
import { decodeCheckpoint, isCheckpoint } from './checkpoint.ts'
import type { JournalKey, SegmentCipher } from './cipher.ts'
import { readIndexEntries, readSummary } from './index-file.ts'
import { openSegments } from './read.ts'
import type { IndexEntry, Place, SegmentSummary, StreamSummary } from './segment-index.ts'
import { OriginTracker, SegmentIndex } from './segment-index.ts'
import { cipherOf, readSegment, readSegmentHead, segmentName } from './segment.ts'

/** One batch in a journal. */
export interface Found {
  readonly segment: number
  readonly entry: IndexEntry
}

/** Reads one segment anew and indexes it. */
export async function indexSegment(directory: string, segment: number, key?: JournalKey): Promise<SegmentIndex> {
  const index = new SegmentIndex(segment, 0)
  const tracker = new OriginTracker()
  for await (const item of readSegment(join(directory, segmentName(segment)), segment, { key })) {
    if (item.kind === 'record') index.add(item.offset, item.end, item.bytes, 0, tracker.push(item.bytes))
  }
  return index
}

/**
 * Finds batches, logs and leaves in a journal by the indexes of its segments. What has none is read anew, so that a
 * journal whose indexes are lost can still be used.
 */
export class JournalHistory {
  readonly directory: string
  readonly #key: JournalKey | undefined
  readonly #summaries: SegmentSummary[]
  /** Indexes that lie in memory: that of the segment which is written, and those that were made anew. */
  readonly #indexes: Map<number, SegmentIndex>
  readonly #cached = new Map<number, readonly IndexEntry[]>()

  constructor(
    directory: string,
    key: JournalKey | undefined,
    summaries: SegmentSummary[],
    indexes: Map<number, SegmentIndex>,
  ) {
    this.directory = directory
    this.#key = key
    this.#summaries = summaries
    this.#indexes = indexes
  }

  /** Reads the indexes of a journal that another process may be writing to. Throws `UsageError` `journal.open`. */
  static async load(directory: string, key?: JournalKey): Promise<JournalHistory> {
    const indexes = new Map<number, SegmentIndex>()
    const summaries = await eachSegment(await openSegments(directory), async (segment) => {
      const summary = await loadSummary(directory, segment, key)
      if (summary !== undefined) return summary
      const index = await unfinished(directory, segment, key)
      indexes.set(segment, index)
      return index.summary
    })
    return new JournalHistory(directory, key, summaries, indexes)
  }

  /** In order; the last one is being written. */
  get segments(): readonly SegmentSummary[] {
    return this.#summaries.map((summary) => this.#indexes.get(summary.segment)?.summary ?? summary)
  }

  async entries(segment: number): Promise<readonly IndexEntry[]> {
    const index = this.#indexes.get(segment)
    if (index !== undefined) return index.entries
    const cached = this.#cached.get(segment)
    if (cached !== undefined) return cached
    const entries = await readIndexEntries(this.directory, segment, await this.#cipher(segment))
    const due = this.#summaries.find((summary) => summary.segment === segment)?.batches
    const whole = entries.length === due ? entries : (await indexSegment(this.directory, segment, this.#key)).entries
    this.#cached.clear()
    this.#cached.set(segment, whole)
    return whole
  }

  /** The latest log of a lane, or undefined where the journal holds none. */
  latest(lane: Lane): { readonly segment: number; readonly stream: StreamSummary } | undefined {
    const name = laneName(lane)
    for (const { segment, streams } of this.segments.toReversed()) {
      const of = streams.filter((stream) => stream.lane !== undefined && laneName(stream.lane) === name)
      const stream = of.sort((a, b) => b.lastOffset - a.lastOffset)[0]
      if (stream !== undefined) return { segment, stream }
    }
    return undefined
  }

  /** Where the latest log of a lane stands, or undefined where the journal does not tell. */
  async end(lane: Lane): Promise<LogPosition | undefined> {
    const latest = this.latest(lane)
    return latest && this.origin(latest.stream.stream, latest.stream.last + 1)
  }

  async find(stream: string, number: number): Promise<Found | undefined> {
    for (const { segment, streams } of this.segments.toReversed()) {
      const held = streams.some((s) => s.stream === stream && s.first <= number && number <= s.last)
      const entry = held
        ? (await this.entries(segment)).findLast((e) => e.stream === stream && e.number === number)
        : undefined
      if (entry !== undefined) return { segment, entry }
    }
    return undefined
  }

  /** Where a log stood before its batch `number` (which need not be here itself), if the journal tells. */
  async origin(stream: string, number: number): Promise<LogPosition | undefined> {
    for (const { segment, streams } of this.segments.toReversed()) {
      if (!streams.some((s) => s.stream === stream && s.first <= number)) continue
      const upTo = (await this.entries(segment)).filter((e) => e.stream === stream && e.number <= number)
      // All that is left of what came before may be the checkpoint at the head of the batch's own segment.
      const own = upTo.findLast((e) => e.number === number)
      if (own?.origin !== undefined) return own.origin
      const entries = upTo.filter((e) => e.number < number)
      if (entries.length === 0) {
        const told = await this.#told(segment, stream, number)
        if (told !== undefined) return told
        continue
      }
      const from = entries.findLastIndex((e) => e.origin !== undefined || e.number === 0)
      const start = entries[from]
      if (start === undefined) return undefined
      return this.#replay(segment, start, entries.slice(from))
    }
    return undefined
  }

  /** What a checkpoint of a log tells that has no batch in its segment. */
  async #told(segment: number, stream: string, number: number): Promise<LogPosition | undefined> {
    const summary = this.segments.find((s) => s.segment === segment)?.streams.find((s) => s.stream === stream)
    if (summary?.batches !== 0) return undefined
    const options = { key: this.#key, from: summary.firstOffset }
    for await (const item of readSegment(join(this.directory, segmentName(segment)), segment, options)) {
      if (item.kind === 'damage' || !isCheckpoint(item.bytes)) return undefined
      const position = decodeCheckpoint(item.bytes)
      return position.next === number ? position : undefined
    }
    return undefined
  }

  async #replay(segment: number, start: IndexEntry, entries: readonly IndexEntry[]): Promise<LogPosition | undefined> {
    const tracker = new OriginTracker()
    if (start.origin !== undefined) tracker.seed(start.origin)
    let last: Uint8Array | undefined
    let read = 0
    for await (const batch of this.#batches(segment, entries)) {
      tracker.push(batch)
      last = batch
      read++
    }
    if (read < entries.length) return undefined
    const position = tracker.position(Buffer.from(start.stream, 'hex'))
    const leaf = last === undefined ? undefined : decodeBatch(last).leaves.at(-1)
    if (position === undefined || leaf === undefined || !isKeyChangeLeaf(leaf)) return position
    return { ...position, successor: readKeyChangeLeaf(leaf).key }
  }

  /** Batches of a segment, in one go where little else lies between them. Ends at the first that is damaged. */
  async *#batches(segment: number, entries: readonly IndexEntry[]): AsyncGenerator<Uint8Array, void, undefined> {
    const [first, last] = [entries[0], entries.at(-1)]
    if (first === undefined || last === undefined) return
    const wanted = entries.reduce((sum, { offset, end }) => sum + end - offset, 0)
    if (last.end - first.offset <= 2 * wanted) {
      const due = new Set(entries.map(({ offset }) => offset))
      const options = { key: this.#key, from: first.offset, until: last.end }
      for await (const item of readSegment(join(this.directory, segmentName(segment)), segment, options)) {
        if (!due.has(item.offset)) continue
        if (item.kind === 'damage') return
        yield item.bytes
      }
      return
    }
    for (const entry of entries) {
      const batch = await this.read({ segment, entry })
      if (batch === undefined) return
      yield batch
    }
  }

  /** The batch itself, or undefined where it is damaged. */
  async read({ segment, entry }: Found): Promise<Uint8Array | undefined> {
    const options = { key: this.#key, from: entry.offset, until: entry.end }
    for await (const item of readSegment(join(this.directory, segmentName(segment)), segment, options)) {
      return item.kind === 'record' && item.offset === entry.offset ? item.bytes : undefined
    }
    return undefined
  }

  /** Batches and bytes of a lane that lie behind a place, and before another. */
  async behind(lane: Lane, place: Place, until?: Place): Promise<{ batches: number; bytes: number }> {
    const name = laneName(lane)
    let batches = 0
    let bytes = 0
    for (const { segment, streams } of this.segments) {
      if (segment < place.segment || (until !== undefined && segment > until.segment)) continue
      const mine = streams.filter((s) => s.lane !== undefined && laneName(s.lane) === name)
      if (segment > place.segment && segment !== until?.segment) {
        for (const stream of mine) {
          batches += stream.batches
          bytes += stream.bytes
        }
        continue
      }
      const ids = new Set(mine.map((s) => s.stream))
      for (const { stream, offset, end } of await this.entries(segment)) {
        const before = segment === place.segment && offset < place.offset
        const beyond = segment === until?.segment && offset >= until.offset
        if (before || beyond || !ids.has(stream)) continue
        batches++
        bytes += end - offset
      }
    }
    return { batches, bytes }
  }

  async #cipher(segment: number): Promise<SegmentCipher | undefined> {
    return cipherFor(this.directory, segment, this.#key)
  }
}

/** What encrypts a segment; undefined where nothing does. Throws `UsageError` `journal.key`. */
export async function cipherFor(
  directory: string,
  segment: number,
  key?: JournalKey,
): Promise<SegmentCipher | undefined> {
  const head = await readSegmentHead(join(directory, segmentName(segment)), segment)
  return head && cipherOf(head, key)
}

/** The summary of a segment, unless it is unfinished or not that of the file that lies there. */
export async function loadSummary(
  directory: string,
  segment: number,
  key?: JournalKey,
): Promise<SegmentSummary | undefined> {
  // Without a key an encrypted index cannot be read, and the segment itself says why.
  const cipher = key === undefined ? undefined : await cipherFor(directory, segment, key)
  const summary = await readSummary(directory, segment, cipher)
  if (summary === undefined) return undefined
  const { size } = await stat(join(directory, segmentName(segment)))
  return size === summary.end ? summary : undefined
}

/** Segments that are looked at together. */
const TOGETHER = 16

/** The results for all segments, in their order. */
export async function eachSegment<T>(segments: readonly number[], work: (segment: number) => Promise<T>): Promise<T[]> {
  const results: T[] = []
  for (let i = 0; i < segments.length; i += TOGETHER) {
    results.push(...(await Promise.all(segments.slice(i, i + TOGETHER).map(work))))
  }
  return results
}

/** The index of a segment that is being written, or has lost its own: what is indexed is taken as it is, the rest read. */
async function unfinished(directory: string, segment: number, key?: JournalKey): Promise<SegmentIndex> {
  const entries = await readIndexEntries(directory, segment, await cipherFor(directory, segment, key))
  if (entries.length === 0) return indexSegment(directory, segment, key)
  const index = new SegmentIndex(segment, 0)
  for (const entry of entries) index.restore(entry)
  const from = entries.at(-1)?.end ?? 0
  for await (const item of readSegment(join(directory, segmentName(segment)), segment, { key, from })) {
    if (item.kind === 'record') index.add(item.offset, item.end, item.bytes, 0, undefined)
  }
  return index
}

/** A frontier for where a log stands. */
export function frontierOf(position: LogPosition | undefined): Frontier {
  return position === undefined ? new Frontier() : Frontier.from(position.treeSize, position.frontier)
}
