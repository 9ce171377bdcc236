import type { Connection } from '@gridseal/transport'

/**
 * What a channel needs of a connection; without `remote`, limits per address take all such connections for one, and without
 * `writeAll` long records are copied once more.
 */
export type ChannelConnection = Pick<
  Connection,
  'data' | 'drained' | 'closed' | 'write' | 'pause' | 'resume' | 'end' | 'destroy'
> &
  Partial<Pick<Connection, 'remote' | 'writeAll'>>
