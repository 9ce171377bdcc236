import { Journal, JournalKey } from '@gridseal/envelope'
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
  const { directory } = config
  const journal = await Journal.open(directory, {
    sync: config.sync,
    maxSegmentBytes: config.maxSegment,
    maxSegmentAge: config.maxSegmentAge,
    keepAge: config.keep,
    keepBytes: config.maxSize,
    anchor: config.anchor,
    holdRetention: true,
    ...(config.key === undefined ? {} : { key: await JournalKey.read(config.key) }),
    onFull: (reason) => {
      const message =
        reason === undefined ? `journal ${directory}: there is room again` : `journal ${directory}: ${reason}`
      const code = reason === undefined ? 'journal.room' : 'journal.full'
      report({ level: reason === undefined ? 'info' : 'error', code, message, details: { directory } })
    },
  })
  if (journal.setBack !== undefined) {
    const message = `journal ${directory} has been set back: ${journal.setBack}`
    report({ level: 'error', code: 'journal.set-back', message, details: { directory } })
  }
  for (const key of keys) await journal.addKey(key)
  const { bytes, cut } = journal.stats
  const details = { directory, bytes, cut }
  const message = `journal ${directory}: ${bytes} bytes${cut > 0 ? `, ${cut} bytes of a half record cut off` : ''}`
  report({ level: cut > 0 ? 'warn' : 'info', code: 'journal.open', message, details })
  return journal
}
