import type { KemAlgorithm, KemInfo } from './info.ts'

/** ML-KEM: FIPS 203 table 3; OIDs RFC 9935. The seed is d || z. */
export const KEMS: Readonly<Record<KemAlgorithm, KemInfo>> = {
  'ML-KEM-768': {
    kind: 'kem',
    name: 'ML-KEM-768',
    oid: '2.16.840.1.101.3.4.4.2',
    cose: undefined,
    category: 3,
    publicKeyLength: 1184,
    seedLength: 64,
    expandedLength: 2400,
    ciphertextLength: 1088,
    sharedSecretLength: 32,
  },
  'ML-KEM-1024': {
    kind: 'kem',
    name: 'ML-KEM-1024',
    oid: '2.16.840.1.101.3.4.4.3',
    cose: undefined,
    category: 5,
    publicKeyLength: 1568,
    seedLength: 64,
    expandedLength: 3168,
    ciphertextLength: 1568,
    sharedSecretLength: 32,
  },
}
