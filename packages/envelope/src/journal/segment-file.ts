import { open, rm, stat, truncate, writeFile } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { randomBytes } from '@gridseal/pqc'
import type { JournalKey, SegmentCipher } from './cipher.ts'
import { SALT_LENGTH } from './cipher.ts'
import { indexName } from './index-file.ts'
import { OriginTracker, SegmentIndex } from './segment-index.ts'
import type { SegmentSummary } from './segment-index.ts'
import type { SegmentHead } from './segment.ts'
import {
  MAX_RECORD_LENGTH,
  SEGMENT_HEADER_LENGTH,
  cipherOf,
  headLength,
  readSegment,
  readSegmentHead,
  segmentHeader,
  segmentName,
} from './segment.ts'

/** A segment that is open for appending. */
export interface OpenSegment {
  readonly number: number
  readonly file: FileHandle
  readonly cipher: SegmentCipher | undefined
  readonly index: SegmentIndex
  /** Where the next record goes. */
  size: number
  /** When it was begun, ms. */
  readonly since: number
}

export async function createSegment(
  directory: string,
  number: number,
  key: JournalKey | undefined,
  since: number,
): Promise<OpenSegment> {
  const head: SegmentHead =
    key === undefined ? { number } : { number, cipher: { keyId: key.id, salt: randomBytes(SALT_LENGTH) } }
  const file = await open(join(directory, segmentName(number)), 'wx', 0o600)
  try {
    await writeAll(file, [segmentHeader(head)], 0)
    // The new name must survive a power cut as well as the bytes.
    const folder = await open(directory, 'r')
    try {
      await folder.sync()
    } finally {
      await folder.close()
    }
  } catch (error) {
    // On a full disk this is tried again.
    await file.close()
    await rm(join(directory, segmentName(number)), { force: true })
    throw error
  }
  const size = headLength(head)
  return { number, file, cipher: cipherOf(head, key), index: new SegmentIndex(number, size), size, since }
}

/** When a segment was written to last, ms; `unknown` where nothing tells. */
export async function lastWrite(
  directory: string,
  { segment, lastTime }: SegmentSummary,
  unknown: number,
): Promise<number> {
  if (lastTime > 0) return lastTime
  // Its index was made anew; the file system remembers.
  return stat(join(directory, segmentName(segment))).then(
    ({ mtimeMs }) => mtimeMs,
    () => unknown,
  )
}

/** False: it cannot be removed now, and stays; that must not stop what is written. */
export async function removeSegment(directory: string, segment: number): Promise<boolean> {
  try {
    for (const name of [indexName(segment), segmentName(segment)]) await rm(join(directory, name), { force: true })
    return true
  } catch {
    return false
  }
}

/** What opening the last segment of a journal has found. */
export interface Recovered {
  /** Undefined where the segment must be left as it is: new records go to another. */
  readonly segment: OpenSegment | undefined
  readonly index: SegmentIndex
  /** Bytes put aside: the half record of a crash. */
  readonly cut: number
}

/**
 * Opens the last segment for appending; the half record of a crash is put aside first. Damage that is no torn end stays
 * as it is, for whoever looks into it. A segment of another kind (encrypted or not) is left alone as well.
 */
export async function recoverSegment(
  directory: string,
  number: number,
  key: JournalKey | undefined,
  since: number,
): Promise<Recovered> {
  const path = join(directory, segmentName(number))
  const size = await sizeOf(path)
  const { end, damaged, index } = await wholeRecords(path, number, size, key)
  if (damaged) return { segment: undefined, index, cut: 0 }
  if (end < size) await putAside(path, end, size)
  let head = await readSegmentHead(path, number)
  if (head === undefined) {
    head = { number }
    await rewriteHead(path, head)
  }
  // Behind a cut a nonce or a place must not come twice: an encrypted journal goes on in a new file.
  const fits = (head.cipher === undefined) === (key === undefined) && (head.cipher === undefined || end === size)
  if (!fits) return { segment: undefined, index, cut: size - end }
  const file = await open(path, 'r+')
  const segment = { number, file, cipher: cipherOf(head, key), index, size: Math.max(end, headLength(head)), since }
  return { segment, index, cut: size - end }
}

/** Where the whole records of a segment end, whether anything before is damaged, and what they are. */
async function wholeRecords(
  path: string,
  segment: number,
  size: number,
  key: JournalKey | undefined,
): Promise<{ end: number; damaged: boolean; index: SegmentIndex }> {
  const head = size < SEGMENT_HEADER_LENGTH ? undefined : await readSegmentHead(path, segment)
  let end = headLength(head ?? { number: segment })
  const index = new SegmentIndex(segment, end)
  if (size < end) return { end: 0, damaged: false, index }
  const tracker = new OriginTracker()
  let damaged = false
  for await (const item of readSegment(path, segment, { key })) {
    if (item.kind === 'record') {
      end = item.end
      index.add(item.offset, item.end, item.bytes, 0, tracker.push(item.bytes))
    } else if (item.code === 'journal.torn') return { end: item.offset, damaged, index }
    else if (item.code === 'journal.checksum' && item.end === size) {
      // The last record of a crash can have its full length but not all of its bytes.
      return { end: item.offset, damaged, index }
    } else damaged = true
  }
  return { end, damaged, index }
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

async function rewriteHead(path: string, head: SegmentHead): Promise<void> {
  const file = await open(path, 'r+')
  try {
    await writeAll(file, [segmentHeader(head)], 0)
  } finally {
    await file.close()
  }
}

export async function sizeOf(path: string): Promise<number> {
  const file = await open(path, 'r')
  try {
    return (await file.stat()).size
  } finally {
    await file.close()
  }
}

/** Most buffers of one writev call (IOV_MAX on Linux is 1024). */
const MAX_VECTORS = 1000

export async function writeAll(file: FileHandle, buffers: readonly Uint8Array[], position: number): Promise<void> {
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
