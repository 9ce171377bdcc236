import type { SignatureAlgorithm, SignatureInfo } from './info.ts'

/** ML-DSA: FIPS 204 table 2; OIDs RFC 9881; COSE RFC 9964. */
export const SIGNATURES: Readonly<Record<SignatureAlgorithm, SignatureInfo>> = {
  'ML-DSA-44': {
    kind: 'signature',
    name: 'ML-DSA-44',
    oid: '2.16.840.1.101.3.4.3.17',
    cose: -48,
    category: 2,
    publicKeyLength: 1312,
    seedLength: 32,
    expandedLength: 2560,
    signatureLength: 2420,
  },
  'ML-DSA-65': {
    kind: 'signature',
    name: 'ML-DSA-65',
    oid: '2.16.840.1.101.3.4.3.18',
    cose: -49,
    category: 3,
    publicKeyLength: 1952,
    seedLength: 32,
    expandedLength: 4032,
    signatureLength: 3309,
  },
  'ML-DSA-87': {
    kind: 'signature',
    name: 'ML-DSA-87',
    oid: '2.16.840.1.101.3.4.3.19',
    cose: -50,
    category: 5,
    publicKeyLength: 2592,
    seedLength: 32,
    expandedLength: 4896,
    signatureLength: 4627,
  },
}
