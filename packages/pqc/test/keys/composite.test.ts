import { createHash, sign } from 'node:crypto'
import { expect } from 'chai'
import { SigningKey, VerifyingKey, algorithmInfo, compositeMessageSigner } from '@gridseal/pqc'
import type { CompositeAlgorithm, ProviderName } from '@gridseal/pqc'
import { DecodeError, UsageError } from '@gridseal/wire'

const ALGORITHMS: readonly CompositeAlgorithm[] = [
  'MLDSA44-Ed25519-SHA512',
  'MLDSA44-ECDSA-P256-SHA256',
  'MLDSA65-Ed25519-SHA512',
  'MLDSA65-ECDSA-P256-SHA512',
  'MLDSA65-ECDSA-P384-SHA512',
  'MLDSA87-ECDSA-P384-SHA512',
]
const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const MESSAGE = text('close breaker 52-1')

describe('dual signatures (draft-ietf-lamps-pq-composite-sigs)', () => {
  for (const algorithm of ALGORITHMS) {
    const info = algorithmInfo(algorithm)
    const [pqName, classicalName] = info.legs!
    const pqLength = algorithmInfo(pqName).signatureLength

    for (const [one, other] of [
      ['native', 'noble'],
      ['noble', 'native'],
    ] as const satisfies readonly (readonly [ProviderName, ProviderName])[]) {
      it(`${algorithm}: what ${one} signs, ${other} verifies`, async () => {
        const key = SigningKey.generate(algorithm, { provider: one })
        const verifier = VerifyingKey.fromRaw(algorithm, key.publicKey.raw, { provider: other })
        for (const options of [{}, { context: text('grid/v1') }]) {
          expect(verifier.verify(MESSAGE, await key.sign(MESSAGE, options), options)).to.equal(true)
        }
        expect(verifier.verify(MESSAGE, key.signSync(MESSAGE), { context: text('grid/v1') })).to.equal(false)
      })
    }

    it(`${algorithm}: signs M' of the draft with each leg, put together by hand`, () => {
      const [pq, classical] = [SigningKey.generate(pqName), SigningKey.generate(classicalName)]
      const raw = Uint8Array.of(...pq.publicKey.raw, ...classical.publicKey.raw)
      const key = VerifyingKey.fromRaw(algorithm, raw)
      const label = text(`COMPSIG-${algorithm}`)
      const digest = createHash(algorithm.endsWith('SHA256') ? 'sha256' : 'sha512')
        .update(MESSAGE)
        .digest()
      for (const context of [new Uint8Array(0), text('grid/v1'), new Uint8Array(255).fill(1)]) {
        const prefix = text('CompositeAlgorithmSignatures2025')
        const toSign = Uint8Array.of(...prefix, ...label, context.length, ...context, ...digest)
        const first = pq.signSync(toSign, { context: label })
        const second =
          classicalName === 'Ed25519'
            ? classical.signSync(toSign)
            : sign(classicalName === 'ECDSA-P256' ? 'sha256' : 'sha384', toSign, classical.toPem())
        const signature = Uint8Array.of(...first, ...second)
        expect(key.verify(MESSAGE, signature, { context }), `context of ${context.length}`).to.equal(true)
        expect(key.verify(MESSAGE, signature, { context: text('grid/v2') })).to.equal(false)
        const unlabelled = Uint8Array.of(...pq.signSync(toSign), ...second)
        expect(key.verify(MESSAGE, unlabelled, { context }), 'without the label as context').to.equal(false)
      }
    })

    it(`${algorithm}: is valid only if both legs are`, () => {
      const key = SigningKey.generate(algorithm)
      const good = key.signSync(MESSAGE)
      const another = SigningKey.generate(algorithm).signSync(MESSAGE)
      const other = key.signSync(text('open breaker 52-1'))
      const joined = (a: Uint8Array, b: Uint8Array): Uint8Array => Uint8Array.of(...a, ...b)
      const [pq, classical] = [good.subarray(0, pqLength), good.subarray(pqLength)]
      expect(key.publicKey.verify(MESSAGE, joined(pq, classical))).to.equal(true)
      for (const wrong of [another, other]) {
        expect(key.publicKey.verify(MESSAGE, joined(wrong.subarray(0, pqLength), classical))).to.equal(false)
        expect(key.publicKey.verify(MESSAGE, joined(pq, wrong.subarray(pqLength)))).to.equal(false)
      }
      for (const stripped of [pq, classical, new Uint8Array(0), joined(pq, Uint8Array.of(0))]) {
        expect(key.publicKey.verify(MESSAGE, stripped)).to.equal(false)
      }
    })

    it(`${algorithm}: no leg is a signature of its own`, () => {
      const key = SigningKey.generate(algorithm)
      const signature = key.signSync(MESSAGE)
      const at = algorithmInfo(pqName).publicKeyLength
      const pq = VerifyingKey.fromRaw(pqName, key.publicKey.raw.subarray(0, at))
      expect(pq.verify(MESSAGE, signature.subarray(0, pqLength))).to.equal(false)
      const classical = VerifyingKey.fromRaw(classicalName, key.publicKey.raw.subarray(at))
      if (classicalName === 'Ed25519') {
        expect(classical.verify(MESSAGE, signature.subarray(pqLength))).to.equal(false)
      }
    })

    it(`${algorithm}: its legs may be in two places`, async () => {
      const [pq, classical] = [SigningKey.generate(pqName), SigningKey.generate(classicalName)]
      const signer = compositeMessageSigner(algorithm, pq, classical)
      expect(signer.publicKey.verify(MESSAGE, await signer.sign(MESSAGE))).to.equal(true)
      const local = SigningKey.fromSeed(algorithm, Uint8Array.of(...pq.toSeed(), ...classical.toSeed()))
      expect(local.publicKey.equals(signer.publicKey)).to.equal(true)
      expect(() => compositeMessageSigner(algorithm, classical, pq))
        .to.throw(UsageError)
        .with.property('code', 'pqc.composite.legs')
    })
  }

  it('whose legs are in two places takes bytes only', async () => {
    const [pq, classical] = [SigningKey.generate('ML-DSA-65'), SigningKey.generate('Ed25519')]
    const signer = compositeMessageSigner('MLDSA65-Ed25519-SHA512', pq, classical)
    const error: unknown = await signer.sign('open' as unknown as Uint8Array).catch((thrown: unknown) => thrown)
    expect(error).to.be.instanceOf(UsageError).with.property('code', 'pqc.argument.type')
  })

  it('refuses a public key whose point is not on its curve', () => {
    const { raw } = SigningKey.generate('MLDSA44-ECDSA-P256-SHA256').publicKey
    const wrong = raw.slice()
    wrong[wrong.length - 1]! ^= 1
    for (const provider of ['native', 'noble'] as const) {
      expect(() => VerifyingKey.fromRaw('MLDSA44-ECDSA-P256-SHA256', wrong, { provider }))
        .to.throw(DecodeError)
        .with.property('code', 'pqc.key.invalid')
    }
  })
})
