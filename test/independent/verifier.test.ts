import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { FrameEntry } from '@gridseal/envelope'
import {
  Journal,
  Sealer,
  extractConsistency,
  extractReceipt,
  verifyConsistencyReceipt,
  verifyReceipt,
} from '@gridseal/envelope'
import type { SignatureAlgorithm } from '@gridseal/pqc'
import { SigningKey } from '@gridseal/pqc'
import { expect } from 'chai'
import { withFolder } from '../support/folders.ts'
import { verifyConsistencyFile, verifyReceiptFile } from './verifier.ts'

/** A journal of some batches, and the receipts that are cut out of it. */
async function evidence(
  algorithm: SignatureAlgorithm,
): Promise<{ pem: string; receipts: Uint8Array[]; proofs: Uint8Array[] }> {
  const key = SigningKey.generate(algorithm)
  return withFolder(async (folder) => {
    const journal = await Journal.open(folder, { sync: false, maxSegmentBytes: 20_000 })
    const appended: Promise<unknown>[] = []
    const sealer = new Sealer({
      key,
      site: 'substation-7',
      direction: 'to-master',
      onBatch: (batch) => appended.push(journal.append(batch.bytes, batch.before)),
      onError: (error) => {
        throw error
      },
    })
    const time = BigInt(Date.now()) * 1_000_000n
    for (let i = 0; i < 13; i++) {
      sealer.add(
        Array.from({ length: 1 + (i % 4) }, (_, j): FrameEntry => {
          const bytes = Buffer.from(`frame ${i}.${j}`)
          return { kind: 'frame', link: 'l', connection: 1, direction: 'to-master', time, protocol: 'raw', bytes }
        }),
      )
      await sealer.flush()
    }
    await Promise.all(appended)
    await journal.addKey(key.publicKey)
    await journal.close()
    const receipts = await Promise.all(
      [0, 1, 5, 17, 30].map((sequence) => extractReceipt(folder, { stream: '', sequence })),
    )
    const proofs = await Promise.all([0, 3, 7].map((from) => extractConsistency(folder, { stream: '', from })))
    const pem = await readFile(join(folder, `${Buffer.from(key.publicKey.fingerprint).toString('hex')}.pub`), 'utf8')
    return { pem, receipts, proofs }
  })
}

describe('a verifier that has nothing of ours', () => {
  for (const algorithm of ['ML-DSA-44', 'ML-DSA-65', 'ML-DSA-87'] as const) {
    it(`accepts our receipts and proofs of consistency (${algorithm})`, async () => {
      const { pem, receipts, proofs } = await evidence(algorithm)
      const proven = receipts.map((receipt) => verifyReceiptFile(receipt, pem))
      expect(proven.map(({ index }) => index)).to.deep.equal([0, 1, 5, 17, 30])
      expect(proven.map(({ frame }) => frame && Buffer.from(frame).toString())).to.deep.equal([
        undefined,
        'frame 0.0',
        'frame 2.1',
        'frame 7.0',
        'frame 11.3',
      ])
      expect(proofs.map((proof) => verifyConsistencyFile(proof, pem).from)).to.have.length(3)
      const other = SigningKey.generate(algorithm).publicKey.toPem()
      for (const receipt of receipts) expect(() => verifyReceiptFile(receipt, other)).to.throw()
    })
  }

  it('refuses what we refuse: every byte of a receipt and of a proof altered', async () => {
    const { pem, receipts, proofs } = await evidence('ML-DSA-44')
    const { VerifyingKey } = await import('@gridseal/pqc')
    const key = VerifyingKey.fromPem(pem)
    const receipt = receipts[3]
    const proof = proofs[1]
    if (receipt === undefined || proof === undefined) expect.fail('one of each')
    for (const [whole, theirs, ours] of [
      [receipt, verifyReceiptFile, (bytes: Uint8Array): unknown => verifyReceipt(bytes, () => key)],
      [proof, verifyConsistencyFile, (bytes: Uint8Array): unknown => verifyConsistencyReceipt(bytes, () => key)],
    ] as const) {
      // Every byte outside of the signatures, every eleventh within.
      for (let at = 0; at < whole.length; at += at > 600 ? 11 : 1) {
        const altered = Uint8Array.from(whole)
        altered[at] = (altered[at] ?? 0) ^ (1 << (at % 8))
        expect(() => theirs(altered, pem), `theirs, byte ${at}`).to.throw()
        expect(() => ours(altered), `ours, byte ${at}`).to.throw()
      }
      for (let length = 0; length < whole.length; length += 17) {
        expect(() => theirs(whole.slice(0, length), pem), `theirs, ${length} bytes`).to.throw()
      }
    }
  })
})
