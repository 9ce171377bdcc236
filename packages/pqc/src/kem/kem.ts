import type { KemAlgorithm } from '../algorithms/info.ts'
import type { Encapsulation } from '../providers/provider.ts'
import type { ProviderOptions } from '../providers/chosen.ts'
import { DecapsulationKey } from './decapsulation-key.ts'
import type { KemKeyPair } from './decapsulation-key.ts'
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
