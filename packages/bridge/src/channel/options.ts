import type { DatagramOptions } from '@gridseal/channel'
import { parseEndpoint } from '@gridseal/transport'
import type { ChannelConfig } from '../config/model.ts'

/** Whether what a URL names carries packets that may get lost, not a stream. */
export function carriesPackets(url: string): boolean {
  const { kind } = parseEndpoint(url)
  return kind === 'udp' || kind === 'serial'
}

/** What channels of both kinds take from the configuration. */
export function channelOptions({ handshakeTimeout, closeTimeout, rekeyInterval }: ChannelConfig): {
  readonly handshakeTimeout: number
  readonly closeTimeout: number
  readonly rekeyInterval: number
} {
  return { handshakeTimeout, closeTimeout, rekeyInterval }
}

/** What channels over packets take besides. A serial line loses, but does not reorder. */
export function packetOptions({ keepAlive, idleTimeout, mtu, use }: ChannelConfig, url: string): DatagramOptions {
  const ordering = parseEndpoint(url).kind === 'serial' ? 'greater-than-last' : 'window'
  return { keepAlive, idleTimeout, use, ordering, ...(mtu === undefined ? {} : { mtu }) }
}
