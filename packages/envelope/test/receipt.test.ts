import { AuthError, DecodeError, GridsealError, toHex } from '@gridseal/wire'
import type { CborValue, SealedBatch } from '@gridseal/envelope'
import { Journal, Tagged, decodeCbor, encodeCbor, extractReceipt, verifyReceipt } from '@gridseal/envelope'
import { expect } from 'chai'
import { mutations } from '../../../test/support/mutate.ts'
import { withFolder } from '../../../test/support/folders.ts'
import { OTHER_KEY, batchesOf, frame, frames, signatureIn, trusted, trusting } from './support/logs.ts'

describe('receipts (RFC 9942)', () => {
  let receipts: Uint8Array[]
  let batches: SealedBatch[]

  before(() =>
    withFolder(async (folder) => {
      batches = await batchesOf([frames(3), frames(2, 3), frames(4, 5)])
      const journal = await Journal.open(folder)
      for (const batch of batches) await journal.append(batch.bytes)
      await journal.close()
      receipts = []
      for (let sequence = 0; sequence < 10; sequence++)
        receipts.push(await extractReceipt(folder, { stream: '', sequence }))
    }),
  )

  it('proves every leaf of a log with the public key alone', () => {
    receipts.forEach((receipt, sequence) => {
      const content = verifyReceipt(receipt, trusted)
      expect(content.sequence).to.equal(sequence)
      if (sequence === 0) expect(content.log?.site).to.equal('substation-7')
      else {
        expect(content.entry).to.include({ kind: 'frame', link: 'meter-1', sequence })
        expect(content.entry?.kind === 'frame' && toHex(content.entry.bytes)).to.equal(toHex(frame(sequence - 1).bytes))
      }
    })
  })

  it('has the form of the RFC: tagged COSE_Sign1, vds 1, vdp {-1: [[size, index, path]]}, detached payload', () => {
    const value = decodeCbor(receipts[4] ?? new Uint8Array(0)) as readonly CborValue[]
    const sign1 = value[1]
    if (!(sign1 instanceof Tagged)) expect.fail('a tag is due')
    expect(sign1.tag).to.equal(18)
    const [protectedHeader, unprotected, payload] = sign1.value as readonly [
      Uint8Array,
      Map<CborValue, CborValue>,
      null,
    ]
    expect(payload).to.equal(null)
    expect((decodeCbor(protectedHeader) as Map<CborValue, CborValue>).get(395)).to.equal(1)
    const vdp = unprotected.get(396) as Map<CborValue, CborValue>
    const [proof] = vdp.get(-1) as readonly Uint8Array[]
    const [size, index, path] = decodeCbor(proof ?? new Uint8Array(0)) as readonly [number, number, Uint8Array[]]
    expect([size, index]).to.deep.equal([6, 4])
    expect(path.map((hash) => hash.length)).to.deep.equal([32, 32])
  })

  const codeOf = (bytes: Uint8Array, key = trusted): string => {
    try {
      verifyReceipt(bytes, key)
    } catch (error) {
      if (error instanceof GridsealError) return error.code
      throw error
    }
    return 'accepted'
  }

  const altered = (
    edit: (parts: { leaf: Uint8Array; proof: CborValue[] }) => { leaf: Uint8Array; proof: CborValue },
  ): Uint8Array => {
    const [leaf, sign1] = decodeCbor(receipts[4] ?? new Uint8Array(0)) as readonly [Uint8Array, Tagged]
    const [protectedHeader, unprotected, , signature] = sign1.value as readonly CborValue[]
    const vdp = (unprotected as Map<CborValue, CborValue>).get(396) as Map<CborValue, CborValue>
    const [bytes] = vdp.get(-1) as readonly Uint8Array[]
    const changed = edit({ leaf, proof: [...(decodeCbor(bytes ?? new Uint8Array(0)) as CborValue[])] })
    const header = new Map<CborValue, CborValue>([
      [396, new Map<CborValue, CborValue>([[-1, [encodeCbor(changed.proof)]]])],
    ])
    return encodeCbor([changed.leaf, new Tagged(18, [protectedHeader ?? null, header, null, signature ?? null])])
  }

  it('refuses another leaf, another index, another size, and paths too long or too short', () => {
    const other = (decodeCbor(receipts[5] ?? new Uint8Array(0)) as readonly Uint8Array[])[0] ?? new Uint8Array(0)
    expect(codeOf(altered((p) => p))).to.equal('accepted')
    expect(codeOf(altered(({ proof }) => ({ leaf: other, proof })))).to.equal('envelope.signature')
    expect(
      codeOf(altered(({ leaf, proof: [size, , path] }) => ({ leaf, proof: [size ?? 0, 5, path ?? []] }))),
    ).to.equal('envelope.signature')
    expect(
      codeOf(altered(({ leaf, proof: [, index, path] }) => ({ leaf, proof: [7, index ?? 0, path ?? []] }))),
    ).to.equal('envelope.proof')
    const path = (edit: (hashes: readonly CborValue[]) => readonly CborValue[]): string =>
      codeOf(
        altered(({ leaf, proof: [size, index, hashes] }) => ({
          leaf,
          proof: [size ?? 0, index ?? 0, edit(hashes as CborValue[])],
        })),
      )
    expect(path((hashes) => hashes.slice(1))).to.equal('envelope.proof')
    expect(path((hashes) => [...hashes, new Uint8Array(32)])).to.equal('envelope.proof')
    expect(path(() => [])).to.equal('envelope.proof')
    expect(path((hashes) => [new Uint8Array(31), ...hashes.slice(1)])).to.equal('cbor.length')
    expect(path(() => Array.from({ length: 65 }, () => new Uint8Array(32)))).to.equal('envelope.proof')
  })

  it('refuses an unknown key, and a known one that has not signed', () => {
    const [receipt] = receipts.slice(4)
    expect(codeOf(receipt ?? new Uint8Array(0), trusting(OTHER_KEY.publicKey))).to.equal('envelope.key.unknown')
    expect(codeOf(receipt ?? new Uint8Array(0), () => OTHER_KEY.publicKey)).to.equal('envelope.signature')
  })

  it('refuses every mutation', () => {
    const golden = receipts[4] ?? new Uint8Array(0)
    for (const bytes of mutations(golden, signatureIn(golden))) {
      if (Buffer.compare(bytes, golden) === 0) continue
      try {
        verifyReceipt(bytes, trusted)
        expect.fail(`accepted ${toHex(bytes)}`)
      } catch (error) {
        expect(error, String(error)).to.satisfy((e: unknown) => e instanceof DecodeError || e instanceof AuthError)
      }
    }
  }).timeout(120_000)
})
