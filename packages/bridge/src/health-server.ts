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
/** How often it is looked for who has taken longer: Node's own half a minute is too long for supervisors. */
const LOOK_EVERY = 1_000
const MAX_HEADERS = 4_096

/** What a bridge tells of itself over HTTP. */
export interface Told {
  readonly health: () => BridgeHealth
  readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>
}

/**
 * Answers `GET /health` over HTTP: 200 while the bridge works, 503 when it has failed; and `GET /metrics`. There is no
 * authentication, so it belongs on loopback or a management network; nothing that is asked changes anything.
 */
export class HealthServer {
  readonly #server: Server
  readonly #listen: string

  constructor(listen: string, told: Told) {
    this.#listen = listen
    this.#server = createServer(
      {
        requestTimeout: REQUEST_TIMEOUT,
        headersTimeout: REQUEST_TIMEOUT,
        connectionsCheckingInterval: LOOK_EVERY,
        maxHeaderSize: MAX_HEADERS,
      },
      (request, response) => void answer(request, response, told),
    )
    this.#server.maxConnections = MAX_CONNECTIONS
  }

  /** Where it listens, without a path; undefined before {@link start}. */
  get url(): string | undefined {
    const address = this.#server.address() as AddressInfo | null
    if (address === null) return undefined
    const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
    return `http://${host}:${address.port}`
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

async function answer(request: IncomingMessage, response: ServerResponse, { health, metrics }: Told): Promise<void> {
  const { method = '', url = '' } = request
  request.resume()
  try {
    if (url !== '/health' && url !== '/metrics') {
      sayJson(response, 404, { error: 'only /health and /metrics are here' })
    } else if (method !== 'GET' && method !== 'HEAD') {
      sayJson(response, 405, { error: 'only GET' }, { allow: 'GET, HEAD' })
    } else if (url === '/health') {
      const state = health()
      sayJson(response, state.status === 'failed' ? 503 : 200, state)
    } else {
      const { contentType, text } = await metrics()
      say(response, 200, contentType, text)
    }
  } catch {
    sayJson(response, 500, { error: 'this cannot be told now' })
  }
}

function sayJson(response: ServerResponse, status: number, body: object, headers: Record<string, string> = {}): void {
  say(response, status, 'application/json; charset=utf-8', `${JSON.stringify(body)}\n`, headers)
}

function say(
  response: ServerResponse,
  status: number,
  contentType: string,
  text: string,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    ...headers,
  })
  response.end(text)
}
