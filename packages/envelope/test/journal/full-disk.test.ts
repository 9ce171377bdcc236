import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Journal, verifyJournal } from '@gridseal/envelope'
import { InternalError } from '@gridseal/wire'
import { expect } from 'chai'
import { Marks } from '#src/journal/marks.ts'
import type { Mark } from '#src/journal/marks.ts'
import { cannotTest } from '../../../../test/support/requirements.ts'
import { KEY, batchesOf, frames } from '../support/logs.ts'

describe('a journal on a disk that is full', () => {
  let folder = ''

  beforeEach(async function () {
    folder = await mkdtemp(join(tmpdir(), 'gridseal-full-'))
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=100k', 'tmpfs', folder], { stdio: 'ignore' })
    } catch {
      await rm(folder, { recursive: true })
      folder = ''
      cannotTest(this, 'needs to mount a small file system (root on Linux)')
    }
  })
  afterEach(async () => {
    if (folder === '') return
    execFileSync('umount', [folder])
    await rm(folder, { recursive: true })
  })

  it('waits and says so, and goes on when there is room: nothing is lost, nothing is there twice', async () => {
    const said: (string | undefined)[] = []
    const directory = join(folder, 'journal')
    const journal = await Journal.open(directory, { onFull: (reason) => said.push(reason), retry: 5 })
    await writeFile(join(folder, 'something-else'), Buffer.alloc(60_000))
    const batches = await batchesOf(Array.from({ length: 20 }, (_, i) => frames(1, i)))
    let kept = 0
    const all = batches.map((batch) => journal.append(batch.bytes, batch.before).then(() => kept++))
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(journal.stats.full).to.equal(true)
    expect(said).to.have.length(1)
    expect(said[0]).to.match(/ENOSPC/)
    expect(kept).to.be.lessThan(20)
    await rm(join(folder, 'something-else'))
    await Promise.all(all)
    expect(said).to.have.length(2)
    expect(journal.stats.full).to.equal(false)
    await journal.close()
    expect(await verifyJournal(directory, { keys: [KEY.publicKey] })).to.include({
      verified: 20,
      frames: 20,
      failed: 0,
    })
  })

  it('keeps how far a queue has come in mind, and writes it when there is room', async () => {
    const directory = join(folder, 'journal')
    const journal = await Journal.open(directory)
    const rest = join(folder, 'something-else')
    await writeFile(rest, Buffer.alloc(200_000)).catch(() => undefined)
    const mark = (number: number): Mark => ({
      stream: new Uint8Array(16).fill(7),
      number,
      place: { segment: 1, offset: 30 + number },
    })
    journal.marks.set('a queue', mark(1))
    journal.marks.set('a queue', mark(2))
    expect(journal.marks.get('a queue')?.number).to.equal(2)
    const failed = await journal.marks.sync().catch((error: unknown) => error)
    expect(failed).to.include({ code: 'ENOSPC' })
    expect(Marks.peek(directory).size).to.equal(0)
    await rm(rest)
    await journal.marks.sync()
    expect([...Marks.peek(directory).values()]).to.deep.equal([{ ...mark(2), part: 0 }])
    await journal.close()
  })

  it('helps itself with what retention can spare', async () => {
    const limits = { maxSegmentBytes: 10_000, keepBytes: 50_000, retry: 5 }
    const journal = await Journal.open(join(folder, 'journal'), limits)
    const batches = await batchesOf(Array.from({ length: 60 }, (_, i) => frames(1, i)))
    for (const batch of batches) await journal.append(batch.bytes, batch.before)
    expect(journal.stats.removed).to.be.greaterThan(5)
    await journal.close()
  })

  it('lets itself be closed while it waits: what waited is refused, not forgotten', async () => {
    const journal = await Journal.open(join(folder, 'journal'), { retry: 60_000 })
    await writeFile(join(folder, 'something-else'), Buffer.alloc(60_000))
    const batches = await batchesOf(Array.from({ length: 20 }, (_, i) => frames(1, i)))
    const all = Promise.allSettled(batches.map((batch) => journal.append(batch.bytes, batch.before)))
    await new Promise((resolve) => setTimeout(resolve, 50))
    await journal.close()
    const refused = (await all).filter((result) => result.status === 'rejected')
    expect(refused.length).to.be.greaterThan(0)
    expect((refused[0] as PromiseRejectedResult).reason).to.be.instanceOf(InternalError)
  })
})
