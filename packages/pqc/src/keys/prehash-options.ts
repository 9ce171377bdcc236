import { UsageError } from '@gridseal/wire'
import type { SignatureAlgorithm } from '../algorithms/info.ts'
import { chosenProvider } from '../providers/select.ts'
import type { ProviderOptions } from '../providers/chosen.ts'

/**
 * Hashing first is noble's alone: node:crypto prefixes messages itself and only for the pure form. Throws `UsageError`
 * `pqc.algorithm.unsupported` where native was asked for.
 */
export function prehashOptions(algorithm: SignatureAlgorithm, options: ProviderOptions): ProviderOptions {
  if (chosenProvider(options)?.name === 'native') {
    const message = `provider native cannot hash messages of ${algorithm} first`
    throw new UsageError('pqc.algorithm.unsupported', message, { algorithm, tried: ['native'] })
  }
  return { provider: 'noble' }
}
