// Algorithms, as data
export {
  ALGORITHMS,
  algorithmByCose,
  algorithmByOid,
  algorithmInfo,
  findAlgorithm,
  isKemAlgorithm,
  isSignatureAlgorithm,
} from './algorithms/lookup.ts'
export type { NamedAlgorithm } from './algorithms/lookup.ts'
export type {
  AlgorithmInfo,
  AlgorithmName,
  AlgorithmStatus,
  ClassicalAlgorithm,
  CompositeAlgorithm,
  FalconAlgorithm,
  HybridKemAlgorithm,
  KemAlgorithm,
  KemInfo,
  MlDsaAlgorithm,
  MlKemAlgorithm,
  SignatureAlgorithm,
  SignatureFamily,
  SignatureInfo,
  SlhDsaAlgorithm,
} from './algorithms/info.ts'

// Policy: which algorithms may be used for what
export { Policy } from './policy/policy.ts'
export type { BuildingBlock, PolicyName, PolicyOptions, PolicyUse, PolicyVerdict } from './policy/policy.ts'
export { FIPS_VARIABLE, currentPolicy, setPolicy } from './policy/module-state.ts'

// Self-tests
export { cryptoStatus, runSelfTests } from './selftest/run.ts'
export type { CryptoStatus, SelfTestOptions, SelfTestRecord, SelfTestReport } from './selftest/run.ts'
export type { SelfTestFailure } from './policy/module-state.ts'
export type { TestOutcome, TestResult } from './selftest/algorithm-test.ts'
export { PACKAGE_FOLDER, checkIntegrity, sealFolder } from './selftest/integrity.ts'
export type { IntegrityReport } from './selftest/integrity.ts'
export { MonitoredNoise, NoiseHealth, healthCutoffs } from './selftest/noise-source.ts'
export type { NoiseSourceOptions } from './selftest/noise-source.ts'

// Signature keys
export { SigningKey } from './keys/signing-key.ts'
export { VerifyingKey } from './keys/verifying-key.ts'
export type { MessageSigner } from './keys/message-signer.ts'
export { compositeMessageSigner } from './keys/composite-signer.ts'
export { parseFingerprint } from './keys/fingerprint.ts'
export type { Jwk } from './keys/jwk.ts'
export { readKemKeyFile, readKeyFile, readPublicKeyFile, writeKeyFile, writePublicKeyFile } from './keys/key-file.ts'
export type { ReadKeyOptions, WriteKeyOptions, WritePrivateKeyOptions } from './keys/key-file.ts'
export { decryptPkcs8, encryptPkcs8 } from './keys/encrypted-key.ts'
export type { ScryptCost } from './keys/encrypted-key.ts'
export { PublicKeyCache } from './keys/public-key-cache.ts'
export { KeyRing, verifyWithRing } from './keys/key-ring.ts'
export type { KeyWindow } from './keys/key-ring.ts'
export { decodePkcs8, encodePkcs8, encodePkcs8Both } from './keys/pkcs8.ts'
export type { Pkcs8Key } from './keys/pkcs8.ts'
export type { Pkcs8Form } from './keys/pkcs8-forms.ts'
export { decodeSpki, encodeSpki } from './keys/spki.ts'
export type { SpkiKey } from './keys/spki.ts'
export { decodePem, encodePem } from './keys/pem.ts'
export type { PemLabel } from './keys/pem.ts'

// Certificates
export { Certificate, issueCertificate } from './x509/certificate.ts'
export type { CertificateRequestData, Issuer } from './x509/certificate.ts'
export { CertificateRequest, createCertificateRequest } from './x509/request.ts'
export { RevocationList, issueRevocationList, shardOf } from './x509/revocation-list.ts'
export type { Revoked, RevocationListData } from './x509/revocation-list.ts'
export { verifyChain } from './x509/verify-chain.ts'
export type { ChainOptions, VerifiedChain } from './x509/verify-chain.ts'
export { verifyHybridChains } from './x509/hybrid-chain.ts'
export type { HybridOptions, HybridPair } from './x509/hybrid-chain.ts'
export { addressBytes, matchesHost } from './x509/host.ts'
export type { AltName, CertificateExtensions, ReadExtensions } from './x509/extensions.ts'
export type { NameConstraints, Subtree } from './x509/name-constraints.ts'
export type { Name, ReadName } from './x509/name.ts'
export type { ExtendedKeyUsage, KeyUsage } from './x509/oids.ts'

