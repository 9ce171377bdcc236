import { mkdir } from 'node:fs/promises'
import type { VerifyingKey } from '@gridseal/pqc'
import { InternalError, UsageError, describeError, toHex } from '@gridseal/wire'
import type { Lane, LogPosition } from '../entry.ts'
import { writeAnchor } from './anchor.ts'
import { encodeCheckpoint } from './checkpoint.ts'
import type { JournalKey } from './cipher.ts'
import { JournalHistory } from './history.ts'
import { IndexWriter } from './index-writer.ts'
import { putKey, putSuccession } from './key-files.ts'
import { lockDirectory, unlockDirectory } from './lock.ts'
import type { Marks } from './marks.ts'
import { encodeNote } from './note.ts'
import { openFiles } from './open-files.ts'
import type { OpenState } from './open-files.ts'
import { readJournal } from './read.ts'
import type { OpenSegment } from './segment-file.ts'
import { createSegment, lastWrite, removeSegment, writeAll } from './segment-file.ts'
import type { Place, SegmentIndex, SegmentSummary } from './segment-index.ts'
import type { SegmentItem } from './segment.ts'
import { MAX_RECORD_LENGTH, RECORD_HEADER_LENGTH, recordHeader } from './segment.ts'

export interface JournalOptions {
  /** Bytes after which the next segment file begins; default 64 MiB. */
  readonly maxSegmentBytes?: number
  /** Milliseconds after which the next segment file begins; default a day. */
  readonly maxSegmentAge?: number
  /** Whether an append waits for the disk; default true. Without it a power cut may lose what the system had cached. */
  readonly sync?: boolean
  /** Encrypts what is written from now on. Needed as well to read what is encrypted already. */
  readonly key?: JournalKey | undefined
  /** File, best on another disk, that remembers how far the journal had come: see {@link Journal.setBack}. */
  readonly anchor?: string | undefined
  /** Segments whose last record is older (ms) are removed; default never. */
  readonly keepAge?: number | undefined
  /** Oldest segments are removed while the journal holds more bytes; default never. */
  readonly keepBytes?: number | undefined
  /** Nothing is removed before {@link Journal.beginRetention}: guards are not all in place yet. Default false. */
  readonly holdRetention?: boolean
  /** Milliseconds since 1970-01-01 UTC. */
  readonly now?: () => number
  /** The disk is full (with the reason), or has room again (undefined). Meanwhile appends wait. */
  readonly onFull?: (reason: string | undefined) => void
  /** Milliseconds between attempts to write to a full disk; default 1000. */
  readonly retry?: number
}

/** What a journal has done since it was opened, for metrics. */
export interface JournalStats {
  /** Records appended. */
  records: number
  /** Bytes in all segments. */
  bytes: number
  /** Groups written; each is one write and one sync. */
  groups: number
  /** Segment files. */
  segments: number
  /** Bytes cut off the end when it was opened: the half record of a crash. */
  cut: number
  /** Segment files removed because of their age or for space. */
  removed: number
  /** Whether the disk is full and appends wait. */
  full: boolean
  /** Bytes given to `append` that are not on disk yet. */
  waitingBytes: number
}

/** Where a record lies, and where the next one begins. */
export interface Appended extends Place {
  readonly end: number
}

interface Waiting {
  readonly payload: Uint8Array
  readonly origin: LogPosition | undefined
  /** Only to be written while nothing behind this segment tells of the lane. */
  readonly silent?: { readonly lane: Lane; readonly segment: number }
  readonly resolve: (place: Appended) => void
  readonly reject: (error: unknown) => void
}

const DEFAULTS = { maxSegmentBytes: 64 << 20, maxSegmentAge: 86_400_000, sync: true, retry: 1000 }
const DISK_FULL: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])
/** The anchor follows at most so often, ms; so do marks to the disk. */
const ANCHOR_EVERY = 1000

/**
 * An append-only sequence of sealed batches in segment files. Appends that arrive while one group is written to disk
 * form the next group: one write and one sync for all. What {@link append} has resolved for survives a crash; opening
 * puts the half record that a crash may have left into a file beside its segment (`.cut`). One process at a time: a
 * lock file keeps a second one out.
 *
 * Every segment tells where each of its logs stood when it began (checkpoints), so that it can be verified, searched and
 * removed on its own. Retention removes whole segments, oldest first, and never one that {@link protect} guards. On a
 * full disk nothing fails: appends wait, and their callers stop, until there is room.
 */
