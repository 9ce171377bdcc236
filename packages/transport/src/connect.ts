import { UsageError } from '@gridseal/wire'
import type { Connection } from './connection.ts'
import { formatEndpoint, parseEndpoint } from './endpoint.ts'
import type { Endpoint } from './endpoint.ts'
import type { Listener } from './listener.ts'
import { MemoryListener, connectMemory } from './memory/memory-listener.ts'
import type { ConnectOptions, ListenOptions } from './options.ts'
import { connectSerial } from './serial/open-serial.ts'
import { connectTcp } from './tcp/connect-tcp.ts'
import { TcpListener } from './tcp/tcp-listener.ts'
import { connectTls } from './tls/connect-tls.ts'
import { listenTls } from './tls/listen-tls.ts'
import { connectWebSocket } from './ws/connect-ws.ts'
import { listenWebSocket } from './ws/listen-ws.ts'

/**
 * Opens a connection: TCP, TLS and WebSocket connect, serial opens the port for itself alone.
 *
 * Rejects with a `ProtocolError` `transport.connect.…` or `transport.serial.…` while the other end cannot be reached,
 * with a `UsageError` for what waiting will not mend (`transport.url.…`, `transport.option`, `transport.serial.missing`,
 * `transport.serial.denied`, `transport.connect.aborted`).
 *
 * @example
 * const connection = await connect('tcp://10.0.0.7:502', { timeout: 3_000 })
 * connection.data.subscribe((chunk) => console.log(chunk))
 * connection.write(request)
 */
export async function connect(url: string | Endpoint, options: ConnectOptions = {}): Promise<Connection> {
  const endpoint = typeof url === 'string' ? parseEndpoint(url) : url
  switch (endpoint.kind) {
    case 'tcp':
      return connectTcp(endpoint, options)
    case 'tls':
      return connectTls(endpoint, options)
    case 'ws':
    case 'wss':
      return connectWebSocket(endpoint, options)
    case 'serial':
      return connectSerial(endpoint, options)
    case 'memory':
      return connectMemory(endpoint, options)
    case 'udp':
      throw new UsageError('transport.url.scheme', `${formatEndpoint(endpoint)}: UDP has no connections; openDatagram`)
    case 'eth':
      throw new UsageError('transport.url.scheme', `${formatEndpoint(endpoint)}: no connections; openEthernet`)
  }
}

/**
 * Accepts connections at a TCP, TLS, WebSocket (or memory) URL; port 0 takes a free port, which the listener's URL tells.
 *
 * Rejects with a `UsageError` `transport.listen.…`, `transport.url.…`, `transport.allow` or `transport.option`.
 */
export async function listen(url: string | Endpoint, options: ListenOptions = {}): Promise<Listener> {
  const endpoint = typeof url === 'string' ? parseEndpoint(url) : url
  switch (endpoint.kind) {
    case 'tcp':
      return TcpListener.open(endpoint, options)
    case 'tls':
      return listenTls(endpoint, options)
    case 'ws':
    case 'wss':
      return listenWebSocket(endpoint, options)
    case 'memory':
      return new MemoryListener(endpoint, options)
    case 'udp':
    case 'serial':
    case 'eth':
      throw new UsageError(
        'transport.url.scheme',
        `${formatEndpoint(endpoint)}: ${endpoint.kind} cannot accept connections`,
      )
  }
}
