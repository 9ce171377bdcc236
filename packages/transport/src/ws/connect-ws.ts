import type { Socket } from 'node:net'
import { ProtocolError, UsageError } from '@gridseal/wire'
import { WebSocket } from 'ws'
import type { WebSocketEndpoint } from '../endpoint.ts'
import { formatEndpoint } from '../endpoint.ts'
import { settleConnect, settleTls } from '../options.ts'
import type { ConnectOptions } from '../options.ts'
import { connectError } from '../tls/connect-tls.ts'
import { MAX_MESSAGE, WebSocketConnection } from './ws-connection.ts'

/** Connects, or rejects with `transport.connect.…`; with `transport.connect.http` for a server that speaks no WebSocket there. */
export async function connectWebSocket(
  endpoint: WebSocketEndpoint,
  options: ConnectOptions,
): Promise<WebSocketConnection> {
  const settings = settleConnect(options, 'stream')
  const certificates = settleTls(options.tls)
  const { timeout, signal } = settings
  const url = formatEndpoint(endpoint)
  if (endpoint.port === 0)
    throw new UsageError('transport.url.port', `${url}: there is no port 0 to connect to`, { url })
  if (signal?.aborted === true) throw aborted(url)
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, {
      perMessageDeflate: false,
      maxPayload: MAX_MESSAGE,
      ...(endpoint.kind === 'wss' ? { ...certificates, minVersion: 'TLSv1.2' as const } : {}),
    })
    let tcp: Socket | undefined
    let reason: Error | undefined
    const giveUp = (error: Error): void => {
      reason = error
      socket.terminate()
    }
    const timer = setTimeout(() => {
      giveUp(new ProtocolError('transport.connect.timeout', `${url}: no connection within ${timeout} ms`, { timeout }))
    }, timeout)
    const abort = (): void => giveUp(aborted(url))
    const settled = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
      socket.removeListener('error', failed)
    }
    const failed = (error: Error): void => {
      settled()
      socket.on('error', () => undefined)
      reject(connectError(url, reason ?? error))
    }
    signal?.addEventListener('abort', abort)
    socket.on('error', failed)
    socket.once('unexpected-response', (_request, { statusCode }) => {
      const message = `${url}: the server answers ${statusCode}, there is no WebSocket`
      giveUp(new ProtocolError('transport.connect.http', message, { status: statusCode }))
    })
    socket.once('upgrade', (response) => {
      tcp = response.socket
    })
    socket.once('open', () => {
      settled()
      resolve(new WebSocketConnection(socket, tcp!, settings, endpoint.kind))
    })
  })
}

function aborted(url: string): UsageError {
  return new UsageError('transport.connect.aborted', `${url}: the attempt was given up`)
}
