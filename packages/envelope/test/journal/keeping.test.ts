import { rmSync } from 'node:fs'
import { cp, mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { SealedBatch, SignedRoot } from '@gridseal/envelope'
import {
  Journal,
  JournalHistory,
  JournalKey,
  decodeBatch,
  encodeConsistency,
  extractConsistency,
  extractReceipt,
  readJournal,
  verifyConsistencyReceipt,
  verifyJournal,
  verifyReceipt,
} from '@gridseal/envelope'
import { ProtocolError, UsageError, toHex } from '@gridseal/wire'
import { expect } from 'chai'
import { cipherFor } from '#src/journal/history.ts'
import { readSummary } from '#src/journal/index-file.ts'
import { withFolder } from '../../../../test/support/folders.ts'
import { KEY, batchesOf, frames, opener, trusted } from '../support/logs.ts'

const keys = [KEY.publicKey]
const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i)
const lane = { site: 'substation-7', direction: 'to-master', class: 'live' } as const

async function append(journal: Journal, batches: readonly SealedBatch[]): Promise<void> {
  for (const batch of batches) await journal.append(batch.bytes, batch.before)
}

describe('a journal that is kept for long', () => {
  let batches: SealedBatch[]
  before(async () => {
    batches = await batchesOf(range(24).map((i) => frames(1 + (i % 3), 3 * i)))
  })

  it('every segment stands on its own: it can be verified without those before it', () =>
    withFolder(async (folder) => {
      const journal = await Journal.open(folder, { maxSegmentBytes: 8000, sync: false })
      await append(journal, batches)
      await journal.close()
      expect(await verifyJournal(folder, { keys })).to.include({ verified: 24, failed: 0, partial: 0 })
      await rm(join(folder, '0000000001.gsj'))
      await rm(join(folder, '0000000002.gsj'))
      const rest = await verifyJournal(folder, { keys })
      expect(rest).to.include({ failed: 0, partial: 1 })
      expect(rest.verified).to.be.within(10, 20)
    }))

  it('names a segment that retention removes while the journal is being verified, and goes on', () =>
    withFolder(async (folder) => {
      const journal = await Journal.open(folder, { maxSegmentBytes: 8000, sync: false })
      await append(journal, batches)
      await journal.close()
      const failures: string[] = []
      const report = await verifyJournal(folder, {
        keys,
        onBatch: ({ segment }) => segment === 1 && rmSync(join(folder, '0000000002.gsj'), { force: true }),
        onFailure: ({ code, message }) => failures.push(`${code}: ${message}`),
      })
      expect(failures[0]).to.equal(
        'journal.segment-missing: segment 2 was removed while the journal was read: it is in use',
      )
      expect(report.verified).to.be.greaterThan(0)
    }))

  it('begins a new segment by age', () =>
    withFolder(async (folder) => {
      let now = 1_700_000_000_000
      const journal = await Journal.open(folder, { maxSegmentAge: 60_000, sync: false, now: () => now })
      await append(journal, batches.slice(0, 3))
      expect(journal.stats.segments).to.equal(1)
      now += 60_000
      await append(journal, batches.slice(3, 5))
      expect(journal.stats.segments).to.equal(2)
      await journal.close()
    }))

  it('removes the oldest by size and by age, says so, and never what is guarded', () =>
    withFolder(async (folder) => {
      let now = 1_700_000_000_000
      const limits = { maxSegmentBytes: 6000, keepBytes: 20_000, keepAge: 3_600_000, sync: false, now: () => now }
      const journal = await Journal.open(folder, limits)
      journal.protect('a queue', 1)
      await append(journal, batches.slice(0, 12))
      expect(journal.stats).to.include({ removed: 0 })
      expect(journal.stats.bytes).to.be.greaterThan(25_000)
      journal.protect('a queue', undefined)
      await journal.retain()
      expect(journal.stats.bytes).to.be.at.most(20_000)
      now += 3_600_001
      await append(journal, batches.slice(12, 16))
      await journal.close()
      const names = await readdir(folder)
      expect(names.filter((name) => name.endsWith('.gsj')).length).to.equal(journal.stats.segments)
      expect(names.includes('0000000001.gsi')).to.equal(false)
      const report = await verifyJournal(folder, { keys })
      expect(report).to.include({ failed: 0, partial: 1, removed: journal.stats.removed })
      // By age all are gone but the one that is written, and the one that was finished just now.
      expect(journal.stats.segments).to.be.at.most(3)
    }))

  it('goes on where a segment cannot be removed, and removes it when it can be', () =>
    withFolder(async (folder) => {
      const journal = await Journal.open(folder, { maxSegmentBytes: 6000, keepBytes: 20_000, sync: false })
      await append(journal, batches.slice(0, 3))
      // As with a file system that has become read-only for it, or a file that is immutable.
      const oldest = join(folder, '0000000001.gsj')
      await rename(oldest, `${oldest}.kept`)
      await mkdir(join(oldest, 'in the way'), { recursive: true })
      await append(journal, batches.slice(3, 20))
      expect(journal.stats.removed).to.equal(0)
      await rm(oldest, { recursive: true })
      await rename(`${oldest}.kept`, oldest)
      await append(journal, batches.slice(20))
      expect(journal.stats.removed).to.be.greaterThan(0)
      await journal.close()
      expect(await verifyJournal(folder, { keys })).to.include({ failed: 0, removed: journal.stats.removed })
    }))

  it('knows where a stream stands whose last batch retention has removed, again and again', () =>
    withFolder(async (folder) => {
      const limits = { maxSegmentBytes: 6000, keepBytes: 15_000, sync: false }
      const silent = await batchesOf([frames(3), frames(2, 3)], { class: 'urgent' })
      const last = silent.at(-1)
      let journal = await Journal.open(folder, limits)
      await append(journal, silent)
      for (const round of [0, 1, 2]) {
        await append(journal, batches.slice(8 * round, 8 * (round + 1)))
        await journal.close()
        expect((await verifyJournal(folder, { keys })).failed).to.equal(0)
        journal = await Journal.open(folder, limits)
        const end = await journal.history.end({ ...lane, class: 'urgent' })
        expect(end).to.include({ next: 2, treeSize: last?.treeSize, class: 'urgent' })
        expect(toHex(end?.stream ?? new Uint8Array(0))).to.equal(toHex(last?.stream ?? new Uint8Array(0)))
      }
      expect(await journal.history.find(toHex(last?.stream ?? new Uint8Array(0)), 1)).to.equal(undefined)
      await journal.close()
    }))

  it('leaves what is guarded while it is removing what was older', () =>
    withFolder(async (folder) => {
      const options = { maxSegmentBytes: 4000, sync: false }
      const before = await Journal.open(folder, options)
      await append(before, batches)
      await before.close()
      const journal = await Journal.open(folder, { ...options, keepBytes: 1, holdRetention: true })
      journal.beginRetention()
      await new Promise((resolve) => setImmediate(resolve))
      journal.protect('a queue that goes back', 8)
      await journal.retain()
      const names = await readdir(folder)
      expect(names.filter((name) => name.endsWith('.gsj')).sort()[0]).to.equal('0000000008.gsj')
      await journal.close()
    }))

  it('finds where each stream stands after it was opened again, with and without its indexes', () =>
    withFolder(async (folder) => {
      const last = batches.at(-1)
      const journal = await Journal.open(folder, { maxSegmentBytes: 8000, sync: false })
      await append(journal, batches)
      await journal.close()
      for (const indexes of [true, false]) {
        if (!indexes) for (const name of await readdir(folder)) if (name.endsWith('.gsi')) await rm(join(folder, name))
        const again = await Journal.open(folder, { maxSegmentBytes: 8000, sync: false })
        const end = await again.history.end(lane)
        expect(end).to.deep.include({ ...lane, next: 24, treeSize: last?.treeSize })
        expect(again.history.segments.reduce((sum, s) => sum + s.batches, 0)).to.equal(24)
        for (const number of [1, 7, 23]) {
          const origin = await again.history.origin(toHex(last?.stream ?? new Uint8Array(0)), number)
          expect(origin && { ...origin, root: toHex(origin.root) }, `batch ${number}`).to.deep.equal({
            ...batches[number]?.before,
            root: toHex(batches[number]?.before?.root ?? new Uint8Array(0)),
          })
        }
        await again.close()
      }
    }))

  it('indexes that are lost are written again: only the first opening has to read everything', () =>
    withFolder(async (folder) => {
      for (const key of [undefined, JournalKey.generate()]) {
        const directory = join(folder, key === undefined ? 'plain' : 'encrypted')
        const options = { maxSegmentBytes: 8000, sync: false, key }
        const journal = await Journal.open(directory, options)
        await append(journal, batches)
        await journal.close()
        const indexes = (await readdir(directory)).filter((name) => name.endsWith('.gsi')).sort()
        const sizes = await Promise.all(indexes.map(async (name) => (await stat(join(directory, name))).size))
        expect(indexes.length).to.be.greaterThan(3)
        for (const name of indexes) await rm(join(directory, name))
        await (await Journal.open(directory, options)).close()
        const again = (await readdir(directory)).filter((name) => name.endsWith('.gsi')).sort()
        expect(again).to.deep.equal(indexes)
        for (const [i, name] of again.slice(0, -1).entries()) {
          // Times of writing are not known any more; all else is the same.
          expect((await stat(join(directory, name))).size, name).to.be.within((sizes[i] ?? 0) * 0.5, sizes[i] ?? 0)
          expect((await readSummary(directory, i + 1, await cipherFor(directory, i + 1, key)))?.segment).to.equal(i + 1)
        }
        const history = await JournalHistory.load(directory, key)
        expect((await history.end(lane))?.next).to.equal(24)
        const receipt = await extractReceipt(directory, { stream: '', sequence: 9 }, { key })
        expect(verifyReceipt(receipt, trusted).sequence).to.equal(9)
      }
    }))

  it('an index that lies is not believed: damaged ones are made anew', () =>
    withFolder(async (folder) => {
      const journal = await Journal.open(folder, { maxSegmentBytes: 8000, sync: false })
      await append(journal, batches)
      await journal.close()
      const path = join(folder, '0000000001.gsi')
      const whole = await readFile(path)
      for (let at = 0; at < whole.length; at += 37) {
        const bytes = Buffer.from(whole)
        bytes.writeUInt8((bytes[at] ?? 0) ^ 0x10, at)
        await writeFile(path, bytes)
        const history = await JournalHistory.load(folder)
        expect((await history.entries(1)).length, `byte ${at}`).to.be.greaterThan(2)
        expect((await history.end(lane))?.next).to.equal(24)
      }
    }))

  it('cuts a receipt for every leaf out of any segment', () =>
    withFolder(async (folder) => {
      const journal = await Journal.open(folder, { maxSegmentBytes: 8000, sync: false })
      await append(journal, batches)
      const size = batches.at(-1)?.treeSize ?? 0
      for (let sequence = 0; sequence < size; sequence += 5) {
        const receipt = await extractReceipt(folder, { stream: '', sequence })
        expect(verifyReceipt(receipt, trusted).sequence).to.equal(sequence)
      }
      await journal.close()
    }))

  it('cuts a receipt for every leaf that is left when older segments have gone, with and without indexes', () =>
    withFolder(async (folder) => {
      const journal = await Journal.open(folder, { maxSegmentBytes: 8000, sync: false })
      await append(journal, batches)
      await journal.close()
      for (const name of ['0000000001', '0000000002']) {
        for (const kind of ['gsj', 'gsi']) await rm(join(folder, `${name}.${kind}`))
      }
      for (const indexes of [true, false]) {
        if (!indexes) for (const name of await readdir(folder)) if (name.endsWith('.gsi')) await rm(join(folder, name))
        const history = await JournalHistory.load(folder)
        const [first] = await history.entries(3)
        if (first === undefined) expect.fail('the third segment holds something')
        const size = batches.at(-1)?.treeSize ?? 0
        for (let sequence = first.treeSize - first.leaves; sequence < size; sequence++) {
          const receipt = await extractReceipt(folder, { stream: '', sequence })
          expect(verifyReceipt(receipt, trusted).sequence).to.equal(sequence)
        }
        expect((await history.origin(first.stream, first.number))?.next).to.equal(first.number)
      }
    }))

  it('proves that a later state of a log extends every earlier one', () =>
    withFolder(async (folder) => {
      const journal = await Journal.open(folder, { maxSegmentBytes: 8000, sync: false })
      await append(journal, batches)
      await journal.close()
      for (const [from, to] of [
        [0, 1],
        [0, 23],
        [6, 15],
        [11, 12],
        [22, 23],
      ] as const) {
        const proof = await extractConsistency(folder, { stream: '', from, to })
        const content = verifyConsistencyReceipt(proof, trusted)
        expect([content.older.batch, content.newer.batch]).to.deep.equal([from, to])
        expect(content.newer.treeSize).to.equal(batches[to]?.treeSize)
        for (let at = 0; at < proof.length; at += 61) {
          const forged = Uint8Array.from(proof)
          forged[at] = (forged[at] ?? 0) ^ 1
          expect(() => verifyConsistencyReceipt(forged, trusted), `byte ${at}`).to.throw()
        }
      }
    }))
})

