import { Journal } from '@gridseal/envelope'
import type { VerifyingKey } from '@gridseal/pqc'
import type { JournalConfig } from './config/model.ts'
import type { Report } from './events.ts'

/** Opens a bridge's journal and puts the keys it will be verified with beside it. */
export async function openJournal(
  config: JournalConfig | undefined,
  keys: readonly VerifyingKey[],
  report: Report,
): Promise<Journal | undefined> {
  if (config === undefined) return undefined
  const journal = await Journal.open(config.directory, { sync: config.sync, maxSegmentBytes: config.maxSegment })
  for (const key of keys) await journal.addKey(key)
  const { bytes, cut } = journal.stats
  const details = { directory: config.directory, bytes, cut }
  const message = `journal ${config.directory}: ${bytes} bytes${cut > 0 ? `, ${cut} bytes of a half record cut off` : ''}`
  report({ level: cut > 0 ? 'warn' : 'info', code: 'journal.open', message, details })
  return journal
}
