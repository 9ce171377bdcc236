/**
 * Hashes of HashML-DSA and HashSLH-DSA by their names in FIPS 204 5.4.1 and FIPS 205 10.2.2, with the last arc of
 * their object identifiers below 2.16.840.1.101.3.4.2.
 */
export const PREHASHES = {
  'SHA2-224': 4,
  'SHA2-256': 1,
  'SHA2-384': 2,
  'SHA2-512': 3,
  'SHA2-512/224': 5,
  'SHA2-512/256': 6,
  'SHA3-224': 7,
  'SHA3-256': 8,
  'SHA3-384': 9,
  'SHA3-512': 10,
  'SHAKE-128': 11,
  'SHAKE-256': 12,
} as const

export type PrehashName = keyof typeof PREHASHES

export function isPrehashName(name: unknown): name is PrehashName {
  return typeof name === 'string' && Object.hasOwn(PREHASHES, name)
}
