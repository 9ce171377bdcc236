import { hash } from 'node:crypto'
import { DecodeError, fromHex, toHex } from '@gridseal/wire'
import type { SignatureAlgorithm } from '../algorithms/info.ts'
import { SIGNATURES } from '../algorithms/signatures.ts'
import { plainBytes } from '../symmetric/bytes.ts'
import { encodeCborMap } from './cbor.ts'
import { coseKeyMembers } from './cose-key.ts'

/**
 * The COSE Key Thumbprint (RFC 9679) with SHA-256 over the key's required members in deterministic CBOR; for ML-DSA
 * {1 (kty): 7 (AKP), 3 (alg): alg, -1 (pub): key} (RFC 9964). 32 bytes; also the COSE `kid`.
 */
export function fingerprintOf(algorithm: SignatureAlgorithm, publicKey: Uint8Array): Uint8Array {
  return plainBytes(hash('sha256', encodeCborMap(coseKeyMembers(algorithm, publicKey)), 'buffer'))
}

/** A fingerprint for people and configuration: `ml-dsa-65:` and 64 hex digits. */
export function formatFingerprint(algorithm: SignatureAlgorithm, fingerprint: Uint8Array): string {
  return `${algorithm.toLowerCase()}:${toHex(fingerprint)}`
}

const BY_LOWER_CASE = new Map(SIGNATURES.map(({ name }) => [name.toLowerCase(), name]))

/** Reads what {@link formatFingerprint} writes. Throws {@link DecodeError} `pqc.fingerprint.format`. */
export function parseFingerprint(text: string): { algorithm: SignatureAlgorithm; fingerprint: Uint8Array } {
  const [name = '', digits, ...more] = text.split(':')
  const algorithm = BY_LOWER_CASE.get(name)
  if (algorithm === undefined || digits === undefined || !/^[0-9a-f]{64}$/.test(digits) || more.length > 0) {
    throw new DecodeError('pqc.fingerprint.format', 0, 'fingerprint', `"${text}" is not like ml-dsa-65:<64 hex digits>`)
  }
  return { algorithm, fingerprint: fromHex(digits) }
}
