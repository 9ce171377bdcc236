import { UsageError } from '@gridseal/wire'
import { CH_KEM_V1, SigningKey, VerifyingKey, chKemEncapsulate, chKemEncapsulateWith, randomBytes } from '@gridseal/pqc'
import type { Encapsulation } from '@gridseal/pqc'
import type { EpochLimits } from './record/sealer.ts'

/** What both ends of a channel may choose. */
export interface ChannelOptions {
  /** Own identity. */
  readonly identity: SigningKey
  /** Milliseconds for the whole handshake. Default 10,000. */
  readonly handshakeTimeout?: number
  /** Milliseconds to wait for the peer's close_notify after ours. Default 5,000. */
  readonly closeTimeout?: number
  /** Largest message in bytes that is accepted; the peer is told. Default 4 MiB, at most 1 GiB. */
  readonly maxMessage?: number
  /** Records sealed under one key before the next epoch. Default and maximum 2^24. */
  readonly epochRecords?: number
  /** Bytes sealed under one key before the next epoch. Default and maximum 2^34. */
  readonly epochBytes?: number
  /** Randomness for the handshake, for recorded handshakes. Default: the system's generator. */
  readonly random?: (count: number) => Uint8Array
}

/** Options of the end that listens. */
export interface AcceptOptions extends ChannelOptions {
  /** The pinned key of a fingerprint (32 bytes), or undefined for a stranger. Must be quick: it is asked by anyone. */
  readonly peers: (fingerprint: Uint8Array) => VerifyingKey | undefined
}

/** Options of the end that calls. */
export interface ConnectOptions extends ChannelOptions {
  /** The pinned key of the end that listens. */
  readonly peer: VerifyingKey
  /** Not consulted when connecting; allowed, so that one set of options serves both ends. */
  readonly peers?: AcceptOptions['peers']
}

/** Options with every default filled in. */
export interface Settings {
  readonly identity: SigningKey
  readonly handshakeTimeout: number
  readonly closeTimeout: number
  readonly maxMessage: number
  readonly epoch: EpochLimits
  readonly random: (count: number) => Uint8Array
  readonly encapsulate: (share: Uint8Array) => Encapsulation
}

/** Largest message in bytes that anybody may accept. */
export const MAX_MESSAGE: number = 2 ** 30

const MAX_TIMEOUT = 2 ** 31 - 1

const NUMBERS = {
  handshakeTimeout: { default: 10_000, max: MAX_TIMEOUT },
  closeTimeout: { default: 5_000, max: MAX_TIMEOUT },
  maxMessage: { default: 4 * 2 ** 20, max: MAX_MESSAGE },
  epochRecords: { default: 2 ** 24, max: 2 ** 24 },
  epochBytes: { default: 2 ** 34, max: 2 ** 34 },
} as const

const NAMES: ReadonlySet<string> = new Set(['identity', 'peer', 'peers', 'random', ...Object.keys(NUMBERS)])

/** Checks options and fills in defaults. Throws {@link UsageError} `channel.option`. */
function settle(options: ChannelOptions): Settings {
  for (const name of Object.keys(options)) {
    if (!NAMES.has(name)) throw new UsageError('channel.option', `there is no option "${name}"`, { name })
  }
  const { identity, random } = options
  check(identity instanceof SigningKey, 'identity must be a SigningKey')
  check(random === undefined || typeof random === 'function', 'random must be a function')
  return {
    identity,
    handshakeTimeout: number(options, 'handshakeTimeout'),
    closeTimeout: number(options, 'closeTimeout'),
    maxMessage: number(options, 'maxMessage'),
    epoch: { records: number(options, 'epochRecords'), bytes: number(options, 'epochBytes') },
    random: random ?? randomBytes,
    // The fast implementation draws its own randomness.
    encapsulate:
      random === undefined
        ? (share) => chKemEncapsulate(share, 'responder')
        : (share) => chKemEncapsulateWith(share, 'responder', random(CH_KEM_V1.randomnessLength)),
  }
}

/** {@link settle} for the end that calls. */
export function settleConnect(options: ConnectOptions): Settings {
  check(options.peer instanceof VerifyingKey, 'peer must be a VerifyingKey')
  return settle(options)
}

/** {@link settle} for the end that listens. */
export function settleAccept(options: AcceptOptions): Settings {
  check(typeof options.peers === 'function', 'peers must be a function')
  return settle(options)
}

function check(right: boolean, message: string): void {
  if (!right) throw new UsageError('channel.option', message)
}

function number(options: ChannelOptions, name: keyof typeof NUMBERS): number {
  const { default: fallback, max } = NUMBERS[name]
  const value = options[name] ?? fallback
  if (Number.isInteger(value) && value >= 1 && value <= max) return value
  throw new UsageError('channel.option', `${name} must be a whole number from 1 to ${max}, not ${value}`, { name })
}
