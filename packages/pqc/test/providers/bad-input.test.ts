import { expect } from 'chai'
import {
  AeadKey,
  SigningKey,
  VerifyingKey,
  chKemEncapsulate,
  encapsulate,
  generateChKemKeyPair,
  generateKemKeyPair,
  generateX25519,
  hkdfSha256,
  randomBytes,
  sha256,
  shake256,
  equalBytes,
  hmacSha256,
} from '@gridseal/pqc'
import type { ChKemRole, ProviderName } from '@gridseal/pqc'
import { DecodeError, UsageError } from '@gridseal/wire'
import type { GridsealError } from '@gridseal/wire'

/** One call that must be refused: what is wrong with it, the family and the code. */
type Refusal = readonly [
  what: string,
  call: () => unknown,
  family: typeof UsageError | typeof DecodeError,
  code: string,
]

const n = (length: number): Uint8Array => new Uint8Array(length)
const wrongType = <T>(value: unknown): T => value as T

function refusals(provider: ProviderName): Refusal[] {
  const options = { provider }
  const signer = SigningKey.fromSeed('ML-DSA-44', n(32), options)
  const key = signer.publicKey
  const signature = signer.signSync(n(8))
  const kem = generateKemKeyPair('ML-KEM-768', n(64), options)
  const x = generateX25519(n(32), options)
  const ch = generateChKemKeyPair(n(96), options)
  return [
    ['seed one byte short', () => SigningKey.fromSeed('ML-DSA-44', n(31), options), UsageError, 'pqc.seed.length'],
    ['seed one byte long', () => SigningKey.fromSeed('ML-DSA-44', n(33), options), UsageError, 'pqc.seed.length'],
    ['empty seed', () => SigningKey.fromSeed('ML-DSA-44', n(0), options), UsageError, 'pqc.seed.length'],
    [
      'seed as text',
      () => SigningKey.fromSeed('ML-DSA-44', wrongType('00'.repeat(16)), options),
      UsageError,
      'pqc.argument.type',
    ],
    [
      'algorithm and seed swapped',
      () => SigningKey.fromSeed(wrongType(n(32)), wrongType('ML-DSA-44'), options),
      UsageError,
      'pqc.algorithm.unknown',
    ],
    [
      'KEM where a signature is',
      () => SigningKey.generate(wrongType('ML-KEM-768'), options),
      UsageError,
      'pqc.algorithm.unknown',
    ],
    [
      'a name of the prototype',
      () => SigningKey.generate(wrongType('toString'), options),
      UsageError,
      'pqc.algorithm.unknown',
    ],
    ['message as text', () => signer.signSync(wrongType('open')), UsageError, 'pqc.argument.type'],
    ['message as array', () => signer.sign(wrongType([1, 2])), UsageError, 'pqc.argument.type'],
    ['no message', () => signer.signSync(wrongType(undefined)), UsageError, 'pqc.argument.type'],
    ['context of 256 bytes', () => signer.signSync(n(1), { context: n(256) }), UsageError, 'pqc.context.length'],
    [
      'context of 256 bytes at verify',
      () => key.verify(n(1), signature, { context: n(256) }),
      UsageError,
      'pqc.context.length',
    ],
    ['context as text', () => signer.signSync(n(1), { context: wrongType('grid') }), UsageError, 'pqc.argument.type'],
    ['options null', () => signer.signSync(n(1), wrongType(null)), UsageError, 'pqc.argument.type'],
    [
      'unknown option of a key',
      () => SigningKey.generate('ML-DSA-44', wrongType({ provder: provider })),
      UsageError,
      'pqc.option.unknown',
    ],
    [
      'unknown option',
      () => signer.signSync(n(1), wrongType({ deterministic: true })),
      UsageError,
      'pqc.option.unknown',
    ],
    [
      'public key one byte short',
      () => VerifyingKey.fromRaw('ML-DSA-44', n(1311), options),
      UsageError,
      'pqc.key.length',
    ],
    [
      'public key one byte long',
      () => VerifyingKey.fromRaw('ML-DSA-44', n(1313), options),
      UsageError,
      'pqc.key.length',
    ],
    [
      'public key of another set',
      () => VerifyingKey.fromRaw('ML-DSA-65', key.raw, options),
      UsageError,
      'pqc.key.length',
    ],
    ['signature as text', () => key.verify(n(8), wrongType('sig')), UsageError, 'pqc.argument.type'],
    ['signature null', () => key.verify(n(8), wrongType(null)), UsageError, 'pqc.argument.type'],
    ['KEM seed one byte short', () => generateKemKeyPair('ML-KEM-768', n(63), options), UsageError, 'pqc.seed.length'],
    [
      'KEM seed null',
      () => generateKemKeyPair('ML-KEM-768', wrongType(null), options),
      UsageError,
      'pqc.argument.type',
    ],
    [
      'signature algorithm where a KEM is',
      () => generateKemKeyPair(wrongType('ML-DSA-44'), n(64), options),
      UsageError,
      'pqc.algorithm.unknown',
    ],
    ['KEM key one byte short', () => encapsulate('ML-KEM-768', n(1183), options), DecodeError, 'pqc.key.length'],
    ['KEM key one byte long', () => encapsulate('ML-KEM-768', n(1185), options), DecodeError, 'pqc.key.length'],
    ['KEM key as text', () => encapsulate('ML-KEM-768', wrongType('key'), options), UsageError, 'pqc.argument.type'],
    [
      'KEM arguments swapped',
      () => encapsulate(wrongType(kem.publicKey), wrongType('ML-KEM-768'), options),
      UsageError,
      'pqc.algorithm.unknown',
    ],
    [
      'KEM key that is not reduced',
      () => encapsulate('ML-KEM-768', n(1184).fill(0xff), options),
      DecodeError,
      'pqc.key.invalid',
    ],
    ['ciphertext one byte short', () => kem.decapsulate(n(1087)), DecodeError, 'pqc.ciphertext.length'],
    ['ciphertext one byte long', () => kem.decapsulate(n(1089)), DecodeError, 'pqc.ciphertext.length'],
    ['empty ciphertext', () => kem.decapsulate(n(0)), DecodeError, 'pqc.ciphertext.length'],
    ['ciphertext as text', () => kem.decapsulate(wrongType('ct')), UsageError, 'pqc.argument.type'],
    ['X25519 secret short', () => generateX25519(n(31), options), UsageError, 'pqc.key.length'],
    ['X25519 peer short', () => x.agree(n(31)), DecodeError, 'pqc.key.length'],
    ['X25519 peer as text', () => x.agree(wrongType('peer')), UsageError, 'pqc.argument.type'],
    ['CH-KEM seed short', () => generateChKemKeyPair(n(95), options), UsageError, 'pqc.seed.length'],
    ['CH-KEM key short', () => chKemEncapsulate(n(1599), 'initiator', options), DecodeError, 'pqc.key.length'],
    [
      'CH-KEM key whose ML-KEM part is not reduced',
      () => chKemEncapsulate(n(1600).fill(0xff), 'initiator', options),
      DecodeError,
      'pqc.key.invalid',
    ],
    ['CH-KEM ciphertext long', () => ch.decapsulate(n(1601), 'initiator'), DecodeError, 'pqc.ciphertext.length'],
    [
      'CH-KEM role unknown',
      () => chKemEncapsulate(ch.publicKey, wrongType<ChKemRole>('server'), options),
      UsageError,
      'pqc.argument.range',
    ],
    [
      'CH-KEM role of the prototype',
      () => chKemEncapsulate(ch.publicKey, wrongType<ChKemRole>('constructor'), options),
      UsageError,
      'pqc.argument.range',
    ],
  ]
}

