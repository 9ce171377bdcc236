import { createServer as createHttpServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { Socket } from 'node:net'
import { WebSocketServer } from 'ws'
import type { Connection } from '../connection.ts'
import type { WebSocketEndpoint } from '../endpoint.ts'
import type { Listener } from '../listener.ts'
import type { ConnectionSettings, ListenOptions } from '../options.ts'
import { TcpListener } from '../tcp/tcp-listener.ts'
import { peerOf, serverTls } from '../tls/listen-tls.ts'
import { MAX_MESSAGE, WebSocketConnection } from './ws-connection.ts'

/** Whoever has not asked for a WebSocket by then is cut off. */
const UPGRADE_MS = 10_000
const MAX_HEADERS = 8192

/**
 * A server for WebSockets at one path, and for nothing else; under TLS for `wss`. The allow-list is asked before a byte is
 * read. Throws {@link UsageError} `transport.option` for `wss` without a certificate.
 */
export function listenWebSocket(endpoint: WebSocketEndpoint, options: ListenOptions): Promise<Listener> {
  const { kind, path } = endpoint
  const upgrades = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: MAX_MESSAGE })
  const http = { maxHeaderSize: MAX_HEADERS }
  const server: Server =
    kind === 'ws' ? createHttpServer(http) : createHttpsServer({ ...http, ...serverTls(endpoint, options) })
  /** The time of those that have not asked, by the peer's address and port. */
  const waiting = new Map<string, NodeJS.Timeout>()
  let taken: ((connection: Connection) => void) | undefined
  let settings: ConnectionSettings | undefined
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    response.writeHead(request.url === path ? 426 : 404, { connection: 'close' }).end()
  })
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    socket.on('error', () => undefined)
    if (request.url !== path) {
      socket.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n')
      return
    }
    clearTimeout(waiting.get(peerOf(socket)))
    upgrades.handleUpgrade(request, socket, head, (upgraded) => {
      if (settings !== undefined) taken?.(new WebSocketConnection(upgraded, socket, settings, kind))
    })
  })
  server.on('clientError', (_error, socket) => socket.destroy())
  server.on('tlsClientError', (_error, socket) => socket.destroy())
  return TcpListener.open(endpoint, options, {
    scheme: kind,
    path: path === '/' ? '' : path,
    begin: (socket, forAll, done) => {
      taken = done
      settings = forAll
      const peer = peerOf(socket)
      waiting.set(
        peer,
        setTimeout(() => socket.destroy(), UPGRADE_MS),
      )
      socket.on('error', () => undefined)
      socket.once('close', () => {
        clearTimeout(waiting.get(peer))
        waiting.delete(peer)
      })
      server.emit('connection', socket)
    },
  })
}
