import { LINE_ADDRESS, connectChannel, connectDatagram, openLine, udpPath } from '@gridseal/channel'
import type { ChannelMetrics, ExpectedPeer, MessageChannel, OwnIdentity, Path, TicketStore } from '@gridseal/channel'
import { connect } from '@gridseal/transport'
import type { CloseReason, Connection, Reopened } from '@gridseal/transport'
import type { FieldChannelConfig } from '../config/model.ts'
import { carriesPackets, channelOptions, packetOptions } from './options.ts'

/** The field bridge's end of what joins it to the head-end, for as long as it lasts. */
export interface Uplink extends Reopened {
  /** Shakes hands, where that is not done yet. */
  readonly channel: () => Promise<MessageChannel>
}

export interface UplinkOptions {
  readonly config: FieldChannelConfig
  readonly identity: OwnIdentity
  readonly peer: ExpectedPeer
  readonly ticketStore: TicketStore
  readonly metrics: ChannelMetrics
}

/** Opens the way to the head-end that the configuration names. */
export async function openUplink(options: UplinkOptions, signal: AbortSignal): Promise<Uplink> {
  const [first = ''] = options.config.connect
  return carriesPackets(first) ? packetUplink(options, signal) : streamUplink(options, await connect(first, { signal }))
}

function streamUplink({ config, identity, peer, ticketStore, metrics }: UplinkOptions, connection: Connection): Uplink {
  const { closed, counters } = connection
  return {
    closed,
    counters,
    end: () => connection.end(),
    destroy: () => connection.destroy(),
    channel: () => connectChannel(connection, { identity, peer, ticketStore, metrics, ...channelOptions(config) }),
  }
}

/** Packets have no connection without a channel: the handshake is part of the opening. */
async function packetUplink(
  { config, identity, peer, ticketStore, metrics }: UplinkOptions,
  signal: AbortSignal,
): Promise<Uplink> {
  const { connect: given, mtu } = config
  const paths: Path[] = []
  const abort = (): void => paths.forEach(({ link }) => void link.close())
  signal.addEventListener('abort', abort)
  try {
    for (const url of given) paths.push(await openPath(url, mtu, signal))
    const channel = await connectDatagram(paths, {
      identity,
      peer,
      ticketStore,
      metrics,
      ...channelOptions(config),
      ...packetOptions(config, given[0] ?? ''),
    })
    const counters = { bytesIn: 0, bytesOut: 0, writes: 0, errors: 0 }
    const closed = channel.closed.then(({ kind, error }): CloseReason => {
      if (kind === 'local') return { kind: 'local' }
      return error === undefined ? { kind: 'peer' } : { kind: 'error', error }
    })
    return {
      closed,
      counters,
      end: () => void channel.close(),
      destroy: () => channel.destroy(),
      channel: () => Promise.resolve(channel),
    }
  } catch (error) {
    abort()
    throw error
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

async function openPath(url: string, mtu: number | undefined, signal: AbortSignal): Promise<Path> {
  const packets = mtu === undefined ? {} : { mtu }
  if (url.startsWith('udp:')) return udpPath(url, packets)
  const link = await openLine(url, { address: LINE_ADDRESS.caller, ...packets }, { signal })
  return { link, to: `${LINE_ADDRESS.listener}` }
}
