import type { HybridKemAlgorithm, KemInfo, MlKemAlgorithm } from './info.ts'

/** FIPS 203 table 3; OIDs RFC 9935. The seed is d || z. Columns: category, public key, expanded key, ciphertext. */
const ML_KEM: readonly KemInfo[] = [
  mlKem('ML-KEM-512', 1, 1, 800, 1632, 768),
  mlKem('ML-KEM-768', 2, 3, 1184, 2400, 1088),
  mlKem('ML-KEM-1024', 3, 5, 1568, 3168, 1568),
]

/**
 * draft-irtf-cfrg-concrete-hybrid-kems; the OID is that of draft-connolly-cfrg-xwing-kem. ML-KEM comes first in keys
 * and ciphertexts. Columns: category, public key, ciphertext, randomness.
 */
const HYBRID: readonly KemInfo[] = [
  hybrid('X-Wing', '1.3.6.1.4.1.62253.25722', 3, 1216, 1120, 64),
  hybrid('MLKEM768-P256', undefined, 3, 1249, 1153, 160),
  hybrid('MLKEM1024-P384', undefined, 5, 1665, 1665, 80),
]

/** Every KEM, in the order of the tables. */
export const KEMS: readonly KemInfo[] = [...ML_KEM, ...HYBRID]

function mlKem(
  name: MlKemAlgorithm,
  arc: number,
  category: number,
  publicKeyLength: number,
  expandedLength: number,
  ciphertextLength: number,
): KemInfo {
  return {
    kind: 'kem',
    name,
    family: 'ML-KEM',
    oid: `2.16.840.1.101.3.4.4.${arc}`,
    cose: undefined,
    jose: name,
    category,
    status: 'standard',
    approved: true,
    publicKeyLength,
    seedLength: 64,
    expandedLength,
    ciphertextLength,
    sharedSecretLength: 32,
    randomnessLength: 32,
  }
}

function hybrid(
  name: HybridKemAlgorithm,
  oid: string | undefined,
  category: number,
  publicKeyLength: number,
  ciphertextLength: number,
  randomnessLength: number,
): KemInfo {
  return {
    kind: 'kem',
    name,
    family: 'hybrid',
    oid,
    cose: undefined,
    jose: undefined,
    category,
    status: 'draft',
    approved: true,
    publicKeyLength,
    seedLength: 32,
    expandedLength: 0,
    ciphertextLength,
    sharedSecretLength: 32,
    randomnessLength,
  }
}
