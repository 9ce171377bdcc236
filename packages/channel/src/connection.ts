import type { Connection } from '@gridseal/transport'

/** What a channel needs of a connection. */
export type ChannelConnection = Pick<
  Connection,
  'data' | 'drained' | 'closed' | 'write' | 'pause' | 'resume' | 'end' | 'destroy'
>
