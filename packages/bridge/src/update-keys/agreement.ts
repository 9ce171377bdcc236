import { createHash } from 'node:crypto'
import { encapsulate, generateKemKeyPair, hkdfSha256, hmacSha256 } from '@gridseal/pqc'
import type { KemKeyPair, SigningKey, VerifyingKey } from '@gridseal/pqc'
import { AuthError, InternalError, Writer } from '@gridseal/wire'
import type { Answer, Offer } from './messages.ts'

// How two bridges agree on an update key, octet by octet in docs/dnp3-post-quantum.md: ML-KEM-1024, each message signed with
// its sender's identity. All of it travels within the channel, which hides it and knows both ends already; the signatures say
// afterwards, too, who agreed on what.

const KEM = 'ML-KEM-1024'
const UPDATE_KEY_OCTETS = 32
const OFFER_LABEL = new TextEncoder().encode('gridseal dnp3 update key offer v1')
const ANSWER_LABEL = new TextEncoder().encode('gridseal dnp3 update key answer v1')
const KEY_LABEL = new TextEncoder().encode('gridseal dnp3 update key agreement v1')

/** What an agreement is about: both ends know it. */
export interface Subject {
  readonly site: string
  readonly link: string
  /** Name of the SAv5 user. */
  readonly user: string
}

/** The head-end's side of one agreement, from its offer to the answer. */
export interface OpenOffer {
  readonly offer: Offer
  readonly kem: KemKeyPair
}

/** Offers an agreement. `id`: 16 octets that are never used again. */
export async function makeOffer({ site, link, user }: Subject, id: Uint8Array, key: SigningKey): Promise<OpenOffer> {
  const kem = generateKemKeyPair(KEM)
  const unsigned = { link, user, id, kemKey: kem.publicKey }
  const signature = await key.sign(offerStatement(site, unsigned))
  return { offer: { kind: 'offer', ...unsigned, signature }, kem }
}

/** The field's side: the update key, and what goes back once the outstation has it. */
export interface Taken {
  readonly updateKey: Uint8Array
  /** The answer, for the number that the outstation knows the user by. */
  readonly answer: (number: number, key: SigningKey) => Promise<Answer>
}

/**
 * Takes an offer. Throws {@link AuthError} `bridge.update-key.signature` for one that is not the peer's, `DecodeError` for one
 * whose key is none.
 */
export function takeOffer(site: string, offer: Offer, peer: VerifyingKey): Taken {
  const statement = offerStatement(site, offer)
  if (!peer.verify(statement, offer.signature)) throw wrongSignature('an offer')
  const { ciphertext, sharedSecret } = encapsulate(KEM, offer.kemKey)
  const { updateKey, confirmationKey } = deriveKeys(sharedSecret, statement, ciphertext)
  return {
    updateKey,
    answer: async (number, key) => {
      const { link, user, id } = offer
      const confirmation = hmacSha256(confirmationKey, sha256(statement), sha256(ciphertext))
      const unsigned = { link, user, id, number, ciphertext, confirmation }
      return { kind: 'answer', ...unsigned, signature: await key.sign(answerStatement(statement, unsigned)) }
    },
  }
}

/**
 * The update key of an answer. Throws {@link AuthError} `bridge.update-key.signature`, or `bridge.update-key.confirmation` if the
 * field has another key.
 */
export function openAnswer(site: string, { offer, kem }: OpenOffer, answer: Answer, peer: VerifyingKey): Uint8Array {
  const statement = offerStatement(site, offer)
  if (!peer.verify(answerStatement(statement, answer), answer.signature)) throw wrongSignature('an answer')
  const { updateKey, confirmationKey } = deriveKeys(kem.decapsulate(answer.ciphertext), statement, answer.ciphertext)
  const expected = hmacSha256(confirmationKey, sha256(statement), sha256(answer.ciphertext))
  // The signature stands: nobody can try tags here, so how long the comparison takes tells nothing.
  if (Buffer.compare(expected, answer.confirmation) !== 0) {
    throw new AuthError('bridge.update-key.confirmation', 'the field bridge has agreed on another key')
  }
  return updateKey
}

function deriveKeys(
  secret: Uint8Array,
  statement: Uint8Array,
  ciphertext: Uint8Array,
): { readonly updateKey: Uint8Array; readonly confirmationKey: Uint8Array } {
  const info = Buffer.concat([KEY_LABEL, sha256(statement), sha256(ciphertext)])
  const keys = hkdfSha256(secret, new Uint8Array(0), info, 2 * UPDATE_KEY_OCTETS)
  return { updateKey: keys.slice(0, UPDATE_KEY_OCTETS), confirmationKey: keys.slice(UPDATE_KEY_OCTETS) }
}

function offerStatement(site: string, { link, user, id, kemKey }: Omit<Offer, 'kind' | 'signature'>): Uint8Array {
  const w = new Writer(2048).bytes(OFFER_LABEL)
  for (const text of [site, link, user]) {
    const octets = new TextEncoder().encode(text)
    w.u16le(octets.length).bytes(octets)
  }
  return w.u16le(id.length).bytes(id).u16le(kemKey.length).bytes(kemKey).finish()
}

function answerStatement(
  offer: Uint8Array,
  answer: Pick<Answer, 'number' | 'ciphertext' | 'confirmation'>,
): Uint8Array {
  const { number, ciphertext, confirmation } = answer
  const w = new Writer(2048).bytes(ANSWER_LABEL).bytes(sha256(offer)).u16le(number)
  return w.u16le(ciphertext.length).bytes(ciphertext).u16le(confirmation.length).bytes(confirmation).finish()
}

function sha256(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest()
}

function wrongSignature(what: string): AuthError {
  return new AuthError('bridge.update-key.signature', `${what} of an update key that the peer has not signed`)
}

/** The far side's identity, which whoever has a channel knows. */
export function farIdentity(peer: () => VerifyingKey | undefined): VerifyingKey {
  const key = peer()
  if (key === undefined) throw new InternalError('bridge.peer', 'the far side is not known while its channel is up')
  return key
}