const COMMON: readonly Refusal[] = [
  ['AEAD algorithm unknown', () => new AeadKey(wrongType('AES-128-GCM'), n(16)), UsageError, 'pqc.algorithm.unknown'],
  [
    'AEAD arguments swapped',
    () => new AeadKey(wrongType(n(32)), wrongType('AES-256-GCM')),
    UsageError,
    'pqc.algorithm.unknown',
  ],
  ['AEAD key short', () => new AeadKey('AES-256-GCM', n(31)), UsageError, 'pqc.key.length'],
  ['AEAD key as text', () => new AeadKey('AES-256-GCM', wrongType('k'.repeat(32))), UsageError, 'pqc.argument.type'],
  [
    'AEAD nonce of 8 bytes',
    () => new AeadKey('AES-256-GCM', n(32)).seal(n(8), n(1), n(0)),
    UsageError,
    'pqc.nonce.length',
  ],
  [
    'AEAD nonce of 16 bytes',
    () => new AeadKey('AES-256-GCM', n(32)).open(n(16), n(17), n(0)),
    UsageError,
    'pqc.nonce.length',
  ],
  [
    'AEAD plaintext as text',
    () => new AeadKey('AES-256-GCM', n(32)).seal(n(12), wrongType('x'), n(0)),
    UsageError,
    'pqc.argument.type',
  ],
  [
    'AEAD without additional data',
    () => new AeadKey('AES-256-GCM', n(32)).seal(n(12), n(1), wrongType(undefined)),
    UsageError,
    'pqc.argument.type',
  ],
  ['hash of text', () => sha256(wrongType('abc')), UsageError, 'pqc.argument.type'],
  ['hash of bytes and text', () => sha256(n(1), wrongType('abc')), UsageError, 'pqc.argument.type'],
  ['SHAKE arguments swapped', () => shake256(wrongType(n(3)), wrongType(32)), UsageError, 'pqc.argument.range'],
  ['SHAKE of half a byte', () => shake256(0.5, n(1)), UsageError, 'pqc.argument.range'],
  ['HMAC key as text', () => hmacSha256(wrongType('key'), n(1)), UsageError, 'pqc.argument.type'],
  ['HKDF beyond 255 blocks', () => hkdfSha256(n(32), n(0), n(0), 8161), UsageError, 'pqc.argument.range'],
  ['HKDF info as text', () => hkdfSha256(n(32), n(0), wrongType('info'), 32), UsageError, 'pqc.argument.type'],
  ['negative count of random bytes', () => randomBytes(-1), UsageError, 'pqc.argument.range'],
  ['random bytes of text', () => randomBytes(wrongType('16')), UsageError, 'pqc.argument.range'],
  ['comparison with text', () => equalBytes(n(1), wrongType('a')), UsageError, 'pqc.argument.type'],
]

