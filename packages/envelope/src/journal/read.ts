import { constants } from 'node:fs'
import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { VerifyingKey } from '@gridseal/pqc'
import { UsageError, describeError, toHex } from '@gridseal/wire'
import type { JournalKey } from './cipher.ts'
import type { Place } from './segment-index.ts'
import type { SegmentItem } from './segment.ts'
import { listSegments, readSegment, segmentName } from './segment.ts'

export interface JournalReadOptions {
  /** For journals that are encrypted at rest. */
  readonly key?: JournalKey | undefined
  /** Where to begin; default the beginning. */
  readonly from?: Place
  /** Where to stop; default the end. */
  readonly until?: Place
}

/**
 * All records of a journal in order, with what is damaged between them. Throws `UsageError` `journal.open` if the
 * directory holds no journal.
 */
export async function* readJournal(
  directory: string,
  options: JournalReadOptions = {},
): AsyncGenerator<SegmentItem, void, undefined> {
  const segments = await openSegments(directory)
  const { key, from, until } = options
  let expected = segments.find((segment) => segment >= (from?.segment ?? 0))
  for (const segment of segments) {
    if (from !== undefined && segment < from.segment) continue
    if (until !== undefined && segment > until.segment) return
    if (segment !== expected) yield missing(segment, `segment ${expected} is missing`)
    try {
      yield* readSegment(join(directory, segmentName(segment)), segment, {
        key,
        ...(segment === from?.segment ? { from: from.offset } : {}),
        ...(segment === until?.segment ? { until: until.offset } : {}),
      })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      yield missing(segment, `segment ${segment} was removed while the journal was read: it is in use`)
    }
    expected = segment + 1
  }
}

function missing(segment: number, reason: string): SegmentItem {
  return { kind: 'damage', segment, offset: 0, code: 'journal.segment-missing', reason }
}

/** Numbers of the segments of a journal. Throws `UsageError` `journal.open` if there are none. */
export async function openSegments(directory: string): Promise<number[]> {
  let segments: number[]
  try {
    segments = await listSegments(directory)
  } catch (error) {
    throw new UsageError('journal.open', `cannot read ${directory}: ${describeError(error)}`, {}, error)
  }
  if (segments.length === 0) throw new UsageError('journal.open', `${directory} holds no journal segments (*.gsj)`)
  return segments
}

const SUCCESSION = '.succession'

/** Receipts of changes of keys that lie beside the segments; nothing is verified. */
export async function readSuccessions(directory: string): Promise<Uint8Array[]> {
  const names = await readdir(directory).catch(() => [])
  const files = names.filter((name) => name.endsWith(SUCCESSION)).sort()
  const receipts: Uint8Array[] = []
  for (const name of files.slice(0, MOST_SUCCESSIONS)) {
    const bytes = await readSmall(join(directory, name))
    if (bytes !== undefined) receipts.push(bytes)
  }
  return receipts
}

/** Largest file with a key or a receipt that is read, bytes: the longest signatures have fifty thousand. */
const MAX_FILE = 256 << 10

/** A file beside the segments. Undefined for what is none, is too large, or cannot be read. */
async function readSmall(path: string): Promise<Buffer | undefined> {
  // A named pipe must not keep us waiting for somebody to write to it.
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch(() => undefined)
  try {
    const status = await file?.stat()
    return status?.isFile() === true && status.size <= MAX_FILE ? await file?.readFile() : undefined
  } catch {
    return undefined
  } finally {
    await file?.close()
  }
}

/** A journal changes keys a few times a year. */
const MOST_SUCCESSIONS = 4096

/** Name of the file with the receipt by which a key was named. */
export function successionName(key: VerifyingKey): string {
  return `${toHex(key.fingerprint)}${SUCCESSION}`
}

/**
 * The public keys that lie beside the segments. A key whose name is not its fingerprint is left out. Throws
 * `UsageError` `journal.open` if the directory cannot be read.
 */
export async function readJournalKeys(directory: string): Promise<VerifyingKey[]> {
  const keys: VerifyingKey[] = []
  const names = await readdir(directory).catch((error: unknown) => {
    throw new UsageError('journal.open', `cannot read ${directory}: ${describeError(error)}`, {}, error)
  })
  for (const name of names) {
    if (!name.endsWith('.pub')) continue
    try {
      const key = VerifyingKey.fromPem((await readSmall(join(directory, name)))?.toString('utf8') ?? '')
      if (`${toHex(key.fingerprint)}.pub` === name) keys.push(key)
    } catch {
      // A damaged key file vouches for nothing: batches signed by that key will be refused as of an unknown key.
    }
  }
  return keys
}
