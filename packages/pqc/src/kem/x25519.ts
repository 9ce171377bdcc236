import { needLength, needReceived } from '../check.ts'
import type { Agreement, PeerMemo, Provider } from '../providers/provider.ts'
import { admit, needOperational } from '../policy/module-state.ts'
import { groupProvider } from '../providers/select.ts'
import type { ProviderOptions } from '../providers/chosen.ts'

/** Bytes of X25519 secrets, public keys and results (RFC 7748). */
export const X25519_LENGTH = 32

/** An X25519 key pair. */
export interface X25519KeyPair {
  readonly publicKey: Uint8Array
  /** A copy of the private scalar, 32 bytes: the whole secret. */
  readonly secret: Uint8Array
  /**
   * The raw shared secret with a peer's public key. Throws `AuthError` `pqc.x25519.low-order` where it would be all
   * zero, and `DecodeError` `pqc.key.length`. `memo` belongs to this peer's key, where it is used more than once.
   */
  agree(peer: Uint8Array, memo?: PeerMemo): Uint8Array
}

/** A new key pair, or that of `secret` (32 bytes, clamped as RFC 7748 says). Throws `UsageError` `pqc.key.length`. */
export function generateX25519(secret?: Uint8Array, options: ProviderOptions = {}): X25519KeyPair {
  const provider = groupProvider(options)
  admit('X25519', 'derive', provider.name)
  return x25519Leg(secret, provider)
}

/** The X25519 leg of a hybrid, whose policy its caller has asked. */
export function x25519Leg(secret: Uint8Array | undefined, provider: Provider): X25519KeyPair {
  if (secret !== undefined) needLength(secret, X25519_LENGTH, 'pqc.key.length', 'secret')
  return new KeyPair(provider.agreement('X25519', secret))
}

class KeyPair implements X25519KeyPair {
  readonly publicKey: Uint8Array
  readonly #agreement: Agreement

  constructor(agreement: Agreement) {
    this.publicKey = agreement.publicKey
    this.#agreement = agreement
  }

  get secret(): Uint8Array {
    return this.#agreement.secret()
  }

  agree(peer: Uint8Array, memo?: PeerMemo): Uint8Array {
    needReceived(peer, X25519_LENGTH, 'pqc.key.length', 'peer')
    needOperational()
    return this.#agreement.agree(peer, memo)
  }
}
