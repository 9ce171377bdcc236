import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { verifyJournal } from '@gridseal/envelope'
import { expect } from 'chai'
import { withFolder } from '../../../../test/support/folders.ts'
import { sharingCompiled } from '../../../../test/support/compiled.ts'
import { needSlow } from '../../../../test/support/requirements.ts'
import { KEY } from '../support/logs.ts'

const WRITER = join(import.meta.dirname, '../support/crash-writer.ts')

/** Runs a writer, kills it `delay` ms after it has begun to write, and returns how many frames it had promised. */
async function killed(folder: string, run: number, delay: number): Promise<number> {
  const options = process.execArgv.some((arg) => arg.includes('source')) ? process.execArgv : ['-C', 'source']
  const child = spawn(process.execPath, [...options, WRITER, folder, String(run)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: sharingCompiled(),
  })
  let output = ''
  let killing = false
  // Every other run has promised something when its time begins to run, however slow the machine is.
  const begun = run % 2 === 0 ? '' : '\n1'
  const ended = new Promise<void>((resolve) => child.stdout.on('close', () => resolve()))
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString('latin1')
    if (killing || !output.includes(begun)) return
    killing = true
    setTimeout(() => child.kill('SIGKILL'), delay)
  })
  await ended
  // A line that the kill cut in half is no promise.
  const lines = output.slice(0, output.lastIndexOf('\n')).split('\n')
  return Number(lines.at(-1))
}

async function kill(times: number): Promise<void> {
  await withFolder(async (folder) => {
    const promised: number[] = []
    for (let run = 0; run < times; run++) promised.push(await killed(folder, run, 3 + Math.random() * 60))
    const found = promised.map(() => [] as number[])
    const report = await verifyJournal(folder, {
      keys: [KEY.publicKey],
      onBatch: ({ batch }) => {
        for (const entry of batch.entries) {
          if (entry.kind !== 'frame') continue
          found[Number(entry.link.slice(4))]?.push(Number(Buffer.from(entry.bytes).toString('latin1')))
        }
      },
    })
    expect(report).to.include({ failed: 0, unjoined: 0, behind: 0 })
    expect(
      promised.reduce((sum, count) => sum + count, 0),
      'frames promised in all',
    ).to.be.at.least(Math.floor(times / 2))
    for (const [run, frames] of found.entries()) {
      expect(frames.length, `run ${run}: nothing acknowledged is lost`).to.be.at.least(promised[run] ?? 0)
      expect(frames, `run ${run}: in order, none doubled`).to.deep.equal(frames.map((_, i) => i))
    }
  })
}

describe('a journal whose writer is killed', () => {
  it('SIGKILL at random instants: no acknowledged frame is lost, no batch is half there', () => kill(6)).timeout(60_000)

  it('a hundred times', async function () {
    needSlow(this)
    await kill(100)
  }).timeout(600_000)
})
