import * as crypto from 'node:crypto'
import { createRequire } from 'node:module'
import type * as Sha3Addons from '@noble/hashes/sha3-addons.js'
import { UsageError, toHex } from '@gridseal/wire'
import { needBytes, needCount } from '../check.ts'
import { admit, currentPolicy, needOperational, reportFailure } from '../policy/module-state.ts'
import type { ProviderName } from '../providers/provider.ts'
import { chosenName } from '../providers/chosen.ts'
import type { ProviderOptions } from '../providers/chosen.ts'
import { plainBytes } from './bytes.ts'

/** What Node.js 26 has and Node.js 24 has not. */
type CreateMac = (
  name: 'kmac256',
  key: Uint8Array,
  options: { outputLength: number; customization?: Uint8Array },
) => { update(data: Uint8Array): void; final(): Buffer }

const createMac = (crypto as unknown as { createMac?: CreateMac }).createMac

const load = createRequire(import.meta.url)

export interface KmacOptions extends ProviderOptions {
  /** Customization string S of SP 800-185 4.2. Default empty. */
  readonly customization?: Uint8Array
}

/**
 * KMAC256 (SP 800-185 4) of `length` bytes over `message`. Native on Node.js 26, noble on 24. Throws `UsageError`
 * `pqc.argument.range`, `pqc.algorithm.unsupported`, `pqc.policy.refused`.
 */
export function kmac256(key: Uint8Array, message: Uint8Array, length: number, options: KmacOptions = {}): Uint8Array {
  needBytes(key, 'key')
  needBytes(message, 'message')
  needCount(length, 1, 2 ** 16, 'length')
  const { customization, ...rest } = options
  if (customization !== undefined) needBytes(customization, 'customization')
  // OpenSSL takes keys of 4 to 512 bytes only.
  const nativeCan = createMac !== undefined && key.length >= 4 && key.length <= 512
  const provider = chosenName(rest) ?? (nativeCan || currentPolicy().fips ? 'native' : 'noble')
  admit('KMAC256', 'derive', provider)
  if (provider === 'native' && !nativeCan) {
    const message = `KMAC256 with a key of ${key.length} bytes is not in provider native of Node.js ${process.version}`
    throw new UsageError('pqc.algorithm.unsupported', message, { algorithm: 'KMAC256', tried: ['native'] })
  }
  needTested(provider)
  return macOf(provider, key, message, length, customization)
}

function macOf(
  provider: ProviderName,
  key: Uint8Array,
  message: Uint8Array,
  length: number,
  customization?: Uint8Array,
): Uint8Array {
  if (provider === 'native' && createMac !== undefined) {
    const S = customization === undefined ? {} : { customization }
    const mac = createMac('kmac256', key, { outputLength: length, ...S })
    mac.update(message)
    return plainBytes(mac.final())
  }
  const { kmac256: noble } = load('@noble/hashes/sha3-addons.js') as typeof Sha3Addons
  const S = customization === undefined ? {} : { personalization: customization }
  return noble(key, message, { dkLen: length, ...S })
}

/** KMAC256 of 32 zero bytes over "a", 32 bytes (Wycheproof, the same from OpenSSL and noble). */
export function kmacTest(mac: (key: Uint8Array, message: Uint8Array) => Uint8Array): boolean {
  const answer = '3ecc56e4511f35e793088d0cea84f207728480358dba808e049e7d43b15fca04'
  return toHex(mac(new Uint8Array(32), Uint8Array.of(0x61))) === answer
}

const tested = new Set<ProviderName>()

/** The known-answer test at the first use: symmetric tests are of what both versions of Node.js have. */
function needTested(provider: ProviderName): void {
  if (tested.has(provider)) return
  if (kmacTest((key, message) => macOf(provider, key, message, 32))) tested.add(provider)
  else reportFailure({ test: 'KMAC256', provider }, true)
  needOperational()
}
