import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseEndpoint } from '@gridseal/transport'
import { UsageError, describeError } from '@gridseal/wire'
import type { BridgeHealth } from './health.ts'

/** Supervisors ask one at a time; more connections are no supervisors. */
const MAX_CONNECTIONS = 16
const REQUEST_TIMEOUT = 5_000
const MAX_HEADERS = 4_096

/**
 * Answers `GET /health` over HTTP: 200 while the bridge works, 503 when it has failed. There is no authentication, so it
 * belongs on loopback or a management network; nothing that is asked changes anything.
 */
export class HealthServer {
  readonly #server: Server
  readonly #listen: string

  constructor(listen: string, health: () => BridgeHealth) {
    this.#listen = listen
    this.#server = createServer(
      { requestTimeout: REQUEST_TIMEOUT, headersTimeout: REQUEST_TIMEOUT, maxHeaderSize: MAX_HEADERS },
      (request, response) => answer(request, response, health),
    )
    this.#server.maxConnections = MAX_CONNECTIONS
  }

  /** Where it listens; undefined before {@link start}. */
  get url(): string | undefined {
    const address = this.#server.address() as AddressInfo | null
    if (address === null) return undefined
    const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
    return `http://${host}:${address.port}/health`
  }

  /** Throws {@link UsageError} `config.health` if it cannot listen. */
  async start(): Promise<void> {
    const endpoint = parseEndpoint(this.#listen)
    if (endpoint.kind !== 'tcp') throw new UsageError('config.health', `${this.#listen} is not a tcp:// URL`)
    this.#server.listen(endpoint.port, endpoint.host)
    try {
      await once(this.#server, 'listening')
    } catch (error) {
      throw new UsageError(
        'config.health',
        `health: cannot listen on ${this.#listen}: ${describeError(error)}`,
        {},
        error,
      )
    }
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }
}

function answer(request: IncomingMessage, response: ServerResponse, health: () => BridgeHealth): void {
  const { method = '', url = '' } = request
  request.resume()
  if (url !== '/health') say(response, 404, { error: 'only /health is here' })
  else if (method !== 'GET' && method !== 'HEAD') say(response, 405, { error: 'only GET' }, { allow: 'GET, HEAD' })
  else {
    const state = health()
    say(response, state.status === 'failed' ? 503 : 200, state)
  }
}

function say(response: ServerResponse, status: number, body: object, headers: Record<string, string> = {}): void {
  const text = `${JSON.stringify(body)}\n`
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    ...headers,
  })
  response.end(text)
}
