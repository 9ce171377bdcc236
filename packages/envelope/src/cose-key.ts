import { VerifyingKey } from '@gridseal/pqc'

/** Media type of a COSE_Key file (RFC 9052 11.4). */
export const COSE_KEY_MEDIA_TYPE = 'application/cose-key'

/** A public key as a deterministic COSE_Key (RFC 9052 7, RFC 9964 2); its SHA-256 is the key's fingerprint (RFC 9679). */
export function encodeCoseKey(key: VerifyingKey): Uint8Array {
  return key.toCoseKey()
}

/** Throws `DecodeError`. */
export function decodeCoseKey(bytes: Uint8Array): VerifyingKey {
  return VerifyingKey.fromCoseKey(bytes)
}
