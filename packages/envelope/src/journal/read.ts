import { join } from 'node:path'
import { UsageError, describeError } from '@gridseal/wire'
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
