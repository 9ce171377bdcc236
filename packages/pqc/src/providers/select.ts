import { UsageError } from '@gridseal/wire'
import type { AlgorithmName } from '../algorithms/info.ts'
import { algorithmInfo } from '../algorithms/lookup.ts'
import { native } from './native.ts'
import { noble } from './noble.ts'
import { probe } from './probe.ts'
import type { Provider, ProviderName } from './provider.ts'

/** In order of preference. */
const PROVIDERS: readonly Provider[] = [native, noble]

/** Overrides the choice of provider for the whole process: `native` or `noble`. */
export const PROVIDER_VARIABLE = 'GRIDSEAL_PQC_PROVIDER'

/** What the caller may choose at every key. */
export interface ProviderOptions {
  /** Use this implementation and no other. Default: the environment's choice, else the first that works. */
  readonly provider?: ProviderName
}

const probed = new WeakMap<Provider, Map<AlgorithmName, boolean>>()

/** Whether a provider can do an algorithm here: tried once per process with a real operation. */
export function providerSupports(name: ProviderName, algorithm: AlgorithmName): boolean {
  algorithmInfo(algorithm)
  return supports(byName(name, 'provider'), algorithm)
}

/**
 * The provider for an algorithm: the one of the options, else the one of `GRIDSEAL_PQC_PROVIDER`, else the fastest
 * that works. Throws {@link UsageError} `pqc.provider.unknown` for a name that does not exist and
 * `pqc.algorithm.unsupported` if neither the chosen provider nor any other can do it.
 */
export function selectProvider(algorithm: AlgorithmName, options: ProviderOptions = {}): Provider {
  algorithmInfo(algorithm)
  const chosen = chosenProvider(options)
  return firstThatWorks(chosen === undefined ? PROVIDERS : [chosen], algorithm)
}

/** The first of `candidates` that can do an algorithm. Throws {@link UsageError} `pqc.algorithm.unsupported`. */
export function firstThatWorks(candidates: readonly Provider[], algorithm: AlgorithmName): Provider {
  const provider = candidates.find((candidate) => supports(candidate, algorithm))
  if (provider !== undefined) return provider
  const tried = candidates.map((candidate) => candidate.name)
  const message = `${algorithm} does not work with provider ${tried.join(' or ')} on Node.js ${process.version}`
  throw new UsageError('pqc.algorithm.unsupported', message, { algorithm, tried })
}

/** The provider that the options or the environment name, if they do. Throws {@link UsageError} `pqc.option.unknown`. */
export function chosenProvider(options: ProviderOptions): Provider | undefined {
  for (const name of Object.keys(options)) {
    if (name !== 'provider') throw new UsageError('pqc.option.unknown', `unknown option "${name}"`, { name })
  }
  if (options.provider !== undefined) return byName(options.provider, 'option provider')
  const variable = process.env[PROVIDER_VARIABLE]
  return variable === undefined || variable === '' ? undefined : byName(variable, PROVIDER_VARIABLE)
}

function supports(provider: Provider, algorithm: AlgorithmName): boolean {
  let results = probed.get(provider)
  if (results === undefined) probed.set(provider, (results = new Map()))
  let works = results.get(algorithm)
  if (works === undefined) results.set(algorithm, (works = probe(provider, algorithm)))
  return works
}

function byName(name: string, source: string): Provider {
  const provider = PROVIDERS.find((candidate) => candidate.name === name)
  if (provider !== undefined) return provider
  const allowed = PROVIDERS.map((candidate) => candidate.name)
  throw new UsageError('pqc.provider.unknown', `${source}: "${name}" is not one of ${allowed.join(', ')}`, { allowed })
}
