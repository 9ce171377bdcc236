import { randomBytes } from '@gridseal/pqc'
import { anchorOf, readAnchor, setBack } from './anchor.ts'
import type { JournalKey } from './cipher.ts'
import { cipherFor, eachSegment, indexSegment, loadSummary } from './history.ts'
import { IndexWriter, writeIndex } from './index-writer.ts'
import { Marks } from './marks.ts'
import type { OpenSegment } from './segment-file.ts'
import { createSegment, recoverSegment } from './segment-file.ts'
import type { SegmentIndex, SegmentSummary } from './segment-index.ts'
import { listSegments } from './segment.ts'

/** As in `JournalOptions`. */
export interface OpenFilesOptions {
  readonly key?: JournalKey | undefined
  readonly anchor?: string | undefined
  readonly now?: () => number
}

/** A journal as it was found on disk, or begun. */
export interface OpenState {
  readonly summaries: SegmentSummary[]
  readonly indexes: Map<number, SegmentIndex>
  readonly current: OpenSegment
  readonly index: IndexWriter
  readonly marks: Marks
  readonly cut: number
  readonly setBack: string | undefined
  readonly identity: { readonly journal: Uint8Array; readonly epoch: number } | undefined
}

/** Reads the indexes of finished segments, recovers the last one, and compares with the anchor. */
export async function openFiles(
  directory: string,
  { key, anchor, now = Date.now }: OpenFilesOptions,
): Promise<OpenState> {
  const since = now()
  const remembered = anchor === undefined ? undefined : await readAnchor(anchor)
  const numbers = await listSegments(directory)
  const last = numbers.at(-1)
  const indexes = new Map<number, SegmentIndex>()
  const summaries = await eachSegment(numbers.slice(0, -1), async (number) => {
    const summary = await loadSummary(directory, number, key)
    if (summary !== undefined) return summary
    const index = await indexSegment(directory, number, key)
    await writeIndex(directory, index, await cipherFor(directory, number, key))
    return index.summary
  })
  let current: OpenSegment | undefined
  let cut = 0
  if (last !== undefined) {
    const recovered = await recoverSegment(directory, last, key, since)
    current = recovered.segment
    cut = recovered.cut
    summaries.push(recovered.index.summary)
    indexes.set(last, recovered.index)
  }
  const before = anchorOf(summaries, current?.size)
  if (current === undefined) {
    current = await createSegment(directory, (last ?? 0) + 1, key, since)
    summaries.push(current.index.summary)
    indexes.set(current.number, current.index)
  }
  const found = setBack(remembered, before)
  const identity =
    anchor === undefined
      ? undefined
      : {
          journal: before === undefined ? randomBytes(16) : Buffer.from(before.journal, 'hex'),
          epoch: (before?.epoch ?? 0) + 1,
        }
  const index = await IndexWriter.begin(directory, current)
  return { summaries, indexes, current, index, marks: Marks.open(directory), cut, setBack: found, identity }
}
