import { hash } from 'node:crypto'
import { DecodeError, InternalError, fromHex, toHex } from '@gridseal/wire'
import type { SignatureAlgorithm } from '../algorithms/info.ts'
import { SIGNATURES } from '../algorithms/signatures.ts'
import { signatureInfo } from '../algorithms/lookup.ts'
import { plainBytes } from '../symmetric/bytes.ts'

/**
 * The COSE Key Thumbprint (RFC 9679) with SHA-256: hash of the deterministic CBOR map
 * {1 (kty): 7 (AKP), 3 (alg): alg, -1 (pub): key} (RFC 9964). 32 bytes; also the COSE `kid`.
 */
export function fingerprintOf(algorithm: SignatureAlgorithm, publicKey: Uint8Array): Uint8Array {
  const { cose } = signatureInfo(algorithm)
  if (cose === undefined || cose < -256 || cose > -25 || publicKey.length < 256 || publicKey.length > 0xffff) {
    throw new InternalError('pqc.fingerprint', `${algorithm} does not fit the thumbprint encoding`)
  }
  // a3 01 07 | 03 38 NN (negative, one byte: -1 - NN) | 20 59 LLLL pub
  const cbor = new Uint8Array(10 + publicKey.length)
  cbor.set([0xa3, 0x01, 0x07, 0x03, 0x38, -1 - cose, 0x20, 0x59, publicKey.length >> 8, publicKey.length & 0xff])
  cbor.set(publicKey, 10)
  return plainBytes(hash('sha256', cbor, 'buffer'))
}

/** A fingerprint for people and configuration: `ml-dsa-65:` and 64 hex digits. */
export function formatFingerprint(algorithm: SignatureAlgorithm, fingerprint: Uint8Array): string {
  return `${algorithm.toLowerCase()}:${toHex(fingerprint)}`
}

/** Reads what {@link formatFingerprint} writes. Throws {@link DecodeError} `pqc.fingerprint.format`. */
export function parseFingerprint(text: string): { algorithm: SignatureAlgorithm; fingerprint: Uint8Array } {
  const [name, digits] = text.split(':')
  const info = Object.values(SIGNATURES).find((row) => row.name.toLowerCase() === name)
  if (info === undefined || digits === undefined || !/^[0-9a-f]{64}$/.test(digits) || text.split(':').length !== 2) {
    throw new DecodeError('pqc.fingerprint.format', 0, 'fingerprint', `"${text}" is not like ml-dsa-65:<64 hex digits>`)
  }
  return { algorithm: info.name, fingerprint: fromHex(digits) }
}
