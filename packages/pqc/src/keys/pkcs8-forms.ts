import { InternalError, UsageError } from '@gridseal/wire'
import type { AlgorithmName } from '../algorithms/info.ts'
import { algorithmInfo } from '../algorithms/lookup.ts'
import { admit } from '../policy/module-state.ts'
import { native } from '../providers/native.ts'
import { noble } from '../providers/noble.ts'
import type { Provider } from '../providers/provider.ts'
import { passes } from '../selftest/conditional.ts'
import { encodePkcs8, encodePkcs8Both, encodePkcs8Ec, encodePkcs8Expanded } from './pkcs8.ts'

/**
 * How a private ML-DSA or ML-KEM key is written: its seed (RFC 9881 6, RFC 9935 6), the key that FIPS 203 or 204 expands
 * it to, or both. Other algorithms have one form.
 */
export type Pkcs8Form = 'seed' | 'expanded' | 'both'

/** What a private key is made of: the seed, or only what it expands to. */
export interface PrivateKey {
  readonly seed?: Uint8Array
  readonly expanded?: Uint8Array
}

/**
 * PKCS#8 of a private key: byte for byte what OpenSSL writes. Without `form` the seed, or what there is. Throws
 * `UsageError` `pqc.key.no-seed` for what would need it, `pqc.key.form` where the algorithm has no such form.
 */
export function writePkcs8(
  algorithm: AlgorithmName,
  { seed, expanded }: PrivateKey,
  publicKey: Uint8Array,
  form: Pkcs8Form = seed === undefined ? 'expanded' : 'seed',
): Uint8Array {
  if (form !== 'seed' && form !== 'expanded' && form !== 'both') {
    throw new UsageError('pqc.key.form', 'the form is not one of seed, expanded, both')
  }
  const { family, expandedLength } = algorithmInfo(algorithm)
  if (form === 'expanded' && expanded !== undefined) return encodePkcs8Expanded(algorithm, expanded)
  if (seed === undefined) {
    throw new UsageError('pqc.key.no-seed', 'the key came in its expanded form, from which its seed cannot be had')
  }
  if (form === 'seed')
    return family === 'ECDSA' ? encodePkcs8Ec(algorithm, seed, publicKey) : encodePkcs8(algorithm, seed)
  if (expandedLength === 0) throw new UsageError('pqc.key.form', `${algorithm} has no expanded key`)
  const whole = expand(algorithm, seed)
  try {
    return form === 'both' ? encodePkcs8Both(algorithm, seed, whole) : encodePkcs8Expanded(algorithm, whole)
  } finally {
    whole.fill(0)
  }
}

/** node:crypto tells an expanded key on some versions only, so noble makes it; where native is there, it has to agree. */
function expand(algorithm: AlgorithmName, seed: Uint8Array): Uint8Array {
  admit(algorithm, 'generate', 'noble')
  const expanded = implementation(noble, algorithm)?.expand?.(seed)
  const other = passes(native, algorithm) ? implementation(native, algorithm) : undefined
  if (expanded !== undefined && other?.matchesExpanded?.(seed, expanded) !== false) return expanded
  throw new InternalError('pqc.provider.failed', `the providers do not agree on the expanded key of ${algorithm}`)
}

interface Expanding {
  expand?(seed: Uint8Array): Uint8Array
  matchesExpanded?(seed: Uint8Array, expanded: Uint8Array): boolean
}

function implementation(provider: Provider, algorithm: AlgorithmName): Expanding | undefined {
  const info = algorithmInfo(algorithm)
  return info.kind === 'signature' ? provider.signature(info.name) : provider.kem(info.name)
}
