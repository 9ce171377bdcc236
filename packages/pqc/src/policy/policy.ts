import { AuthError, UsageError } from '@gridseal/wire'
import type { AlgorithmName } from '../algorithms/info.ts'
import { ALGORITHMS } from '../algorithms/lookup.ts'

/** What is done with an algorithm. */
export type PolicyUse = 'generate' | 'sign' | 'verify' | 'encapsulate' | 'decapsulate' | 'seal' | 'open' | 'derive'

/** What the others are made of. They may be forbidden; `allowed` and `minimumCategory` do not speak of them. */
export type BuildingBlock =
  'AES-256-KW' | 'AES-256-KWP' | 'HKDF' | 'HMAC' | 'KMAC256' | 'SHA-2' | 'SHA-3' | 'SHAKE' | 'scrypt'

/** Everything that a policy can speak about: the algorithm tables and what stands beside them. */
export type PolicyName =
  AlgorithmName | BuildingBlock | 'X25519' | 'CH-KEM-v1' | 'AES-256-GCM' | 'ChaCha20-Poly1305' | 'HSS-LMS' | 'XMSS'

export interface PolicyOptions {
  /** Least NIST security category, 0 to 5; classical algorithms have 0. Default 0. */
  readonly minimumCategory?: number
  /** Only these, and what they are made of. Default all. */
  readonly allowed?: readonly PolicyName[]
  /** Not these, whatever else is said. Default none. */
  readonly forbidden?: readonly PolicyName[]
  /**
   * Until when an algorithm makes new keys, signatures and ciphertexts (ISO 8601, e.g. `2030-01-01`). Afterwards it
   * still verifies and opens, so that old evidence stays readable. Default none.
   */
  readonly deprecated?: Readonly<Partial<Record<PolicyName, string>>>
  /** Whether algorithms may be used whose standard is not published (Falcon). Default true; never in FIPS mode. */
  readonly experimental?: boolean
  /** Only approved algorithms and the native provider. A policy, never a claim of validation. Default false. */
  readonly fips?: boolean
  /**
   * What a failed self-test does: stop everything (default), or withdraw what failed and go on, saying so: no key is
   * made or imported with it any more. Without hashes and ciphers nothing goes on.
   */
  readonly onSelfTestFailure?: 'stop' | 'degrade'
}

/** A verdict, with the reason where it is no. */
export type PolicyVerdict = { readonly allowed: true } | { readonly allowed: false; readonly reason: string }

interface Row {
  readonly category: number
  readonly approved: boolean
  readonly experimental: boolean
  readonly block?: true
}

/** SP 800-38F, SP 800-56C, FIPS 198-1, SP 800-185, FIPS 180-4, FIPS 202. */
const BLOCK: Row = { category: 5, approved: true, experimental: false, block: true }

/** What stands beside the algorithm tables. Symmetric 256-bit keys count as category 5. */
const OTHERS: Readonly<Record<Exclude<PolicyName, AlgorithmName>, Row>> = {
  X25519: { category: 0, approved: false, experimental: false },
  // ML-KEM-1024 with X25519 as further input of the combination (SP 800-227 4.6).
  'CH-KEM-v1': { category: 5, approved: true, experimental: false },
  'AES-256-GCM': { category: 5, approved: true, experimental: false },
  'ChaCha20-Poly1305': { category: 5, approved: false, experimental: false },
  'HSS-LMS': { category: 5, approved: true, experimental: false },
  XMSS: { category: 5, approved: true, experimental: false },
  'AES-256-KW': BLOCK,
  'AES-256-KWP': BLOCK,
  HKDF: BLOCK,
  HMAC: BLOCK,
  KMAC256: BLOCK,
  'SHA-2': BLOCK,
  'SHA-3': BLOCK,
  SHAKE: BLOCK,
  // What key files under a passphrase stand on; SP 800-132 has PBKDF2 only.
  scrypt: { ...BLOCK, approved: false },
}

/** What is asked for under its own name, too, wherever the whole is used. */
const PARTS: Readonly<Partial<Record<PolicyName, readonly PolicyName[]>>> = { 'CH-KEM-v1': ['ML-KEM-1024'] }

const ROWS: ReadonlyMap<string, Row> = new Map<string, Row>([
  ...ALGORITHMS.map(({ name, category, approved, status }): [string, Row] => [
    name,
    { category, approved, experimental: status === 'experimental' },
  ]),
  ...Object.entries(OTHERS),
])

const PRODUCING: ReadonlySet<PolicyUse> = new Set(['generate', 'sign', 'encapsulate', 'seal'])

const OPTIONS: ReadonlySet<string> = new Set<keyof PolicyOptions>([
  'minimumCategory',
  'allowed',
  'forbidden',
  'deprecated',
  'experimental',
  'fips',
  'onSelfTestFailure',
])

/**
 * Which algorithms may be used for what. Immutable. One is in force for the whole process ({@link setPolicy}); others
 * can be asked beside it, for example the verifier of an archive.
 *
 * @example
 * const policy = new Policy({ minimumCategory: 3, deprecated: { 'MLDSA65-Ed25519-SHA512': '2030-01-01' } })
 * policy.judge('ML-DSA-44', 'sign', Date.now()) // { allowed: false, reason: 'its category 2 is below 3' }
 */
