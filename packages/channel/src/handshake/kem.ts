import {
  CH_KEM_V1,
  EncapsulationKey,
  chKemEncapsulate,
  chKemEncapsulateWith,
  ephemeralChKemKeyPair,
  ephemeralKeyPair,
  generateChKemKeyPair,
  generateKemKeyPair,
} from '@gridseal/pqc'
import type { ChKemEphemeral, Encapsulation } from '@gridseal/pqc'
import type { Role } from './key-schedule.ts'
import { systemRandomness } from './randomness.ts'
import type { Randomness } from './randomness.ts'
import type { KemName } from './suites.ts'

/*
 * The three key agreements behind one face. CH-KEM-v1 binds the encapsulator's role into its secret; for the others
 * the transcript does.
 */

/** A decapsulation key with its public half. */
export interface KemPair {
  readonly kem: KemName
  readonly publicKey: Uint8Array
  /** For what else is encapsulated in the same handshake, where that is possible. */
  readonly ephemeral?: ChKemEphemeral | undefined
  /** The secret that a peer in role `encapsulator` made. Throws `DecodeError` and `AuthError` as pqc does. */
  decapsulate(ciphertext: Uint8Array, encapsulator: Role): Uint8Array
}

/** Lengths of keys, ciphertexts and seeds in bytes. */
export const KEM_SIZES: Readonly<
  Record<KemName, { readonly publicKey: number; readonly ciphertext: number; readonly seed: number }>
> = {
  'CH-KEM-v1': { publicKey: 1600, ciphertext: 1600, seed: CH_KEM_V1.seedLength },
  'X-Wing': { publicKey: 1216, ciphertext: 1120, seed: 32 },
  'ML-KEM-768': { publicKey: 1184, ciphertext: 1088, seed: 64 },
}

/** The key pair of a seed, which may be overwritten afterwards. */
export function kemPair(kem: KemName, seed: Uint8Array): KemPair {
  if (kem === 'CH-KEM-v1') {
    const pair = generateChKemKeyPair(seed)
    return { kem, publicKey: pair.publicKey, decapsulate: (ciphertext, role) => pair.decapsulate(ciphertext, role) }
  }
  const pair = generateKemKeyPair(kem, seed)
  return { kem, publicKey: pair.publicKey, decapsulate: (ciphertext) => pair.decapsulate(ciphertext) }
}

/** A fresh key pair; from the system's randomness the provider makes it, which is cheaper than to import a seed. */
export function freshPair(kem: KemName, random: Randomness): KemPair {
  if (random === systemRandomness) {
    if (kem !== 'CH-KEM-v1') {
      const pair = ephemeralKeyPair(kem)
      return { kem, publicKey: pair.publicKey, decapsulate: (ciphertext) => pair.decapsulate(ciphertext) }
    }
    const pair = ephemeralChKemKeyPair()
    const { publicKey, ephemeral } = pair
    return { kem, publicKey, ephemeral, decapsulate: (ciphertext, role) => pair.decapsulate(ciphertext, role) }
  }
  const seed = random(KEM_SIZES[kem].seed)
  const pair = kemPair(kem, seed)
  seed.fill(0)
  return pair
}

/**
 * A fresh secret for the owner of a public key; `role` is ours. `ephemeral` is shared with what else is encapsulated in the
 * same handshake. Throws `DecodeError` and `AuthError` as pqc does.
 */
export type Encapsulate = (kem: KemName, publicKey: Uint8Array, role: Role, ephemeral?: ChKemEphemeral) => Encapsulation

/** Encapsulation with the provider's own randomness. */
export function encapsulateTo(
  kem: KemName,
  publicKey: Uint8Array,
  role: Role,
  ephemeral?: ChKemEphemeral,
): Encapsulation {
  return kem === 'CH-KEM-v1'
    ? chKemEncapsulate(publicKey, role, {}, ephemeral)
    : EncapsulationKey.fromRaw(kem, publicKey).encapsulate()
}

/** Encapsulation for recorded handshakes. Only CH-KEM-v1 takes randomness from outside. */
export function encapsulateFrom(random: (count: number) => Uint8Array): Encapsulate {
  return (kem, publicKey, role) =>
    kem === 'CH-KEM-v1'
      ? chKemEncapsulateWith(publicKey, role, random(CH_KEM_V1.randomnessLength))
      : encapsulateTo(kem, publicKey, role)
}
