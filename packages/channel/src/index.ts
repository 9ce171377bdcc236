// Opening a channel
export { acceptChannel, connectChannel } from './connect.ts'
export type { AcceptOptions, ChannelOptions, ConnectOptions } from './options.ts'
export type { ChannelConnection } from './connection.ts'

// An open channel
export type { Channel, ChannelEnd, ChannelMessage } from './channel.ts'
export type { ChannelCounters } from './counters.ts'
