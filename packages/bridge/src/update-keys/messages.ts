import { decodeCbor, encodeCbor } from '@gridseal/envelope'
import type { CborValue } from '@gridseal/envelope'
import { DecodeError } from '@gridseal/wire'

/** Channel port of these messages. */
export const PORT_UPDATE_KEYS = 16

/** The head-end wants an update key for a user of a link's outstation. */
export interface Offer {
  readonly kind: 'offer'
  readonly link: string
  /** Name of the SAv5 user. */
  readonly user: string
  /** 16 octets, new for every offer. */
  readonly id: Uint8Array
  /** ML-KEM-1024 encapsulation key. */
  readonly kemKey: Uint8Array
  readonly signature: Uint8Array
}

/** The outstation has the key. */
export interface Answer {
  readonly kind: 'answer'
  readonly link: string
  readonly user: string
  /** Of the offer. */
  readonly id: Uint8Array
  /** The user's number at the outstation. */
  readonly number: number
  readonly ciphertext: Uint8Array
  /** Proves that the field has the same key. */
  readonly confirmation: Uint8Array
  readonly signature: Uint8Array
}

/** The outstation has no new key. */
export interface Refusal {
  readonly kind: 'refusal'
  readonly link: string
  readonly user: string
  readonly id: Uint8Array
  /** For the head-end's operator. */
  readonly reason: string
}

export type UpdateKeyMessage = Offer | Answer | Refusal

const MOST_TEXT = 1000

export function encodeMessage(m: UpdateKeyMessage): Uint8Array {
  return encodeCbor(toCbor(m))
}

function toCbor(m: UpdateKeyMessage): CborValue {
  switch (m.kind) {
    case 'offer':
      return [m.kind, m.link, m.user, m.id, m.kemKey, m.signature]
    case 'answer':
      return [m.kind, m.link, m.user, m.id, m.number, m.ciphertext, m.confirmation, m.signature]
    case 'refusal':
      return [m.kind, m.link, m.user, m.id, m.reason.slice(0, MOST_TEXT)]
  }
}

/** Throws `DecodeError`. */
export function decodeMessage(bytes: Uint8Array): UpdateKeyMessage {
  const value = decodeCbor(bytes)
  if (!Array.isArray(value)) throw bad('message')
  const [kind, link, user, id, ...rest] = value as readonly CborValue[]
  const [a, b, c, d] = rest
  const common = { link: text(link, 'link'), user: text(user, 'user'), id: octets(id, 'id') }
  if (kind === 'offer' && rest.length === 2) {
    return { kind, ...common, kemKey: octets(a, 'kemKey'), signature: octets(b, 'signature') }
  }
  if (kind === 'answer' && rest.length === 4) {
    if (typeof a !== 'number' || a < 0 || a > 0xffff) throw bad('number')
    const parts = { ciphertext: octets(b, 'ciphertext'), confirmation: octets(c, 'confirmation') }
    return { kind, ...common, number: a, ...parts, signature: octets(d, 'signature') }
  }
  if (kind === 'refusal' && rest.length === 1) return { kind, ...common, reason: text(a, 'reason') }
  throw bad('kind')
}

function octets(value: CborValue | undefined, field: string): Uint8Array {
  if (!(value instanceof Uint8Array)) throw bad(field)
  return Uint8Array.from(value)
}

function text(value: CborValue | undefined, field: string): string {
  if (typeof value !== 'string' || value.length > MOST_TEXT) throw bad(field)
  return value
}

function bad(field: string): DecodeError {
  return new DecodeError('bridge.update-key.message', 0, field, 'not a message about an update key')
}
