import type { AlgorithmName, KemAlgorithm, SignatureAlgorithm } from '../algorithms/info.ts'
import type { PrehashName } from './prehash.ts'

export type ProviderName = 'native' | 'noble'

/** What a signature algorithm lets a signer choose; checked before it reaches an implementation. */
export interface SignOptions {
  /** Context string of 0 to 255 bytes; empty by default, as RFC 9964 requires. */
  readonly context?: Uint8Array
  /** Sign the hash of the message instead: HashML-DSA (FIPS 204 5.4) or HashSLH-DSA (FIPS 205 10.2.2). noble only. */
  readonly prehash?: PrehashName
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

/** One signature algorithm of one provider. Arguments have been checked by the caller. */
export interface SignatureImplementation {
  /** A new canonical private key. */
  generate(): Uint8Array
  /** Throws `DecodeError` `pqc.key.invalid` for a private key out of range. */
  signer(seed: Uint8Array): Signer
  /** Throws `DecodeError` `pqc.key.invalid` for bytes that are no public key of the algorithm. */
  verifier(publicKey: Uint8Array): Verifier
  /** A signer of the expanded private key of FIPS 204, for ML-DSA. */
  expandedSigner?(expanded: Uint8Array): Signer
  /** Whether `expanded` is the expanded private key of `seed`. */
  matchesExpanded?(seed: Uint8Array, expanded: Uint8Array): boolean
  /** The expanded private key of a seed, for ML-DSA. noble only. */
  expand?(seed: Uint8Array): Uint8Array
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

/** One KEM of one provider. Arguments have been checked by the caller. */
export interface KemImplementation {
  decapsulator(seed: Uint8Array): Decapsulator
  /** A new key whose seed nobody will ask for; where it is missing, a random seed does the same. */
  ephemeral?(): Decapsulator
  /** Throws `DecodeError` `pqc.key.invalid` for a key that fails the modulus check (FIPS 203 7.2). */
  encapsulator(publicKey: Uint8Array): Encapsulator
  /** Of the expanded key of FIPS 203. Throws `DecodeError` `pqc.key.invalid` if its hash does not fit (7.3). */
  expandedDecapsulator?(expanded: Uint8Array): Decapsulator
  /** Whether `expanded` is the expanded decapsulation key of `seed`. */
  matchesExpanded?(seed: Uint8Array, expanded: Uint8Array): boolean
  /** The expanded decapsulation key of a seed, for ML-KEM. noble only. */
  expand?(seed: Uint8Array): Uint8Array
}

/** The private key of a Diffie-Hellman group, imported once. */
export interface Agreement {
  readonly publicKey: Uint8Array
  /** A copy of the private scalar. */
  secret(): Uint8Array
  /**
   * The raw shared secret. Throws `AuthError` `pqc.x25519.low-order` where it would be all zero, and `DecodeError`
   * `pqc.key.invalid` for a point that is not on the curve. `memo` belongs to this peer's key.
   */
  agree(peer: Uint8Array, memo?: PeerMemo): Uint8Array
}

/** Where a provider keeps what it has made of a public key that is used again. */
export interface PeerMemo {
  imported?: unknown
}

/** Names of Diffie-Hellman groups. */
export type GroupName = 'X25519' | 'P-256' | 'P-384'

/** One implementation of everything: what a provider file exports. */
export interface Provider {
  readonly name: ProviderName
  /** Undefined where the provider does not know the algorithm. */
  readonly signature: (algorithm: SignatureAlgorithm) => SignatureImplementation | undefined
  readonly kem: (algorithm: KemAlgorithm) => KemImplementation | undefined
  /** The key of a secret, or a new one. */
  readonly agreement: (group: GroupName, secret?: Uint8Array) => Agreement
}

/** What a provider was asked to do, for errors. */
export interface Operation {
  readonly provider: ProviderName
  readonly algorithm: AlgorithmName | GroupName
  readonly operation: 'import' | 'generate' | 'sign' | 'verify' | 'encapsulate' | 'decapsulate' | 'agree'
}
