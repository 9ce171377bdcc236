import { mkdir, open, truncate, writeFile } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import type { VerifyingKey } from '@gridseal/pqc'
import { InternalError, UsageError, describeError, toHex } from '@gridseal/wire'
import type { LogPosition } from '../entry.ts'
import { lockDirectory, unlockDirectory } from './lock.ts'
import { encodeCheckpoint } from './checkpoint.ts'
import {
  MAX_RECORD_LENGTH,
  RECORD_HEADER_LENGTH,
  SEGMENT_HEADER_LENGTH,
  listSegments,
  readSegment,
  recordHeader,
  segmentHeader,
  segmentName,
} from './segment.ts'

export interface JournalOptions {
  /** Bytes after which the next segment file begins; default 64 MiB. */
  readonly maxSegmentBytes?: number
  /** Whether an append waits for the disk; default true. Without it a power cut may lose what the system had cached. */
  readonly sync?: boolean
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
}

interface Waiting {
  readonly payload: Uint8Array
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/**
 * An append-only sequence of sealed batches in segment files. Appends that arrive while one group is written to disk
 * form the next group: one write and one sync for all. What {@link append} has resolved for survives a crash; opening
 * puts the half record that a crash may have left into a file beside its segment (`.cut`). One process at a time: a
 * lock file keeps a second one out.
 */
export class Journal {
  readonly directory: string
  readonly stats: JournalStats
  readonly #maxSegmentBytes: number
  readonly #sync: boolean
  #file: FileHandle
  #segment: number
  #size: number
  #queue: Waiting[] = []
  #writing: Promise<void> | undefined
  #ended: 'closed' | 'failed' | undefined
  #closing: Promise<void> | undefined

  private constructor(directory: string, options: JournalOptions, state: OpenState) {
    this.directory = directory
    this.#maxSegmentBytes = options.maxSegmentBytes ?? 64 << 20
    this.#sync = options.sync ?? true
    this.#file = state.file
    this.#segment = state.segment
    this.#size = state.size
    this.stats = { records: 0, bytes: state.bytes, groups: 0, segments: state.segments, cut: state.cut }
  }

  /**
   * Opens or creates a journal for writing. Throws `UsageError` `journal.open` with the system's reason where the
   * directory cannot be used, and `journal.locked` while another process writes to it.
   */
  static async open(directory: string, options: JournalOptions = {}): Promise<Journal> {
    try {
      await mkdir(directory, { recursive: true, mode: 0o700 })
      await lockDirectory(directory)
    } catch (error) {
      if (error instanceof UsageError) throw error
      throw new UsageError('journal.open', `cannot open the journal ${directory}: ${describeError(error)}`, {}, error)
    }
    try {
      return new Journal(directory, options, await openLast(directory))
    } catch (error) {
      await unlockDirectory(directory)
      throw new UsageError('journal.open', `cannot open the journal ${directory}: ${describeError(error)}`, {}, error)
    }
  }

  /** Appends a sealed batch; resolves when it is on disk. Rejects with `InternalError` `journal.write` if it is not. */
  append(batch: Uint8Array): Promise<void> {
    if (this.#ended !== undefined) {
      return Promise.reject(new UsageError('journal.ended', `the journal has ${this.#ended}`))
    }
    if (batch.length === 0 || batch.length > MAX_RECORD_LENGTH) {
      return Promise.reject(new UsageError('journal.record', `a record of ${batch.length} bytes`))
    }
    return new Promise((resolve, reject) => {
      this.#queue.push({ payload: batch, resolve, reject })
      this.#writing ??= this.#writeGroups()
    })
  }

  /** Notes that this journal joins a log in the middle, so that it can be verified from there. */
  appendCheckpoint(position: LogPosition): Promise<void> {
    return this.append(encodeCheckpoint(position))
  }

  /** Puts a public key beside the segments, so that the journal can be checked where it lies. */
  async addKey(key: VerifyingKey): Promise<void> {
    const path = join(this.directory, `${toHex(key.fingerprint)}.pub`)
    try {
      await writeFile(path, key.toPem(), { flag: 'wx' })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
        throw new UsageError('journal.open', `cannot write ${path}: ${describeError(error)}`, {}, error)
      }
    }
  }

  /** Writes what waits and closes the file. */
  close(): Promise<void> {
    this.#ended ??= 'closed'
    return (this.#closing ??= this.#close())
  }

  async #close(): Promise<void> {
    try {
      await this.#writing
      await this.#file.close()
    } finally {
      await unlockDirectory(this.directory)
    }
  }

