import { SigningKey, VerifyingKey } from '@gridseal/pqc'
import { StaticKey, StaticPublicKey } from './static-key.ts'

/** Own identity: a signature key or a static KEM key. */
export type OwnIdentity = SigningKey | StaticKey

/** The pinned identity of the other end. */
export type PeerIdentity = VerifyingKey | StaticPublicKey

export function isOwnIdentity(value: unknown): value is OwnIdentity {
  return value instanceof SigningKey || value instanceof StaticKey
}

export function isPeerIdentity(value: unknown): value is PeerIdentity {
  return value instanceof VerifyingKey || value instanceof StaticPublicKey
}
