import { readFile } from 'node:fs/promises'
import type { ReadingExtractor } from '@gridseal/adapter'
import { UsageError, describeError } from '@gridseal/wire'
import type { LinkConfig } from './config/model.ts'
import { adapterFor } from './protocols.ts'

/**
 * What turns the frames of a link into readings, points named as its `points` file says. Throws `UsageError` `config.points` for a
 * file that cannot be read, and the protocol's own for one that is wrong.
 */
export async function linkReadings(
  link: Pick<LinkConfig, 'protocol' | 'framing' | 'points'>,
): Promise<ReadingExtractor> {
  const { protocol, framing, points } = link
  const adapter = adapterFor(protocol)
  if (points === undefined) return adapter.readings(framing)
  let source: string
  try {
    source = await readFile(points, 'utf8')
  } catch (error) {
    throw new UsageError('config.points', `cannot read ${points}: ${describeError(error)}`, { points }, error)
  }
  return adapter.readings(framing, adapter.pointNames?.(source, points))
}
