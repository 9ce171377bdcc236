import { VerifyingKey, algorithmByCose, algorithmInfo } from '@gridseal/pqc'
import { InternalError, UsageError } from '@gridseal/wire'
import { CborReader } from './cbor/reader.ts'
import { CborWriter } from './cbor/writer.ts'

// A public key as COSE_Key (RFC 9052 7, RFC 9964 2): {1: 7 (AKP), 3: algorithm, -1: public key}, deterministic.
const KTY = 1
const ALGORITHM = 3
const PUBLIC_KEY = -1
const KTY_AKP = 7

/** Media type of a COSE_Key file (RFC 9052 11.4). */
export const COSE_KEY_MEDIA_TYPE = 'application/cose-key'

/** A public key as a deterministic COSE_Key; its SHA-256 is the key's fingerprint (RFC 9679). */
export function encodeCoseKey(key: VerifyingKey): Uint8Array<ArrayBuffer> {
  const { cose } = algorithmInfo(key.algorithm)
  if (cose === undefined) throw new InternalError('envelope.algorithm', `${key.algorithm} has no COSE number`)
  const w = new CborWriter(key.raw.length + 24)
  return w.map(3).int(KTY).int(KTY_AKP).int(ALGORITHM).int(cose).int(PUBLIC_KEY).bytes(key.raw).finish()
}

/** Reads exactly what {@link encodeCoseKey} writes. Throws `DecodeError`. */
export function decodeCoseKey(bytes: Uint8Array): VerifyingKey {
  const r = new CborReader(bytes)
  const label = (expected: number, field: string): void => {
    if (r.int(field) !== expected) throw r.error('envelope.cose-key', field, `label ${expected} is due`)
  }
  if (r.map('COSE_Key') !== 3) throw r.error('envelope.cose-key', 'COSE_Key', 'kty, alg and pub are due')
  label(KTY, 'kty')
  if (r.int('kty') !== KTY_AKP) throw r.error('envelope.cose-key', 'kty', 'only AKP keys are known')
  label(ALGORITHM, 'alg')
  const info = algorithmByCose(r.int('alg'))
  if (info?.kind !== 'signature') throw r.error('envelope.algorithm', 'alg', 'unknown signature algorithm')
  label(PUBLIC_KEY, 'pub')
  const raw = r.bytes('pub')
  r.expectEnd('end')
  try {
    return VerifyingKey.fromRaw(info.name, raw)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    throw r.error('envelope.cose-key', 'pub', error.message)
  }
}
