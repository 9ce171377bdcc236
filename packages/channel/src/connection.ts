import type { Connection } from '@gridseal/transport'

/**
 * What a channel needs of a connection; without `remote`, limits per address take all such connections for one, and without
 * `writeAll` long records are copied once more. Chunks of `data` belong to the channel, which gives their memory back where
 * it is all theirs.
 */
export type ChannelConnection = Pick<
  Connection,
  'data' | 'drained' | 'closed' | 'write' | 'pause' | 'resume' | 'end' | 'destroy'
> &
  Partial<Pick<Connection, 'remote' | 'writeAll'>>
