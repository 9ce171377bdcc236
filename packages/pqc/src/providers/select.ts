import { UsageError } from '@gridseal/wire'
import type { AlgorithmName, KemAlgorithm, SignatureAlgorithm } from '../algorithms/info.ts'
import { algorithmInfo, kemInfo, signatureInfo } from '../algorithms/lookup.ts'
import { admitProvider, currentPolicy, demand } from '../policy/module-state.ts'
import type { PolicyUse } from '../policy/policy.ts'
import { passes } from '../selftest/conditional.ts'
import { chosenName, known } from './chosen.ts'
import type { ProviderOptions } from './chosen.ts'
import { native } from './native.ts'
import { noble } from './noble.ts'
import type { KemImplementation, Provider, ProviderName, SignatureImplementation } from './provider.ts'

/** In order of preference. */
const PROVIDERS: readonly Provider[] = [native, noble]

/**
 * The implementation of a signature algorithm, after policy has been asked. Throws as {@link selectProvider} and
 * `pqc.policy.refused`.
 */
export function signatureImplementation(
  algorithm: SignatureAlgorithm,
  use: PolicyUse,
  options: ProviderOptions = {},
): SignatureImplementation {
  signatureInfo(algorithm)
  // First: the self-tests of what policy does not let in would cost seconds.
  demand(algorithm, use)
  const provider = selectProvider(algorithm, options)
  admitProvider(algorithm, use, provider.name)
  return provider.signature(algorithm)!
}

/** The implementation of a KEM, as {@link signatureImplementation}. */
export function kemImplementation(
  algorithm: KemAlgorithm,
  use: PolicyUse,
  options: ProviderOptions = {},
): KemImplementation {
  kemInfo(algorithm)
  demand(algorithm, use)
  const provider = selectProvider(algorithm, options)
  admitProvider(algorithm, use, provider.name)
  return provider.kem(algorithm)!
}

/** Whether a provider can do an algorithm here: its self-tests run once per process. */
export function providerSupports(name: ProviderName, algorithm: AlgorithmName): boolean {
  algorithmInfo(algorithm)
  return passes(byName(name, 'provider'), algorithm)
}

/**
 * The provider for an algorithm: the one of the options, else the one of `GRIDSEAL_PQC_PROVIDER`, else the fastest
 * that works; in FIPS mode only native. Throws {@link UsageError} `pqc.provider.unknown` for a name that does not exist
 * and `pqc.algorithm.unsupported` if neither the chosen provider nor any other can do it.
 */
export function selectProvider(algorithm: AlgorithmName, options: ProviderOptions = {}): Provider {
  algorithmInfo(algorithm)
  const chosen = chosenProvider(options)
  return firstThatWorks(chosen === undefined ? PROVIDERS : [chosen], algorithm)
}

/** The first of `candidates` that can do an algorithm. Throws {@link UsageError} `pqc.algorithm.unsupported`. */
export function firstThatWorks(candidates: readonly Provider[], algorithm: AlgorithmName): Provider {
  const admitted = currentPolicy().fips ? candidates.filter(({ name }) => name === 'native') : candidates
  const provider = admitted.find((candidate) => passes(candidate, algorithm))
  if (provider !== undefined) return provider
  const tried = candidates.map((candidate) => candidate.name)
  const because = admitted.length < candidates.length ? ' in FIPS mode' : ''
  const message = `${algorithm} does not work with provider ${tried.join(' or ')} on Node.js ${process.version}${because}`
  throw new UsageError('pqc.algorithm.unsupported', message, { algorithm, tried })
}

/** The provider that the options or the environment name, if they do. */
export function chosenProvider(options: ProviderOptions): Provider | undefined {
  const name = chosenName(options)
  return name === undefined ? undefined : byName(name, 'provider')
}

/** The provider of Diffie-Hellman groups: native, unless the options or the environment say otherwise. */
export function groupProvider(options: ProviderOptions): Provider {
  return chosenProvider(options) ?? native
}

/** Every provider, in order of preference. */
export function allProviders(): readonly Provider[] {
  return PROVIDERS
}

function byName(name: string, source: string): Provider {
  const chosen = known(name, source)
  return PROVIDERS.find((candidate) => candidate.name === chosen)!
}
