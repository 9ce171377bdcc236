import { decodeBatch, decodeCoseKey, encodeCoseKey, Opener } from '@gridseal/envelope'
import { SigningKey, sha256 } from '@gridseal/pqc'
import { AuthError, toHex } from '@gridseal/wire'
import { expect } from 'chai'
import { KEY, batchesOf, collecting, frames, opener, trusting } from './support/logs.ts'

const DUAL = ['MLDSA44-ECDSA-P256-SHA256', 'MLDSA65-Ed25519-SHA512', 'MLDSA87-ECDSA-P384-SHA512'] as const

describe('dual signatures: a batch counts only if both legs are right', () => {
  for (const algorithm of DUAL) {
    it(`${algorithm}: sealed, opened; either leg altered is refused`, async () => {
      const key = SigningKey.generate(algorithm)
      const batches = await batchesOf([frames(3), frames(2, 3)], { key })
      const o = new Opener({ key: trusting(key.publicKey), algorithms: [algorithm] })
      for (const { bytes } of batches) o.open(bytes)
      const [first] = batches
      if (first === undefined) expect.fail('a batch')
      const { signature } = decodeBatch(first.bytes)
      const at = Buffer.from(first.bytes).indexOf(signature)
      for (const leg of [40, signature.length - 8]) {
        const altered = Uint8Array.from(first.bytes)
        altered[at + leg] = (altered[at + leg] ?? 0) ^ 1
        expect(() => new Opener({ key: trusting(key.publicKey) }).open(altered), `octet ${leg}`).to.throw(AuthError)
      }
    })
  }

  it('a policy of dual signatures takes no single one, whoever is trusted', async () => {
    const [single] = await batchesOf([frames(1)])
    const o = new Opener({ key: trusting(KEY.publicKey), algorithms: DUAL })
    expect(() => o.open(single?.bytes ?? new Uint8Array(0)))
      .to.throw(AuthError)
      .with.property('code', 'envelope.algorithm')
  })

  it('a single key hands over to a dual one in mid-stream', async () => {
    const dual = SigningKey.generate('MLDSA65-Ed25519-SHA512')
    const { sealer, batches } = collecting()
    sealer.add(frames(1))
    sealer.rotate(dual)
    await sealer.flush()
    sealer.add(frames(1, 1))
    await sealer.flush()
    const o = opener()
    const signers = batches.map(({ bytes }) => o.open(bytes).signer.algorithm)
    expect(signers.at(-1)).to.equal('MLDSA65-Ed25519-SHA512')
  })

  it('keys of every kind are COSE_Keys whose hash is their fingerprint', () => {
    for (const algorithm of ['ML-DSA-44', 'ML-DSA-87', 'SLH-DSA-SHA2-128f', ...DUAL] as const) {
      const { publicKey } = SigningKey.generate(algorithm)
      const file = encodeCoseKey(publicKey)
      expect(decodeCoseKey(file).equals(publicKey), algorithm).to.equal(true)
      expect(toHex(sha256(file)), algorithm).to.equal(toHex(publicKey.fingerprint))
    }
  })
})
