import type {
  ClassicalAlgorithm,
  CompositeAlgorithm,
  CoseKeyType,
  FalconAlgorithm,
  MlDsaAlgorithm,
  SignatureAlgorithm,
  SignatureInfo,
  SlhDsaAlgorithm,
} from './info.ts'

const NIST_SIGNATURES = '2.16.840.1.101.3.4.3'

/** ECDSA in a composite is in DER: two integers with their headers, each with a zero before a high top bit. */
const DER_SIGNATURE: Readonly<Record<ClassicalAlgorithm, number>> = { Ed25519: 64, 'ECDSA-P256': 72, 'ECDSA-P384': 104 }

/** FIPS 204 table 2; OIDs RFC 9881; COSE and JOSE RFC 9964. Columns: category, public key, expanded key, signature. */
const ML_DSA: readonly SignatureInfo[] = [
  mlDsa('ML-DSA-44', 17, -48, 2, 1312, 2560, 2420),
  mlDsa('ML-DSA-65', 18, -49, 3, 1952, 4032, 3309),
  mlDsa('ML-DSA-87', 19, -50, 5, 2592, 4896, 4627),
]

/** FIPS 205 table 2; OIDs RFC 9909. COSE numbers are ours until the draft is an RFC. Columns: n, signature. */
const SLH_DSA: readonly SignatureInfo[] = [
  slhDsa('SLH-DSA-SHA2-128s', 20, 16, 7856),
  slhDsa('SLH-DSA-SHA2-128f', 21, 16, 17088),
  slhDsa('SLH-DSA-SHA2-192s', 22, 24, 16224),
  slhDsa('SLH-DSA-SHA2-192f', 23, 24, 35664),
  slhDsa('SLH-DSA-SHA2-256s', 24, 32, 29792),
  slhDsa('SLH-DSA-SHA2-256f', 25, 32, 49856),
  slhDsa('SLH-DSA-SHAKE-128s', 26, 16, 7856),
  slhDsa('SLH-DSA-SHAKE-128f', 27, 16, 17088),
  slhDsa('SLH-DSA-SHAKE-192s', 28, 24, 16224),
  slhDsa('SLH-DSA-SHAKE-192f', 29, 24, 35664),
  slhDsa('SLH-DSA-SHAKE-256s', 30, 32, 29792),
  slhDsa('SLH-DSA-SHAKE-256f', 31, 32, 49856),
]

/** Falcon, round 3 submission table 3.3; OIDs of the IETF hackathon, not assigned. The private key is followed by the public one. */
const FALCON: readonly SignatureInfo[] = [
  falcon('Falcon-512', '1.3.9999.3.6', -70201, 1, 897, 1281, 666),
  falcon('Falcon-1024', '1.3.9999.3.9', -70202, 5, 1793, 2305, 1280),
]

/** RFC 8410, RFC 5480; COSE RFC 9864. ECDSA signatures are r || s (RFC 9053 2.1), points uncompressed. */
const CLASSICAL: readonly SignatureInfo[] = [
  classical('Ed25519', 'EdDSA', '1.3.101.112', -19, 'OKP', 'Ed25519', 32, 32, 64),
  classical('ECDSA-P256', 'ECDSA', '1.2.840.10045.3.1.7', -9, 'EC2', 'ES256', 65, 32, 64),
  classical('ECDSA-P384', 'ECDSA', '1.3.132.0.34', -51, 'EC2', 'ES384', 97, 48, 96),
]

/** draft-ietf-lamps-pq-composite-sigs-19 section 6, OIDs 1.3.6.1.5.5.7.6.N. */
const COMPOSITE: readonly SignatureInfo[] = [
  composite('MLDSA44-Ed25519-SHA512', 39, 'ML-DSA-44', 'Ed25519'),
  composite('MLDSA44-ECDSA-P256-SHA256', 40, 'ML-DSA-44', 'ECDSA-P256'),
  composite('MLDSA65-Ed25519-SHA512', 48, 'ML-DSA-65', 'Ed25519'),
  composite('MLDSA65-ECDSA-P256-SHA512', 45, 'ML-DSA-65', 'ECDSA-P256'),
  composite('MLDSA65-ECDSA-P384-SHA512', 46, 'ML-DSA-65', 'ECDSA-P384'),
  composite('MLDSA87-ECDSA-P384-SHA512', 49, 'ML-DSA-87', 'ECDSA-P384'),
]

