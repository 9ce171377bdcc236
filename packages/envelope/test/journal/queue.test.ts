import type { QueuedBatch, SealedBatch } from '@gridseal/envelope'
import { Journal, JournalQueue } from '@gridseal/envelope'
import { expect } from 'chai'
import { withFolder } from '../../../../test/support/folders.ts'
import { batchesOf, frames } from '../support/logs.ts'

const lane = { site: 'substation-7', direction: 'to-master', class: 'bulk' } as const

interface Rig {
  readonly journal: Journal
  readonly queue: JournalQueue
  /** Takes what there is, waiting for what is read from disk, until `count` batches have come. */
  take(count: number): Promise<QueuedBatch[]>
}

async function rig(folder: string, options: { memory?: number; maxSegmentBytes?: number } = {}): Promise<Rig> {
  const journal = await Journal.open(folder, { sync: false, maxSegmentBytes: options.maxSegmentBytes ?? 64 << 20 })
  let wake = (): void => undefined
  const queue = await JournalQueue.open(journal, {
    name: 'q',
    lane,
    unmarked: 'all',
    memory: options.memory ?? 8 << 20,
    onReady: () => wake(),
    onError: (error) => expect.fail(String(error)),
  })
  return {
    journal,
    queue,
    async take(count) {
      const taken: QueuedBatch[] = []
      while (taken.length < count) {
        const ready = new Promise<void>((resolve) => {
          wake = resolve
        })
        const batch = queue.next()
        if (batch === undefined) await ready
        else taken.push(batch)
      }
      return taken
    },
  }
}

const push = ({ queue }: Rig, batches: readonly SealedBatch[]): Promise<unknown> =>
  Promise.all(batches.map((b) => queue.push(b.bytes, b.stream, b.number, b.before)))
const numbers = (batches: readonly { readonly number: number }[]): number[] => batches.map((b) => b.number)
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)

