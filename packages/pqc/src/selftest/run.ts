import { getFips, hash } from 'node:crypto'
import { describeError } from '@gridseal/wire'
import type { AlgorithmName } from '../algorithms/info.ts'
import { ALGORITHMS } from '../algorithms/lookup.ts'
import { needKnown } from '../check.ts'
import type { VerifyingKey } from '../keys/verifying-key.ts'
import { clearFailures, currentPolicy, moduleCounters, reportFailure } from '../policy/module-state.ts'
import type { SelfTestFailure } from '../policy/module-state.ts'
import type { PolicyOptions } from '../policy/policy.ts'
import type { ProviderName } from '../providers/provider.ts'
import { allProviders } from '../providers/select.ts'
import type { TestOutcome, TestResult } from './algorithm-test.ts'
import { outcomeOf, runTests } from './conditional.ts'
import { PACKAGE_FOLDER, checkIntegrity } from './integrity.ts'
import type { IntegrityReport } from './integrity.ts'
import { SYMMETRIC_TESTS, runSymmetricTests, symmetricOutcome } from './symmetric-tests.ts'

/** One test as `gridseal selftest` shows it. */
export interface SelfTestRecord extends TestResult {
  readonly subject: AlgorithmName | 'symmetric' | 'integrity'
  readonly provider: ProviderName | 'module'
}

export interface SelfTestReport {
  readonly passed: boolean
  readonly tests: readonly SelfTestRecord[]
}

export interface SelfTestOptions {
  /** Whose signature the integrity manifest must have. Without it the manifest is not checked. */
  readonly integrityKey?: VerifyingKey
  /** Default: where this package lies. */
  readonly folder?: string
  /** Default both. */
  readonly providers?: readonly ProviderName[]
}

const INTEGRITY = 'integrity of the shipped files'

/**
 * Runs every self-test now: hashes and ciphers, every algorithm of every provider, and the integrity of the files where
 * a key is given. Enters the error state if one of them fails, and leaves it if all pass that have failed before; what
 * was found when a key was made (pairwise tests) counts as passed with every provider. Throws `UsageError`
 * `pqc.option.unknown`.
 */
export function runSelfTests(options: SelfTestOptions = {}): SelfTestReport {
  needKnown(options, ['integrityKey', 'folder', 'providers'])
  const providers = allProviders().filter(({ name }) => options.providers?.includes(name) ?? true)
  clearFailures(({ test, provider }) => {
    if (test === INTEGRITY) return options.integrityKey !== undefined
    if (SYMMETRIC_TESTS.some(({ name }) => name === test)) return true
    return provider === 'module'
      ? providers.length === allProviders().length
      : providers.some(({ name }) => name === provider)
  })
  const tests: SelfTestRecord[] = []
  for (const result of runSymmetricTests()) tests.push({ ...result, subject: 'symmetric', provider: 'native' })
  for (const provider of providers) {
    for (const { name } of ALGORITHMS) {
      for (const result of runTests(provider, name)) tests.push({ ...result, subject: name, provider: provider.name })
    }
  }
  if (options.integrityKey !== undefined) tests.push(integrityTest(options.folder, options.integrityKey))
  return { passed: tests.every(({ outcome }) => outcome !== 'failed'), tests }
}

function integrityTest(folder: string | undefined, key: VerifyingKey): SelfTestRecord {
  const start = performance.now()
  let report: IntegrityReport
  try {
    report = checkIntegrity(folder ?? PACKAGE_FOLDER, key)
  } catch (error) {
    // In the error state no signature is checked.
    report = { outcome: 'failed', folder: folder ?? PACKAGE_FOLDER, files: 0, problems: [describeError(error)] }
  }
  const outcome: TestOutcome = report.outcome === 'unsigned' ? 'missing' : report.outcome
  const test = report.outcome === 'unsigned' ? 'no signed manifest: not a release' : `${report.files} files`
  if (outcome === 'failed') reportFailure({ test: INTEGRITY, provider: 'module' })
  return {
    test: report.outcome === 'failed' ? (report.problems[0] ?? test) : test,
    source: 'integrity.json',
    outcome,
    milliseconds: performance.now() - start,
    subject: 'integrity',
    provider: 'module',
  }
}

/** What the core says about itself, for callers and `/health`. */
export interface CryptoStatus {
  readonly mode: 'fips' | 'standard'
  readonly state: 'operational' | 'degraded' | 'error'
  /**
   * Whether everything since the start was approved: FIPS mode, operational, nothing else used. A statement about policy,
   * never a claim of validation.
   */
  readonly approved: boolean
  /** What the policy in force says, FIPS mode aside. */
  readonly policy: PolicyOptions
  /** What OpenSSL says: `none` without a FIPS provider, `active` with one, `broken` where it is switched on and missing. */
  readonly opensslFips: 'none' | 'active' | 'broken'
  readonly failures: readonly SelfTestFailure[]
  /** Algorithms whose self-tests have run in this process, by provider. */
  readonly tested: Readonly<Record<ProviderName, readonly AlgorithmName[]>>
  readonly symmetric: 'passed' | 'failed' | 'not run'
  /** How often policy said no, and how often something was used that FIPS mode would not offer. */
  readonly refusals: number
  readonly nonApprovedUses: number
}

export function cryptoStatus(): CryptoStatus {
  const { failures, refusals, nonApprovedUses, stopped } = moduleCounters()
  const { fips, options } = currentPolicy()
  const state = stopped ? 'error' : failures.length > 0 ? 'degraded' : 'operational'
  const tested = Object.fromEntries(
    allProviders().map((provider) => [
      provider.name,
      ALGORITHMS.filter(({ name }) => outcomeOf(provider, name) === 'passed').map(({ name }) => name),
    ]),
  ) as Record<ProviderName, AlgorithmName[]>
  return {
    mode: fips ? 'fips' : 'standard',
    state,
    approved: fips && state === 'operational' && nonApprovedUses === 0,
    policy: options,
    opensslFips: opensslFips(),
    failures,
    tested,
    symmetric: symmetricOutcome(),
    refusals,
    nonApprovedUses,
  }
}

/** `getFips()` is 1 also where no provider is loaded, and then nothing works: only a hash tells the two apart. */
export function opensslFips(
  getMode: () => number = getFips,
  tryHash: () => unknown = () => hash('sha256', ''),
): CryptoStatus['opensslFips'] {
  if (getMode() !== 1) return 'none'
  try {
    tryHash()
    return 'active'
  } catch {
    return 'broken'
  }
}