/** Every signature algorithm, in the order of the tables. */
export const SIGNATURES: readonly SignatureInfo[] = [...ML_DSA, ...SLH_DSA, ...FALCON, ...CLASSICAL, ...COMPOSITE]

function mlDsa(
  name: MlDsaAlgorithm,
  arc: number,
  cose: number,
  category: number,
  publicKeyLength: number,
  expandedLength: number,
  signatureLength: number,
): SignatureInfo {
  return {
    kind: 'signature',
    name,
    family: 'ML-DSA',
    oid: `${NIST_SIGNATURES}.${arc}`,
    cose,
    coseKey: 'AKP',
    jose: name,
    category,
    status: 'standard',
    approved: true,
    publicKeyLength,
    seedLength: 32,
    expandedLength,
    signatureLength,
    variableLength: false,
    context: true,
    prehash: true,
    legs: undefined,
  }
}

function slhDsa(name: SlhDsaAlgorithm, arc: number, n: 16 | 24 | 32, signatureLength: number): SignatureInfo {
  const category = { 16: 1, 24: 3, 32: 5 }[n]
  return {
    kind: 'signature',
    name,
    family: 'SLH-DSA',
    oid: `${NIST_SIGNATURES}.${arc}`,
    cose: -70000 - arc,
    coseKey: 'AKP',
    jose: name,
    category,
    status: 'standard',
    approved: true,
    publicKeyLength: 2 * n,
    seedLength: 4 * n,
    expandedLength: 0,
    signatureLength,
    variableLength: false,
    context: true,
    prehash: true,
    legs: undefined,
  }
}

function falcon(
  name: FalconAlgorithm,
  oid: string,
  cose: number,
  category: number,
  publicKeyLength: number,
  secretKeyLength: number,
  signatureLength: number,
): SignatureInfo {
  return {
    kind: 'signature',
    name,
    family: 'Falcon',
    oid,
    cose,
    coseKey: 'AKP',
    jose: name,
    category,
    status: 'experimental',
    approved: false,
    publicKeyLength,
    seedLength: secretKeyLength + publicKeyLength,
    expandedLength: 0,
    signatureLength,
    variableLength: false,
    context: false,
    prehash: false,
    legs: undefined,
  }
}

function classical(
  name: ClassicalAlgorithm,
  family: 'EdDSA' | 'ECDSA',
  oid: string,
  cose: number,
  coseKey: CoseKeyType,
  jose: string,
  publicKeyLength: number,
  seedLength: number,
  signatureLength: number,
): SignatureInfo {
  return {
    kind: 'signature',
    name,
    family,
    oid,
    cose,
    coseKey,
    jose,
    category: 0,
    status: 'standard',
    approved: true,
    publicKeyLength,
    seedLength,
    expandedLength: 0,
    signatureLength,
    variableLength: false,
    context: false,
    prehash: false,
    legs: undefined,
  }
}

function row(table: readonly SignatureInfo[], name: SignatureAlgorithm): SignatureInfo {
  return table.find((info) => info.name === name)!
}

function composite(
  name: CompositeAlgorithm,
  arc: number,
  pq: MlDsaAlgorithm,
  other: ClassicalAlgorithm,
): SignatureInfo {
  const first = row(ML_DSA, pq)
  const second = row(CLASSICAL, other)
  return {
    kind: 'signature',
    name,
    family: 'composite',
    oid: `1.3.6.1.5.5.7.6.${arc}`,
    cose: -70100 - arc,
    coseKey: 'AKP',
    jose: name,
    category: first.category,
    status: 'draft',
    approved: true,
    publicKeyLength: first.publicKeyLength + second.publicKeyLength,
    seedLength: first.seedLength + second.seedLength,
    expandedLength: 0,
    signatureLength: first.signatureLength + DER_SIGNATURE[other],
    variableLength: other !== 'Ed25519',
    context: true,
    prehash: false,
    legs: [pq, other],
  }
}
