import { isIP } from 'node:net'
import { connect } from 'node:tls'
import { ProtocolError, UsageError } from '@gridseal/wire'
import type { GridsealError } from '@gridseal/wire'
import type { TlsEndpoint } from '../endpoint.ts'
import { formatEndpoint } from '../endpoint.ts'
import { settleConnect, settleTls } from '../options.ts'
import type { ConnectOptions } from '../options.ts'
import { systemError } from '../system-error.ts'
import { TcpConnection } from '../tcp/tcp-connection.ts'

/**
 * Connects and shakes hands, or rejects with `transport.connect.…`; with `transport.connect.tls` for a peer whose certificate is
 * not trusted, or not for this host.
 */
export async function connectTls(endpoint: TlsEndpoint, options: ConnectOptions): Promise<TcpConnection> {
  const settings = settleConnect(options, 'stream')
  const { servername, ...certificates } = settleTls(options.tls)
  const { timeout, signal, keepAlive } = settings
  const { host, port } = endpoint
  const url = formatEndpoint(endpoint)
  if (port === 0) throw new UsageError('transport.url.port', `${url}: there is no port 0 to connect to`, { url })
  if (signal?.aborted === true) throw aborted(url)
  // An address cannot be asked for by name (RFC 6066 3); the certificate is checked against it all the same.
  const name = servername ?? (isIP(host) === 0 ? host : undefined)
  return new Promise((resolve, reject) => {
    const socket = connect({
      ...certificates,
      host,
      port,
      minVersion: 'TLSv1.2',
      ...(name !== undefined && { servername: name }),
    })
    socket.setNoDelay(true)
    if (keepAlive > 0) socket.setKeepAlive(true, keepAlive)
    const timer = setTimeout(() => {
      socket.destroy(
        new ProtocolError('transport.connect.timeout', `${url}: no connection within ${timeout} ms`, { timeout }),
      )
    }, timeout)
    const abort = (): unknown => socket.destroy(aborted(url))
    const settled = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
      socket.removeListener('error', failed)
    }
    const failed = (error: NodeJS.ErrnoException): void => {
      settled()
      reject(connectError(url, error))
    }
    signal?.addEventListener('abort', abort)
    socket.on('error', failed)
    socket.once('secureConnect', () => {
      settled()
      resolve(new TcpConnection(socket, settings, 'tls'))
    })
  })
}

/** Why there is no connection: what TLS has against it, or the system. */
export function connectError(url: string, error: NodeJS.ErrnoException): GridsealError {
  return isTlsFailure(error) ? refused(url, error) : systemError('connect', url, error)
}

/** Errors of the handshake have codes of their own: `CERT_…`, `ERR_TLS_…`, `ERR_SSL_…`, `DEPTH_ZERO_…`. */
function isTlsFailure({ code = '' }: NodeJS.ErrnoException): boolean {
  return /^(CERT_|ERR_TLS_|ERR_SSL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/.test(code)
}

function refused(url: string, error: Error): ProtocolError {
  return new ProtocolError('transport.connect.tls', `${url}: ${error.message}`, {}, error)
}

function aborted(url: string): UsageError {
  return new UsageError('transport.connect.aborted', `${url}: the attempt was given up`)
}
