import { UsageError } from '@gridseal/wire'
import { settleAccept, settleConnect } from '../options.ts'
import type { AcceptOptions, ConnectOptions, Settings } from '../options.ts'
import type { Backoff } from './exchange.ts'
import type { PathUse } from './paths.ts'

/** What both ends of a channel over packets may choose, besides what every channel has. */
export interface DatagramOptions {
  /** Largest packet in bytes. Default: the smallest of the links'. At least 256, at most 65,507. */
  readonly mtu?: number
  /**
   * Which records are taken: `window`, each once and in any order, at most 1,024 behind the newest; or
   * `greater-than-last`, only those newer than the last, for lines that lose but do not reorder. Both ends must have
   * the same. Default `window`.
   */
  readonly ordering?: 'window' | 'greater-than-last'
  /** Milliseconds before something without an answer is sent again for the first time. Default 500. */
  readonly retransmit?: number
  /** That time doubles up to so many milliseconds. Default 8,000. */
  readonly maxRetransmit?: number
  /** Milliseconds of silence after which this end asks whether the peer is there, and between probes of paths. Default 15,000. */
  readonly keepAlive?: number
  /** Milliseconds of silence after which the channel is over. Default 60,000. */
  readonly idleTimeout?: number
  /** How several paths are used. Default `failover`. */
  readonly use?: PathUse
}

export type DatagramConnectOptions = ConnectOptions & DatagramOptions

/** Options of the end that listens. */
export interface DatagramAcceptOptions extends AcceptOptions, DatagramOptions {
  /** Channels that may be open at once. Default 1,024. */
  readonly maxChannels?: number
}

/** Options with every default filled in. */
export interface DatagramSettings {
  readonly channel: Settings
  readonly mtu: number
  readonly ordering: 'window' | 'greater-than-last'
  readonly backoff: Backoff
  readonly keepAlive: number
  readonly idleTimeout: number
  readonly use: PathUse
  readonly maxChannels: number
}

const MAX_TIME = 2 ** 31 - 1
/** A datagram of IPv4 holds no more. */
const MAX_MTU = 65_507
/** Less leaves no room for a fragment beside its token, or for an ack. */
const MIN_MTU = 256

const NUMBERS = {
  mtu: { default: MAX_MTU, min: MIN_MTU, max: MAX_MTU },
  retransmit: { default: 500, min: 1, max: MAX_TIME },
  maxRetransmit: { default: 8_000, min: 1, max: MAX_TIME },
  keepAlive: { default: 15_000, min: 1, max: MAX_TIME },
  idleTimeout: { default: 60_000, min: 1, max: MAX_TIME },
  maxChannels: { default: 1024, min: 1, max: 2 ** 20 },
} as const

/** Bytes of a flight with two signatures, about. */
const FLIGHT = 6_000
const BITS_PER_BYTE = 8

/** Milliseconds that a flight takes on the slowest of the links. */
export function flightTime(links: readonly { readonly bitsPerSecond?: number | undefined }[]): number {
  const times = links.map(({ bitsPerSecond: rate }) =>
    rate === undefined ? 0 : (FLIGHT * BITS_PER_BYTE * 1000) / rate,
  )
  return Math.ceil(Math.max(0, ...times))
}

/** Throws {@link UsageError} `channel.option`. `mtu` is the smallest of the links', `flight` the ms that one takes. */
export function settleDatagramConnect(options: DatagramConnectOptions, mtu: number, flight: number): DatagramSettings {
  return settle(options, mtu, flight, settleConnect)
}

/** {@link settleDatagramConnect} for the end that listens. */
export function settleDatagramAccept(options: DatagramAcceptOptions, mtu: number, flight: number): DatagramSettings {
  return settle(options, mtu, flight, settleAccept)
}

function settle<T extends DatagramOptions & { readonly maxChannels?: number }>(
  options: T,
  linkMtu: number,
  flight: number,
  settleChannel: (rest: Omit<T, keyof DatagramOptions | 'maxChannels'>) => Settings,
): DatagramSettings {
  const { mtu, ordering, retransmit, maxRetransmit, keepAlive, idleTimeout, use, maxChannels, ...rest } = options
  choice('ordering', ordering, ['window', 'greater-than-last'])
  choice('use', use, ['failover', 'redundant'])
  const first = number('retransmit', retransmit) + flight
  return {
    channel: onLine(settleChannel(rest), flight),
    mtu: Math.min(number('mtu', mtu), number('mtu', linkMtu)),
    ordering: ordering ?? 'window',
    backoff: { first, most: Math.max(first, number('maxRetransmit', maxRetransmit)) },
    keepAlive: number('keepAlive', keepAlive),
    idleTimeout: number('idleTimeout', idleTimeout),
    use: use ?? 'failover',
    maxChannels: number('maxChannels', maxChannels),
  }
}

/** What has to wait for the line, too: a handshake has three flights, the first message and the close are in one each. */
function onLine(channel: Settings, flight: number): Settings {
  const longer = (milliseconds: number, flights: number): number => Math.min(milliseconds + flights * flight, MAX_TIME)
  const { handshakeTimeout, helloTimeout, closeTimeout } = channel
  return {
    ...channel,
    handshakeTimeout: longer(handshakeTimeout, 3),
    helloTimeout: longer(helloTimeout, 1),
    closeTimeout: longer(closeTimeout, 1),
  }
}

function number(name: keyof typeof NUMBERS, value: number | undefined): number {
  const { default: fallback, min, max } = NUMBERS[name]
  const chosen = value ?? fallback
  if (Number.isInteger(chosen) && chosen >= min && chosen <= max) return chosen
  throw new UsageError('channel.option', `${name} must be a whole number from ${min} to ${max}, not ${chosen}`, {
    name,
  })
}

function choice(name: string, value: string | undefined, allowed: readonly string[]): void {
  if (value === undefined || allowed.includes(value)) return
  throw new UsageError('channel.option', `${name} is one of ${allowed.join(', ')}, not ${value}`, { name })
}