describe('a proof of consistency', () => {
  it('joins two states of one log, not of two that one key has signed', async () => {
    const [one, two] = await Promise.all([0, 1].map((n) => batchesOf([frames(2, n), frames(2, 2 + n)])))
    const root = (batches: readonly SealedBatch[] | undefined, n: number): SignedRoot => {
      const o = opener()
      const opened = batches?.slice(0, n + 1).map(({ bytes }) => o.open(bytes))
      return {
        ...decodeBatch(batches?.[n]?.bytes ?? new Uint8Array(0)),
        root: opened?.at(-1)?.root ?? new Uint8Array(0),
      }
    }
    const proof = encodeConsistency(root(one, 0), root(two, 1), [new Uint8Array(32)])
    expect(() => verifyConsistencyReceipt(proof, trusted))
      .to.throw(ProtocolError)
      .with.property('code', 'envelope.stream')
  })
})

describe('a journal encrypted at rest', () => {
  const key = JournalKey.generate()
  let batches: SealedBatch[]
  before(async () => {
    batches = await batchesOf(range(12).map((i) => frames(2, 2 * i)))
  })

  it('shows nothing without its key, and everything with it', () =>
    withFolder(async (folder) => {
      const journal = await Journal.open(folder, { key, sync: false, maxSegmentBytes: 8000 })
      await append(journal, batches)
      await journal.close()
      for (const name of await readdir(folder)) {
        const bytes = await readFile(join(folder, name))
        for (const text of ['meter-1', 'modbus', 'substation']) expect(bytes.includes(text), name).to.equal(false)
        expect(bytes.includes(Buffer.from(batches[0]?.stream ?? [])), `the log's id in ${name}`).to.equal(false)
      }
      const without = await verifyJournal(folder, { keys }).catch((error: unknown) => error)
      expect(without).to.be.instanceOf(UsageError).with.property('code', 'journal.key')
      const other = await verifyJournal(folder, { keys, key: JournalKey.generate() }).catch((error: unknown) => error)
      expect(other).to.be.instanceOf(UsageError).with.property('code', 'journal.key')
      expect(await verifyJournal(folder, { keys, key })).to.include({ verified: 12, failed: 0, frames: 24 })
      const receipt = await extractReceipt(folder, { stream: '', sequence: 9 }, { key })
      expect(verifyReceipt(receipt, trusted).sequence).to.equal(9)
    }))

  it('goes on in the same file after a clean end, in a new one after a crash', () =>
    withFolder(async (folder) => {
      const first = await Journal.open(folder, { key, sync: false })
      await append(first, batches.slice(0, 4))
      await first.close()
      const second = await Journal.open(folder, { key, sync: false })
      await append(second, batches.slice(4, 8))
      expect(second.stats.segments).to.equal(1)
      await second.close()
      const path = join(folder, '0000000001.gsj')
      await writeFile(path, (await readFile(path)).subarray(0, -5))
      const third = await Journal.open(folder, { key, sync: false })
      expect(third.stats.segments).to.equal(2)
      await append(third, batches.slice(7))
      await third.close()
      expect(await verifyJournal(folder, { keys, key })).to.include({ verified: 12, failed: 0 })
    }))

  it('refuses a record that was moved or altered, and goes on behind it', () =>
    withFolder(async (folder) => {
      const journal = await Journal.open(folder, { key, sync: false })
      await append(journal, batches)
      await journal.close()
      const path = join(folder, '0000000001.gsj')
      const bytes = await readFile(path)
      const places: { offset: number; end: number }[] = []
      for await (const item of readJournal(folder, { key })) if (item.kind === 'record') places.push(item)
      const [, second, third] = places
      if (second === undefined || third === undefined) expect.fail('three records')
      const swapped = Buffer.concat([
        bytes.subarray(0, second.offset),
        bytes.subarray(third.offset, third.end),
        bytes.subarray(second.offset, second.end),
        bytes.subarray(third.end),
      ])
      await writeFile(path, swapped)
      const report = await verifyJournal(folder, { keys, key })
      expect(report.firstFailure).to.include({ code: 'journal.sealed', offset: second.offset })
    }))

  it('takes a clear journal over, and leaves what is clear as it is', () =>
    withFolder(async (folder) => {
      const clear = await Journal.open(folder, { sync: false })
      await append(clear, batches.slice(0, 6))
      await clear.close()
      const journal = await Journal.open(folder, { key, sync: false })
      await append(journal, batches.slice(6))
      await journal.close()
      expect(await verifyJournal(folder, { keys, key })).to.include({ verified: 12, failed: 0, partial: 0 })
    }))
})

