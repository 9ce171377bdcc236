import type { KemAlgorithm, SignatureAlgorithm } from '../algorithms/info.ts'
import { STORED_SIGNATURE_BYTES } from './stored-signatures.ts'

/*
 * Known answers. Where the source names a standard, the values are printed there; the others were computed with
 * @noble/post-quantum and with OpenSSL 3.5, which agree. Long values are given by their SHA-256.
 */

export interface KeyAnswer {
  /** The canonical private key in base64. */
  readonly privateKey: string
  readonly publicKeyHash: string
  readonly source: string
}

export interface StoredSignature {
  readonly algorithm: SignatureAlgorithm
  /** Hex. */
  readonly message: string
  /** Base64. */
  readonly publicKey: string
  /** Base64. */
  readonly signature: string
  readonly source: string
}

export interface KemAnswer {
  /** Of the key of the all-zero seed. */
  readonly publicKeyHash: string
  /** What the all-zero ciphertext decapsulates to. */
  readonly rejectSecret: string | undefined
  readonly source: string
}

const AGREED = 'OpenSSL 3.5 and noble agree'

export const KEM_ANSWERS: Readonly<Record<KemAlgorithm, KemAnswer>> = {
  'ML-KEM-512': {
    publicKeyHash: '52b46f0597ac5cb10c6281ad5731f18d599feaa92ce24d897d4084195b27e448',
    rejectSecret: '87f1e813b72e04874722566e1280d89d8b44b7fdff7d692336d7b87f38e785ce',
    source: AGREED,
  },
  'ML-KEM-768': {
    publicKeyHash: 'f95c185fe5b2335d2fc938dd889c6425944acd74376b6952bf1130f720f6ba99',
    rejectSecret: '0419c6fa226891f68d792ae5e5a2929f2876ecf86dc7bb27ee0b3563320adb8f',
    source: AGREED,
  },
  'ML-KEM-1024': {
    publicKeyHash: '29e3692e1c08422f548ca7e683e89015482c09a5442f8d2ead471c3931a5ee76',
    rejectSecret: '5643649eb481a76ef527ac38bfa5bd4baa060f7f302968705319f2689dda0801',
    source: AGREED,
  },
  'X-Wing': {
    publicKeyHash: '3bb0b003f553f49f38bab31546b7f4fdd323c74cbf4aaf97d9703ede4e83eff7',
    rejectSecret: undefined,
    source: AGREED,
  },
  'MLKEM768-P256': {
    publicKeyHash: '2627712d7aa5b010d292dfaef982ff9dd66ccdadb35804780b9d891c7fe29526',
    rejectSecret: undefined,
    source: AGREED,
  },
  'MLKEM1024-P384': {
    publicKeyHash: '9275d0f9dfe19bd24a15364a9e010baf1ec4b78211c03263c3d6a94025de98f8',
    rejectSecret: undefined,
    source: AGREED,
  },
}

