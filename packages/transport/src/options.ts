import { UsageError } from '@gridseal/wire'

/** How much may wait to be sent on one connection, in bytes: low <= high <= limit. */
export interface QueueMarks {
  /** At or under it `drained` is emitted. */
  readonly low: number
  /** Above it `write` returns false. */
  readonly high: number
  /** Above it the connection is destroyed. */
  readonly limit: number
}

/** Options of every connection. */
export interface ConnectionOptions {
  /** Default 64 KiB, 256 KiB, 16 MiB; on serial lines 4 KiB, 16 KiB, 16 MiB. */
  readonly queue?: Partial<QueueMarks>
  /** Milliseconds that an ending connection waits for a peer that takes nothing and does not close. Default 5,000. */
  readonly linger?: number
  /** Milliseconds without a byte in either direction after which a TCP connection is destroyed. Default 0: never. */
  readonly idleTimeout?: number
  /** Milliseconds of silence before TCP asks whether the peer is still there. Default 30,000; 0: never. */
  readonly keepAlive?: number
}

/**
 * Certificates for `tls://`, PEM. TLS 1.2 at least; the peer's certificate must chain to `ca` and, on the connecting side, be
 * for the host of the URL.
 */
export interface TlsOptions {
  /** Whom to trust. Connecting, the default is the system's list; listening without it, no certificate is asked for. */
  readonly ca?: string
  /** Own certificate, with what leads to its issuer. A listener needs one. */
  readonly cert?: string
  readonly key?: string
  /** The name that the peer's certificate must be for, where it is not the host of the URL. */
  readonly servername?: string
}

export interface ConnectOptions extends ConnectionOptions {
  /** For `tls://`. */
  readonly tls?: TlsOptions
  /** Milliseconds to connect, or to open the port. Default 10,000. */
  readonly timeout?: number
  /** Gives the attempt up. Has no effect once the connection is open. */
  readonly signal?: AbortSignal
}

export interface ListenOptions extends ConnectionOptions {
  /** For `tls://`. */
  readonly tls?: TlsOptions
  /** Addresses and networks that may connect, e.g. `10.1.0.0/16`, `2001:db8::/32`, `::1`. Default: all. */
  readonly allow?: readonly string[]
  /** Connections that may be open at once. Default 1,024. */
  readonly maxConnections?: number
  /**
   * `tcp://`: milliseconds for which a connection may still be written to when the peer has sent its last byte (`data` completes),
   * for peers that end their half behind a request and wait; `end` ends it earlier. Default 0: it ends at once.
   */
  readonly halfOpen?: number
}

/** Connection options with every default filled in. */
export interface ConnectionSettings {
  readonly queue: QueueMarks
  readonly linger: number
  readonly idleTimeout: number
  readonly keepAlive: number
  /** Milliseconds for which a peer that has ended its half is still written to. */
  readonly halfOpen: number
}

/** Longest time that a timer of Node.js can wait. */
const MAX_TIME = 2 ** 31 - 1

const STREAM_QUEUE: QueueMarks = { low: 64 << 10, high: 256 << 10, limit: 16 << 20 }
/** At 9,600 baud a kibibyte takes a second: what waits here is old when it leaves. */
const SERIAL_QUEUE: QueueMarks = { low: 4 << 10, high: 16 << 10, limit: 16 << 20 }

const CONNECTION_KEYS = ['queue', 'linger', 'idleTimeout', 'keepAlive'] as const
const CONNECT_KEYS = [...CONNECTION_KEYS, 'timeout', 'signal', 'tls'] as const
const LISTEN_KEYS = [...CONNECTION_KEYS, 'allow', 'maxConnections', 'halfOpen', 'tls'] as const
const TLS_KEYS = ['ca', 'cert', 'key', 'servername'] as const
const QUEUE_KEYS = ['low', 'high', 'limit'] as const

/** Throws {@link UsageError} `transport.option`, as all of these do. */
export function settleConnect(
  options: ConnectOptions,
  medium: 'stream' | 'serial',
): ConnectionSettings & { readonly timeout: number; readonly signal: AbortSignal | undefined } {
  knownKeys(options, CONNECT_KEYS)
  const timeout = integer('timeout', options.timeout ?? 10_000, 1, MAX_TIME)
  return { ...settleConnection(options, medium), timeout, signal: options.signal }
}

export function settleListen(options: ListenOptions): ConnectionSettings & {
  readonly allow: readonly string[] | undefined
  readonly maxConnections: number
} {
  knownKeys(options, LISTEN_KEYS)
  const maxConnections = integer('maxConnections', options.maxConnections ?? 1024, 1, 2 ** 20)
  const halfOpen = integer('halfOpen', options.halfOpen ?? 0, 0, MAX_TIME)
  return { ...settleConnection(options, 'stream'), halfOpen, allow: options.allow, maxConnections }
}

function settleConnection(options: ConnectionOptions, medium: 'stream' | 'serial'): ConnectionSettings {
  return {
    queue: settleQueue(options.queue, medium),
    linger: integer('linger', options.linger ?? 5_000, 1, MAX_TIME),
    idleTimeout: integer('idleTimeout', options.idleTimeout ?? 0, 0, MAX_TIME),
    keepAlive: integer('keepAlive', options.keepAlive ?? 30_000, 0, MAX_TIME),
    halfOpen: 0,
  }
}

export function settleTls(options: TlsOptions = {}): TlsOptions {
  knownKeys(options, TLS_KEYS)
  if ((options.cert === undefined) !== (options.key === undefined)) {
    throw new UsageError('transport.option', 'tls: a certificate goes with its key')
  }
  return options
}

export function settleQueue(queue: Partial<QueueMarks> = {}, medium: 'stream' | 'serial' = 'stream'): QueueMarks {
  knownKeys(queue, QUEUE_KEYS)
  const defaults = medium === 'serial' ? SERIAL_QUEUE : STREAM_QUEUE
  const limit = integer('queue.limit', queue.limit ?? defaults.limit, 0, Number.MAX_SAFE_INTEGER)
  const high = integer('queue.high', queue.high ?? Math.min(defaults.high, limit), 0, limit)
  const low = integer('queue.low', queue.low ?? Math.min(defaults.low, high), 0, high)
  return { low, high, limit }
}

export function knownKeys(options: object, known: readonly string[]): void {
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) {
      const message = `there is no option "${name}"; there are ${known.join(', ')}`
      throw new UsageError('transport.option', message, { name, known })
    }
  }
}

export function integer(name: string, value: number, least: number, most: number): number {
  if (!Number.isInteger(value) || value < least || value > most) {
    const message = `${name} must be a whole number from ${least} to ${most}, not ${value}`
    throw new UsageError('transport.option', message, { name, value })
  }
  return value
}
