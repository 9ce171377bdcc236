import { UsageError } from '@gridseal/wire'
import { currentPolicy } from '@gridseal/pqc'
import { encapsulateFrom, encapsulateTo } from './handshake/kem.ts'
import type { Encapsulate } from './handshake/kem.ts'
import { systemRandomness } from './handshake/randomness.ts'
import type { Randomness } from './handshake/randomness.ts'
import { DEFAULT_SUITES, SUITES, findSuite } from './handshake/suites.ts'
import type { Suite } from './handshake/suites.ts'
import { TicketKeys, TicketStore } from './handshake/ticket.ts'
import { CertificateTrust } from './identity/certificate-trust.ts'
import { isExpectedPeer, isOwnIdentity } from './identity/identity.ts'
import type { ExpectedPeer, OwnIdentity, PeerIdentity } from './identity/identity.ts'
import type { SharedKeySource } from './identity/shared-key.ts'
import { ChannelMetrics } from './observability/channel-metrics.ts'
import { KeyLog } from './observability/key-log.ts'
import type { Observers } from './observability/observe.ts'
import type { ChannelTracer } from './observability/tracing.ts'
import { ChannelGuard } from './protection/guard.ts'
import type { EpochLimits } from './record/sealer.ts'

/** What both ends of a channel may choose. */
export interface ChannelOptions {
  /** Own identity: a signature key, perhaps with certificates, or a static KEM key. */
  readonly identity: OwnIdentity
  /**
   * Names of suites in order of preference, e.g. `X-Wing, AES-256-GCM`; the first of the initiator's that the
   * responder has is taken. Default: all with a classical net below, as far as policy allows them.
   */
  readonly suites?: readonly string[]
  /** Pre-shared keys, mixed into every session where this is given. Both ends must have them. Default: none. */
  readonly sharedKeys?: SharedKeySource
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
  /** Records sealed before a fresh key agreement is begun. Default 2^22, at most 2^24. */
  readonly rekeyRecords?: number
  /** Bytes sealed before a fresh key agreement is begun. Default 2^32, at most 2^34. */
  readonly rekeyBytes?: number
  /** Milliseconds before a fresh key agreement is begun. Default one hour, at most a day. */
  readonly rekeyInterval?: number
  /** Contents are padded to a multiple of so many bytes, so that their lengths say less. Default 1: not at all. */
  readonly padding?: number
  /** Whether small messages that are sent in one turn of the event loop may share a record. Default true. */
  readonly coalesce?: boolean
  /**
   * Whether the bytes of a message are only lent to the subscriber of `messages`: their memory is given back as soon as it
   * has returned, and they and all views of them are empty from then on. For a subscriber that is done at once with what it
   * gets; one that keeps bytes, or waits for anything, must copy them. Makes bulk transfers cheaper. Over packets it makes
   * no difference. Default false: the bytes belong to the receiver.
   */
  readonly lendMessages?: boolean
  /** Milliseconds of a clock that does not go back, for times to live. Default: the system's. */
  readonly clock?: () => number
  /** Counts this channel among others. Default: not counted. */
  readonly metrics?: ChannelMetrics
  /** Spans of handshakes and rekeys: a tracer of OpenTelemetry. Default: none. */
  readonly tracer?: ChannelTracer
  /**
   * Whether traffic secrets may be written to the file that the environment variable `GRIDSEAL_KEYLOGFILE` names, for
   * the analysis of captures. Whoever reads that file reads the channel. Default false.
   */
  readonly keyLog?: boolean
  /** Randomness for the handshake, for recorded handshakes. Default: the system's generator. */
  readonly random?: Randomness
}

/** Options of the end that listens. */
export interface AcceptOptions extends ChannelOptions {
  /** The pinned key of a fingerprint (32 bytes), or undefined for a stranger. Must be quick: it is asked by anyone. */
  readonly peers: (fingerprint: Uint8Array) => PeerIdentity | undefined
  /** Who is let in that `peers` does not know but that has certificates. Default: nobody. */
  readonly certificates?: CertificateTrust
  /** Limits of the listener, the same object for all its connections. Default: no limits. */
  readonly guard?: ChannelGuard
  /** Milliseconds for the first message, at most `handshakeTimeout`. Default 5,000. */
  readonly helloTimeout?: number
  /** Keys for resumption tickets. Default: no tickets are given or taken. */
  readonly ticketKeys?: TicketKeys
  /** Milliseconds after the last full handshake for which tickets are taken. Default 24 h, at most 7 days. */
  readonly ticketLife?: number
}

