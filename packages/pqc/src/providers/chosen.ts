import { UsageError } from '@gridseal/wire'
import type { ProviderName } from './provider.ts'

/** Overrides the choice of provider for the whole process: `native` or `noble`. */
export const PROVIDER_VARIABLE = 'GRIDSEAL_PQC_PROVIDER'

/** What the caller may choose at every key. */
export interface ProviderOptions {
  /** Use this implementation and no other. Default: the environment's choice, else the first that works. */
  readonly provider?: ProviderName
}

const NAMES: readonly ProviderName[] = ['native', 'noble']

/**
 * The provider that the options or the environment name, if they do. Throws {@link UsageError} `pqc.option.unknown`,
 * `pqc.provider.unknown`.
 */
export function chosenName(options: ProviderOptions): ProviderName | undefined {
  for (const name of Object.keys(options)) {
    if (name !== 'provider') throw new UsageError('pqc.option.unknown', `unknown option "${name}"`, { name })
  }
  if (options.provider !== undefined) return known(options.provider, 'option provider')
  const variable = process.env[PROVIDER_VARIABLE]
  return variable === undefined || variable === '' ? undefined : known(variable, PROVIDER_VARIABLE)
}

export function known(name: string, source: string): ProviderName {
  const found = NAMES.find((candidate) => candidate === name)
  if (found !== undefined) return found
  throw new UsageError('pqc.provider.unknown', `${source}: "${name}" is not one of ${NAMES.join(', ')}`, {
    allowed: NAMES,
  })
}
