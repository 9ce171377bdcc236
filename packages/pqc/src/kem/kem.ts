import type { KemAlgorithm } from '../algorithms/info.ts'
import { kemInfo } from '../algorithms/lookup.ts'
import { needReceived } from '../check.ts'
import { needOperational } from '../policy/module-state.ts'
import type { Encapsulation } from '../providers/provider.ts'
import { kemImplementation } from '../providers/select.ts'
import type { ProviderOptions } from '../providers/chosen.ts'
import { DecapsulationKey } from './decapsulation-key.ts'
import type { KemKeyPair } from './decapsulation-key.ts'
import { randomBytes } from '../symmetric/bytes.ts'
import { EncapsulationKey } from './encapsulation-key.ts'

/** A new key pair, or that of `seed` (ML-KEM: d || z). Throws `UsageError` `pqc.seed.length`. */
export function generateKemKeyPair(
  algorithm: KemAlgorithm,
  seed?: Uint8Array,
  options: ProviderOptions = {},
): KemKeyPair {
  return seed === undefined
    ? DecapsulationKey.generate(algorithm, options)
    : DecapsulationKey.fromSeed(algorithm, seed, options)
}

/**
 * A fresh secret for the owner of a public key that is used once; for more, see {@link EncapsulationKey}. Throws as
 * {@link EncapsulationKey.fromRaw}.
 */
export function encapsulate(
  algorithm: KemAlgorithm,
  publicKey: Uint8Array,
  options: ProviderOptions = {},
): Encapsulation {
  return EncapsulationKey.fromRaw(algorithm, publicKey, options).encapsulate()
}

/** A key pair for one key agreement. */
export type EphemeralKeyPair = Pick<KemKeyPair, 'publicKey' | 'decapsulate'>

/**
 * A new key pair for one key agreement, whose secret leaves it in no form. Without the pairwise test of keys that are
 * kept: where the halves of this one do not fit, the key agreement fails. Throws `AuthError` `pqc.policy.refused`.
 */
export function ephemeralKeyPair(algorithm: KemAlgorithm, options: ProviderOptions = {}): EphemeralKeyPair {
  const implementation = kemImplementation(algorithm, 'generate', options)
  const { seedLength, ciphertextLength } = kemInfo(algorithm)
  const key = implementation.ephemeral?.() ?? implementation.decapsulator(randomBytes(seedLength))
  return {
    publicKey: key.publicKey,
    decapsulate(ciphertext) {
      needReceived(ciphertext, ciphertextLength, 'pqc.ciphertext.length', 'ciphertext')
      needOperational()
      return key.decapsulate(ciphertext)
    },
  }
}