export class Policy {
  readonly options: PolicyOptions
  readonly fips: boolean
  readonly onSelfTestFailure: 'stop' | 'degrade'
  readonly #minimumCategory: number
  readonly #experimental: boolean
  readonly #allowed: ReadonlySet<string> | undefined
  readonly #forbidden: ReadonlySet<string>
  readonly #deprecated: ReadonlyMap<string, number>
  /** What is allowed for every use at every time: most of what is asked, at every operation. */
  readonly #unconditional: ReadonlySet<string>

  /** Throws `UsageError` `pqc.policy.option` for an option, algorithm or date that does not exist. */
  constructor(options: PolicyOptions = {}) {
    if (typeof options !== 'object' || options === null) throw wrong('the options must be an object')
    for (const name of Object.keys(options)) if (!OPTIONS.has(name)) throw wrong(`unknown option "${name}"`)
    const { minimumCategory = 0, allowed, forbidden = [], deprecated = {} } = options
    if (!Number.isInteger(minimumCategory) || minimumCategory < 0 || minimumCategory > 5) {
      throw wrong('minimumCategory must be 0 to 5')
    }
    const { experimental = true, fips = false, onSelfTestFailure = 'stop' } = options
    if (onSelfTestFailure !== 'stop' && onSelfTestFailure !== 'degrade') {
      throw wrong('onSelfTestFailure must be stop or degrade')
    }
    if (typeof experimental !== 'boolean' || typeof fips !== 'boolean') {
      throw wrong('experimental and fips must be true or false')
    }
    if (!Array.isArray(allowed ?? []) || !Array.isArray(forbidden) || allowed === null) {
      throw wrong('allowed and forbidden must be lists of names')
    }
    if (typeof deprecated !== 'object' || deprecated === null) throw wrong('deprecated must give dates by name')
    for (const name of [...(allowed ?? []), ...forbidden, ...Object.keys(deprecated)]) {
      if (!ROWS.has(name)) throw wrong(`unknown algorithm "${name}"`)
    }
    this.options = structuredClone(options)
    this.fips = fips
    this.onSelfTestFailure = onSelfTestFailure
    this.#minimumCategory = minimumCategory
    this.#experimental = experimental
    this.#allowed = allowed && new Set(allowed.flatMap((name) => [name, ...(PARTS[name] ?? [])]))
    this.#forbidden = new Set(forbidden)
    this.#deprecated = new Map(
      Object.entries(deprecated).map(([name, date]): [string, number] => {
        const time = Date.parse(date)
        if (typeof date !== 'string' || !/^\d{4}-\d{2}-\d{2}/.test(date) || Number.isNaN(time))
          throw wrong(`"${date}" is not a date`)
        return [name, time]
      }),
    )
    const names = [...ROWS.keys()] as PolicyName[]
    this.#unconditional = new Set(names.filter((name) => this.judge(name, 'generate', Infinity).allowed))
  }

  /** Whether an algorithm may be used at a time (ms since 1970), and why not. */
  judge(name: PolicyName, use: PolicyUse, now: number): PolicyVerdict {
    const row = ROWS.get(name)
    if (row === undefined) return no('it is not known')
    if (this.#forbidden.has(name)) return no('it is forbidden')
    if (this.#allowed !== undefined && row.block !== true && !this.#allowed.has(name))
      return no('it is not among those allowed')
    if (row.experimental && !this.#experimental) return no('it is experimental')
    if (this.fips && !row.approved) return no('it is not approved (FIPS mode)')
    if (row.category < this.#minimumCategory) {
      return no(`its category ${row.category} is below ${this.#minimumCategory}`)
    }
    const until = this.#deprecated.get(name)
    if (until !== undefined && now >= until && PRODUCING.has(use)) {
      return no(`it is deprecated since ${new Date(until).toISOString().slice(0, 10)}`)
    }
    return { allowed: true }
  }

  /** Whether there is a date from which an algorithm makes nothing new. */
  deprecates(name: PolicyName): boolean {
    return this.#deprecated.has(name)
  }

  /**
   * Throws if {@link judge} says no: `pqc.policy.refused`, a {@link UsageError} for what the caller would make himself
   * and an {@link AuthError} for what came from a peer (`verify`, `decapsulate`, `open`).
   */
  demand(name: PolicyName, use: PolicyUse, now: number): void {
    if (this.#unconditional.has(name)) return
    const verdict = this.judge(name, use, now)
    if (verdict.allowed) return
    const message = `policy does not let ${name} ${use}: ${verdict.reason}`
    const details = { algorithm: name, use, reason: verdict.reason }
    const received = use === 'verify' || use === 'decapsulate' || use === 'open'
    throw received
      ? new AuthError('pqc.policy.refused', message, details)
      : new UsageError('pqc.policy.refused', message, details)
  }

  /** Whether FIPS mode would offer an algorithm. */
  static isApproved(name: PolicyName): boolean {
    return ROWS.get(name)?.approved === true
  }
}

function no(reason: string): PolicyVerdict {
  return { allowed: false, reason }
}

function wrong(message: string): UsageError {
  return new UsageError('pqc.policy.option', `policy: ${message}`)
}
