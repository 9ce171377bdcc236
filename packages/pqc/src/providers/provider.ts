import type { KemAlgorithm, SignatureAlgorithm } from '../algorithms/info.ts'

export type ProviderName = 'native' | 'noble'

/** What FIPS 204 lets a signer choose; checked before it reaches an implementation. */
export interface SignOptions {
  /** Context string of 0 to 255 bytes; empty by default, as RFC 9964 requires. */
  readonly context?: Uint8Array
}

/** A private key, imported once. */
export interface Signer {
  readonly publicKey: Uint8Array
  /** Signs away from the main thread where the implementation can. The message must not change meanwhile. */
  sign(message: Uint8Array, options?: SignOptions): Promise<Uint8Array>
  signSync(message: Uint8Array, options?: SignOptions): Uint8Array
}

/** A public key, imported once. */
export interface Verifier {
  /** False for any signature that is not valid, whatever is wrong with it. */
  verify(message: Uint8Array, signature: Uint8Array, options?: SignOptions): boolean
}

/** One implementation of signature algorithms. Arguments have been checked by the caller. */
export interface SignatureProvider {
  signer(algorithm: SignatureAlgorithm, seed: Uint8Array): Signer
  verifier(algorithm: SignatureAlgorithm, publicKey: Uint8Array): Verifier
  /** Whether `expanded` is the expanded private key of `seed`. */
  matchesExpanded(algorithm: SignatureAlgorithm, seed: Uint8Array, expanded: Uint8Array): boolean
}

/** What an encapsulation yields. */
export interface Encapsulation {
  readonly ciphertext: Uint8Array
  readonly sharedSecret: Uint8Array
}

/** A decapsulation key, imported once. */
export interface Decapsulator {
  readonly publicKey: Uint8Array
  /** A wrong ciphertext of the right length gives a pseudo-random secret (implicit rejection), never an error. */
  decapsulate(ciphertext: Uint8Array): Uint8Array
}

/** An encapsulation key, imported once. */
export interface Encapsulator {
  encapsulate(): Encapsulation
}

/** One implementation of KEMs. Arguments have been checked by the caller. */
export interface KemProvider {
  decapsulator(algorithm: KemAlgorithm, seed: Uint8Array): Decapsulator
  /** Throws `DecodeError` `pqc.key.invalid` for a key that fails the modulus check (FIPS 203 7.2). */
  encapsulator(algorithm: KemAlgorithm, publicKey: Uint8Array): Encapsulator
  /** Whether `expanded` is the expanded decapsulation key of `seed`. */
  matchesExpanded(algorithm: KemAlgorithm, seed: Uint8Array, expanded: Uint8Array): boolean
}

/** An X25519 private key, imported once. */
export interface Agreement {
  readonly publicKey: Uint8Array
  /** A copy of the private scalar, 32 bytes. */
  secret(): Uint8Array
  /** The raw shared secret. Throws `AuthError` `pqc.x25519.low-order` where it would be all zero. */
  agree(peer: Uint8Array): Uint8Array
}

/** One implementation of everything: what a provider file exports. */
export interface Provider {
  readonly name: ProviderName
  readonly signatures: SignatureProvider
  readonly kems: KemProvider
  /** The key of a secret, or a new one. */
  readonly x25519: (secret?: Uint8Array) => Agreement
}
