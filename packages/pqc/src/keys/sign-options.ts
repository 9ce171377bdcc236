import { UsageError } from '@gridseal/wire'
import { needBytes } from '../check.ts'
import type { SignOptions } from '../providers/provider.ts'

const ALLOWED: ReadonlySet<string> = new Set<keyof SignOptions>(['context'])

/**
 * Checks options before they reach a provider, since native ignores what it does not know and noble throws its own.
 * Throws `UsageError` `pqc.option.unknown`, `pqc.argument.type`, `pqc.context.length` (FIPS 204 5.2: 255 bytes).
 */
export function checkSignOptions(options: SignOptions | undefined): void {
  if (options === undefined) return
  if (typeof options !== 'object' || options === null) {
    throw new UsageError('pqc.argument.type', 'options must be an object')
  }
  for (const name of Object.keys(options)) {
    if (!ALLOWED.has(name)) throw new UsageError('pqc.option.unknown', `unknown option "${name}"`, { name })
  }
  if (options.context === undefined) return
  needBytes(options.context, 'context')
  if (options.context.length > 255) {
    const message = `context must be at most 255 bytes, not ${options.context.length}`
    throw new UsageError('pqc.context.length', message, { actual: options.context.length })
  }
}
