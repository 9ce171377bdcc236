/**
 * Hashes of HashML-DSA and HashSLH-DSA by their names in FIPS 204 5.4.1 and FIPS 205 10.2.2, with their strength
 * against collisions in bits (SP 800-107 4.2). SHAKE gives 32 and 64 bytes.
 */
export const PREHASHES = {
  'SHA2-224': 112,
  'SHA2-256': 128,
  'SHA2-384': 192,
  'SHA2-512': 256,
  'SHA2-512/224': 112,
  'SHA2-512/256': 128,
  'SHA3-224': 112,
  'SHA3-256': 128,
  'SHA3-384': 192,
  'SHA3-512': 256,
  'SHAKE-128': 128,
  'SHAKE-256': 256,
} as const

export type PrehashName = keyof typeof PREHASHES

export function isPrehashName(name: unknown): name is PrehashName {
  return typeof name === 'string' && Object.hasOwn(PREHASHES, name)
}

/** Bits that a hash must have not to weaken a signature of a category (FIPS 204 5.4, FIPS 205 10.2). */
export function neededStrength(category: number): number {
  return category <= 2 ? 128 : category <= 4 ? 192 : 256
}