/** Options of the end that calls. */
export interface ConnectOptions extends ChannelOptions {
  /** The pinned key of the end that listens, or trust in certificates for its `host`. */
  readonly peer: ExpectedPeer
  /** Where tickets are kept between connections. Default: no session is resumed. */
  readonly ticketStore?: TicketStore
  /** Not consulted when connecting; allowed, so that one set of options serves both ends. */
  readonly peers?: AcceptOptions['peers']
}

/** Options of either end. */
type AnyOptions = Partial<AcceptOptions & ConnectOptions> & ChannelOptions

/** Options with every default filled in. */
export interface Settings extends Observers {
  readonly identity: OwnIdentity
  readonly suites: readonly Suite[]
  readonly sharedKeys: SharedKeySource | undefined
  readonly ticketKeys: TicketKeys | undefined
  readonly ticketStore: TicketStore | undefined
  readonly certificates: CertificateTrust | undefined
  readonly ticketLife: number
  readonly guard: ChannelGuard | undefined
  readonly handshakeTimeout: number
  readonly helloTimeout: number
  readonly closeTimeout: number
  readonly maxMessage: number
  readonly epoch: EpochLimits
  readonly rekey: EpochLimits
  readonly rekeyInterval: number
  readonly padding: number
  readonly coalesce: boolean
  readonly lendMessages: boolean
  readonly random: Randomness
  readonly encapsulate: Encapsulate
}

/** Largest message in bytes that anybody may accept. */
export const MAX_MESSAGE: number = 2 ** 30

const MAX_TIMEOUT = 2 ** 31 - 1

const NUMBERS = {
  handshakeTimeout: { default: 10_000, max: MAX_TIMEOUT },
  helloTimeout: { default: 5_000, max: MAX_TIMEOUT },
  closeTimeout: { default: 5_000, max: MAX_TIMEOUT },
  maxMessage: { default: 4 * 2 ** 20, max: MAX_MESSAGE },
  ticketLife: { default: 86_400_000, max: 7 * 86_400_000 },
  epochRecords: { default: 2 ** 24, max: 2 ** 24 },
  epochBytes: { default: 2 ** 34, max: 2 ** 34 },
  rekeyRecords: { default: 2 ** 22, max: 2 ** 24 },
  rekeyBytes: { default: 2 ** 32, max: 2 ** 34 },
  rekeyInterval: { default: 3_600_000, max: 86_400_000 },
  padding: { default: 1, max: 65_536 },
} as const

const OTHERS = [
  'identity',
  'peer',
  'peers',
  'random',
  'clock',
  'coalesce',
  'lendMessages',
  'metrics',
  'tracer',
  'keyLog',
  'suites',
  'sharedKeys',
  'ticketKeys',
  'ticketStore',
  'guard',
  'certificates',
]
const NAMES: ReadonlySet<string> = new Set([...OTHERS, ...Object.keys(NUMBERS)])

