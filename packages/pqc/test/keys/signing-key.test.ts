import { inspect } from 'node:util'
import { expect } from 'chai'
import { SigningKey, VerifyingKey, encodePkcs8, encodeSpki, parseFingerprint } from '@gridseal/pqc'
import { DecodeError, fromHex, toHex } from '@gridseal/wire'
import { SIGNATURE_ANSWERS } from '../providers/known-answers.ts'

const SEED = new Uint8Array(32).fill(0xa7)
const message = new TextEncoder().encode('feeder 12')

describe('SigningKey and VerifyingKey', () => {
  for (const { algorithm, thumbprint } of SIGNATURE_ANSWERS) {
    describe(algorithm, () => {
      const key = SigningKey.fromSeed(algorithm, new Uint8Array(32))

      it('has the COSE Key Thumbprint of the RFC 9964 example as its fingerprint', () => {
        expect(toHex(key.publicKey.fingerprint)).to.equal(thumbprint)
        const text = `${algorithm.toLowerCase()}:${thumbprint}`
        expect([key.publicKey.fingerprintText, String(key.publicKey), JSON.stringify(key.publicKey)]).to.deep.equal([
          text,
          text,
          `"${text}"`,
        ])
        expect(parseFingerprint(text)).to.deep.equal({ algorithm, fingerprint: fromHex(thumbprint) })
      })

      it('survives every form: seed, PKCS#8, PEM, raw, SubjectPublicKeyInfo', async () => {
        const signature = await key.sign(message)
        const privates = [
          SigningKey.fromSeed(algorithm, key.toSeed()),
          SigningKey.fromPkcs8(key.toPkcs8()),
          SigningKey.fromPem(key.toPem()),
        ]
        const publics = [
          VerifyingKey.fromRaw(algorithm, key.publicKey.raw),
          VerifyingKey.fromSpki(key.publicKey.toSpki()),
          VerifyingKey.fromPem(key.publicKey.toPem()),
        ]
        for (const copy of [...privates.map((k) => k.publicKey), ...publics]) {
          expect(copy.equals(key.publicKey)).to.equal(true)
          expect(copy.algorithm).to.equal(algorithm)
          expect(copy.verify(message, signature)).to.equal(true)
        }
        for (const copy of privates) expect(toHex(copy.toSeed())).to.equal(toHex(key.toSeed()))
      })
    })
  }

  it('makes a new key each time', () => {
    const [a, b] = [SigningKey.generate('ML-DSA-44'), SigningKey.generate('ML-DSA-44')]
    expect(a.publicKey.equals(b.publicKey)).to.equal(false)
    expect(a.publicKey.verify(message, a.signSync(message))).to.equal(true)
    expect(b.publicKey.verify(message, a.signSync(message))).to.equal(false)
  })

  it('is not equal to a key of another algorithm', () => {
    const a = SigningKey.fromSeed('ML-DSA-44', SEED).publicKey
    const b = SigningKey.fromSeed('ML-DSA-65', SEED).publicKey
    expect(a.equals(b)).to.equal(false)
    // Sets of one size: the same bytes are another key.
    const raw = new Uint8Array(32).fill(5)
    const same = (['SLH-DSA-SHA2-128s', 'SLH-DSA-SHA2-128f', 'SLH-DSA-SHAKE-128s', 'Ed25519'] as const).map(
      (algorithm) => VerifyingKey.fromRaw(algorithm, raw),
    )
    for (const [i, key] of same.entries()) {
      expect(same.map((other) => key.equals(other))).to.deep.equal(same.map((_, j) => i === j))
    }
  })

  it('keeps its own copies of what it was made from, also of a Buffer, whose slice() is no copy', () => {
    const seed = Buffer.from(SEED)
    const key = SigningKey.fromSeed('ML-DSA-44', seed)
    const raw = Buffer.from(key.publicKey.raw)
    const copy = VerifyingKey.fromRaw('ML-DSA-44', raw)
    seed.fill(0)
    raw.fill(0)
    key.toSeed().fill(0)
    expect(toHex(key.toSeed())).to.equal(toHex(SEED))
    expect(copy.verify(message, key.signSync(message))).to.equal(true)
  })

  it('never shows its seed', () => {
    const key = SigningKey.fromSeed('ML-DSA-65', SEED)
    const shown = [inspect(key, { depth: 9, showHidden: true }), String(key), JSON.stringify({ key })]
    for (const text of shown) expect(text).not.to.match(/a7a7|167, *167|p6en/)
    expect(String(key)).to.equal(`SigningKey(${key.publicKey.fingerprintText})`)
  })

  it('signs many messages at once, each its own', async () => {
    const key = SigningKey.fromSeed('ML-DSA-44', SEED)
    const messages = Array.from({ length: 20 }, (_, i) => Uint8Array.of(i))
    const signatures = await Promise.all(messages.map((m) => key.sign(m)))
    signatures.forEach((signature, i) => {
      expect(key.publicKey.verify(messages[i]!, signature)).to.equal(true)
      expect(key.publicKey.verify(messages[(i + 1) % 20]!, signature)).to.equal(false)
    })
  })

  it('does not take a KEM key for a signature key', () => {
    const refused = (call: () => unknown): void => {
      expect(call).to.throw(DecodeError).with.property('code', 'pqc.key.kind')
    }
    refused(() => SigningKey.fromPkcs8(encodePkcs8('ML-KEM-768', new Uint8Array(64))))
    refused(() => VerifyingKey.fromSpki(encodeSpki('ML-KEM-768', new Uint8Array(1184))))
  })

  for (const text of [
    '',
    'ml-dsa-65',
    'ml-dsa-65:',
    'ml-dsa-65:' + 'ab'.repeat(31),
    'ml-dsa-65:' + 'AB'.repeat(32),
    'ml-dsa-99:' + 'ab'.repeat(32),
    'ml-dsa-65:' + 'ab'.repeat(32) + ':',
    'ML-DSA-65:' + 'ab'.repeat(32),
  ]) {
    it(`"${text.slice(0, 16)}…" (${text.length}) is no fingerprint`, () => {
      expect(() => parseFingerprint(text))
        .to.throw(DecodeError)
        .with.property('code', 'pqc.fingerprint.format')
    })
  }
})
