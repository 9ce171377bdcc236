/** Names of signature algorithms. */
export type SignatureAlgorithm = 'ML-DSA-44' | 'ML-DSA-65' | 'ML-DSA-87'

/** Names of key encapsulation mechanisms. */
export type KemAlgorithm = 'ML-KEM-768' | 'ML-KEM-1024'

export type AlgorithmName = SignatureAlgorithm | KemAlgorithm

interface CommonInfo {
  /** Object identifier in dotted form; in an AlgorithmIdentifier its parameters are absent. */
  readonly oid: string
  /** COSE `alg` (IANA), where one is registered. */
  readonly cose: number | undefined
  /** NIST security category, 1 to 5. */
  readonly category: number
  /** Bytes of the raw public key. */
  readonly publicKeyLength: number
  /** Bytes of the seed, which is the canonical private key. */
  readonly seedLength: number
  /** Bytes of the expanded private key of FIPS 203/204: read for checking, never written. */
  readonly expandedLength: number
}

export interface SignatureInfo extends CommonInfo {
  readonly kind: 'signature'
  readonly name: SignatureAlgorithm
  /** Bytes of a signature. */
  readonly signatureLength: number
}

export interface KemInfo extends CommonInfo {
  readonly kind: 'kem'
  readonly name: KemAlgorithm
  readonly ciphertextLength: number
  readonly sharedSecretLength: number
}

/** One row of the algorithm tables. */
export type AlgorithmInfo = SignatureInfo | KemInfo
