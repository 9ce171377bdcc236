import type { MlDsaAlgorithm, MlKemAlgorithm } from '@gridseal/pqc'

/*
 * Answers for the all-zero seed, on which node:crypto (OpenSSL 3.5) and @noble/post-quantum agree. Long values are
 * given by their SHA-256.
 */

export interface SignatureAnswer {
  readonly algorithm: MlDsaAlgorithm
  readonly publicKeyHash: string
  /** COSE Key Thumbprint and JWK thumbprint of the examples of RFC 9964. */
  readonly thumbprint: string
  /** Of the deterministic signature over the Sig_structure of `hello post quantum signatures`. */
  readonly coseSignatureHash: string
  /** Of the whole COSE_Sign1, and its length. */
  readonly coseSign1Hash: string
  readonly coseSign1Length: number
  /** Of the deterministic signatures over `gridseal-kat`, without context and with `grid/v1`. */
  readonly signatureHash: string
  readonly contextSignatureHash: string
}

export const SIGNATURE_ANSWERS: readonly SignatureAnswer[] = [
  {
    algorithm: 'ML-DSA-44',
    publicKeyHash: 'eb4e7302842153b0fa19e8620739ad258af4929c26dd89079a7ec7d4282208e1',
    thumbprint: 'b8969ab4b37da9f0684e42647eb8a0be8b5b661ebf5d76f0583bf5b8d3a8059a',
    coseSignatureHash: '70322443c0af44300780ef1cbd5430f2b9a6d8e7b851f3afd25c36c36087d584',
    coseSign1Hash: '662dd8373250badecbbf5f637791cdc81773277cea5b6d237d6a8c1c9a09505c',
    coseSign1Length: 2498,
    signatureHash: 'c66e285ef479d80c9ea7897052d4a7361c8cbc4c65f44dc9732e7b4d95387fc6',
    contextSignatureHash: '48a340f531da9462bbc671dd854e764f7853f0d062def953ac5a73f7ab364330',
  },
  {
    algorithm: 'ML-DSA-65',
    publicKeyHash: '085ba380ff386dd52e42349c6eb88489d6058ea541a4e3fb0dce9a3fd1f7a911',
    thumbprint: 'b788acf242f1f1d6532926d816e76e1636874267f2a48c84c4e65789ab80cc02',
    coseSignatureHash: 'c2bc88f954417f756f94b9ae60d7de54b8700348c5b941488e191047bf32d25b',
    coseSign1Hash: '9668576da54152cc578b740106d17e4ada88fb3a28471fd3296c22e606c86812',
    coseSign1Length: 3387,
    signatureHash: '4b44316edd3b754af8e92d6553bd46e82968c103c0e31ba66e1cb4d500632ea4',
    contextSignatureHash: 'b79583b6edf644633892a36860426b4bcf2d1f6cccfc214d21ad6c155d6dca9f',
  },
  {
    algorithm: 'ML-DSA-87',
    publicKeyHash: '1d4a461707fc50a7ec93a9c02454778a8b82321ca460eea345e7bbfaff38a3aa',
    thumbprint: 'd9bc439f97bd6d4093e68f0f3fcf09c9a97adf888ed7308dd565247a166cb4fa',
    coseSignatureHash: 'c788e2ed7d023ec2244076f0b656a68270a6865a65e74dbd698bae7dc782bbe6',
    coseSign1Hash: '206ce0b57b39dfc1e688ed5a89bd19ca4b8cebb52acc82c3dfd6c86c0de760fa',
    coseSign1Length: 4705,
    signatureHash: 'b1f9954c12db1c8f54ec47c42f10527dca10a3f890da96f6de615688e7a02a6f',
    contextSignatureHash: 'b5a7485efd5e1c15fbf9682ac84d9d8434694de9615cee77ae6f8b56f60737ff',
  },
]

export interface KemAnswer {
  readonly algorithm: MlKemAlgorithm
  readonly publicKeyHash: string
  /** Of the ciphertext for the randomness of 32 zero bytes. */
  readonly ciphertextHash: string
  readonly sharedSecret: string
  /** What the all-zero ciphertext decapsulates to. */
  readonly rejectSecret: string
}

export const KEM_ANSWERS: readonly KemAnswer[] = [
  {
    algorithm: 'ML-KEM-768',
    publicKeyHash: 'f95c185fe5b2335d2fc938dd889c6425944acd74376b6952bf1130f720f6ba99',
    ciphertextHash: '1f92454af68a16b43b8013a909a1df7058c44f170b5cf9cc00cb165a3ca58c68',
    sharedSecret: 'b4d29cd55bab43e16554b74b9098cdfce583996c968bcd2cfd1ad9455e351fbf',
    rejectSecret: '0419c6fa226891f68d792ae5e5a2929f2876ecf86dc7bb27ee0b3563320adb8f',
  },
  {
    algorithm: 'ML-KEM-1024',
    publicKeyHash: '29e3692e1c08422f548ca7e683e89015482c09a5442f8d2ead471c3931a5ee76',
    ciphertextHash: '542bc0ef96b3120b2561c2f10735d1ab57f639b4a7292c5b7dcfe2111278fab7',
    sharedSecret: '760a9793cd6c81c3cdeb8c679ae7f5741caaa97452898345fc081fef29069885',
    rejectSecret: '5643649eb481a76ef527ac38bfa5bd4baa060f7f302968705319f2689dda0801',
  },
]
