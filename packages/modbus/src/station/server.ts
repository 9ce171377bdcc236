import { ReconnectingLink, connect, listen, parseEndpoint } from '@gridseal/transport'
import type { Connection, Listener } from '@gridseal/transport'
import { UsageError } from '@gridseal/wire'
import type { Framing } from '../codec/adu.ts'
import { ModbusDevice } from '../session/device.ts'
import type { DeviceOptions } from '../session/device.ts'
import { usualFraming } from './line.ts'
import { knownOptions } from './options.ts'
import { ServerConnection } from './server-connection.ts'
import type { ServeOptions, ServerCounters } from './server-connection.ts'

export interface ServerOptions extends DeviceOptions {
  /** `tcp` (MBAP) is usual on TCP, `rtu` on a serial line; `rtu` on a `tcp://` URL is RTU over TCP. */
  readonly framing?: Framing
  /** TCP: milliseconds without a request before a connection is closed. Default 300000; 0 = never. */
  readonly idleTimeout?: number
  /** TCP: connections at a time. Default 64. */
  readonly maxConnections?: number
  /** TCP: addresses that may connect, as CIDR. Default: all. */
  readonly allow?: readonly string[]
  /** Nanoseconds since 1970-01-01 UTC. Default: the system's clock. */
  readonly now?: () => bigint
}

const OPTIONS = ['units', 'unknownUnit', 'directUnit', 'framing', 'idleTimeout', 'maxConnections', 'allow', 'now']
const DEFAULT_IDLE_TIMEOUT = 300_000
/** A client that ends its half of a connection behind its requests gets answers for so long. */
const HALF_OPEN_MS = 10_000
const DEFAULT_MAX_CONNECTIONS = 64

/**
 * A Modbus device on a port: Modbus TCP, RTU over TCP or serial RTU. A serial line that was pulled is opened again when
 * it is back.
 *
 * @example
 * const server = await ModbusServer.open('tcp://127.0.0.1:0', { units: { 1: meterUnit() } })
 * console.log('ready', server.url)
 */
export class ModbusServer {
  /** Where it is reached, with the port that the system gave. */
  readonly url: string
  readonly device: ModbusDevice
  readonly counters: Readonly<ServerCounters>
  readonly #connections: Set<Connection>
  readonly #way: Listener | ReconnectingLink

  private constructor(
    url: string,
    device: ModbusDevice,
    counters: ServerCounters,
    connections: Set<Connection>,
    way: Listener | ReconnectingLink,
  ) {
    this.url = url
    this.device = device
    this.counters = counters
    this.#connections = connections
    this.#way = way
  }

  /** Serves a `tcp://` URL, or the `serial://` line that it opens. Throws {@link UsageError} for options that cannot be. */
  static async open(url: string, options: ServerOptions): Promise<ModbusServer> {
    knownOptions('modbus.server', options, OPTIONS)
    const { idleTimeout = DEFAULT_IDLE_TIMEOUT, maxConnections = DEFAULT_MAX_CONNECTIONS, allow } = options
    const { now = systemTime, framing = usualFraming(url) } = options
    if (!(idleTimeout >= 0)) throw new UsageError('modbus.server.idle-timeout', 'milliseconds, or 0 for never')
    const device = new ModbusDevice(options)
    const counters = { requests: 0, responses: 0, exceptions: 0, invalid: 0, discarded: 0, misfits: 0 }
    const connections = new Set<Connection>()
    const isSerial = parseEndpoint(url).kind === 'serial'
    if (isSerial && framing === 'tcp')
      throw new UsageError('modbus.server.framing', 'a serial line has no MBAP framing')
    const serve: ServeOptions = { device, framing, idleTimeout: isSerial ? 0 : idleTimeout, now, counters }
    if (isSerial) {
      // What cannot be opened at first is told at once.
      const first = connect(url)
      await first
      let opened = false
      const link = new ReconnectingLink((signal) => (opened ? connect(url, { signal }) : ((opened = true), first)))
      link.connections.subscribe((port) => {
        track(connections, port)
        new ServerConnection(port, serve)
      })
      link.start()
      return new ModbusServer(url, device, counters, connections, link)
    }
    const listener = await listen(url, { maxConnections, halfOpen: HALF_OPEN_MS, ...(allow && { allow }) })
    listener.connections.subscribe((connection) => {
      track(connections, connection)
      new ServerConnection(connection, serve)
    })
    return new ModbusServer(listener.url, device, counters, connections, listener)
  }

  /** Connections open now. */
  get connections(): number {
    return this.#connections.size
  }

  /** Stops listening and closes every connection. */
  async close(): Promise<void> {
    const open = [...this.#connections]
    for (const connection of open) connection.destroy()
    await (this.#way instanceof ReconnectingLink ? this.#way.stop() : this.#way.close())
    await Promise.all(open.map((connection) => connection.closed))
  }
}

function track(connections: Set<Connection>, connection: Connection): void {
  connections.add(connection)
  void connection.closed.then(() => connections.delete(connection))
}

function systemTime(): bigint {
  return BigInt(Date.now()) * 1_000_000n
}
