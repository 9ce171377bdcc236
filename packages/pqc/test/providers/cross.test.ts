import { expect } from 'chai'
import fc from 'fast-check'
import {
  encapsulate,
  generateKemKeyPair,
  generateX25519,
  selectProvider,
  sha256,
  SigningKey,
  VerifyingKey,
} from '@gridseal/pqc'
import type { ProviderName } from '@gridseal/pqc'
import { toHex } from '@gridseal/wire'
import { NobleEncapsulator } from '#src/providers/noble/kems.ts'
import { signDeterministic } from '#src/providers/noble/signatures.ts'
import { KEM_ANSWERS, SIGNATURE_ANSWERS } from './known-answers.ts'

const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const PAIRS: readonly [ProviderName, ProviderName][] = [
  ['native', 'noble'],
  ['noble', 'native'],
]
const seedOf = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length })

describe('providers against each other', () => {
  for (const { algorithm, signatureHash, contextSignatureHash } of SIGNATURE_ANSWERS) {
    for (const [one, other] of PAIRS) {
      it(`${algorithm}: what ${one} signs, ${other} verifies`, () => {
        const context = fc.option(fc.uint8Array({ maxLength: 255 }), { nil: undefined })
        fc.assert(
          fc.property(seedOf(32), fc.uint8Array(), context, (seed, message, ctx) => {
            const options = ctx === undefined ? {} : { context: ctx }
            const key = SigningKey.fromSeed(algorithm, seed, { provider: one })
            const verifier = VerifyingKey.fromRaw(algorithm, key.publicKey.raw, { provider: other })
            const signature = key.signSync(message, options)
            expect(verifier.verify(message, signature, options)).to.equal(true)
            signature[signature.length >> 1]! ^= 1
            expect(verifier.verify(message, signature, options)).to.equal(false)
          }),
          { numRuns: 5 },
        )
      })
    }

    it(`${algorithm}: the deterministic signature is the known one, and native verifies it`, () => {
      const seed = new Uint8Array(32)
      const key = SigningKey.fromSeed(algorithm, seed, { provider: 'native' }).publicKey
      const message = text('gridseal-kat')
      for (const [options, known] of [
        [{}, signatureHash],
        [{ context: text('grid/v1') }, contextSignatureHash],
      ] as const) {
        const signature = signDeterministic(algorithm, seed, message, options)
        expect(toHex(sha256(signature))).to.equal(known)
        expect(key.verify(message, signature, options)).to.equal(true)
      }
    })
  }

  for (const { algorithm, ciphertextHash, sharedSecret } of KEM_ANSWERS) {
    for (const [one, other] of PAIRS) {
      it(`${algorithm}: what ${one} encapsulates, ${other} opens, and both reject alike`, () => {
        fc.assert(
          fc.property(seedOf(64), fc.nat(1087), (seed, at) => {
            const ours = generateKemKeyPair(algorithm, seed, { provider: one })
            const theirs = generateKemKeyPair(algorithm, seed, { provider: other })
            expect(toHex(theirs.publicKey)).to.equal(toHex(ours.publicKey))
            const made = encapsulate(algorithm, theirs.publicKey, { provider: one })
            expect(toHex(theirs.decapsulate(made.ciphertext))).to.equal(toHex(made.sharedSecret))
            const wrong = made.ciphertext.slice()
            wrong[at]! ^= 1
            expect(toHex(theirs.decapsulate(wrong))).to.equal(toHex(ours.decapsulate(wrong)))
            expect(toHex(theirs.decapsulate(wrong))).not.to.equal(toHex(made.sharedSecret))
          }),
          { numRuns: 10 },
        )
      })
    }

    it(`${algorithm}: the encapsulation without randomness is the known one, and native opens it`, () => {
      const key = generateKemKeyPair(algorithm, new Uint8Array(64), { provider: 'native' })
      const made = new NobleEncapsulator(algorithm, key.publicKey).encapsulate(new Uint8Array(32))
      expect(toHex(sha256(made.ciphertext))).to.equal(ciphertextHash)
      expect(toHex(made.sharedSecret)).to.equal(sharedSecret)
      expect(toHex(key.decapsulate(made.ciphertext))).to.equal(sharedSecret)
    })
  }

  it('X25519: both find the same keys and secrets', () => {
    fc.assert(
      fc.property(seedOf(32), seedOf(32), (a, b) => {
        const native = generateX25519(a, { provider: 'native' })
        const noble = generateX25519(a, { provider: 'noble' })
        const peer = generateX25519(b, { provider: 'noble' })
        expect(toHex(native.publicKey)).to.equal(toHex(noble.publicKey))
        expect(toHex(native.agree(peer.publicKey))).to.equal(toHex(noble.agree(peer.publicKey)))
      }),
      { numRuns: 20 },
    )
  })

  it('both agree which expanded key belongs to a seed', () => {
    for (const name of ['native', 'noble'] as const) {
      const implementation = selectProvider('ML-DSA-44', { provider: name }).signature('ML-DSA-44')!
      expect(implementation.matchesExpanded!(new Uint8Array(32), new Uint8Array(2560)), name).to.equal(false)
    }
  })
})
