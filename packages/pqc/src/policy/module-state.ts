import { InternalError, UsageError } from '@gridseal/wire'
import type { ProviderName } from '../providers/provider.ts'
import { Policy } from './policy.ts'
import type { PolicyName, PolicyUse } from './policy.ts'

/*
 * What the core as a whole is doing: the policy in force, and whether a self-test has failed. The one place where
 * policy is asked.
 */

/**
 * Puts the process into FIPS mode from the start, where no policy is set by the program: `GRIDSEAL_FIPS=1`, or anything else
 * but nothing and 0.
 */
export const FIPS_VARIABLE = 'GRIDSEAL_FIPS'

/** A self-test that failed. */
export interface SelfTestFailure {
  readonly test: string
  readonly provider: ProviderName | 'module'
}

interface ModuleState {
  policy: Policy
  readonly failures: SelfTestFailure[]
  refusals: number
  nonApprovedUses: number
}

const state: ModuleState = {
  policy: new Policy(['', '0'].includes(process.env[FIPS_VARIABLE] ?? '') ? {} : { fips: true }),
  failures: [],
  refusals: 0,
  nonApprovedUses: 0,
}

/** Read on every operation, hence a plain variable. */
let stopped = false
/** Whether something failed that everything stands on. */
let groundless = false
/** Counts the policies that have been in force. */
let epoch = 0

/** The policy in force. */
export function currentPolicy(): Policy {
  return state.policy
}

/**
 * Puts a policy in force for the process. Keys that were imported before stay usable, but for what it deprecates. Returns
 * the one before. Throws `UsageError` `pqc.argument.type`.
 */
export function setPolicy(policy: Policy): Policy {
  if (!(policy instanceof Policy)) throw new UsageError('pqc.argument.type', 'policy must be a Policy')
  const previous = state.policy
  state.policy = policy
  epoch++
  stopped = mustStop()
  return previous
}

/** Another number whenever another policy is in force. */
export function policyEpoch(): number {
  return epoch
}

/** Asks the policy in force before a provider is chosen, and counts refusals. Throws as {@link Policy.demand}. */
export function demand(name: PolicyName, use: PolicyUse): void {
  needOperational()
  try {
    state.policy.demand(name, use, Date.now())
  } catch (error) {
    state.refusals++
    throw error
  }
}

/** The rest of {@link admit}, for what {@link demand} has let in. */
export function admitProvider(name: PolicyName, use: PolicyUse, provider?: ProviderName): void {
  needOperational()
  if (state.policy.fips && provider === 'noble') {
    state.refusals++
    const message = `FIPS mode uses the provider native only, not noble for ${name}`
    throw new UsageError('pqc.policy.refused', message, { algorithm: name, use, provider })
  }
  if (!Policy.isApproved(name) || provider === 'noble') state.nonApprovedUses++
}

/** As {@link demand}, asks for the provider, too, and counts uses of what is not approved. */
export function admit(name: PolicyName, use: PolicyUse, provider?: ProviderName): void {
  demand(name, use)
  admitProvider(name, use, provider)
}

/** For a key that was admitted when it was imported: what it makes may have been deprecated since. */
export function needCurrent(name: PolicyName, use: PolicyUse): void {
  needOperational()
  if (state.policy.deprecates(name)) demand(name, use)
}

/** Throws `InternalError` `pqc.self-test.failed` in the error state. Every operation calls it. */
export function needOperational(): void {
  if (!stopped) return
  const [failure] = state.failures
  const message = `the self-test "${failure?.test}" of provider ${failure?.provider} failed: the core has stopped`
  throw new InternalError('pqc.self-test.failed', message, { ...failure })
}

/**
 * A self-test failed: the error state, or the degraded one where policy says so; not for hashes and ciphers, on which
 * everything stands.
 */
export function reportFailure(failure: SelfTestFailure, ground = false): void {
  const known = state.failures.some(({ test, provider }) => test === failure.test && provider === failure.provider)
  if (!known) state.failures.push(failure)
  groundless ||= ground
  stopped = mustStop()
}

/** Forgets failures whose tests run again now, those of hashes and ciphers among them. */
export function clearFailures(runsAgain: (failure: SelfTestFailure) => boolean = () => true): void {
  const left = state.failures.filter((failure) => !runsAgain(failure))
  state.failures.splice(0, Infinity, ...left)
  groundless = false
  stopped = mustStop()
}

function mustStop(): boolean {
  return groundless || (state.failures.length > 0 && state.policy.onSelfTestFailure === 'stop')
}

export function moduleCounters(): {
  readonly failures: readonly SelfTestFailure[]
  readonly refusals: number
  readonly nonApprovedUses: number
  readonly stopped: boolean
} {
  const { failures, refusals, nonApprovedUses } = state
  return { failures: [...failures], refusals, nonApprovedUses, stopped }
}
