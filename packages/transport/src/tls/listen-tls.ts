import type { Socket } from 'node:net'
import { createServer } from 'node:tls'
import type { TlsOptions } from 'node:tls'
import { UsageError } from '@gridseal/wire'
import type { Endpoint, TlsEndpoint } from '../endpoint.ts'
import { formatEndpoint } from '../endpoint.ts'
import type { Listener } from '../listener.ts'
import { settleTls } from '../options.ts'
import type { ListenOptions } from '../options.ts'
import { TcpConnection } from '../tcp/tcp-connection.ts'
import { TcpListener } from '../tcp/tcp-listener.ts'

/** Whoever has not shaken hands by then is cut off. */
const HANDSHAKE_MS = 10_000

/**
 * A TCP server under TLS; with `ca`, only for clients whose certificate it has issued. The allow-list is asked before a byte is
 * read. Throws {@link UsageError} `transport.option` without a certificate, or with one that is none.
 */
export function listenTls(endpoint: TlsEndpoint, options: ListenOptions): Promise<Listener> {
  const server = createServer(serverTls(endpoint, options))
  /** Sockets that shake hands, by the peer's address and port. */
  const waiting = new Map<string, (socket: Socket) => void>()
  server.on('secureConnection', (socket) => waiting.get(peerOf(socket))?.(socket))
  // Nothing can be told to whom a handshake has failed with.
  server.on('tlsClientError', (_error, socket) => socket.destroy())
  return TcpListener.open(endpoint, options, {
    scheme: 'tls',
    begin: (socket, settings, done) => {
      const peer = peerOf(socket)
      waiting.set(peer, (secured) => done(new TcpConnection(secured, settings, 'tls')))
      socket.on('error', () => undefined)
      socket.once('close', () => waiting.delete(peer))
      server.emit('connection', socket)
    },
  })
}

/** What a server under TLS is made with. Throws {@link UsageError} `transport.option` without a certificate. */
export function serverTls(endpoint: Endpoint, options: ListenOptions): TlsOptions {
  const { ca, cert, key } = settleTls(options.tls)
  if (cert === undefined || key === undefined) {
    throw new UsageError('transport.option', `${formatEndpoint(endpoint)}: listening needs tls.cert and tls.key`)
  }
  return {
    cert,
    key,
    minVersion: 'TLSv1.2',
    handshakeTimeout: HANDSHAKE_MS,
    ...(ca !== undefined && { ca, requestCert: true, rejectUnauthorized: true }),
  }
}

/** The peer's address and port, by which a socket is known under TLS and without. */
export function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`
}