describe('a queue in the journal', () => {
  let batches: SealedBatch[]
  before(async () => {
    batches = await batchesOf(
      range(0, 40).map((i) => frames(1, i)),
      { class: 'bulk' },
    )
  })

  it('gives out what was pushed, in order, when it is on disk', () =>
    withFolder(async (folder) => {
      const r = await rig(folder)
      const pushed = push(r, batches.slice(0, 3))
      expect(r.queue.next(), 'not on disk yet').to.equal(undefined)
      await pushed
      expect(numbers(await r.take(3))).to.deep.equal([0, 1, 2])
      expect(r.queue.next()).to.equal(undefined)
      expect(r.queue.backlog.batches).to.equal(3)
      r.queue.settle(batches[2]?.stream ?? new Uint8Array(16), 2)
      expect(r.queue.backlog).to.deep.equal({ batches: 0, bytes: 0 })
      await r.journal.close()
    }))

  for (const memory of [1 << 20, 10_000, 1]) {
    it(`keeps the order with ${memory} bytes of memory, whatever comes between`, () =>
      withFolder(async (folder) => {
        const r = await rig(folder, { memory, maxSegmentBytes: 20_000 })
        await push(r, batches.slice(0, 10))
        const taken = await r.take(4)
        const later = push(r, batches.slice(10, 30))
        taken.push(...(await r.take(10)))
        await later
        taken.push(...(await r.take(16)))
        await push(r, batches.slice(30))
        taken.push(...(await r.take(10)))
        expect(numbers(taken)).to.deep.equal(range(0, 40))
        expect(taken.map((b) => Buffer.from(b.bytes))).to.deep.equal(batches.map((b) => Buffer.from(b.bytes)))
        await r.journal.close()
      }))

    it(`comes again after a rewind from what is not settled, with ${memory} bytes of memory`, () =>
      withFolder(async (folder) => {
        const r = await rig(folder, { memory })
        await push(r, batches.slice(0, 20))
        const [first] = await r.take(12)
        r.queue.settle(first?.stream ?? new Uint8Array(16), 6)
        r.queue.rewind()
        expect(numbers(await r.take(13))).to.deep.equal(range(7, 20))
        r.queue.rewind({ stream: batches[0]?.stream ?? new Uint8Array(16), next: 15 })
        expect(numbers(await r.take(5))).to.deep.equal(range(15, 20))
        expect(r.queue.backlog.batches).to.equal(5)
        await r.journal.close()
      }))

    it(`goes on behind its mark after a restart, with ${memory} bytes of memory`, () =>
      withFolder(async (folder) => {
        const before = await rig(folder, { memory, maxSegmentBytes: 15_000 })
        await push(before, batches.slice(0, 20))
        await before.take(9)
        before.queue.settle(batches[0]?.stream ?? new Uint8Array(16), 8)
        await before.journal.close()
        const after = await rig(folder, { memory, maxSegmentBytes: 15_000 })
        expect(after.queue.backlog.batches).to.equal(11)
        const later = push(after, batches.slice(20))
        expect(numbers(await after.take(31))).to.deep.equal(range(9, 40))
        await later
        await after.journal.close()
      }))
  }

  it('gives each batch out once where memory overflows while what was read from disk still waits', () =>
    withFolder(async (folder) => {
      const before = await rig(folder)
      await push(before, batches.slice(0, 10))
      await before.journal.close()
      // All ten are read at once, up to the first that is in memory.
      const r = await rig(folder, { memory: 40_000 })
      await push(r, batches.slice(10, 12))
      expect(numbers(await r.take(1))).to.deep.equal([0])
      // The receiver's window is full: nothing is taken, and more comes than memory holds.
      await push(r, batches.slice(12, 32))
      const stream = batches[0]?.stream ?? new Uint8Array(16)
      const taken = await r.take(31)
      expect(numbers(taken)).to.deep.equal(range(1, 32))
      expect(r.queue.next()).to.equal(undefined)
      r.queue.settle(stream, 31)
      expect(r.queue.backlog).to.deep.equal({ batches: 0, bytes: 0 })
      await r.journal.close()
    }))

  it('takes no batch of another lane', () =>
    withFolder(async (folder) => {
      const other = await batchesOf([frames(1), frames(1, 1)], { class: 'urgent' })
      const r = await rig(folder, { memory: 1 })
      for (const i of [0, 1]) {
        const [mine, theirs] = [batches[i], other[i]]
        if (mine === undefined || theirs === undefined) expect.fail('two of each')
        await r.journal.append(theirs.bytes, theirs.before)
        await push(r, [mine])
      }
      const taken = await r.take(2)
      expect(taken.map((b) => Buffer.from(b.stream))).to.deep.equal(
        batches.slice(0, 2).map((b) => Buffer.from(b.stream)),
      )
      await r.journal.close()
    }))

  it('keeps its segments from retention until they are settled', () =>
    withFolder(async (folder) => {
      const journal = await Journal.open(folder, { sync: false, maxSegmentBytes: 3000, keepBytes: 1 })
      const queue = await JournalQueue.open(journal, {
        name: 'q',
        lane,
        unmarked: 'all',
        onReady: () => undefined,
        onError: (error) => expect.fail(String(error)),
      })
      for (const b of batches.slice(0, 10)) await queue.push(b.bytes, b.stream, b.number, b.before)
      expect(journal.stats.removed).to.equal(0)
      for (let i = 0; i < 8; i++) queue.next()
      queue.settle(batches[0]?.stream ?? new Uint8Array(16), 7)
      await journal.retain()
      expect(journal.stats.removed).to.be.greaterThan(2)
      expect(numbers([queue.next(), queue.next()].filter((b) => b !== undefined))).to.deep.equal([8, 9])
      await journal.close()
    }))

  it('gives out a new log to a receiver that stands in one that retention has removed', () =>
    withFolder(async (folder) => {
      const open = async (): Promise<[Journal, JournalQueue]> => {
        const journal = await Journal.open(folder, { sync: false, maxSegmentBytes: 6000, keepBytes: 10_000 })
        const queue = await JournalQueue.open(journal, {
          name: 'q',
          lane,
          unmarked: 'all',
          onReady: () => undefined,
          onError: (error) => expect.fail(String(error)),
        })
        return [journal, queue]
      }
      const [before, old] = await open()
      const [last] = batches
      if (last === undefined) expect.fail('a batch')
      await old.push(last.bytes, last.stream, last.number, last.before)
      expect(old.next()?.number).to.equal(0)
      old.settle(last.stream, last.number)
      // Other traffic, until nothing of the log is left but where it stands.
      const others = await batchesOf(
        range(0, 12).map((i) => frames(1, i)),
        { class: 'urgent' },
      )
      for (const { bytes, before: origin } of others) await before.append(bytes, origin)
      await before.close()
      const [journal, queue] = await open()
      const end = await journal.history.end(lane)
      expect(end).to.include({ next: 1 })
      const [next] = await batchesOf([frames(1, 50)], { class: 'bulk' })
      if (next === undefined) expect.fail('a batch')
      await queue.push(next.bytes, next.stream, next.number, next.before)
      queue.rewind({ stream: last.stream, next: 1 })
      expect(Buffer.from(queue.next()?.stream ?? []).equals(next.stream)).to.equal(true)
      expect(queue.backlog.batches).to.equal(1)
      await journal.close()
    }))

  it('goes back to an older place where the receiver has lost what it had', () =>
    withFolder(async (folder) => {
      const r = await rig(folder)
      const stream = batches[0]?.stream ?? new Uint8Array(16)
      await push(r, batches.slice(0, 12))
      await r.take(12)
      r.queue.settle(stream, 11)
      const found = await r.journal.history.find(Buffer.from(stream).toString('hex'), 4)
      if (found === undefined) expect.fail('batch 4 is there')
      await r.queue.reopen({ segment: found.segment, offset: found.entry.offset }, { stream, number: 3 })
      expect(numbers(await r.take(8))).to.deep.equal(range(4, 12))
      expect(r.queue.backlog.batches).to.equal(8)
      await r.journal.close()
    }))
})