/** Checks options and fills in defaults. Throws {@link UsageError} `channel.option`. */
function settle(options: AnyOptions): Settings {
  for (const name of Object.keys(options)) {
    if (!NAMES.has(name)) throw new UsageError('channel.option', `there is no option "${name}"`, { name })
  }
  const { identity, random, clock, sharedKeys, ticketKeys, ticketStore, guard, coalesce, certificates }: AnyOptions =
    options
  const { metrics, tracer, keyLog = false, lendMessages = false }: AnyOptions = options
  check(isOwnIdentity(identity), 'identity must be a SigningKey, a CertifiedKey or a StaticKey')
  check(random === undefined || typeof random === 'function', 'random must be a function')
  check(clock === undefined || typeof clock === 'function', 'clock must be a function')
  check(metrics === undefined || metrics instanceof ChannelMetrics, 'metrics must be ChannelMetrics')
  check(tracer === undefined || typeof tracer.startSpan === 'function', 'tracer must be a tracer of OpenTelemetry')
  check(typeof keyLog === 'boolean', 'keyLog must be true or false')
  check(coalesce === undefined || typeof coalesce === 'boolean', 'coalesce must be true or false')
  check(typeof lendMessages === 'boolean', 'lendMessages must be true or false')
  check(guard === undefined || guard instanceof ChannelGuard, 'guard must be a ChannelGuard')
  check(
    certificates === undefined || certificates instanceof CertificateTrust,
    'certificates must be a CertificateTrust',
  )
  check(
    sharedKeys === undefined || (typeof sharedKeys.next === 'function' && typeof sharedKeys.find === 'function'),
    'sharedKeys must be a source of keys, such as configuredKeys(…)',
  )
  check(ticketKeys === undefined || ticketKeys instanceof TicketKeys, 'ticketKeys must be TicketKeys')
  check(ticketStore === undefined || ticketStore instanceof TicketStore, 'ticketStore must be a TicketStore')
  return {
    identity,
    suites: settleSuites(options.suites),
    sharedKeys,
    ticketKeys,
    ticketStore,
    certificates,
    ticketLife: number('ticketLife', options.ticketLife),
    guard,
    handshakeTimeout: number('handshakeTimeout', options.handshakeTimeout),
    helloTimeout: number('helloTimeout', options.helloTimeout),
    closeTimeout: number('closeTimeout', options.closeTimeout),
    maxMessage: number('maxMessage', options.maxMessage),
    epoch: {
      records: number('epochRecords', options.epochRecords),
      bytes: number('epochBytes', options.epochBytes),
    },
    rekey: {
      records: number('rekeyRecords', options.rekeyRecords),
      bytes: number('rekeyBytes', options.rekeyBytes),
    },
    rekeyInterval: number('rekeyInterval', options.rekeyInterval),
    padding: number('padding', options.padding),
    coalesce: coalesce ?? true,
    lendMessages,
    metrics,
    tracer,
    keyLog: KeyLog.from(keyLog, process.env),
    clock: clock ?? systemClock,
    random: random ?? systemRandomness,
    // The fast implementation draws its own randomness.
    encapsulate: random === undefined ? encapsulateTo : encapsulateFrom(random),
  }
}

const systemClock = (): number => performance.now()

/** Suites by name, as far as policy allows them. */
function settleSuites(names: readonly string[] | undefined): readonly Suite[] {
  check(names === undefined || Array.isArray(names), 'suites must be a list of names')
  const asked = names?.map((name) => {
    const suite = findSuite(name)
    if (suite === undefined) throw wrong(`there is no suite "${name}"; there are: ${KNOWN}`)
    return suite
  })
  check(asked === undefined || new Set(asked).size === asked.length, 'a suite is named twice')
  const suites = asked ?? DEFAULT_SUITES
  const policy = currentPolicy()
  const now = Date.now()
  const admits = ({ kem, cipher }: Suite): boolean =>
    policy.judge(kem, 'encapsulate', now).allowed && policy.judge(cipher, 'seal', now).allowed
  const allowed = suites.every(admits) ? suites : suites.filter(admits)
  check(allowed.length > 0, 'policy allows none of the suites')
  return allowed
}

const KNOWN = SUITES.map(({ name }) => name).join('; ')

/** {@link settle} for the end that calls. */
export function settleConnect(options: ConnectOptions): Settings {
  check(
    isExpectedPeer(options.peer),
    'peer must be a VerifyingKey, a StaticPublicKey or a CertificateTrust with a host',
  )
  return settle(options)
}

/** {@link settle} for the end that listens. */
export function settleAccept(options: AcceptOptions): Settings {
  check(typeof options.peers === 'function', 'peers must be a function')
  return settle(options)
}

function check(right: boolean, message: string): asserts right {
  if (!right) throw wrong(message)
}

function wrong(message: string): UsageError {
  return new UsageError('channel.option', message)
}

function number(name: keyof typeof NUMBERS, given: number | undefined): number {
  const { default: fallback, max } = NUMBERS[name]
  const value = given ?? fallback
  if (Number.isInteger(value) && value >= 1 && value <= max) return value
  throw new UsageError('channel.option', `${name} must be a whole number from 1 to ${max}, not ${value}`, { name })
}
