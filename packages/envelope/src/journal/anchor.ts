import { open, readFile, rename } from 'node:fs/promises'
import { UsageError, describeError } from '@gridseal/wire'
import type { SegmentSummary } from './segment-index.ts'

/** The last that is known of a journal, kept apart from it: on another disk, another machine, a module that counts. */
export interface Anchor {
  /** Random id of the journal, in hex. */
  readonly journal: string
  /** How often it has been opened. */
  readonly epoch: number
  /** Where its last record ended that is on disk. */
  readonly segment: number
  readonly offset: number
}

/** Undefined if there is no such file yet. Throws `UsageError` `journal.anchor`. */
export async function readAnchor(file: string): Promise<Anchor | undefined> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new UsageError('journal.anchor', `cannot read ${file}: ${describeError(error)}`, {}, error)
  }
  const [name, journal, epoch, segment, offset, end] = text.split(/[ \n]/)
  const numbers = [epoch, segment, offset].map(Number)
  if (name !== 'gridseal-anchor' || end !== '' || journal === undefined || !numbers.every(Number.isSafeInteger)) {
    throw new UsageError('journal.anchor', `${file} is no anchor of a journal: look after it`)
  }
  const [e = 0, s = 0, o = 0] = numbers
  return { journal, epoch: e, segment: s, offset: o }
}

/** Replaces the anchor in one step. */
export async function writeAnchor(file: string, anchor: Anchor): Promise<void> {
  const draft = `${file}.new`
  const { journal, epoch, segment, offset } = anchor
  const handle = await open(draft, 'w', 0o600)
  try {
    await handle.writeFile(`gridseal-anchor ${journal} ${epoch} ${segment} ${offset}\n`)
    await handle.datasync()
  } finally {
    await handle.close()
  }
  await rename(draft, file)
}

/** What is wrong with a journal that should be at least as far as its anchor, or undefined. */
export function setBack(anchor: Anchor | undefined, now: Anchor | undefined): string | undefined {
  if (anchor === undefined) return undefined
  if (now === undefined || now.journal !== anchor.journal) {
    return 'it is another journal than the one that was here (replaced or emptied)'
  }
  if (now.epoch < anchor.epoch) return `it was opened ${anchor.epoch} times and knows of ${now.epoch}: an older copy`
  const short = now.segment < anchor.segment || (now.segment === anchor.segment && now.offset < anchor.offset)
  if (short) {
    return `it ends in segment ${now.segment} at ${now.offset}, but had reached segment ${anchor.segment} at ${anchor.offset}`
  }
  return undefined
}

/** How far a journal has come, as it says itself. */
export function anchorOf(summaries: readonly SegmentSummary[], size: number | undefined): Anchor | undefined {
  const opened = summaries.findLast((summary) => summary.opened !== undefined)?.opened
  const last = summaries.at(-1)
  if (opened === undefined || last === undefined) return undefined
  return { ...opened, segment: last.segment, offset: size ?? last.end }
}
