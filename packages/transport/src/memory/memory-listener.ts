import { ProtocolError, UsageError } from '@gridseal/wire'
import type { Observable } from 'rxjs'
import type { Connection } from '../connection.ts'
import type { MemoryEndpoint } from '../endpoint.ts'
import { formatEndpoint } from '../endpoint.ts'
import { HeldQueue } from '../held-queue.ts'
import { newListenerCounters } from '../listener.ts'
import type { Listener, ListenerCounters } from '../listener.ts'
import { settleConnect, settleListen } from '../options.ts'
import type { ConnectOptions, ListenOptions } from '../options.ts'
import { memoryPair } from './memory-connection.ts'

const listeners = new Map<string, MemoryListener>()

/** Accepts connections that {@link connectMemory} makes to its name within this process. */
export class MemoryListener implements Listener {
  readonly url: string
  readonly counters: ListenerCounters = newListenerCounters()
  readonly #name: string
  readonly #maxConnections: number
  readonly #queue = new HeldQueue<Connection>('connections')

  /** Throws {@link UsageError} `transport.listen.in-use` if the name is taken, `transport.option`. */
  constructor(endpoint: MemoryEndpoint, options: ListenOptions) {
    this.url = formatEndpoint(endpoint)
    this.#name = endpoint.name
    const { allow, maxConnections } = settleListen(options)
    if (allow !== undefined) throw new UsageError('transport.option', 'memory has no addresses to allow')
    this.#maxConnections = maxConnections
    if (listeners.has(endpoint.name)) throw new UsageError('transport.listen.in-use', `${this.url}: the name is taken`)
    listeners.set(endpoint.name, this)
  }

  get connections(): Observable<Connection> {
    return this.#queue.items
  }

  accept(connection: Connection): void {
    const { counters } = this
    if (counters.open >= this.#maxConnections) {
      counters.refusedFull++
      connection.destroy()
      return
    }
    counters.accepted++
    counters.open++
    void connection.closed.then(() => {
      counters.open--
      this.#queue.remove(connection)
    })
    this.#queue.push(connection)
  }

  async close(): Promise<void> {
    if (listeners.get(this.#name) === this) listeners.delete(this.#name)
    const untaken = this.#queue.removeAll()
    this.#queue.complete()
    for (const connection of untaken) connection.destroy()
    await Promise.all(untaken.map((connection) => connection.closed))
  }
}

/** Connects to a {@link MemoryListener}; throws `transport.connect.refused` where there is none. */
export function connectMemory(endpoint: MemoryEndpoint, options: ConnectOptions): Connection {
  const { queue, linger, signal } = settleConnect(options, 'stream')
  const url = formatEndpoint(endpoint)
  if (signal?.aborted === true) throw new UsageError('transport.connect.aborted', `${url}: the attempt was given up`)
  const listener = listeners.get(endpoint.name)
  if (listener === undefined) {
    throw new ProtocolError('transport.connect.refused', `${url}: nothing accepts connections there`)
  }
  const [near, far] = memoryPair({ queue, linger, names: [`${endpoint.name}/client`, endpoint.name] })
  listener.accept(far)
  return near
}