export class Journal {
  readonly directory: string
  readonly stats: JournalStats
  /** How far queues have been settled. */
  readonly marks: Marks
  /** What is in it. */
  readonly history: JournalHistory
  /** Why this journal must be an old copy of itself, or another one: found with the anchor when it was opened. */
  readonly setBack: string | undefined
  readonly #options: JournalOptions & typeof DEFAULTS
  readonly #now: () => number
  readonly #summaries: SegmentSummary[]
  readonly #indexes: Map<number, SegmentIndex>
  readonly #guards = new Map<string, number>()
  readonly #identity: { readonly journal: Uint8Array; readonly epoch: number } | undefined
  #current: OpenSegment
  #index: IndexWriter
  #queue: Waiting[] = []
  #writing: Promise<void> | undefined
  #ended: 'closed' | 'failed' | undefined
  #closing: Promise<void> | undefined
  #anchoredAt = Number.NEGATIVE_INFINITY
  #wake: (() => void) | undefined
  #retaining: boolean
  #retention: Promise<unknown> = Promise.resolve()

  private constructor(directory: string, options: JournalOptions & typeof DEFAULTS, state: OpenState) {
    this.directory = directory
    this.#options = options
    this.#retaining = options.holdRetention !== true
    this.#now = options.now ?? (() => Date.now())
    this.#summaries = state.summaries
    this.#indexes = state.indexes
    this.#current = state.current
    this.#index = state.index
    this.#identity = state.identity
    this.marks = state.marks
    this.setBack = state.setBack
    this.history = new JournalHistory(directory, options.key, this.#summaries, this.#indexes)
    const { cut } = state
    const bytes = this.history.segments.reduce((sum, { end }) => sum + end, 0)
    const none = { records: 0, groups: 0, removed: 0, full: false, waitingBytes: 0 }
    this.stats = { ...none, bytes, segments: this.#summaries.length, cut }
  }

  /**
   * Opens or creates a journal for writing. Throws `UsageError` `journal.open` with the system's reason where the
   * directory cannot be used, `journal.locked` while another process writes to it, `journal.key` for what is encrypted
   * with another key, `journal.anchor`.
   */
  static async open(directory: string, given: JournalOptions = {}): Promise<Journal> {
    const options = { ...DEFAULTS, ...given }
    const failed = (error: unknown): UsageError =>
      error instanceof UsageError
        ? error
        : new UsageError('journal.open', `cannot open the journal ${directory}: ${describeError(error)}`, {}, error)
    try {
      await mkdir(directory, { recursive: true, mode: 0o700 })
      await lockDirectory(directory)
    } catch (error) {
      throw failed(error)
    }
    try {
      const journal = new Journal(directory, options, await openFiles(directory, options))
      await journal.#begin()
      return journal
    } catch (error) {
      await unlockDirectory(directory)
      throw failed(error)
    }
  }

  /** The end of what is on disk. */
  get end(): Place {
    return { segment: this.#current.number, offset: this.#current.size }
  }

  /**
   * Appends a sealed batch; resolves when it is on disk. `origin` tells where its log stood before it, which makes its
   * segment complete in itself. Rejects with `InternalError` `journal.write` if it cannot be written.
   */
  append(batch: Uint8Array, origin?: LogPosition): Promise<Appended> {
    if (this.#ended !== undefined) {
      return Promise.reject(new UsageError('journal.ended', `the journal has ${this.#ended}`))
    }
    if (batch.length === 0 || batch.length > MAX_RECORD_LENGTH) {
      return Promise.reject(new UsageError('journal.record', `a record of ${batch.length} bytes`))
    }
    return new Promise((resolve, reject) => {
      this.#queue.push({ payload: batch, origin, resolve, reject })
      this.stats.waitingBytes += batch.length
      this.#writing ??= this.#writeGroups()
    })
  }

  /** Notes that this journal joins a log in the middle, so that it can be verified from there. */
  async appendCheckpoint(position: LogPosition): Promise<void> {
    await this.append(encodeCheckpoint(position))
  }

  /** What is on disk from a place on, as it was when this was called. */
  read(from: Place): AsyncGenerator<SegmentItem, void, undefined> {
    return readJournal(this.directory, { key: this.#options.key, from, until: this.end })
  }

  /** Retention leaves the segment, and all later ones, for as long as this guard stands; undefined lifts it. */
  protect(guard: string, segment: number | undefined): void {
    const before = this.#guards.get(guard)
    if (before === segment) return
    if (segment === undefined) this.#guards.delete(guard)
    else this.#guards.set(guard, segment)
    const { keepBytes } = this.#options
    // What has piled up behind the guard may go now.
    if (before !== undefined && keepBytes !== undefined && this.stats.bytes > keepBytes)
      this.retain().catch(() => undefined)
  }

  /**
   * Puts a public key beside the segments, so that the journal can be checked where it lies. Throws `UsageError`
   * `journal.open`.
   */
  addKey(key: VerifyingKey): Promise<void> {
    return putKey(this.directory, key)
  }

  /**
   * Puts the receipt of a change of keys beside the segments, so that the new key can be trusted for the old one's sake
   * when the change itself has been removed. Throws `UsageError` `journal.open`.
   */
  addSuccession(receipt: Uint8Array, key: VerifyingKey): Promise<void> {
    return putSuccession(this.directory, receipt, key)
  }

  /** Removes what retention no longer keeps: called by itself when a segment begins and when a guard moves. Returns how
   * many segments went. */
  retain(): Promise<number> {
    return this.#retainNext(false)
  }

  #retainNext(urgent: boolean): Promise<number> {
    if (!this.#retaining) return Promise.resolve(0)
    const next = this.#retention.then(() => this.#retain(urgent))
    this.#retention = next.catch(() => 0)
    return next
  }

  async #retain(urgent: boolean): Promise<number> {
    const { keepAge, keepBytes } = this.#options
    const removed: number[] = []
    // What a removal leaves to be written is not taken any more once it has ended.
    while (this.#ended === undefined) {
      const [oldest] = this.#summaries
      if (oldest === undefined) break
      const age = this.#now() - (await lastWrite(this.directory, oldest, this.#now()))
      const tooOld = keepAge !== undefined && age > keepAge
      const tooMuch = keepBytes !== undefined && this.stats.bytes > keepBytes
      if (!(tooOld || tooMuch) || !this.#mayGo(oldest.segment)) break
      if ((await this.#carriesOn(oldest)) && !urgent) break
      if (!(await removeSegment(this.directory, oldest.segment))) break
      this.#summaries.shift()
      this.#indexes.delete(oldest.segment)
      removed.push(oldest.segment)
      this.stats.bytes -= oldest.end
      this.stats.segments--
      this.stats.removed++
    }
    const [from] = removed
    const to = removed.at(-1)
    if (from !== undefined && to !== undefined && this.#ended === undefined) {
      const note = encodeNote({ kind: 'removed', time: BigInt(this.#now()) * 1_000_000n, from, to })
      this.append(note).catch(() => undefined)
    }
    return removed.length
  }

  /**
   * Where a stream stands must not be forgotten with its last batch: the sender may send that again. Whether that has
   * to be written first; then retention comes again when it is.
   */
  async #carriesOn({ segment, streams }: SegmentSummary): Promise<boolean> {
    let carries = false
    for (const { lane } of streams) {
      if (lane === undefined || this.history.latest(lane)?.segment !== segment) continue
      const end = await this.history.end(lane).catch(() => undefined)
      if (end === undefined || this.#ended !== undefined) continue
      this.#note(end, segment)
      carries = true
    }
    return carries
  }

  /** Not waited for: who writes may wait for a removal. Before all that waits: what the stream goes on with may be in it. */
  #note(end: LogPosition, segment: number): void {
    const payload = encodeCheckpoint(end)
    const again = (): void => void this.retain().catch(() => undefined)
    const silent = { lane: end, segment }
    this.#queue.unshift({ payload, origin: undefined, silent, resolve: again, reject: () => undefined })
    this.stats.waitingBytes += payload.length
    this.#writing ??= this.#writeGroups()
  }

  /** Guards may come while older segments are being removed. */
  #mayGo(segment: number): boolean {
    return segment < Math.min(this.#current.number, ...this.#guards.values())
  }

  /** All guards are in place. */
  beginRetention(): void {
    this.#retaining = true
    this.retain().catch(() => undefined)
  }

  /** Writes what waits and closes the files. */
  close(): Promise<void> {
    this.#ended ??= 'closed'
    this.#wake?.()
    return (this.#closing ??= this.#close())
  }

  async #close(): Promise<void> {
    try {
      await this.#retention
      await this.#writing
      await this.#index.close()
      await this.marks.sync()
      await this.#anchor(true)
      this.marks.close()
      await this.#current.file.close()
    } finally {
      await unlockDirectory(this.directory)
    }
  }

  async #begin(): Promise<void> {
    if (this.#identity === undefined) return
    await this.append(this.#opened(this.#identity))
    await this.#anchor(true)
  }

  #opened(identity: { readonly journal: Uint8Array; readonly epoch: number }): Uint8Array {
    return encodeNote({ kind: 'opened', time: BigInt(this.#now()) * 1_000_000n, ...identity })
  }

  async #writeGroups(): Promise<void> {
    // Frames leave first, then the disk is asked; and what comes meanwhile goes with it.
    await new Promise((resolve) => setImmediate(resolve))
    while (this.#queue.length > 0) {
      const group = this.#queue
      this.#queue = []
      try {
        const places = await this.#writeWhenRoom(group)
        for (const { payload } of group) this.stats.waitingBytes -= payload.length
        group.forEach(({ resolve }, i) => resolve(places[i] as Appended))
      } catch (cause) {
        this.#ended = 'failed'
        const what = `journal ${this.directory}: ${describeError(cause)}`
        const error = new InternalError('journal.write', what, {}, cause)
        for (const { reject } of [...group, ...this.#queue]) reject(error)
        this.#queue = []
      }
    }
    this.#writing = undefined
  }

  /** A full disk is no failure: what retention can spare goes, and the group waits. */
  async #writeWhenRoom(group: readonly Waiting[]): Promise<Appended[]> {
    for (;;) {
      try {
        const places = await this.#write(group)
        if (this.stats.full) this.#options.onFull?.(undefined)
        this.stats.full = false
        return places
      } catch (error) {
        if (!DISK_FULL.has((error as NodeJS.ErrnoException).code ?? '') || this.#ended !== undefined) throw error
        if (!this.stats.full) this.#options.onFull?.(describeError(error))
        this.stats.full = true
        if ((await this.#retainNext(true)) === 0) await this.#pause(this.#options.retry)
      }
    }
  }

  #pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  async #write(group: readonly Waiting[]): Promise<Appended[]> {
    if (this.#isFull()) await this.#roll()
    const { number, cipher, index, file } = this.#current
    const records: { offset: number; end: number; payload: Uint8Array; origin: LogPosition | undefined }[] = []
    const buffers: Uint8Array[] = []
    const known = new Set<string>()
    let at = this.#current.size
    const put = (payload: Uint8Array, origin: LogPosition | undefined): Appended => {
      const offset = at
      const stored = cipher === undefined ? payload : cipher.seal(number, offset, payload)
      buffers.push(recordHeader(stored), stored)
      at += RECORD_HEADER_LENGTH + stored.length
      records.push({ offset, end: at, payload, origin })
      return { segment: number, offset, end: at }
    }
    const places = group.map(({ payload, origin, silent }) => {
      if (silent !== undefined && (this.history.latest(silent.lane)?.segment ?? 0) > silent.segment) {
        return { segment: number, offset: at, end: at }
      }
      if (origin !== undefined) {
        const stream = toHex(origin.stream)
        if (!known.has(stream) && !index.knows(stream)) put(encodeCheckpoint(origin), undefined)
        known.add(stream)
      }
      return put(payload, origin)
    })
    await writeAll(file, buffers, this.#current.size)
    if (this.#options.sync) await file.datasync()
    const time = this.#now()
    for (const { offset, end, payload, origin } of records) index.add(offset, end, payload, time, origin)
    this.stats.bytes += at - this.#current.size
    this.#current.size = at
    this.stats.records += group.length
    this.stats.groups++
    // The group is on disk: whatever fails from here on must not have it written twice. An anchor that stays behind
    // only notices less.
    if (this.#index.due) await this.#index.flush()
    await this.#anchor(false).catch(() => undefined)
    return places
  }

  #isFull(): boolean {
    const { maxSegmentBytes, maxSegmentAge } = this.#options
    const { size, since, index } = this.#current
    return size >= maxSegmentBytes || (index.entries.length > 0 && this.#now() - since >= maxSegmentAge)
  }

  async #roll(): Promise<void> {
    const finished = this.#current
    const next = await createSegment(this.directory, finished.number + 1, this.#options.key, this.#now())
    await this.#index.finish()
    await finished.file.close()
    this.#summaries.splice(-1, 1, finished.index.summary, next.index.summary)
    this.#indexes.delete(finished.number)
    this.#indexes.set(next.number, next.index)
    this.#current = next
    this.#index = await IndexWriter.begin(this.directory, next)
    this.stats.segments++
    this.stats.bytes += next.size
    if (this.#identity !== undefined) this.append(this.#opened(this.#identity)).catch(() => undefined)
    await this.retain()
  }

  /** Lets the anchor and the marks follow what is on disk. */
  async #anchor(now: boolean): Promise<void> {
    if (!now && this.#now() - this.#anchoredAt < ANCHOR_EVERY) return
    this.#anchoredAt = this.#now()
    await this.marks.sync()
    const { anchor } = this.#options
    if (anchor === undefined || this.#identity === undefined) return
    const { journal, epoch } = this.#identity
    await writeAnchor(anchor, { journal: toHex(journal), epoch, ...this.end })
  }
}
