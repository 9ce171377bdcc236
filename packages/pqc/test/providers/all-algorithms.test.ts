import { expect } from 'chai'
import {
  ALGORITHMS,
  DecapsulationKey,
  EncapsulationKey,
  PREHASHES,
  SigningKey,
  VerifyingKey,
  algorithmInfo,
  providerSupports,
} from '@gridseal/pqc'
import type { KemAlgorithm, PrehashName, ProviderName, SignatureAlgorithm } from '@gridseal/pqc'
import { DecodeError, UsageError, toHex } from '@gridseal/wire'

const MESSAGE = new TextEncoder().encode('breaker 52-1 open')
const CONTEXT = new TextEncoder().encode('grid/v1')
const PROVIDERS: readonly ProviderName[] = ['native', 'noble']

/**
 * Signing with these sets takes seconds in JavaScript: every day only native signs with them, and noble verifies; and of
 * the small sets, which take seconds everywhere, only one; the self-tests sign with each.
 */
const SLOW = process.env['GRIDSEAL_SLOW'] === '1'
const signs = (name: string, provider: ProviderName): boolean =>
  SLOW ||
  (provider === 'native' ? !/(192|256)s$|SHAKE-128s$/.test(name) : !/\ds$|SHAKE-\d+f$|SHA2-(192|256)f$/.test(name))

const isSmall = (name: string): boolean => /\ds$/.test(name)

