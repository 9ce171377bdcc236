/** ML-DSA (FIPS 204). */
export type MlDsaAlgorithm = 'ML-DSA-44' | 'ML-DSA-65' | 'ML-DSA-87'

/** SLH-DSA (FIPS 205): hash, security level, small or fast. */
export type SlhDsaAlgorithm = `SLH-DSA-${'SHA2' | 'SHAKE'}-${128 | 192 | 256}${'s' | 'f'}`

/** Falcon, round 3, padded signatures. Experimental: FIPS 206 is not published and will differ. */
export type FalconAlgorithm = 'Falcon-512' | 'Falcon-1024'

/** Classical signatures: no protection against quantum computers, for the classical leg and for migration. */
export type ClassicalAlgorithm = 'Ed25519' | 'ECDSA-P256' | 'ECDSA-P384'

/** Dual signatures: ML-DSA and a classical one, valid only if both are (draft-ietf-lamps-pq-composite-sigs). */
export type CompositeAlgorithm =
  | 'MLDSA44-Ed25519-SHA512'
  | 'MLDSA44-ECDSA-P256-SHA256'
  | 'MLDSA65-Ed25519-SHA512'
  | 'MLDSA65-ECDSA-P256-SHA512'
  | 'MLDSA65-ECDSA-P384-SHA512'
  | 'MLDSA87-ECDSA-P384-SHA512'

/** Signature algorithms of one key and one leg. */
export type SimpleSignatureAlgorithm = MlDsaAlgorithm | SlhDsaAlgorithm | FalconAlgorithm | ClassicalAlgorithm

/** Names of signature algorithms. */
export type SignatureAlgorithm = SimpleSignatureAlgorithm | CompositeAlgorithm

/** ML-KEM (FIPS 203). */
export type MlKemAlgorithm = 'ML-KEM-512' | 'ML-KEM-768' | 'ML-KEM-1024'

/** ML-KEM with an elliptic curve: safe while either is (draft-irtf-cfrg-concrete-hybrid-kems). */
export type HybridKemAlgorithm = 'X-Wing' | 'MLKEM768-P256' | 'MLKEM1024-P384'

/** Names of key encapsulation mechanisms. */
export type KemAlgorithm = MlKemAlgorithm | HybridKemAlgorithm

export type AlgorithmName = SignatureAlgorithm | KemAlgorithm

/**
 * How far an algorithm is: `standard` (published), `draft` (a construction of standards whose draft may still change),
 * `experimental` (will change).
 */
export type AlgorithmStatus = 'standard' | 'draft' | 'experimental'

interface CommonInfo {
  /** Object identifier of the key, in dotted form, where there is one. */
  readonly oid: string | undefined
  /**
   * COSE `alg`: IANA's where one is registered, else ours from the range for private use (below -65536). Absent for
   * KEMs.
   */
  readonly cose: number | undefined
  /** NIST security category, 1 to 5; 0 for what a quantum computer breaks. */
  readonly category: number
  readonly status: AlgorithmStatus
  /** Whether FIPS mode offers it: FIPS 203, 204, 205, 186-5, or a combination with one of them. */
  readonly approved: boolean
  /** Bytes of the raw public key. */
  readonly publicKeyLength: number
  /** Bytes of the canonical private key: the seed; SLH-DSA: all four parts of FIPS 205 9.1; Falcon: key and public key. */
  readonly seedLength: number
  /** Bytes of the expanded private key of FIPS 203/204, 0 where there is none: read for checking, never written. */
  readonly expandedLength: number
}

export type SignatureFamily = 'ML-DSA' | 'SLH-DSA' | 'Falcon' | 'EdDSA' | 'ECDSA' | 'composite'

/** The key type in COSE and JOSE. */
export type CoseKeyType = 'AKP' | 'OKP' | 'EC2'

export interface SignatureInfo extends CommonInfo {
  readonly kind: 'signature'
  readonly name: SignatureAlgorithm
  readonly family: SignatureFamily
  readonly cose: number
  readonly coseKey: CoseKeyType
  /** JOSE `alg`. */
  readonly jose: string
  /** Bytes of a signature; with `variableLength` the most it can have. */
  readonly signatureLength: number
  readonly variableLength: boolean
  /** Whether a context string can be given. */
  readonly context: boolean
  /** Whether messages can be hashed first by a named hash (HashML-DSA, HashSLH-DSA). */
  readonly prehash: boolean
  /** The two algorithms of a dual signature, post-quantum first. */
  readonly legs: readonly [MlDsaAlgorithm, ClassicalAlgorithm] | undefined
}

export interface KemInfo extends CommonInfo {
  readonly kind: 'kem'
  readonly name: KemAlgorithm
  readonly family: 'ML-KEM' | 'hybrid'
  /** JOSE `alg` of the key where Node.js knows one. */
  readonly jose: string | undefined
  readonly ciphertextLength: number
  readonly sharedSecretLength: number
  /** Bytes of the randomness that an encapsulation uses, for known-answer tests. */
  readonly randomnessLength: number
}

/** One row of the algorithm tables. */
export type AlgorithmInfo = SignatureInfo | KemInfo
