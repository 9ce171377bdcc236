import type { SignatureAlgorithm } from '../algorithms/info.ts'
import { SIGNATURES } from '../algorithms/signatures.ts'

/** Extensions that are read and written (RFC 5280 4.2, 5.2; RFC 9763; X.509 9.8.2). */
export const EXTENSIONS = {
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  crlNumber: '2.5.29.20',
  crlReason: '2.5.29.21',
  nameConstraints: '2.5.29.30',
  issuingDistributionPoint: '2.5.29.28',
  crlDistributionPoints: '2.5.29.31',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  subjectAltPublicKeyInfo: '2.5.29.72',
  relatedCertificate: '1.3.6.1.5.5.7.1.36',
} as const

/** Bits of keyUsage in the order of RFC 5280 4.2.1.3. */
export const KEY_USAGES = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const
export type KeyUsage = (typeof KEY_USAGES)[number]

export const EXTENDED_KEY_USAGES = {
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  codeSigning: '1.3.6.1.5.5.7.3.3',
  timeStamping: '1.3.6.1.5.5.7.3.8',
} as const
export type ExtendedKeyUsage = keyof typeof EXTENDED_KEY_USAGES

/** Attribute types of names, with their short names (RFC 4514 3). */
export const ATTRIBUTES = {
  CN: '2.5.4.3',
  serialNumber: '2.5.4.5',
  C: '2.5.4.6',
  L: '2.5.4.7',
  ST: '2.5.4.8',
  O: '2.5.4.10',
  OU: '2.5.4.11',
} as const
export type AttributeName = keyof typeof ATTRIBUTES

export const SHA256_OID = '2.16.840.1.101.3.4.2.1'

/** Signature algorithms whose identifier is not that of the key (RFC 5758 3.2). */
const ECDSA: Readonly<Partial<Record<SignatureAlgorithm, string>>> = {
  'ECDSA-P256': '1.2.840.10045.4.3.2',
  'ECDSA-P384': '1.2.840.10045.4.3.3',
}

/** The identifier of a signature algorithm in certificates (RFC 9881, RFC 9909, RFC 8410, RFC 5758). */
export function signatureOid(algorithm: SignatureAlgorithm): string | undefined {
  return ECDSA[algorithm] ?? SIGNATURES.find(({ name }) => name === algorithm)?.oid
}

const BY_OID = new Map(SIGNATURES.map(({ name }) => [signatureOid(name), name]))

export function signatureByOid(oid: string): SignatureAlgorithm | undefined {
  return BY_OID.get(oid)
}
