// Opening a channel
export { acceptChannel, connectChannel } from './connect.ts'
export type { AcceptOptions, ChannelOptions, ConnectOptions } from './options.ts'
export type { ChannelConnection } from './connection.ts'

// The same over packets: UDP, lossy lines
export { connectDatagram } from './datagram/connect.ts'
export { listenDatagram } from './datagram/listen.ts'
export type { DatagramListener, DatagramListenerCounters } from './datagram/listen.ts'
export type { DatagramChannel, DatagramSendOptions, MessageChannel } from './datagram/datagram-channel.ts'
export type { DatagramCounters } from './datagram/counters.ts'
export type { DatagramAcceptOptions, DatagramConnectOptions, DatagramOptions } from './datagram/options.ts'
export type { PathAddress, PathUse } from './datagram/paths.ts'
export { udpLink, udpPath } from './link/udp-link.ts'
export type { UdpLinkOptions } from './link/udp-link.ts'
export { LINE_ADDRESS, LineLink, lineQueue, lineSpeed, openLine } from './link/line-link.ts'
export type { LineCounters, LineOptions } from './link/line-link.ts'
export type { Packet, PacketLink, Path } from './link/packet-link.ts'

// Who is who
export { StaticKey, StaticPublicKey } from './identity/static-key.ts'
export { CertifiedKey } from './identity/certified-key.ts'
export { CertificateTrust } from './identity/certificate-trust.ts'
export type { CertificateTrustOptions } from './identity/certificate-trust.ts'
export type { ExpectedPeer, OwnIdentity, PeerIdentity } from './identity/identity.ts'
export { configuredKeys } from './identity/shared-key.ts'
export type { SharedKeySource } from './identity/shared-key.ts'
export type { NamedKey } from './handshake/initiator.ts'

// Resumption
export { TicketKeys, TicketStore } from './handshake/ticket.ts'
export type { ResumptionTicket } from './handshake/ticket.ts'

// Limits of a listener
export { ChannelGuard } from './protection/guard.ts'
export type { Admission, GuardCounters, GuardOptions } from './protection/guard.ts'

// Many sites
export { ChannelPool } from './pool/channel-pool.ts'
export type { ChannelPoolOptions, Lease } from './pool/channel-pool.ts'
export type { PoolCounters, PoolStats } from './pool/pool-book.ts'

// What operators see
export { ChannelMetrics } from './observability/channel-metrics.ts'
export type { MetricFamily, MetricSample } from './observability/channel-metrics.ts'
export type { MetricRow, MetricType } from './observability/metric-table.ts'
export type { ChannelSpan, ChannelTracer } from './observability/tracing.ts'

// Suites, as data
export { SUITES } from './handshake/suites.ts'
export type { KemName, Suite } from './handshake/suites.ts'

// An open channel
export type { Channel } from './channel.ts'
export type { ChannelEnd, ChannelMessage, SendOptions } from './messages.ts'
export type { ChannelCounters } from './counters.ts'
