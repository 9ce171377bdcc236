import { connect } from 'node:net'
import { ProtocolError, UsageError } from '@gridseal/wire'
import type { TcpEndpoint } from '../endpoint.ts'
import { formatEndpoint } from '../endpoint.ts'
import { settleConnect } from '../options.ts'
import type { ConnectOptions } from '../options.ts'
import { systemError } from '../system-error.ts'
import { SharedRead } from './shared-read.ts'
import { TcpConnection } from './tcp-connection.ts'

/** Connects, or rejects with `transport.connect.…` (refused, timeout, unreachable, host, aborted). */
export async function connectTcp(endpoint: TcpEndpoint, options: ConnectOptions): Promise<TcpConnection> {
  const settings = settleConnect(options, 'stream')
  const { timeout, signal, keepAlive } = settings
  const { host, port } = endpoint
  const url = formatEndpoint(endpoint)
  if (port === 0) throw new UsageError('transport.url.port', `${url}: there is no port 0 to connect to`, { url })
  if (signal?.aborted === true) throw aborted(url)
  return new Promise((resolve, reject) => {
    const read = new SharedRead()
    const onread = read.options === undefined ? {} : { onread: read.options }
    const keep = { keepAlive: keepAlive > 0, keepAliveInitialDelay: keepAlive }
    const socket = connect({ host, port, noDelay: true, ...keep, ...onread })
    const timer = setTimeout(() => {
      const message = `${url}: no connection within ${timeout} ms`
      socket.destroy(new ProtocolError('transport.connect.timeout', message, { timeout }))
    }, timeout)
    const abort = (): unknown => socket.destroy(aborted(url))
    const failed = (error: Error): void => {
      settled()
      reject(systemError('connect', url, error))
    }
    const settled = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
      socket.removeListener('error', failed)
    }
    signal?.addEventListener('abort', abort)
    socket.on('error', failed)
    socket.once('connect', () => {
      settled()
      resolve(new TcpConnection(socket, settings, 'tcp', read))
    })
  })
}

function aborted(url: string): UsageError {
  return new UsageError('transport.connect.aborted', `${url}: the attempt was given up`)
}