// Key stores: memory, files, tokens
export { MemoryKeyStore } from './keystore/memory-store.ts'
export { FileKeyStore } from './keystore/file-store.ts'
export type { FileKeyStoreOptions } from './keystore/file-store.ts'
export { Pkcs11KeyStore, WRAPPING_KEY } from './keystore/pkcs11-store.ts'
export type { Pkcs11KeyStoreOptions } from './keystore/pkcs11-store.ts'
export type { TokenKemKey } from './keystore/token-kem.ts'
export type { TokenOptions } from './keystore/token.ts'
export type { KeyStore, StoreHealth, StoredKey } from './keystore/key-store.ts'
export { escrowWrappingKey, restoreWrappingKey } from './keystore/escrow.ts'
export { combineShares, formatShare, parseShare, splitSecret } from './keystore/secret-sharing.ts'
export type { Share } from './keystore/secret-sharing.ts'

// Stateful hash-based signatures: verification only
export { HssVerifyingKey, LmsVerifyingKey } from './stateful/lms.ts'
export type { LmsOneTime, LmsTree } from './stateful/lms-types.ts'
export { XmssVerifyingKey } from './stateful/xmss.ts'
export type { XmssSet } from './stateful/xmss-types.ts'

// Key agreement
export { DecapsulationKey } from './kem/decapsulation-key.ts'
export type { KemKeyPair } from './kem/decapsulation-key.ts'
export { EncapsulationKey } from './kem/encapsulation-key.ts'
export { encapsulate, ephemeralKeyPair, generateKemKeyPair } from './kem/kem.ts'
export type { EphemeralKeyPair } from './kem/kem.ts'
export { X25519_LENGTH, generateX25519 } from './kem/x25519.ts'
export type { X25519KeyPair } from './kem/x25519.ts'
export {
  CH_KEM_V1,
  ChKemEncapsulationKey,
  ChKemEphemeral,
  chKemEncapsulate,
  chKemEncapsulateWith,
  ephemeralChKemKeyPair,
  generateChKemKeyPair,
} from './kem/ch-kem.ts'
export type { ChKemEphemeralPair, ChKemKeyPair, ChKemRole } from './kem/ch-kem.ts'
export { chKemKdf, chKemKdf1, transcriptHash } from './kem/ch-kem-kdf.ts'

// Symmetric
export { AeadKey } from './symmetric/aead.ts'
export type { AeadAlgorithm } from './symmetric/aead.ts'
export { publicSha512, sha256, sha384, sha3_256, sha3_512, sha512, shake128, shake256 } from './symmetric/hash.ts'
export type { Hash } from './symmetric/hash.ts'
export { MacKey, hkdf, hkdfExpand, hkdfExpandSha256, hkdfSha256, hmac, hmacSha256 } from './symmetric/mac.ts'
export type { HmacHash } from './symmetric/mac.ts'
export { kmac256 } from './symmetric/kmac.ts'
export type { KmacOptions } from './symmetric/kmac.ts'
export { KeyWrapKey } from './symmetric/key-wrap.ts'
export type { KeyWrapMode } from './symmetric/key-wrap.ts'
export { equalBytes, randomBytes } from './symmetric/bytes.ts'

// Providers
export { PROVIDER_VARIABLE } from './providers/chosen.ts'
export type { ProviderOptions } from './providers/chosen.ts'
export { providerSupports, selectProvider } from './providers/select.ts'
export { PREHASHES } from './providers/prehash.ts'
export type { PrehashName } from './providers/prehash.ts'
export type {
  Agreement,
  Decapsulator,
  Encapsulation,
  Encapsulator,
  GroupName,
  KemImplementation,
  Provider,
  ProviderName,
  SignOptions,
  SignatureImplementation,
  Signer,
  Verifier,
} from './providers/provider.ts'
