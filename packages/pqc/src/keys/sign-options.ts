import { UsageError } from '@gridseal/wire'
import type { SignatureInfo } from '../algorithms/info.ts'
import { needBytes } from '../check.ts'
import { PREHASHES, isPrehashName, neededStrength } from '../providers/prehash.ts'
import type { SignOptions } from '../providers/provider.ts'

const ALLOWED: ReadonlySet<string> = new Set<keyof SignOptions>(['context', 'prehash'])

/**
 * Checks options before they reach a provider, since native ignores what it does not know and noble throws its own.
 * Throws `UsageError` `pqc.option.unknown`, `pqc.argument.type`, `pqc.context.length` (FIPS 204 5.2: 255 bytes),
 * `pqc.context.unsupported` and `pqc.prehash.unsupported`.
 */
export function checkSignOptions(options: SignOptions | undefined, info: SignatureInfo): void {
  if (options === undefined) return
  if (typeof options !== 'object' || options === null) {
    throw new UsageError('pqc.argument.type', 'options must be an object')
  }
  for (const name of Object.keys(options)) {
    if (!ALLOWED.has(name)) throw new UsageError('pqc.option.unknown', `unknown option "${name}"`, { name })
  }
  const { context, prehash } = options
  if (prehash !== undefined) checkPrehash(prehash, info)
  if (context === undefined) return
  needBytes(context, 'context')
  if (context.length > 255) {
    const message = `context must be at most 255 bytes, not ${context.length}`
    throw new UsageError('pqc.context.length', message, { actual: context.length })
  }
  // The standard's default is the empty one, which every algorithm has.
  if (context.length > 0 && !info.context) {
    throw new UsageError('pqc.context.unsupported', `${info.name} has no context`, { algorithm: info.name })
  }
}

function checkPrehash(prehash: unknown, info: SignatureInfo): void {
  const allowed = info.prehash
    ? Object.entries(PREHASHES).flatMap(([name, bits]) => (bits >= neededStrength(info.category) ? [name] : []))
    : []
  if (isPrehashName(prehash) && allowed.includes(prehash)) return
  const message = `${info.name} cannot hash messages with ${String(prehash)} first`
  throw new UsageError('pqc.prehash.unsupported', message, { allowed })
}
