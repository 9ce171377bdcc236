import type { KemAlgorithm, SigningKey, VerifyingKey } from '@gridseal/pqc'
import { AeadKey, algorithmByCose, algorithmInfo, hkdfSha256, sha256 } from '@gridseal/pqc'
import { AuthError, InternalError, toHex } from '@gridseal/wire'
import { CborReader } from '../cbor/reader.ts'
import { CborWriter } from '../cbor/writer.ts'
import { EMPTY_MAP, readSign1Start, toBeSigned, writeSign1 } from '../cose.ts'

// The key of a group's epoch for one member: a COSE_Sign1 of the owner over
//   [group, epoch, from, until, older-until, recipient, kem, kem-ciphertext, wrapped-key]
// wrapped-key = AES-256-GCM under HKDF-SHA-256(shared secret, SHA-256 of the items before it, "gridseal group key v1").
export const GROUP_ID_LENGTH = 16
export const GROUP_KEY_LENGTH = 32
const MEMBER_ID_LENGTH = 32
const INFO = Buffer.from('gridseal group key v1', 'latin1')
/** Media type of a delivery, under its signature (RFC 9596): no other signature of the owner can pass for one. */
export const GROUP_KEY_MEDIA_TYPE = 'application/vnd.gridseal.group-key+cose'
const LABEL_ALGORITHM = 1
const LABEL_KEY_ID = 4
const LABEL_TYPE = 16
const KEMS: readonly KemAlgorithm[] = ['ML-KEM-768', 'ML-KEM-1024']

/** What a delivery says in clear. Times in milliseconds since 1970-01-01 UTC. */
export interface EpochTerms {
  readonly group: Uint8Array
  readonly epoch: number
  /** The key may be used from then on. */
  readonly from: number
  /** And not any more from then on. */
  readonly until: number
  /** Keys of older epochs are not accepted any more from then on. */
  readonly olderUntil: number
}

/** Who a delivery is for: SHA-256 of the member's KEM public key. */
export function memberId(publicKey: Uint8Array): Uint8Array {
  return sha256(publicKey)
}

export interface Recipient {
  readonly kem: KemAlgorithm
  readonly publicKey: Uint8Array
}

/** Encrypts an epoch's key for one member and signs the delivery. */
export async function sealDelivery(
  owner: SigningKey,
  terms: EpochTerms,
  key: Uint8Array,
  recipient: Recipient,
  encapsulated: { readonly ciphertext: Uint8Array; readonly sharedSecret: Uint8Array },
): Promise<Uint8Array> {
  const w = new CborWriter(4096)
  w.array(9).bytes(terms.group).uint(terms.epoch).uint(terms.from).uint(terms.until).uint(terms.olderUntil)
  w.bytes(memberId(recipient.publicKey)).uint(KEMS.indexOf(recipient.kem)).bytes(encapsulated.ciphertext)
  const context = w.finish()
  w.bytes(wrapping(encapsulated.sharedSecret, context).seal(NONCE, key, context))
  const payload = w.finish()
  const header = protectedHeader(owner.publicKey)
  const signature = await owner.sign(toBeSigned(header, payload))
  const out = new CborWriter(payload.length + signature.length + 256)
  writeSign1(out, header, EMPTY_MAP, signature, payload)
  return out.finish()
}

/** A delivery whose signature is right; its key is still wrapped. */
export interface OpenedDelivery extends EpochTerms {
  readonly recipient: Uint8Array
  readonly kem: KemAlgorithm
  readonly ciphertext: Uint8Array
  /** The key. Throws `AuthError` `pqc.aead.open` for another shared secret than the owner's. */
  readonly unwrap: (sharedSecret: Uint8Array) => Uint8Array
}

/** Throws `DecodeError` and `AuthError` (`envelope.key.unknown`, `envelope.algorithm`, `envelope.signature`). */
export function openDelivery(bytes: Uint8Array, owner: VerifyingKey): OpenedDelivery {
  const r = new CborReader(bytes)
  const header = readSign1Start(r)
  if (r.map('unprotected') !== 0) throw r.error('envelope.header', 'unprotected', 'must be empty')
  const payload = r.bytes('payload')
  const signature = r.bytes('signature')
  r.expectEnd('end')
  checkHeader(header, owner)
  if (!owner.verify(toBeSigned(header, payload), signature)) {
    throw new AuthError('envelope.signature', 'the owner has not signed this delivery')
  }
  return readPayload(payload)
}

function readPayload(payload: Uint8Array): OpenedDelivery {
  const r = new CborReader(payload)
  r.fixedArray(9, 'delivery')
  const group = Uint8Array.from(r.fixedBytes(GROUP_ID_LENGTH, 'group'))
  const [epoch, from, until, olderUntil] = [r.uint('epoch'), r.uint('from'), r.uint('until'), r.uint('olderUntil')]
  const recipient = Uint8Array.from(r.fixedBytes(MEMBER_ID_LENGTH, 'recipient'))
  const kem = KEMS[r.uint('kem')]
  if (kem === undefined) throw r.error('envelope.algorithm', 'kem', 'unknown key encapsulation')
  const ciphertext = r.bytes('ciphertext')
  const context = payload.subarray(0, r.offset)
  const wrapped = r.bytes('wrapped')
  r.expectEnd('end')
  const unwrap = (secret: Uint8Array): Uint8Array => wrapping(secret, context).open(NONCE, wrapped, context)
  return { group, epoch, from, until, olderUntil, recipient, kem, ciphertext, unwrap }
}

/** Every wrapping key is used once: it comes from a shared secret of its own. */
const NONCE = new Uint8Array(12)

function wrapping(sharedSecret: Uint8Array, context: Uint8Array): AeadKey {
  return new AeadKey('AES-256-GCM', hkdfSha256(sharedSecret, sha256(context), INFO, 32))
}

function protectedHeader(owner: VerifyingKey): Uint8Array {
  const { cose } = algorithmInfo(owner.algorithm)
  if (cose === undefined) throw new InternalError('envelope.algorithm', `${owner.algorithm} has no COSE number`)
  const w = new CborWriter(128).map(3).int(LABEL_ALGORITHM).int(cose).int(LABEL_KEY_ID).bytes(owner.fingerprint)
  return w.int(LABEL_TYPE).text(GROUP_KEY_MEDIA_TYPE).finish()
}

function checkHeader(header: Uint8Array, owner: VerifyingKey): void {
  const r = new CborReader(header)
  if (r.map('protected') !== 3 || r.int('alg') !== LABEL_ALGORITHM)
    throw r.error('envelope.header', 'alg', 'alg, kid, typ')
  const algorithm = algorithmByCose(r.int('alg'))?.name
  if (r.int('kid') !== LABEL_KEY_ID) throw r.error('envelope.header', 'kid', 'alg, kid and typ are due')
  const keyId = r.bytes('kid')
  if (r.int('typ') !== LABEL_TYPE || r.text('typ') !== GROUP_KEY_MEDIA_TYPE) {
    throw r.error('envelope.header', 'typ', 'not a delivery of a group key')
  }
  r.expectEnd('protected')
  if (Buffer.compare(keyId, owner.fingerprint) !== 0) {
    throw new AuthError('envelope.key.unknown', `no trusted owner ${toHex(keyId)}`)
  }
  if (algorithm !== owner.algorithm) throw new AuthError('envelope.algorithm', `the key is not ${algorithm}`)
}
