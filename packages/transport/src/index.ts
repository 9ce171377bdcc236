// Where: URLs
export { FLOWS, PARITIES, RS485_MODES, formatEndpoint, parseEndpoint } from './endpoint.ts'
export type {
  Endpoint,
  EthernetEndpoint,
  Flow,
  MemoryEndpoint,
  Parity,
  Rs485,
  SerialEndpoint,
  TcpEndpoint,
  TlsEndpoint,
  UdpEndpoint,
  WebSocketEndpoint,
} from './endpoint.ts'

// Connections: TCP, TLS, WebSocket, serial, in memory
export { connect, listen } from './connect.ts'
export { memoryPair } from './memory/memory-connection.ts'
export type { MemoryOptions } from './memory/memory-connection.ts'
export type { CloseReason, Connection, ConnectionCounters, Medium } from './connection.ts'
export type { Listener, ListenerCounters } from './listener.ts'
export type { ConnectOptions, ConnectionOptions, ListenOptions, QueueMarks, TlsOptions } from './options.ts'

// Memory that is done with
export { release } from './release.ts'

// Datagrams: UDP
export { openDatagram, resolveDatagram } from './udp/datagram-socket.ts'
export type { Datagram, DatagramCounters, DatagramOptions, DatagramSocket } from './udp/datagram-socket.ts'
export { isMulticast, openMulticast } from './udp/multicast-socket.ts'
export type { MulticastOptions } from './udp/multicast-socket.ts'

// Raw Ethernet
export { openEthernet } from './ethernet/packet-socket.ts'
export { MemoryEthernet } from './ethernet/memory-ethernet.ts'
export type { EthernetCounters, EthernetOptions, EthernetSocket, OpenEthernet } from './ethernet/ethernet-socket.ts'

// A link that is opened again whenever it ends
export { ReconnectingLink } from './link/reconnecting-link.ts'
export type { BackoffOptions, LinkCounters, LinkOptions, Reopened } from './link/reconnecting-link.ts'
export { CLOSED_LINK, stepLink } from './link/link-state.ts'
export type { Backoff, LinkEffect, LinkInput, LinkMachine, LinkState, LinkStep } from './link/link-state.ts'
export { SYSTEM_CLOCK } from './link/clock.ts'
export type { Clock } from './link/clock.ts'

// Who may connect
export { AllowList } from './allow-list.ts'