  async #writeGroups(): Promise<void> {
    // Frames leave first, then the disk is asked; and what comes meanwhile goes with it.
    await new Promise((resolve) => setImmediate(resolve))
    while (this.#queue.length > 0) {
      const group = this.#queue
      this.#queue = []
      try {
        await this.#write(group)
        for (const { resolve } of group) resolve()
      } catch (cause) {
        this.#ended = 'failed'
        const error = new InternalError(
          'journal.write',
          `journal ${this.directory}: ${describeError(cause)}`,
          {},
          cause,
        )
        for (const { reject } of [...group, ...this.#queue]) reject(error)
        this.#queue = []
      }
    }
    this.#writing = undefined
  }

  async #write(group: readonly Waiting[]): Promise<void> {
    if (this.#size >= this.#maxSegmentBytes) await this.#roll()
    const buffers: Uint8Array[] = []
    let length = 0
    for (const { payload } of group) {
      buffers.push(recordHeader(payload), payload)
      length += RECORD_HEADER_LENGTH + payload.length
    }
    await writeAll(this.#file, buffers, this.#size)
    if (this.#sync) await this.#file.datasync()
    this.#size += length
    this.stats.bytes += length
    this.stats.records += group.length
    this.stats.groups++
  }

  async #roll(): Promise<void> {
    await this.#file.close()
    this.#segment++
    this.#file = await createSegment(this.directory, this.#segment)
    this.#size = SEGMENT_HEADER_LENGTH
    this.stats.segments++
    this.stats.bytes += SEGMENT_HEADER_LENGTH
  }
}

interface OpenState {
  readonly file: FileHandle
  readonly segment: number
  /** Bytes in the segment that is written to. */
  readonly size: number
  /** Bytes in all segments. */
  readonly bytes: number
  readonly segments: number
  readonly cut: number
}

/** Opens the last segment for appending, or begins one; the half record of a crash is put aside first. */
async function openLast(directory: string): Promise<OpenState> {
  const numbers = await listSegments(directory)
  const last = numbers.at(-1)
  if (last === undefined) return beginSegment(directory, 1, 0, 0, 0)
  const path = join(directory, segmentName(last))
  const size = await sizeOf(path)
  let bytes = 0
  for (const number of numbers) bytes += await sizeOf(join(directory, segmentName(number)))
  const { end, damaged } = await endOfWholeRecords(path, last, size)
  // Damage that is no torn end stays as it is, for whoever looks into it; new records go to a segment of their own.
  if (damaged) return beginSegment(directory, last + 1, bytes, numbers.length, 0)
  if (end < size) await putAside(path, end, size)
  if (end === 0) await writeHeader(path, last)
  const file = await open(path, 'r+')
  const whole = Math.max(end, SEGMENT_HEADER_LENGTH)
  return { file, segment: last, size: whole, bytes: bytes - size + whole, segments: numbers.length, cut: size - end }
}

async function beginSegment(
  directory: string,
  segment: number,
  bytes: number,
  segments: number,
  cut: number,
): Promise<OpenState> {
  const file = await createSegment(directory, segment)
  const size = SEGMENT_HEADER_LENGTH
  return { file, segment, size, bytes: bytes + size, segments: segments + 1, cut }
}

/** Where the whole records of a segment end, and whether anything before is damaged. */
async function endOfWholeRecords(
  path: string,
  segment: number,
  size: number,
): Promise<{ end: number; damaged: boolean }> {
  if (size < SEGMENT_HEADER_LENGTH) return { end: 0, damaged: false }
  let end = SEGMENT_HEADER_LENGTH
  let damaged = false
  for await (const item of readSegment(path, segment)) {
    if (item.kind === 'record') end = item.offset + RECORD_HEADER_LENGTH + item.bytes.length
    else if (item.code === 'journal.torn') return { end: item.offset, damaged }
    else if (item.code === 'journal.checksum' && item.end === size) {
      // The last record of a crash can have its full length but not all of its bytes.
      return { end: item.offset, damaged }
    } else damaged = true
  }
  return { end, damaged }
}

/** Moves what follows `end` into a file beside the segment. */
async function putAside(path: string, end: number, size: number): Promise<void> {
  const file = await open(path, 'r')
  try {
    const tail = Buffer.alloc(Math.min(size - end, MAX_RECORD_LENGTH))
    await file.read(tail, 0, tail.length, end)
    await writeFile(`${path}.cut`, tail, { mode: 0o600 })
  } finally {
    await file.close()
  }
  await truncate(path, end)
}

async function writeHeader(path: string, segment: number): Promise<void> {
  const file = await open(path, 'r+')
  try {
    await writeAll(file, [segmentHeader(segment)], 0)
  } finally {
    await file.close()
  }
}

async function sizeOf(path: string): Promise<number> {
  const file = await open(path, 'r')
  try {
    return (await file.stat()).size
  } finally {
    await file.close()
  }
}

async function createSegment(directory: string, number: number): Promise<FileHandle> {
  const file = await open(join(directory, segmentName(number)), 'wx', 0o600)
  await writeAll(file, [segmentHeader(number)], 0)
  // The new name must survive a power cut as well as the bytes.
  const folder = await open(directory, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
  return file
}

/** Most buffers of one writev call (IOV_MAX on Linux is 1024). */
const MAX_VECTORS = 1000

async function writeAll(file: FileHandle, buffers: readonly Uint8Array[], position: number): Promise<void> {
  let at = position
  for (let i = 0; i < buffers.length; i += MAX_VECTORS) {
    const part = buffers.slice(i, i + MAX_VECTORS)
    const due = part.reduce((sum, buffer) => sum + buffer.length, 0)
    let { bytesWritten } = await file.writev(part, at)
    if (bytesWritten < due) {
      // A short write: go on from there with one buffer.
      const whole = Buffer.concat(part)
      while (bytesWritten < due) {
        const rest = await file.write(whole, bytesWritten, due - bytesWritten, at + bytesWritten)
        bytesWritten += rest.bytesWritten
      }
    }
    at += due
  }
}
