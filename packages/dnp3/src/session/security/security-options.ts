import { randomBytes } from 'node:crypto'
import { UsageError } from '@gridseal/wire'
import { FUNCTIONS } from '../../codec/functions.ts'
import type { EventClass } from '../outstation/point.ts'
import { macAlgorithm } from './algorithms.ts'
import type { PostQuantumAuthority } from './post-quantum.ts'
import type { SecurityStore, SecurityUser } from './users.ts'
import { checkUsers } from './users.ts'

/** Secure authentication of an outstation; every time is in milliseconds. */
export interface OutstationSecurityOptions {
  readonly users: readonly SecurityUser[]
  /** The name that update key changes name the outstation by. Default `outstation`. */
  readonly name?: string
  /** Symmetric key of the authority, 16 or 32 octets: users and update keys may be changed over the wire (method 3 or 4). */
  readonly authorityKey?: Uint8Array
  /** Update keys may be changed by our post-quantum method. */
  readonly postQuantum?: PostQuantumAuthority
  /** Default 4, HMAC-SHA-256 cut to 16 octets. */
  readonly macAlgorithm?: number
  /** Octets of challenges, 4 to 64. Default 16. */
  readonly challengeLength?: number
  /** A reply must come within. Default 2000. */
  readonly replyTimeout?: number
  /** Session keys are good for so long, and so many authentications. Default 15 minutes, 1000. */
  readonly keyLifetime?: number
  readonly keyUses?: number
  /** Functions that are challenged. Default: those that {@link FUNCTIONS} says act, but for reading, freezes and classes. */
  readonly critical?: readonly number[]
  /** Take requests in aggressive mode. Default true. */
  readonly aggressive?: boolean
  /** Error messages a minute. Default 10. */
  readonly maxErrors?: number
  /** Key status requests a minute without a key change in between. Default 20. */
  readonly maxStatusRequests?: number
  /** Class of the events of security statistics (g122). Default 3. */
  readonly statisticsClass?: EventClass
  readonly store?: SecurityStore
  /** Octets that nobody can foresee. Default: the system's. */
  readonly random?: (length: number) => Uint8Array
}

export type SecuritySettings = Required<
  Omit<OutstationSecurityOptions, 'authorityKey' | 'postQuantum' | 'store' | 'critical'>
> &
  Pick<OutstationSecurityOptions, 'authorityKey' | 'postQuantum' | 'store'> & { readonly critical: ReadonlySet<number> }

/** READ, freezes, INITIALIZE_DATA, ASSIGN_CLASS, DELAY_MEASURE and CONFIRM need no authentication unless configured. */
const UNCRITICAL: readonly number[] = [0, 1, 7, 8, 9, 10, 11, 12, 15, 22, 23]

/** The functions that are challenged by default. */
export const CRITICAL_FUNCTIONS: readonly number[] = FUNCTIONS.filter(
  ({ code, response }) => !response && !UNCRITICAL.includes(code) && code !== 32 && code !== 33,
).map(({ code }) => code)

/** The options with every default. Throws {@link UsageError} `dnp3.security.option`, `dnp3.security.user`. */
export function settleSecurity(options: OutstationSecurityOptions): SecuritySettings {
  const { critical = CRITICAL_FUNCTIONS, ...rest } = options
  const settings: SecuritySettings = {
    name: 'outstation',
    macAlgorithm: 4,
    challengeLength: 16,
    replyTimeout: 2000,
    keyLifetime: 15 * 60_000,
    keyUses: 1000,
    aggressive: true,
    maxErrors: 10,
    maxStatusRequests: 20,
    statisticsClass: 3,
    random: (length) => randomBytes(length),
    ...rest,
    critical: new Set(critical),
  }
  checkUsers(settings.users)
  const wrong = (what: string): UsageError => new UsageError('dnp3.security.option', what)
  if (macAlgorithm(settings.macAlgorithm) === undefined) throw wrong(`no MAC algorithm ${settings.macAlgorithm}`)
  if (settings.challengeLength < 4 || settings.challengeLength > 64) throw wrong('a challenge has 4 to 64 octets')
  if (settings.authorityKey !== undefined && ![16, 32].includes(settings.authorityKey.length)) {
    throw wrong('the authority’s key has 16 or 32 octets')
  }
  return settings
}