export const KEY_ANSWERS: Readonly<Record<SignatureAlgorithm, KeyAnswer>> = {
  'ML-DSA-44': {
    privateKey: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=',
    publicKeyHash: 'eb4e7302842153b0fa19e8620739ad258af4929c26dd89079a7ec7d4282208e1',
    source: 'RFC 9964, appendix A',
  },
  'ML-DSA-65': {
    privateKey: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=',
    publicKeyHash: '085ba380ff386dd52e42349c6eb88489d6058ea541a4e3fb0dce9a3fd1f7a911',
    source: 'RFC 9964, appendix A',
  },
  'ML-DSA-87': {
    privateKey: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=',
    publicKeyHash: '1d4a461707fc50a7ec93a9c02454778a8b82321ca460eea345e7bbfaff38a3aa',
    source: 'RFC 9964, appendix A',
  },
  'SLH-DSA-SHA2-128s': {
    privateKey: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAvmvX6OGY6vYtVy8T/Hnybw==',
    publicKeyHash: 'ec21322952342ff95d555b6d7a71c07b33c56b57a89f39f46090ce5b1930acc4',
    source: AGREED,
  },
  'SLH-DSA-SHA2-128f': {
    privateKey: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAIe/PcpZzE37XGrNgmGyHUQ==',
    publicKeyHash: '505ee061a3c271472d32688d513256374b3e5fad2288ccf50ec05f72c194329e',
    source: AGREED,
  },
  'SLH-DSA-SHA2-192s': {
    privateKey:
      'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAtTNy+f9rOUjQ2gmf/CBVZnMGi5nmauhY',
    publicKeyHash: '4af21d11ccfcf2754543e533f4bf07cda2ac57cce41cc0cafb23ab26b4453b60',
    source: AGREED,
  },
  'SLH-DSA-SHA2-192f': {
    privateKey:
      'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAi9elEr8L4gkzdtDK0ahWhlInDbtWW9nw',
    publicKeyHash: 'c7c6a68ce614f0f08e44458df807b06bcb6656a883d47d523430d6db7b2dcc5b',
    source: AGREED,
  },
  'SLH-DSA-SHA2-256s': {
    privateKey:
      'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA4WDv6y669dHFGZijkXfQPdLQAghaZL9iOwNXlOVEGsA=',
    publicKeyHash: 'c1906feb6affc4dba11e8fbcb84a13cee570bb79f72cf3fbb0a2c54c86900e24',
    source: AGREED,
  },
  'SLH-DSA-SHA2-256f': {
    privateKey:
      'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAD8bjOEa1Xl2Ul8RbjzNtXWbIMZlZZfiWUiMh4uB5GlI=',
    publicKeyHash: 'ef37cc1e45a09870f0ba06952e7d1c899f910ad1c846fca91a32d1e5320e28d7',
    source: AGREED,
  },
  'SLH-DSA-SHAKE-128s': {
    privateKey: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAqyco5/N07fcLW7z+qW+84g==',
    publicKeyHash: '99f448ff5ccfa11892f85c2dd244bcbcc9834d28cd32f8bcd3e93c225d7691fd',
    source: AGREED,
  },
  'SLH-DSA-SHAKE-128f': {
    privateKey: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAvcc+jp5JLPZ37iNg5sFJWA==',
    publicKeyHash: '79ed2ac8a1ad6df742043352d2729439b761b4ca04dff0ff1fe08745c682a2b0',
    source: AGREED,
  },
  'SLH-DSA-SHAKE-192s': {
    privateKey:
      'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAGiJv38ybxFzi+Dpp/ryTS7gJqCn+fYR5',
    publicKeyHash: 'a6f46fa2ab7684da94a9bb06e5b62ae51102521ac00afe8b4d58bf61451ec5d5',
    source: AGREED,
  },
  'SLH-DSA-SHAKE-192f': {
    privateKey:
      'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAZHU8LEhPc4h92/Z3sjUZr2jEKeqw6854',
    publicKeyHash: 'e2d5b37044f198647bf80e917c4708ee70678b820048f61372e0d6bc8fe050b6',
    source: AGREED,
  },
  'SLH-DSA-SHAKE-256s': {
    privateKey:
      'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAANrJ3+U9L5s1700Eb+rWBi+TdgD5t4uroaTlpI+Us9AE=',
    publicKeyHash: '3c9880396f9567ef606ad00957124e27f02159fd90114f26623daa14acf9aa09',
    source: AGREED,
  },
  'SLH-DSA-SHAKE-256f': {
    privateKey:
      'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAfbTGK3LXCs+LXtsDjCIvaGQXsIsVEstMoSJDkMibgM0=',
    publicKeyHash: 'd24bc5cf1263b4f3ec42015af9271c2da2bd74979035bff6992cefc7d586a36c',
    source: AGREED,
  },
  'Falcon-512': {
    privateKey: STORED_SIGNATURE_BYTES['Falcon-512 key'],
    publicKeyHash: '049a39503b551ae8695c1ff40a16f12e7a40df3a1b666dd25f2c95a182487440',
    source: 'noble 0.7.1',
  },
  'Falcon-1024': {
    privateKey: STORED_SIGNATURE_BYTES['Falcon-1024 key'],
    publicKeyHash: 'e6002a1133c82aa79254740e864960db9724b3f042ea8798d14cabddb8ef56be',
    source: 'noble 0.7.1',
  },
  Ed25519: {
    privateKey: 'nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=',
    publicKeyHash: '21fe31dfa154a261626bf854046fd2271b7bed4b6abe45aa58877ef47f9721b9',
    source: 'RFC 8032, 7.1, test 1',
  },
  'ECDSA-P256': {
    privateKey: 'ya+p2EW6dRZrXCFXZ7HWk05Qw9s26JsSe4piKxIPZyE=',
    publicKeyHash: 'b18b86ce1389e46de87aa4a5131ce83c1160fa33c087ab15b863574d31d8ff3c',
    source: 'RFC 6979, A.2.5',
  },
  'ECDSA-P384': {
    privateKey: 'a509rS4bjBwFsZh1tmWfTeI8O2Z78pe6mqR3QHhxN9iW1XJOTHCoJfhyyepg0u31',
    publicKeyHash: 'c8b9a8e7f164515be2e59bce8ef78d1fe1f5d605411be6cda64ef6bc050c192b',
    source: 'RFC 6979, A.2.6',
  },
  'MLDSA44-Ed25519-SHA512': {
    privateKey: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAACdYbGd7/1aYLqESvSS7CzEREnFaXsyaRlwO6wDHK5/YA==',
    publicKeyHash: 'ebec849d7a904a37c880bc3c9f773d19f892113da1fc836bebf4811fd0bc84df',
    source: AGREED,
  },
  'MLDSA44-ECDSA-P256-SHA256': {
    privateKey: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAADJr6nYRbp1FmtcIVdnsdaTTlDD2zbomxJ7imIrEg9nIQ==',
    publicKeyHash: '225e71e0301476f1f24acc134b018b20cc4d89d482d4c9af7cf761277b628297',
    source: AGREED,
  },
  'MLDSA65-Ed25519-SHA512': {
    privateKey: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAACdYbGd7/1aYLqESvSS7CzEREnFaXsyaRlwO6wDHK5/YA==',
    publicKeyHash: 'f9d777b1deb310945052ae1d5a4d7709606038bd70af641e19b1f629e4d60ed2',
    source: AGREED,
  },
  'MLDSA65-ECDSA-P256-SHA512': {
    privateKey: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAADJr6nYRbp1FmtcIVdnsdaTTlDD2zbomxJ7imIrEg9nIQ==',
    publicKeyHash: '2da26252f37a2a6b990bc9d81a90b5f97500538c4adc0704d177f875d1318930',
    source: AGREED,
  },
  'MLDSA65-ECDSA-P384-SHA512': {
    privateKey:
      'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABrnT2tLhuMHAWxmHW2ZZ9N4jw7Znvyl7qapHdAeHE32JbVck5McKgl+HLJ6mDS7fU=',
    publicKeyHash: '6b7a95b8efb77dc910540d336bd461744de1e17d2951f240afda2a67c16b6020',
    source: AGREED,
  },
  'MLDSA87-ECDSA-P384-SHA512': {
    privateKey:
      'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABrnT2tLhuMHAWxmHW2ZZ9N4jw7Znvyl7qapHdAeHE32JbVck5McKgl+HLJ6mDS7fU=',
    publicKeyHash: '451244894742a3f6b915278813239d8202fe94c9c9af50e4a2bdbf5671ed3aea',
    source: AGREED,
  },
}

