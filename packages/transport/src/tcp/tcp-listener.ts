import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import type { Observable } from 'rxjs'
import { AllowList } from '../allow-list.ts'
import type { Connection } from '../connection.ts'
import { formatAddress, formatEndpoint } from '../endpoint.ts'
import type { TcpEndpoint, TlsEndpoint, WebSocketEndpoint } from '../endpoint.ts'
import { HeldQueue } from '../held-queue.ts'
import { newListenerCounters } from '../listener.ts'
import type { Listener, ListenerCounters } from '../listener.ts'
import { settleListen } from '../options.ts'
import type { ConnectionSettings, ListenOptions } from '../options.ts'
import { systemError } from '../system-error.ts'
import { TcpConnection } from './tcp-connection.ts'

/** What stands between a socket and its connection: a handshake that ends with a connection, or with none. */
export interface Handshake {
  readonly scheme: 'tls' | 'ws' | 'wss'
  /** What stands behind the port in the listener's URL. */
  readonly path?: string
  begin(socket: Socket, settings: ConnectionSettings, done: (connection: Connection) => void): void
}

/** A TCP server. What the allow-list or the limit refuses is destroyed before a byte of it is read. */
export class TcpListener implements Listener {
  readonly url: string
  readonly counters: ListenerCounters = newListenerCounters()
  readonly #server: Server
  readonly #settings: ConnectionSettings
  readonly #allow: AllowList | undefined
  readonly #maxConnections: number
  readonly #handshake: Handshake | undefined
  readonly #queue = new HeldQueue<Connection>('connections')
  #closing: Promise<void> | undefined

  private constructor(
    server: Server,
    settings: ConnectionSettings & { readonly maxConnections: number },
    allow: AllowList | undefined,
    handshake: Handshake | undefined,
  ) {
    const { address, port } = server.address() as AddressInfo
    this.url = formatAddress(handshake?.scheme ?? 'tcp', address, port) + (handshake?.path ?? '')
    this.#handshake = handshake
    this.#server = server
    // What stands in between ends as a whole.
    this.#settings = handshake === undefined ? settings : { ...settings, halfOpen: 0 }
    this.#allow = allow
    this.#maxConnections = settings.maxConnections
    server.on('connection', (socket) => this.#accept(socket))
    server.on('error', () => this.counters.errors++)
  }

  /** Throws {@link UsageError} `transport.listen.…` (in-use, address, denied), `transport.allow`, `transport.option`. */
  static async open(
    endpoint: TcpEndpoint | TlsEndpoint | WebSocketEndpoint,
    options: ListenOptions,
    handshake?: Handshake,
  ): Promise<TcpListener> {
    const settings = settleListen(options)
    const allow = settings.allow === undefined ? undefined : new AllowList(settings.allow)
    const { keepAlive, halfOpen } = settings
    const { host, port } = endpoint
    // Nothing is read from a socket before it has passed the allow-list.
    const server = createServer({
      noDelay: true,
      keepAlive: keepAlive > 0,
      keepAliveInitialDelay: keepAlive,
      allowHalfOpen: halfOpen > 0 && handshake === undefined,
      // A handshake reads as soon as it begins.
      pauseOnConnect: handshake === undefined,
    })
    return new Promise((resolve, reject) => {
      const failed = (error: Error): void => reject(systemError('listen', formatEndpoint(endpoint), error))
      server.once('error', failed)
      server.listen({ host, port }, () => {
        server.removeListener('error', failed)
        resolve(new TcpListener(server, settings, allow, handshake))
      })
    })
  }

  get connections(): Observable<Connection> {
    return this.#queue.items
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    // The port is free at once; the event `close` would wait for connections that belong to others.
    this.#server.close()
    const untaken = this.#queue.removeAll()
    this.#queue.complete()
    for (const connection of untaken) connection.destroy()
    await Promise.all(untaken.map((connection) => connection.closed))
  }

  #accept(socket: Socket): void {
    const { counters } = this
    const address = socket.remoteAddress
    // A peer that is gone already has no address.
    if (address === undefined) counters.errors++
    else if (this.#allow?.admits(address) === false) counters.refusedAddress++
    else if (counters.open >= this.#maxConnections) counters.refusedFull++
    else {
      this.#hand(socket)
      return
    }
    socket.on('error', () => undefined)
    socket.destroy()
  }

  #hand(socket: Socket): void {
    const { counters } = this
    counters.open++
    socket.once('close', () => counters.open--)
    if (this.#handshake === undefined) this.#connected(new TcpConnection(socket, this.#settings))
    else this.#handshake.begin(socket, this.#settings, (connection) => this.#connected(connection))
  }

  #connected(connection: Connection): void {
    this.counters.accepted++
    void connection.closed.then(() => this.#queue.remove(connection))
    this.#queue.push(connection)
  }
}
