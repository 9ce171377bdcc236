import { open, readFile, readdir, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { UsageError, toHex } from '@gridseal/wire'
import type { SealedBatch } from '@gridseal/envelope'
import {
  Journal,
  decodeBatch,
  extractReceipt,
  readHeaderLeaf,
  readJournal,
  readJournalKeys,
  verifyJournal,
  verifyReceipt,
} from '@gridseal/envelope'
import { expect } from 'chai'
import { withFolder } from '../../../../test/support/folders.ts'
import { KEY, OTHER_KEY, batchesOf, collecting, commands, frames, trusted } from '../support/logs.ts'

const SEGMENT = '0000000001.gsj'

async function write(folder: string, batches: readonly SealedBatch[], options = {}): Promise<void> {
  const journal = await Journal.open(folder, options)
  await Promise.all(batches.map((batch) => journal.append(batch.bytes)))
  await journal.addKey(KEY.publicKey)
  await journal.close()
}

async function records(folder: string): Promise<string[]> {
  const found: string[] = []
  for await (const item of readJournal(folder)) if (item.kind === 'record') found.push(toHex(item.bytes))
  return found
}

const hexes = (batches: readonly SealedBatch[]): string[] => batches.map((batch) => toHex(batch.bytes))

describe('the journal', () => {
  let batches: SealedBatch[]
  before(async () => {
    batches = await batchesOf([frames(3), frames(2, 3), frames(4, 5)])
  })

  it('gives back what was appended, in order, also after it is opened again', () =>
    withFolder(async (folder) => {
      await write(folder, batches.slice(0, 2))
      await write(folder, batches.slice(2))
      expect(await records(folder)).to.deep.equal(hexes(batches))
    }))

  it('writes appends that come together as one group with one sync', () =>
    withFolder(async (folder) => {
      const journal = await Journal.open(folder)
      await Promise.all(Array.from({ length: 500 }, () => journal.append(Uint8Array.of(1))))
      expect(journal.stats).to.include({ records: 500, groups: 1 })
      await journal.append(Uint8Array.of(2))
      expect(journal.stats).to.include({ records: 501, groups: 2 })
      await journal.close()
    }))

  it('has an append on disk when it resolves', () =>
    withFolder(async (folder) => {
      const journal = await Journal.open(folder)
      await journal.append(batches[0]?.bytes ?? new Uint8Array(0))
      expect((await readFile(join(folder, SEGMENT))).length).to.equal(16 + 8 + (batches[0]?.bytes.length ?? 0))
      await journal.close()
    }))

  it('rolls segments by size and reads them as one', () =>
    withFolder(async (folder) => {
      const journal = await Journal.open(folder, { maxSegmentBytes: 4000 })
      for (const batch of batches) await journal.append(batch.bytes)
      await journal.close()
      const segments = (await readdir(folder)).filter((name) => name.endsWith('.gsj'))
      expect(segments.sort()).to.deep.equal([SEGMENT, '0000000002.gsj'])
      expect(await records(folder)).to.deep.equal(hexes(batches))
    }))

  it('keeps files from other users', () =>
    withFolder(async (folder) => {
      const path = join(folder, 'journal')
      await write(path, batches)
      expect((await stat(path)).mode & 0o077).to.equal(0)
      expect((await stat(join(path, SEGMENT))).mode & 0o077).to.equal(0)
    }))

  it('cut anywhere, reopens with every whole batch and no half one, and goes on', () =>
    withFolder(async (folder) => {
      await write(folder, batches)
      const whole = await readFile(join(folder, SEGMENT))
      const ends = batches.map((_, i) => 16 + batches.slice(0, i + 1).reduce((sum, b) => sum + 8 + b.bytes.length, 0))
      for (let length = 0; length < whole.length; length += length < 40 ? 1 : 211) {
        await writeFile(join(folder, SEGMENT), whole.subarray(0, length))
        const journal = await Journal.open(folder)
        const kept = ends.filter((end) => end <= length).length
        expect(journal.stats.cut, `cut of ${length}`).to.equal(length < 16 ? length : length - (ends[kept - 1] ?? 16))
        for (const batch of batches.slice(kept)) await journal.append(batch.bytes)
        await journal.close()
        expect(await records(folder), `cut at ${length}`).to.deep.equal(hexes(batches))
      }
    }))

  it('cuts off a last record whose length is there but not all of its bytes', () =>
    withFolder(async (folder) => {
      await write(folder, batches)
      const path = join(folder, SEGMENT)
      const file = await open(path, 'r+')
      const { size } = await file.stat()
      await file.write(Buffer.alloc(100), 0, 100, size - 100)
      await file.close()
      const journal = await Journal.open(folder)
      expect(journal.stats.cut).to.equal(8 + (batches[2]?.bytes.length ?? 0))
      await journal.close()
      expect(await records(folder)).to.deep.equal(hexes(batches.slice(0, 2)))
    }))

  it('never cuts off whole records behind a damaged one: it leaves the segment and begins another', () =>
    withFolder(async (folder) => {
      await write(folder, batches)
      const path = join(folder, SEGMENT)
      const bytes = await readFile(path)
      // A flipped bit in the length of the second record makes it run past the end of the file.
      const second = 16 + 8 + (batches[0]?.bytes.length ?? 0)
      bytes.writeUInt8(0x10, second)
      await writeFile(path, bytes)
      const journal = await Journal.open(folder)
      expect(journal.stats).to.include({ cut: 0, segments: 2 })
      await journal.append(Uint8Array.of(9))
      await journal.close()
      expect((await readFile(path)).length).to.equal(bytes.length)
      expect(await records(folder)).to.deep.equal([...hexes(batches.slice(0, 1)), ...hexes(batches.slice(2)), '09'])
    }))

  it('puts a half record aside instead of throwing it away', () =>
    withFolder(async (folder) => {
      await write(folder, batches)
      const path = join(folder, SEGMENT)
      const whole = await readFile(path)
      await truncate(path, whole.length - 7)
      await (await Journal.open(folder)).close()
      const kept = await readFile(path)
      expect(Buffer.concat([kept, await readFile(`${path}.cut`)])).to.deep.equal(whole.subarray(0, -7))
    }))

  it('lets one process write, and takes over the lock of one that has died', () =>
    withFolder(async (folder) => {
      const journal = await Journal.open(folder)
      const second = await Journal.open(folder).catch((error: unknown) => error)
      expect(second).to.be.instanceOf(UsageError).with.property('code', 'journal.locked')
      await journal.close()
      await writeFile(join(folder, 'lock'), '999999999 x 1')
      await (await Journal.open(folder)).close()
      // Our own number, from before the machine or the container was started again.
      await writeFile(join(folder, 'lock'), `${process.pid} another-boot 1`)
      await (await Journal.open(folder)).close()
      expect((await readdir(folder)).includes('lock')).to.equal(false)
    }))

  it('puts a key anew that a power cut has left empty or half beside it', () =>
    withFolder(async (folder) => {
      const path = join(folder, `${toHex(KEY.publicKey.fingerprint)}.pub`)
      for (const left of ['', KEY.publicKey.toPem().slice(0, 100)]) {
        await writeFile(path, left)
        await write(folder, [])
        const keys = await readJournalKeys(folder)
        expect(keys.map(({ fingerprint }) => toHex(fingerprint))).to.deep.equal([toHex(KEY.publicKey.fingerprint)])
      }
      expect((await readdir(folder)).filter((name) => name.endsWith('.new'))).to.deep.equal([])
    }))

  it('says what it cannot do', async () => {
    await withFolder(async (folder) => {
      await writeFile(join(folder, 'file'), '')
      const failed = await Journal.open(join(folder, 'file')).catch((error: unknown) => error)
      expect(failed).to.be.instanceOf(UsageError).with.property('code', 'journal.open')
      const journal = await Journal.open(join(folder, 'journal'))
      await journal.close()
      const late = await journal.append(Uint8Array.of(1)).catch((error: unknown) => error)
      expect(late).to.be.instanceOf(UsageError).with.property('code', 'journal.ended')
      const none = await verifyJournal(folder, { keys: [] }).catch((error: unknown) => error)
      expect(none).to.be.instanceOf(UsageError).with.property('code', 'journal.open')
    })
  })
})

describe('verifying a journal', () => {
  let batches: SealedBatch[]
  const keys = [KEY.publicKey]
  before(async () => {
    batches = await batchesOf([frames(3), frames(2, 3), frames(4, 5)])
  })

  it('counts what it has verified', () =>
    withFolder(async (folder) => {
      await write(folder, batches)
      expect(await verifyJournal(folder, { keys })).to.deep.equal({
        batches: 3,
        frames: 9,
        verified: 3,
        failed: 0,
        logs: 1,
        unjoined: 0,
        partial: 0,
        behind: 0,
        removed: 0,
        firstFailure: null,
      })
      expect((await readJournalKeys(folder)).map((key) => key.fingerprintText)).to.deep.equal([
        KEY.publicKey.fingerprintText,
      ])
    }))

  it('keeps streams apart that lie between each other', () =>
    withFolder(async (folder) => {
      const other = await batchesOf([commands(2), commands(1, 2)], { key: OTHER_KEY, direction: 'to-device' })
      const [a, b, c] = batches
      const mixed = [a, other[0], b, other[1], c].filter((batch): batch is SealedBatch => batch !== undefined)
      await write(folder, mixed)
      const report = await verifyJournal(folder, { keys: [KEY.publicKey, OTHER_KEY.publicKey] })
      expect(report).to.include({ batches: 5, verified: 5, frames: 12, logs: 2, failed: 0 })
      const partly = await verifyJournal(folder, { keys })
      expect(partly).to.include({ batches: 5, verified: 3, failed: 2 })
      expect(partly.firstFailure).to.include({ code: 'envelope.key.unknown', batch: 0 })
    }))

  it('names the place of any flipped byte and refuses it', () =>
    withFolder(async (folder) => {
      await write(folder, batches)
      const path = join(folder, SEGMENT)
      const whole = await readFile(path)
      for (let at = 0; at < whole.length; at += at < 60 ? 1 : 97) {
        const bytes = Buffer.from(whole)
        bytes.writeUInt8((bytes[at] ?? 0) ^ 0x40, at)
        await writeFile(path, bytes)
        const report = await verifyJournal(folder, { keys })
        expect(report.failed, `byte ${at}`).to.be.greaterThan(0)
        const offset = report.firstFailure?.offset ?? -1
        expect(offset, `byte ${at}`).to.be.at.most(at)
        expect(report.firstFailure?.segment).to.equal(1)
      }
    }))

  it('refuses a forged batch although its check sum is right', () =>
    withFolder(async (folder) => {
      const [a, b, c] = batches
      const forged = Uint8Array.from(b?.bytes ?? [])
      forged.set([(forged.at(-1) ?? 0) ^ 1], forged.length - 1)
      const journal = await Journal.open(folder)
      for (const bytes of [a?.bytes, forged, c?.bytes]) await journal.append(bytes ?? new Uint8Array(0))
      await journal.close()
      const report = await verifyJournal(folder, { keys })
      expect(report).to.include({ batches: 3, verified: 1, failed: 2 })
      expect(report.firstFailure).to.include({ code: 'envelope.signature', batch: 1 })
    }))

  it('notices a batch taken out, and two journals spliced', () =>
    withFolder(async (folder) => {
      const [a, , c] = batches
      await write(
        join(folder, 'gap'),
        [a, c].filter((batch) => batch !== undefined),
      )
      expect((await verifyJournal(join(folder, 'gap'), { keys })).firstFailure).to.include({
        code: 'envelope.gap',
        batch: 2,
      })
      const [x, y] = await batchesOf([frames(3), frames(2, 3)])
      await write(
        join(folder, 'splice'),
        [a, y].filter((batch) => batch !== undefined),
      )
      expect((await verifyJournal(join(folder, 'splice'), { keys })).firstFailure).to.include({ code: 'envelope.gap' })
      expect(x?.number).to.equal(0)
    }))

  it('notices a missing segment and a truncated end', () =>
    withFolder(async (folder) => {
      const journal = await Journal.open(folder, { maxSegmentBytes: 100 })
      for (const batch of batches) await journal.append(batch.bytes)
      await journal.close()
      const middle = join(folder, '0000000002.gsj')
      const bytes = await readFile(middle)
      await truncate(middle, bytes.length - 1)
      expect((await verifyJournal(folder, { keys })).firstFailure).to.include({ code: 'journal.torn', segment: 2 })
      const { rm } = await import('node:fs/promises')
      await rm(middle)
      expect((await verifyJournal(folder, { keys })).firstFailure).to.include({ code: 'journal.segment-missing' })
    }))

  it('notices batches taken out although a checkpoint bridges the gap: nobody has signed it', () =>
    withFolder(async (folder) => {
      const journal = await Journal.open(folder)
      await journal.append(batches[0]?.bytes ?? new Uint8Array(0))
      const before = batches[2]?.before
      if (before === undefined) expect.fail('batch 2 tells where it begins')
      await journal.appendCheckpoint(before)
      await journal.append(batches[2]?.bytes ?? new Uint8Array(0))
      await journal.close()
      const report = await verifyJournal(folder, { keys })
      expect(report).to.include({ verified: 1, failed: 2 })
      expect(report.firstFailure).to.include({ code: 'envelope.gap' })
    }))

  it('notices batches taken out although the rest of their log was moved behind a later one', () =>
    withFolder(async (folder) => {
      const { sealer, batches: all } = collecting()
      for (let i = 0; i < 5; i++) {
        if (i === 4) sealer.startLog('size')
        sealer.add(frames(1, i))
        await sealer.flush()
      }
      const [a, , , d, next] = all
      if (a === undefined || d?.before === undefined || next === undefined) expect.fail('five batches')
      const journal = await Journal.open(folder)
      for (const bytes of [a.bytes, next.bytes]) await journal.append(bytes)
      await journal.appendCheckpoint(d.before)
      await journal.append(d.bytes)
      await journal.close()
      expect((await verifyJournal(folder, { keys })).firstFailure).to.include({ code: 'envelope.gap' })
    }))

  it('notices a whole log taken out although a checkpoint stands for it: nobody has signed that', () =>
    withFolder(async (folder) => {
      const { sealer, batches: all } = collecting()
      for (let i = 0; i < 4; i++) {
        if (i === 1 || i === 3) sealer.startLog('size')
        sealer.add(frames(1, i))
        await sealer.flush()
      }
      const [a, b, c, d] = all
      if (a === undefined || c?.before === undefined || b === undefined || d === undefined) expect.fail('four batches')
      const previous = readHeaderLeaf(decodeBatch(d.bytes).leaves[0] ?? new Uint8Array(0)).previous
      if (previous === undefined) expect.fail('it continues a log')
      // Of the log taken out, what the header of the one behind it tells; the rest is anything that fits.
      const { treeSize, root, stream } = previous
      const frontier = Array.from(treeSize.toString(2).matchAll(/1/g), () => new Uint8Array(32))
      const journal = await Journal.open(folder)
      await journal.append(a.bytes)
      await journal.appendCheckpoint({ ...c.before, next: 2, stream, treeSize, root, frontier })
      await journal.append(d.bytes)
      await journal.close()
      expect(await verifyJournal(folder, { keys })).to.include({ verified: 2, unjoined: 1 })
    }))

  it('counts a frame once that was sent again after a restart', () =>
    withFolder(async (folder) => {
      const [a, b, c] = batches
      const before = b?.before
      if (a === undefined || b === undefined || c === undefined || before === undefined) expect.fail('three batches')
      const journal = await Journal.open(folder)
      for (const bytes of [a.bytes, b.bytes]) await journal.append(bytes)
      await journal.appendCheckpoint(before)
      for (const bytes of [b.bytes, c.bytes]) await journal.append(bytes)
      await journal.close()
      expect(await verifyJournal(folder, { keys })).to.include({
        batches: 4,
        verified: 4,
        frames: 9,
        failed: 0,
        partial: 0,
      })
      const receipt = await extractReceipt(folder, { stream: '', sequence: 9 })
      expect(verifyReceipt(receipt, trusted).sequence).to.equal(9)
    }))

  it('goes on from a checkpoint where the journal joined in the middle', () =>
    withFolder(async (folder) => {
      const journal = await Journal.open(folder)
      const before = batches[1]?.before
      if (before === undefined) expect.fail('batch 1 tells where it begins')
      await journal.appendCheckpoint(before)
      for (const batch of batches.slice(1)) await journal.append(batch.bytes)
      await journal.close()
      expect(await verifyJournal(folder, { keys })).to.include({
        batches: 2,
        verified: 2,
        frames: 6,
        failed: 0,
        partial: 1,
      })
    }))
})
