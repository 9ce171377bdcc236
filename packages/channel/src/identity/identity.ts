import { InternalError } from '@gridseal/wire'
import { SigningKey, VerifyingKey } from '@gridseal/pqc'
import { CertificateTrust } from './certificate-trust.ts'
import { CertifiedKey } from './certified-key.ts'
import { StaticKey, StaticPublicKey } from './static-key.ts'

/** Own identity: a signature key, perhaps with certificates, or a static KEM key. */
export type OwnIdentity = SigningKey | CertifiedKey | StaticKey

/** The identity of the other end, pinned or proven by certificates. */
export type PeerIdentity = VerifyingKey | StaticPublicKey

/** Who the other end must be: the owner of this key, or whoever has such certificates. */
export type ExpectedPeer = PeerIdentity | CertificateTrust

export function isOwnIdentity(value: unknown): value is OwnIdentity {
  return value instanceof SigningKey || value instanceof CertifiedKey || value instanceof StaticKey
}

export function isPeerIdentity(value: unknown): value is PeerIdentity {
  return value instanceof VerifyingKey || value instanceof StaticPublicKey
}

/** A pinned key, or trust in certificates for one name. */
export function isExpectedPeer(value: unknown): value is ExpectedPeer {
  return isPeerIdentity(value) || (value instanceof CertificateTrust && value.host !== undefined)
}

/** Signs for an identity. Rejects where its key cannot, also at the call, as one that was destroyed. */
export async function signAs(identity: OwnIdentity, message: Uint8Array): Promise<Uint8Array> {
  const key = identity instanceof CertifiedKey ? identity.key : identity
  // A machine whose identity is a static key never asks for a signature.
  if (!(key instanceof SigningKey)) throw new InternalError('channel.internal', 'no key to sign with')
  return await key.sign(message)
}
