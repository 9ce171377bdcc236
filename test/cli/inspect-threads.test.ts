import { createHash } from 'node:crypto'
import { readFileSync, readdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { inspectFile } from '@gridseal/cli'
import type { InspectSummary } from '@gridseal/cli'
import { PcapngWriter, readCapture } from '@gridseal/pcap'
import { UsageError } from '@gridseal/wire'
import { gridseal } from '../support/cli.ts'
import { sharingCompiled } from '../support/compiled.ts'
import { withFolder } from '../support/folders.ts'
import { ROOT } from '../support/requirements.ts'

/** Writes the packets of all captures of the project into one. */
async function writeAll(file: string): Promise<void> {
  const writer = new PcapngWriter()
  for (const name of readdirSync(join(ROOT, 'pcaps')).filter((found) => /\.pcap(ng)?$/.test(found))) {
    for (const { time, linkType, bytes, originalLength } of readCapture(readFileSync(join(ROOT, 'pcaps', name)))
      .packets) {
      writer.add({ time, linkType, bytes, originalLength })
    }
  }
  await writeFile(file, writer.take())
}

interface Inspected {
  readonly digest: string
  readonly summary: InspectSummary
}

async function inspected(file: string, threads: number, json = true): Promise<Inspected> {
  const hash = createHash('sha256')
  const summary = await inspectFile(file, { json, threads }, (bytes) => void hash.update(bytes))
  return { digest: hash.digest('hex'), summary }
}

describe('gridseal inspect in threads', () => {
  const given = process.env['NODE_COMPILE_CACHE']
  before(() => {
    // Every thread compiles the same modules.
    Object.assign(process.env, sharingCompiled())
  })
  after(() => {
    if (given === undefined) delete process.env['NODE_COMPILE_CACHE']
  })

  it('writes what one thread writes, in the same order', () =>
    withFolder(async (folder) => {
      const file = join(folder, 'all.pcapng')
      await writeAll(file)
      const one = await inspected(file, 1)
      expect(one.summary.records).to.be.greaterThan(100)
      expect(await inspected(file, 2)).to.deep.equal(one)
      expect(await inspected(file, 3, false)).to.deep.equal(await inspected(file, 1, false))
    })).timeout(120_000)

  it('waits for a reader that is slow', () =>
    withFolder(async (folder) => {
      const file = join(folder, 'all.pcapng')
      await writeAll(file)
      let busy = 0
      let most = 0
      await inspectFile(file, { json: true, threads: 2 }, async () => {
        most = Math.max(most, ++busy)
        await new Promise((resolve) => setTimeout(resolve, 5))
        busy--
      })
      expect(most).to.equal(1)
    })).timeout(120_000)

  it('says of what is no capture the same as one thread', () =>
    withFolder(async (folder) => {
      const file = join(folder, 'no.pcap')
      await writeFile(file, 'this is no capture, and long enough to tell')
      const messages = await Promise.all(
        [1, 2].map(async (threads) => {
          const error: unknown = await inspected(file, threads).catch((caught: unknown) => caught)
          expect(error).to.be.instanceOf(UsageError)
          return (error as UsageError).message
        }),
      )
      expect(messages[1]).to.equal(messages[0])
      expect(messages[0]).to.contain('neither a pcap nor a pcapng file')
    })).timeout(120_000)

  it('takes 1 to 64 threads', async () => {
    const { code, stderr } = await gridseal('inspect', '--threads', '0', join(ROOT, 'pcaps/icsnpp_modbus.pcap'))
    expect(code).to.equal(2)
    expect(stderr).to.contain('from 1 to 64')
  })
})