describe('every algorithm with every provider, and providers crossed', function () {
  this.timeout(600_000)

  for (const info of ALGORITHMS) {
    if (info.kind !== 'signature') continue
    const { name } = info
    const here = PROVIDERS.filter((provider) => providerSupports(provider, name))
    for (const one of here.filter((provider) => signs(name, provider))) {
      it(`${name}: ${one} signs, ${here.join(' and ')} verify`, async () => {
        const key = SigningKey.generate(name, { provider: one })
        const signature = await key.sign(MESSAGE)
        if (info.variableLength) expect(signature.length).to.be.at.most(info.signatureLength)
        else expect(signature.length).to.equal(info.signatureLength)
        // Two signatures of a small set are enough seconds: one here, one in the pairwise test.
        const withContext = info.context && !isSmall(name) ? key.signSync(MESSAGE, { context: CONTEXT }) : undefined
        for (const other of here) {
          const verifier = VerifyingKey.fromRaw(name, key.publicKey.raw, { provider: other })
          expect(verifier.verify(MESSAGE, signature), other).to.equal(true)
          for (const wrong of damaged(signature)) expect(verifier.verify(MESSAGE, wrong), other).to.equal(false)
          expect(verifier.verify(MESSAGE.subarray(1), signature)).to.equal(false)
          // Swapped arguments are a signature of a wrong length.
          expect(verifier.verify(signature, MESSAGE)).to.equal(false)
          if (withContext !== undefined) {
            expect(verifier.verify(MESSAGE, withContext, { context: CONTEXT })).to.equal(true)
            expect(verifier.verify(MESSAGE, withContext)).to.equal(false)
            expect(verifier.verify(MESSAGE, signature, { context: CONTEXT })).to.equal(false)
          } else if (!info.context) {
            expect(() => verifier.verify(MESSAGE, signature, { context: CONTEXT }))
              .to.throw(UsageError)
              .with.property('code', 'pqc.context.unsupported')
          }
        }
      })
    }

    it(`${name}: keys of other lengths are refused, and a private key out of range`, () => {
      for (const provider of here) {
        for (const by of [-1, 1]) {
          const publicKey = new Uint8Array(info.publicKeyLength + by)
          const seed = new Uint8Array(info.seedLength + by)
          expectCode(() => VerifyingKey.fromRaw(name, publicKey, { provider }), UsageError, 'pqc.key.length')
          expectCode(() => SigningKey.fromSeed(name, seed, { provider }), UsageError, 'pqc.seed.length')
        }
        if (info.family !== 'ECDSA') continue
        for (const fill of [0, 0xff]) {
          const scalar = new Uint8Array(info.seedLength).fill(fill)
          expectCode(() => SigningKey.fromSeed(name, scalar, { provider }), DecodeError, 'pqc.key.invalid')
        }
        expectCode(
          () => VerifyingKey.fromRaw(name, new Uint8Array(info.publicKeyLength).fill(4), { provider }),
          DecodeError,
          'pqc.key.invalid',
        )
      }
    })
  }

  for (const info of ALGORITHMS) {
    if (info.kind !== 'kem') continue
    const { name } = info
    for (const [owner, peer] of [
      ['native', 'noble'],
      ['noble', 'native'],
      ['native', 'native'],
      ['noble', 'noble'],
    ] as const) {
      it(`${name}: ${peer} encapsulates, ${owner} decapsulates`, () => {
        const key = DecapsulationKey.generate(name, { provider: owner })
        const encapsulator = EncapsulationKey.fromRaw(name, key.publicKey, { provider: peer })
        const { ciphertext, sharedSecret } = encapsulator.encapsulate()
        expect([ciphertext.length, sharedSecret.length]).to.deep.equal([info.ciphertextLength, 32])
        expect(toHex(key.decapsulate(ciphertext))).to.equal(toHex(sharedSecret))
        // A flipped bit of the ML-KEM part shows as another secret, the same with both providers.
        const wrong = ciphertext.slice()
        wrong[10]! ^= 1
        const rejected = key.decapsulate(wrong)
        expect(toHex(rejected)).not.to.equal(toHex(sharedSecret))
        const twin = DecapsulationKey.fromSeed(name, key.seed, { provider: peer })
        expect(toHex(twin.decapsulate(wrong))).to.equal(toHex(rejected))
        for (const by of [-1, 1]) {
          const length = new Uint8Array(info.ciphertextLength + by)
          expectCode(() => key.decapsulate(length), DecodeError, 'pqc.ciphertext.length')
        }
        const notReduced = key.publicKey.slice()
        notReduced.set([0xff, 0xff, 0xff])
        expectCode(() => EncapsulationKey.fromRaw(name, notReduced, { provider: peer }), DecodeError, 'pqc.key.invalid')
      })
    }
  }

  it('hybrids refuse the elliptic leg of nobody: points of low order or off the curve', () => {
    for (const [name, code] of [
      ['X-Wing', 'pqc.x25519.low-order'],
      ['MLKEM768-P256', 'pqc.key.invalid'],
      ['MLKEM1024-P384', 'pqc.key.invalid'],
    ] as const satisfies readonly (readonly [KemAlgorithm, string])[]) {
      for (const provider of PROVIDERS) {
        const key = DecapsulationKey.generate(name, { provider })
        const { ciphertext } = EncapsulationKey.fromRaw(name, key.publicKey, { provider }).encapsulate()
        const at = algorithmInfo(name === 'MLKEM1024-P384' ? 'ML-KEM-1024' : 'ML-KEM-768').ciphertextLength
        const wrong = ciphertext.slice()
        wrong.fill(0, at)
        expect(() => key.decapsulate(wrong), `${name}, ${provider}`)
          .to.throw()
          .with.property('code', code)
      }
    }
  })

  for (const name of ['ML-DSA-44', 'ML-DSA-87', 'SLH-DSA-SHA2-128f'] as const satisfies readonly SignatureAlgorithm[]) {
    it(`${name}: hashes messages first (FIPS 204 5.4, FIPS 205 10.2), each hash its own signature`, () => {
      const key = SigningKey.generate(name)
      const least = name === 'ML-DSA-87' ? 256 : 128
      const strong = (Object.keys(PREHASHES) as PrehashName[]).filter((hash) => PREHASHES[hash] >= least)
      const [first, second] = strong
      for (const prehash of name.startsWith('SLH') ? strong.slice(0, 1) : strong) {
        const signature = key.signSync(MESSAGE, { prehash })
        expect(key.publicKey.verify(MESSAGE, signature, { prehash }), prehash).to.equal(true)
        expect(key.publicKey.verify(MESSAGE, signature), 'pure').to.equal(false)
        const other = prehash === first ? second! : first!
        expect(key.publicKey.verify(MESSAGE, signature, { prehash: other })).to.equal(false)
      }
      const weak = (Object.keys(PREHASHES) as PrehashName[]).filter((hash) => PREHASHES[hash] < least)
      for (const prehash of [...weak, 'MD5' as PrehashName]) {
        expectCode(() => key.signSync(MESSAGE, { prehash }), UsageError, 'pqc.prehash.unsupported')
      }
      const native = SigningKey.generate(name, { provider: 'native' })
      expectCode(() => native.signSync(MESSAGE, { prehash: first! }), UsageError, 'pqc.algorithm.unsupported')
    })
  }
})

function* damaged(signature: Uint8Array): Generator<Uint8Array> {
  for (const at of [0, signature.length >> 1, signature.length - 1]) {
    const wrong = signature.slice()
    wrong[at]! ^= 1
    yield wrong
  }
  yield signature.subarray(0, -1)
  yield Uint8Array.of(...signature, 0)
  yield new Uint8Array(0)
  yield new Uint8Array(signature.length)
}

function expectCode(call: () => unknown, kind: typeof UsageError | typeof DecodeError, code: string): void {
  expect(call).to.throw(kind).with.property('code', code)
}