describe('a journal that was set back', () => {
  let batches: SealedBatch[]
  before(async () => {
    batches = await batchesOf(range(6).map((i) => frames(2, 2 * i)))
  })

  const run = async (folder: string, anchor: string, part: readonly SealedBatch[]): Promise<string | undefined> => {
    const journal = await Journal.open(folder, { anchor })
    await append(journal, part)
    await journal.close()
    return journal.setBack
  }

  it('is noticed by its anchor: an older copy, a cut end, another journal; not a crash, not retention', () =>
    withFolder(async (folder) => {
      const [journal, anchor] = [join(folder, 'journal'), join(folder, 'anchor')]
      expect(await run(journal, anchor, batches.slice(0, 2))).to.equal(undefined)
      await cp(journal, `${journal}.copy`, { recursive: true })
      expect(await run(journal, anchor, batches.slice(2, 4))).to.equal(undefined)
      expect(await run(journal, anchor, [])).to.equal(undefined)
      await rm(journal, { recursive: true })
      await cp(`${journal}.copy`, journal, { recursive: true })
      expect(await run(journal, anchor, [])).to.match(/an older copy/)
      expect(await run(journal, anchor, batches.slice(4)), 'said once').to.equal(undefined)
      const segment = join(journal, '0000000001.gsj')
      await writeFile(segment, (await readFile(segment)).subarray(0, -3000))
      expect(await run(journal, anchor, [])).to.match(/had reached/)
      await rm(journal, { recursive: true })
      expect(await run(journal, anchor, [])).to.match(/another journal/)
      await writeFile(anchor, 'nonsense')
      const failed = await run(journal, anchor, []).catch((error: unknown) => error)
      expect(failed).to.be.instanceOf(UsageError).with.property('code', 'journal.anchor')
    }))

  it('is not taken for one because a crash tore what was not acknowledged', () =>
    withFolder(async (folder) => {
      const [path, anchor] = [join(folder, 'journal'), join(folder, 'anchor')]
      await run(path, anchor, batches.slice(0, 2))
      const segment = join(path, '0000000001.gsj')
      await writeFile(segment, Buffer.concat([await readFile(segment), Buffer.from([0, 0, 9, 9, 1, 2, 3])]))
      expect(await run(path, anchor, batches.slice(2))).to.equal(undefined)
    }))
})
