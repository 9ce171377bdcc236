// Algorithms, as data
export {
  ALGORITHMS,
  algorithmByCose,
  algorithmByOid,
  algorithmInfo,
  isKemAlgorithm,
  isSignatureAlgorithm,
} from './algorithms/lookup.ts'
export type {
  AlgorithmInfo,
  AlgorithmName,
  KemAlgorithm,
  KemInfo,
  SignatureAlgorithm,
  SignatureInfo,
} from './algorithms/info.ts'

// Keys
export { SigningKey } from './keys/signing-key.ts'
export { VerifyingKey } from './keys/verifying-key.ts'
export { parseFingerprint } from './keys/fingerprint.ts'
export { readKeyFile, readPublicKeyFile, writeKeyFile, writePublicKeyFile } from './keys/key-file.ts'
export type { WriteKeyOptions } from './keys/key-file.ts'
export { decodePkcs8, encodePkcs8, encodePkcs8Both } from './keys/pkcs8.ts'
export type { Pkcs8Key } from './keys/pkcs8.ts'
export { decodeSpki, encodeSpki } from './keys/spki.ts'
export type { SpkiKey } from './keys/spki.ts'
export { decodePem, encodePem } from './keys/pem.ts'
export type { PemLabel } from './keys/pem.ts'

// Key agreement
export { encapsulate, generateKemKeyPair } from './kem/kem.ts'
export type { KemKeyPair } from './kem/kem.ts'
export { X25519_LENGTH, generateX25519 } from './kem/x25519.ts'
export type { X25519KeyPair } from './kem/x25519.ts'
export { CH_KEM_V1, chKemEncapsulate, chKemEncapsulateWith, generateChKemKeyPair } from './kem/ch-kem.ts'
export type { ChKemKeyPair, ChKemRole } from './kem/ch-kem.ts'
export { chKemKdf, chKemKdf1, transcriptHash } from './kem/ch-kem-kdf.ts'

// Symmetric
export { AeadKey } from './symmetric/aead.ts'
export type { AeadAlgorithm } from './symmetric/aead.ts'
export { sha256, sha384, sha3_256, sha3_512, sha512, shake128, shake256 } from './symmetric/hash.ts'
export type { Hash } from './symmetric/hash.ts'
export { MacKey, hkdfExpandSha256, hkdfSha256, hmacSha256 } from './symmetric/mac.ts'
export { equalBytes, randomBytes } from './symmetric/bytes.ts'

// Providers
export { PROVIDER_VARIABLE, providerSupports, selectProvider } from './providers/select.ts'
export type { ProviderOptions } from './providers/select.ts'
export type {
  Agreement,
  Decapsulator,
  Encapsulation,
  Encapsulator,
  KemProvider,
  Provider,
  ProviderName,
  SignOptions,
  SignatureProvider,
  Signer,
  Verifier,
} from './providers/provider.ts'
