import { randomBytes } from 'node:crypto'
import { mkdir, readFile, symlink, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import type { SealedBatch, VerifyReport } from '@gridseal/envelope'
import {
  CborWriter,
  Journal,
  Opener,
  decodeBatch,
  decodeCbor,
  encodeCheckpoint,
  extractReceipt,
  readJournal,
  readJournalKeys,
  verifyConsistencyReceipt,
  verifyJournal,
  verifyReceipt,
} from '@gridseal/envelope'
import { GridsealError, crc32c } from '@gridseal/wire'
import { expect } from 'chai'
import { withFolder } from '../../../test/support/folders.ts'
import { KEY, OTHER_KEY, batchesOf, frame, frames, opener, trusted, trusting } from './support/logs.ts'

const code = (work: () => unknown): string => {
  try {
    work()
  } catch (error) {
    return error instanceof GridsealError ? error.code : String(error)
  }
  return 'accepted'
}

/** A batch put together anew from parts, some of them replaced. */
function rebuilt(
  batch: SealedBatch,
  parts: {
    header?: Uint8Array
    signature?: Uint8Array
    leaves?: readonly Uint8Array[]
    tag?: number
    unprotected?: string
  },
): Uint8Array {
  const raw = decodeBatch(batch.bytes)
  const { header = raw.protectedHeader, signature = raw.signature, leaves = raw.leaves, tag = 18 } = parts
  const w = new CborWriter().array(2).tag(tag).array(4).bytes(header)
  w.raw(Buffer.from(parts.unprotected ?? 'a0', 'hex'))
    .null()
    .bytes(signature)
    .array(leaves.length)
  for (const leaf of leaves) w.bytes(leaf)
  return w.finish()
}

const replace = (bytes: Uint8Array, from: string, to: string): Uint8Array => {
  const hex = Buffer.from(bytes).toString('hex')
  expect(hex).to.include(from)
  return Buffer.from(hex.replace(from, to), 'hex')
}

describe('hostile batches: each refused for its reason', () => {
  let batches: SealedBatch[]
  let first: SealedBatch
  let second: SealedBatch
  before(async () => {
    batches = await batchesOf([frames(3), frames(3, 3), frames(2, 6)])
    const [a, b] = batches
    if (a === undefined || b === undefined) expect.fail('batches')
    ;[first, second] = [a, b]
  })

  /** What an opener says to a batch that takes the place of the second. */
  const said = (bytes: Uint8Array): string => {
    const o = opener()
    o.open(first.bytes)
    const result = code(() => o.open(bytes))
    // Whatever was refused has left no trace.
    expect(code(() => o.open(second.bytes))).to.equal(result === 'accepted' ? 'envelope.replay' : 'accepted')
    return result
  }

  it('leaves swapped, doubled, left out, added, altered', () => {
    const { leaves } = decodeBatch(second.bytes)
    const [a, b, c] = leaves
    if (a === undefined || b === undefined || c === undefined) expect.fail('three leaves')
    expect(said(rebuilt(second, {}))).to.equal('accepted')
    expect(said(rebuilt(second, { leaves: [b, a, c] }))).to.equal('envelope.signature')
    expect(said(rebuilt(second, { leaves: [a, a, c] }))).to.equal('envelope.signature')
    expect(said(rebuilt(second, { leaves: [a, b] }))).to.equal('envelope.tree-size')
    expect(said(rebuilt(second, { leaves: [a, b, c, c] }))).to.equal('envelope.tree-size')
    expect(said(rebuilt(second, { leaves: [a, b, replace(c, '6d657465722d31', '6d657465722d32')] }))).to.equal(
      'envelope.signature',
    )
    expect(said(rebuilt(second, { leaves: [] }))).to.equal('envelope.leaves')
  })

  it('another algorithm, tree size, number, stream, key in the header', () => {
    const { protectedHeader: header } = decodeBatch(second.bytes)
    const id = Buffer.from(KEY.publicKey.fingerprint).toString('hex')
    // alg -48 (ML-DSA-44) becomes -49, and a number that COSE does not have.
    expect(said(rebuilt(second, { header: replace(header, '01382f', '013830') }))).to.equal('envelope.algorithm')
    expect(said(rebuilt(second, { header: replace(header, '01382f', '013a') }))).to.match(/^(cbor|envelope|decode)\./)
    expect(
      said(
        rebuilt(second, { header: replace(header, id, Buffer.from(OTHER_KEY.publicKey.fingerprint).toString('hex')) }),
      ),
    ).to.equal('envelope.key.unknown')
    const size = (n: number): string => `3a00010002${n.toString(16).padStart(2, '0')}`
    expect(said(rebuilt(second, { header: replace(header, size(7), size(8)) }))).to.equal('envelope.tree-size')
    const number = (n: number): string => `3a00010001${n.toString(16).padStart(2, '0')}`
    expect(said(rebuilt(second, { header: replace(header, number(1), number(2)) }))).to.equal('envelope.gap')
    const vds = '19018b01'
    expect(said(rebuilt(second, { header: replace(header, vds, '19018b02') }))).to.equal('envelope.vds')
    const stream = Buffer.from(second.stream).toString('hex')
    const other = Buffer.from(randomBytes(16)).toString('hex')
    expect(said(rebuilt(second, { header: replace(header, stream, other) }))).to.equal('envelope.gap')
  })

  it('another COSE form: untagged, of another kind, with unprotected headers, not deterministic', () => {
    expect(said(rebuilt(second, { tag: 17 }))).to.equal('envelope.tag')
    expect(said(rebuilt(second, { tag: 98 }))).to.equal('envelope.tag')
    expect(said(rebuilt(second, { unprotected: 'a1182a00' }))).to.equal('envelope.header')
    const { protectedHeader: header } = decodeBatch(second.bytes)
    // The same number in two octets where one is enough; an indefinite length; labels in another order.
    expect(said(rebuilt(second, { header: replace(header, '19018b01', '19018b1801') }))).to.equal('cbor.shortest')
    expect(
      said(
        rebuilt(second, {
          header: Buffer.concat([Buffer.from('bf', 'hex'), header.subarray(1), Buffer.from('ff', 'hex')]),
        }),
      ),
    ).to.equal('cbor.indefinite')
    const swapped = Buffer.concat([header.subarray(0, 1), header.subarray(4), header.subarray(1, 4)])
    expect(said(rebuilt(second, { header: swapped }))).to.equal('envelope.header')
    expect(said(Buffer.concat([second.bytes, Buffer.from([0])]))).to.equal('decode.trailing')
    expect(said(second.bytes.subarray(0, -1))).to.equal('decode.truncated')
  })

  it('a signature of another key, of no length, of another message', () => {
    for (const signature of [new Uint8Array(0), randomBytes(2420), decodeBatch(first.bytes).signature]) {
      expect(said(rebuilt(second, { signature }))).to.equal('envelope.signature')
    }
    expect(code(() => new Opener({ key: trusting(OTHER_KEY.publicKey) }).open(first.bytes))).to.equal(
      'envelope.key.unknown',
    )
    // A trusted key of another algorithm under the same id: the header decides nothing by itself.
    expect(code(() => new Opener({ key: trusted, algorithms: ['ML-DSA-87'] }).open(first.bytes))).to.equal(
      'envelope.algorithm',
    )
  })

  it('times ahead of our clock or too old, where freshness is asked for', async () => {
    const now = 1_700_000_000_000_000_000n
    const fresh = (batch: SealedBatch | undefined): string => {
      const freshness = { now: () => now, maxAhead: 1000, maxAge: 60_000 }
      return code(() => new Opener({ key: trusted, freshness }).open(batch?.bytes ?? new Uint8Array(0)))
    }
    const at = async (time: bigint, clock: bigint = now): Promise<string> =>
      fresh((await batchesOf([[{ ...frame(0), time }]], { now: () => clock }))[0])
    expect(await at(now)).to.equal('accepted')
    expect(await at(now + 1_000_000_000n)).to.equal('accepted')
    expect(await at(now + 1_000_000_001n)).to.equal('envelope.future')
    expect(await at(now - 60_000_000_001n)).to.equal('envelope.stale')
    expect(await at(now, now + 2_000_000_000n)).to.equal('envelope.future')
  })

  it('or withheld where the stream must go on: kept as evidence, nothing released', async () => {
    const now = 1_700_000_000_000_000_000n
    const [late, fine] = await batchesOf(
      [[{ ...frame(0), time: now - 90_000_000_000n }], [{ ...frame(1), time: now }]],
      {
        now: () => now,
      },
    )
    const freshness = { now: () => now, maxAhead: 1000, maxAge: 60_000, otherwise: 'withhold' } as const
    const o = new Opener({ key: trusted, freshness })
    const withheld = o.open(late?.bytes ?? new Uint8Array(0))
    expect(withheld.entries).to.deep.equal([])
    expect(withheld.withheld?.code).to.equal('envelope.stale')
    expect(withheld.withheld?.entries).to.have.length(1)
    const next = o.open(fine?.bytes ?? new Uint8Array(0))
    expect([next.entries.length, next.withheld]).to.deep.equal([1, undefined])
  })

  it('numbers that promise more than is there: refused before anything is set aside', () => {
    const head = Buffer.from('82d284', 'hex')
    for (const bytes of [
      Buffer.concat([head, Buffer.from('5b0000000100000000', 'hex')]),
      Buffer.concat([head, Buffer.from('5affffffff', 'hex')]),
      Buffer.from('9b0000001000000000', 'hex'),
      Buffer.concat([second.bytes.subarray(0, second.bytes.length - 200), Buffer.from('9affffffff', 'hex')]),
    ]) {
      expect(said(bytes)).to.match(/^(decode|cbor)\./)
    }
  })
})

/** Milliseconds and bytes of heap that a piece of work takes; the heap is that which a collection leaves behind. */
async function cost(work: () => unknown): Promise<{ ms: number; bytes: number }> {
  const before = process.memoryUsage()
  const begun = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(begun)
  const after = process.memoryUsage()
  const held = (usage: NodeJS.MemoryUsage): number => usage.heapUsed + usage.external
  return { ms: (user + system) / 1000, bytes: held(after) - held(before) }
}

describe('hostile files cost no more than reading them', () => {
  const repeated = (pattern: string, times: number): Buffer =>
    Buffer.alloc((pattern.length / 2) * times, pattern, 'hex')

  it('a batch of a million empty leaves', async () => {
    const [real] = await batchesOf([frames(1)])
    const { protectedHeader, signature } = decodeBatch(real?.bytes ?? new Uint8Array(0))
    const w = new CborWriter().array(2).tag(18).array(4).bytes(protectedHeader).raw(Buffer.from('a0', 'hex')).null()
    const bytes = w.bytes(signature).array(1_000_000).raw(repeated('40', 1_000_000)).finish()
    const { ms, bytes: heap } = await cost(() => expect(code(() => opener().open(bytes))).to.equal('envelope.leaves'))
    expect(ms).to.be.lessThan(1000)
    expect(heap).to.be.lessThan(8 << 20)
  })

  it('ten million nested arrays, tags and byte strings', async () => {
    for (const pattern of ['81', 'c1', '8181', 'a100']) {
      const bytes = repeated(pattern, 10_000_000)
      const { ms, bytes: heap } = await cost(() => {
        expect(
          code(() => decodeCbor(bytes)),
          pattern,
        ).to.match(/^cbor\./)
        expect(
          code(() => opener().open(bytes)),
          pattern,
        ).to.match(/^(cbor|decode|envelope)\./)
        expect(
          code(() => verifyReceipt(bytes, trusted)),
          pattern,
        ).to.match(/^(cbor|decode|envelope)\./)
        expect(
          code(() => verifyConsistencyReceipt(bytes, trusted)),
          pattern,
        ).to.match(/^(cbor|decode|envelope)\./)
      })
      expect(ms).to.be.lessThan(1000)
      expect(heap).to.be.lessThan(8 << 20)
    }
  })

  it('a receipt with a million hashes, a million proofs', async () => {
    const [real] = await batchesOf([frames(1)])
    const { protectedHeader, signature, leaves } = decodeBatch(real?.bytes ?? new Uint8Array(0))
    const hash = `5820${'11'.repeat(32)}`
    const path = new CborWriter().array(3).uint(2).uint(1).array(1_000_000).raw(repeated(hash, 1_000_000)).finish()
    const receipt = (proofs: number, proof: Uint8Array): Uint8Array => {
      const w = new CborWriter()
        .array(2)
        .bytes(leaves[1] ?? new Uint8Array(0))
        .tag(18)
        .array(4)
        .bytes(protectedHeader)
      w.map(1).int(396).map(1).int(-1).array(proofs)
      for (let i = 0; i < proofs; i++) w.bytes(proof)
      return w.null().bytes(signature).finish()
    }
    for (const bytes of [receipt(1, path), receipt(1_000_000, Buffer.from('830201815820', 'hex'))]) {
      const { ms, bytes: heap } = await cost(() =>
        expect(code(() => verifyReceipt(bytes, trusted))).to.match(/^(envelope|cbor)\./),
      )
      expect(ms).to.be.lessThan(1000)
      expect(heap).to.be.lessThan(8 << 20)
    }
  })

  it('a journal of a hundred thousand records of one octet, check sums right', () =>
    withFolder(async (folder) => {
      await (await Journal.open(folder)).close()
      const path = join(folder, '0000000001.gsj')
      const start = await readFile(path)
      const record = Buffer.from('0000000100000000ff', 'hex')
      record.writeUInt32BE(crc32c(Buffer.from('ff', 'hex')), 4)
      await writeFile(path, Buffer.concat([start, repeated(record.toString('hex'), 100_000)]))
      const verified = await cost(async () => {
        const report = await verifyJournal(folder, { keys: [KEY.publicKey] })
        expect(report).to.include({ failed: 100_000, verified: 0 })
        expect(report.firstFailure).to.include({ segment: 1, offset: start.length })
      })
      const opened = await cost(async () => (await Journal.open(folder)).close())
      for (const { ms, bytes } of [verified, opened]) {
        expect(ms).to.be.lessThan(60_000)
        expect(bytes).to.be.lessThan(64 << 20)
      }
    })).timeout(120_000)
})

describe('hostile journals: bounded time, and the place of the fault', () => {
  const record = (payload: Uint8Array, length: number = payload.length): Buffer => {
    const header = Buffer.alloc(8)
    header.writeUInt32BE(length, 0)
    header.writeUInt32BE(crc32c(payload), 4)
    return Buffer.concat([header, payload])
  }

  it('a segment of nothing but beginnings of records', () =>
    withFolder(async (folder) => {
      await (await Journal.open(folder)).close()
      const path = join(folder, '0000000001.gsj')
      // Every sixteen octets a plausible record of many kilobytes whose check sum is wrong.
      const trap = Buffer.concat([
        Buffer.from('0000ffff', 'hex'),
        Buffer.alloc(4, 1),
        Buffer.from('82d2845800000000', 'hex'),
      ])
      const start = await readFile(path)
      await writeFile(path, Buffer.concat([start, ...Array.from({ length: 200_000 }, () => trap)]))
      const begun = performance.now()
      const report = await verifyJournal(folder, { keys: [] })
      expect(performance.now() - begun, 'ms').to.be.lessThan(15_000)
      expect(report.failed).to.be.greaterThan(0)
      expect(report.firstFailure).to.include({ segment: 1, offset: 16 })
    })).timeout(30_000)

  it('a segment of many damaged places, each with beginnings of records as long as the rest of it', () =>
    withFolder(async (folder) => {
      await (await Journal.open(folder)).close()
      const path = join(folder, '0000000001.gsj')
      const length = 4 << 20
      const trap = record(Buffer.from('82d284', 'hex'), length)
      const note = record(Buffer.from('84640000', 'hex'))
      const place = Buffer.concat([Buffer.alloc(8, 0xff), ...Array.from({ length: 127 }, () => trap), note])
      const places = Array.from({ length: 40 }, () => place)
      await writeFile(path, Buffer.concat([await readFile(path), ...places, Buffer.alloc(length)]))
      const { ms } = await cost(async () => {
        const report = await verifyJournal(folder, { keys: [] })
        expect(report.failed).to.be.greaterThan(0)
        expect(report.firstFailure).to.include({ segment: 1, offset: 16 })
      })
      expect(ms, 'ms of processor time').to.be.lessThan(10_000)
    })).timeout(120_000)

  it('checkpoints of any number of logs that no batch follows: only the latest few thousand are remembered', () =>
    withFolder(async (folder) => {
      const batches = await batchesOf([frames(1), frames(1, 1)])
      const [, second] = batches
      if (second?.before === undefined) expect.fail('a batch that is not the first')
      const { before } = second
      const others = Array.from({ length: 5000 }, (_, i) => {
        const stream = Buffer.alloc(16)
        stream.writeUInt32BE(i)
        return encodeCheckpoint({ ...before, site: `site-${i}`, stream })
      })
      const report = async (...payloads: readonly Uint8Array[]): Promise<VerifyReport> => {
        const path = join(folder, '0000000001.gsj')
        await writeFile(path, Buffer.concat([start, ...payloads.map((payload) => record(payload))]))
        return verifyJournal(folder, { keys: [KEY.publicKey] })
      }
      await (await Journal.open(folder)).close()
      const start = await readFile(join(folder, '0000000001.gsj'))
      const own = encodeCheckpoint(before)
      expect(await report(...others, own, second.bytes)).to.include({ verified: 1, failed: 0, partial: 5001 })
      expect(await report(own, ...others.slice(0, 3000), second.bytes)).to.include({ verified: 1, failed: 0 })
      const forgotten = await report(own, ...others, second.bytes)
      expect(forgotten).to.include({ verified: 0, failed: 1 })
      expect(forgotten.firstFailure).to.include({ code: 'envelope.gap', batch: 1 })
    })).timeout(60_000)

  it('checkpoints, notes and batches of any bytes: reported, never thrown', () =>
    withFolder(async (folder) => {
      await (await Journal.open(folder)).close()
      const path = join(folder, '0000000001.gsj')
      const payloads = ['8a6a636865636b706f696e74', '84646e6f7465', '82d284', '8a', '84', 'ff', '00'].map((hex) =>
        Buffer.concat([Buffer.from(hex, 'hex'), randomBytes(40)]),
      )
      await writeFile(path, Buffer.concat([await readFile(path), ...payloads.map((payload) => record(payload))]))
      const report = await verifyJournal(folder, { keys: [KEY.publicKey] })
      expect(report).to.include({ verified: 0, failed: payloads.length })
      await (await Journal.open(folder)).close()
      let seen = 0
      for await (const item of readJournal(folder)) if (item.kind === 'record') seen++
      expect(seen).to.equal(payloads.length)
    }))

  it('keys and receipts of their changes that are gigabytes, or no files at all: left out', () =>
    withFolder(async (folder) => {
      const [batch] = await batchesOf([frames(1)])
      const journal = await Journal.open(folder)
      await journal.append(batch?.bytes ?? new Uint8Array(1))
      await journal.addKey(KEY.publicKey)
      await journal.close()
      const name = (n: number, kind: string): string => join(folder, `${n.toString(16).padStart(64, '0')}.${kind}`)
      for (let n = 0; n < 8; n++) {
        for (const kind of ['pub', 'succession']) {
          await writeFile(name(n, kind), '')
          await truncate(name(n, kind), 1 << 30)
        }
      }
      for (const kind of ['pub', 'succession']) {
        await mkdir(name(8, kind))
        await symlink('/dev/zero', name(9, kind))
      }
      const before = process.resourceUsage().maxRSS
      const keys = await readJournalKeys(folder)
      expect(keys.map(({ fingerprintText }) => fingerprintText)).to.deep.equal([KEY.publicKey.fingerprintText])
      expect(await verifyJournal(folder, { keys })).to.include({ verified: 1, failed: 0 })
      expect(process.resourceUsage().maxRSS - before, 'KiB').to.be.lessThan(200 << 10)
    })).timeout(60_000)

  it('two journals of one signer spliced: the seam is named', () =>
    withFolder(async (folder) => {
      const [one, two] = await Promise.all([batchesOf([frames(2), frames(2, 2)]), batchesOf([frames(2), frames(2, 2)])])
      const journal = await Journal.open(folder)
      for (const batch of [one[0], two[1]]) await journal.append(batch?.bytes ?? new Uint8Array(1))
      await journal.close()
      const { firstFailure } = await verifyJournal(folder, { keys: [KEY.publicKey] })
      const offset = 16 + 8 + (one[0]?.bytes.length ?? 0)
      expect(firstFailure).to.include({ code: 'envelope.gap', segment: 1, offset, batch: 1 })
    }))

  it('a receipt with an oversized path, a proof for another size, an interior node for a leaf', () =>
    withFolder(async (folder) => {
      const batches = await batchesOf([frames(5)])
      const journal = await Journal.open(folder)
      for (const batch of batches) await journal.append(batch.bytes, batch.before)
      await journal.close()
      const receipt = await extractReceipt(folder, { stream: '', sequence: 3 })
      expect(code(() => verifyReceipt(receipt, trusted))).to.equal('accepted')
      const proof = Buffer.from(receipt).indexOf(Buffer.from('830603', 'hex'))
      expect(proof).to.be.greaterThan(0)
      const altered = (at: number, value: number): Uint8Array => {
        const copy = Uint8Array.from(receipt)
        copy[at] = value
        return copy
      }
      expect(
        code(() => verifyReceipt(altered(proof + 1, 7), trusted)),
        'size',
      ).to.equal('envelope.proof')
      expect(
        code(() => verifyReceipt(altered(proof + 2, 4), trusted)),
        'index',
      ).to.be.oneOf(['envelope.proof', 'envelope.signature'])
      expect(
        code(() => verifyReceipt(altered(proof + 2, 6), trusted)),
        'index beyond',
      ).to.equal('envelope.proof')
      // 65 hashes where no tree has more than 64 levels.
      const w = new CborWriter().array(3).uint(6).uint(3).array(65)
      for (let i = 0; i < 65; i++) w.bytes(new Uint8Array(32))
      const { protectedHeader, signature, leaves } = decodeBatch(batches[0]?.bytes ?? new Uint8Array(0))
      const big = new CborWriter()
        .array(2)
        .bytes(leaves[3] ?? new Uint8Array(0))
        .tag(18)
        .array(4)
        .bytes(protectedHeader)
      big.raw(Buffer.from('a119018ca12081', 'hex')).bytes(w.view()).null().bytes(signature)
      expect(code(() => verifyReceipt(big.finish(), trusted))).to.equal('envelope.proof')
    }))
})
