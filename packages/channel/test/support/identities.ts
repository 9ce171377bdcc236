import { SigningKey } from '@gridseal/pqc'
import type { VerifyingKey } from '@gridseal/pqc'

const seed = (fill: number): Uint8Array => new Uint8Array(32).fill(fill)

/** The device side of the tests. */
export const FIELD: SigningKey = SigningKey.fromSeed('ML-DSA-65', seed(0xf1))
/** The utility side of the tests. */
export const HEAD: SigningKey = SigningKey.fromSeed('ML-DSA-65', seed(0x4e))
/** Another site that the head-end knows. */
export const OTHER: SigningKey = SigningKey.fromSeed('ML-DSA-44', seed(0x07))
/** Known to nobody. */
export const STRANGER: SigningKey = SigningKey.fromSeed('ML-DSA-65', seed(0x66))

/** A look-up over these keys. */
export function pinned(...keys: SigningKey[]): (fingerprint: Uint8Array) => VerifyingKey | undefined {
  return (fingerprint) =>
    keys.map(({ publicKey }) => publicKey).find((key) => Buffer.compare(key.fingerprint, fingerprint) === 0)
}