export const STORED_SIGNATURES: readonly StoredSignature[] = [
  {
    algorithm: 'ML-DSA-44',
    message: '677269647365616c2d6b6174',
    publicKey: STORED_SIGNATURE_BYTES['ML-DSA-44 public'],
    signature: STORED_SIGNATURE_BYTES['ML-DSA-44'],
    source: AGREED,
  },
  {
    algorithm: 'ML-DSA-65',
    message: '677269647365616c2d6b6174',
    publicKey: STORED_SIGNATURE_BYTES['ML-DSA-65 public'],
    signature: STORED_SIGNATURE_BYTES['ML-DSA-65'],
    source: AGREED,
  },
  {
    algorithm: 'ML-DSA-87',
    message: '677269647365616c2d6b6174',
    publicKey: STORED_SIGNATURE_BYTES['ML-DSA-87 public'],
    signature: STORED_SIGNATURE_BYTES['ML-DSA-87'],
    source: AGREED,
  },
  {
    algorithm: 'SLH-DSA-SHA2-128s',
    message: '677269647365616c2d6b6174',
    publicKey: 'AAAAAAAAAAAAAAAAAAAAAL5r1+jhmOr2LVcvE/x58m8=',
    signature: STORED_SIGNATURE_BYTES['SLH-DSA-SHA2-128s'],
    source: AGREED,
  },
  {
    algorithm: 'SLH-DSA-SHAKE-128s',
    message: '677269647365616c2d6b6174',
    publicKey: 'AAAAAAAAAAAAAAAAAAAAAKsnKOfzdO33C1u8/qlvvOI=',
    signature: STORED_SIGNATURE_BYTES['SLH-DSA-SHAKE-128s'],
    source: AGREED,
  },
  {
    algorithm: 'Falcon-512',
    message: '677269647365616c2d6b6174',
    publicKey: STORED_SIGNATURE_BYTES['Falcon-512 public'],
    signature: STORED_SIGNATURE_BYTES['Falcon-512'],
    source: 'noble 0.7.1',
  },
  {
    algorithm: 'Falcon-1024',
    message: '677269647365616c2d6b6174',
    publicKey: STORED_SIGNATURE_BYTES['Falcon-1024 public'],
    signature: STORED_SIGNATURE_BYTES['Falcon-1024'],
    source: 'noble 0.7.1',
  },
  {
    algorithm: 'Ed25519',
    message: '',
    publicKey: '11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=',
    signature: '5VZDAMNgrHKQhuLMgG6CioSHfx645dl02HPgZSJJAVVfuIIVkKM7rMYeOXAc+bRr0lv18FlbviRlUUFDjnoQCw==',
    source: 'RFC 8032, 7.1, test 1',
  },
  {
    algorithm: 'ECDSA-P256',
    message: '73616d706c65',
    publicKey: 'BGD+1LolWp0xyWHrdMY1bWjASbiSO2H6bOZpYi5g8p+2eQP+EAi4vJmkGunpVii8ZPLxsgwtfp9Rd6PClNRGIpk=',
    signature: '79SLKqy2qP0RQN2c1F6B1p0sh3tWqvmRw00OqE6vNxb3yxyULWV8QdQ2x6G24p9l8+kA27mv9AZNxKsvhDrNqA==',
    source: 'RFC 6979, A.2.5',
  },
  {
    algorithm: 'ECDSA-P384',
    message: '73616d706c65',
    publicKey: STORED_SIGNATURE_BYTES['ECDSA-P384 public'],
    signature:
      'lO27kqXsuKrUc25WxpGRaz+IFAZmzp+nPWTE6pWtEzyBpkgVLkSs+W423R6A+r5Gme9K6xXxeM6h/kDbJgMTjxMOdAoZYkUmIDtjUdCjqU+jKcFFeG5nnnuCxxo4YorI',
    source: 'RFC 6979, A.2.6',
  },
]