/** No error may carry what it was about: a secret could be in it. */
function carriesNoBytes(error: GridsealError): boolean {
  const inDetails = Object.values(error.details).some(
    (value) => value instanceof Uint8Array || value instanceof ArrayBuffer,
  )
  return !inDetails && !/\b0,0,0|000000/.test(error.message)
}

describe('bad input', () => {
  for (const [title, rows] of [
    ['native', refusals('native')],
    ['noble', refusals('noble')],
    ['either', COMMON],
  ] as const) {
    describe(`provider ${title}`, () => {
      for (const [what, call, family, code] of rows) {
        it(`${what}: ${family.name} ${code}`, () => {
          let thrown: unknown
          try {
            call()
          } catch (error) {
            thrown = error
          }
          expect(thrown).to.be.instanceOf(family).with.property('code', code)
          expect(carriesNoBytes(thrown as GridsealError)).to.equal(true)
        })
      }
    })
  }

  it('a signature of a wrong length is just not valid', () => {
    for (const provider of ['native', 'noble'] as const) {
      const signer = SigningKey.fromSeed('ML-DSA-44', n(32), { provider })
      const signature = signer.signSync(n(8))
      for (const wrong of [signature.slice(1), Uint8Array.of(...signature, 0), n(0), n(8)]) {
        expect(signer.publicKey.verify(n(8), wrong)).to.equal(false)
      }
      // Message and signature the wrong way round is a signature of a wrong length too.
      expect(signer.publicKey.verify(signature, n(8))).to.equal(false)
    }
  })
})
