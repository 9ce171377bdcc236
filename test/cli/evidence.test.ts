import { once } from 'node:events'
import { readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { gridseal, gridsealProcess, records, spawnGridseal } from '../support/cli.ts'
import { withFolder } from '../support/folders.ts'
import { ROOT } from '../support/requirements.ts'

const CAPTURE = join(ROOT, 'pcaps/icsnpp_modbus.pcap')

describe('gridseal replay, verify, extract: the evidence', () => {
  it('leaves none of its throw-away keys behind when it is interrupted', () =>
    withFolder(async (folder) => {
      const { TMPDIR } = process.env
      process.env['TMPDIR'] = folder
      const child = spawnGridseal('pipe', 'replay', CAPTURE, '--speed', '0.001')
      if (TMPDIR === undefined) delete process.env['TMPDIR']
      else process.env['TMPDIR'] = TMPDIR
      const exited = once(child, 'exit')
      const keys = async (): Promise<string[]> =>
        (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.key'))
      while ((await keys()).length < 2) await new Promise((resolve) => setTimeout(resolve, 20))
      child.kill('SIGINT')
      expect((await exited)[0]).to.equal(130)
      expect((await readdir(folder)).filter((name) => name.startsWith('gridseal-replay'))).to.deep.equal([])
    }))

  it('delivers every frame byte for byte and leaves journals that prove each of them', () =>
    withFolder(async (folder) => {
      const journal = join(folder, 'journal')
      const replayed = await gridsealProcess(
        'replay',
        CAPTURE,
        '--journal',
        journal,
        '--algorithm',
        'ML-DSA-44',
        '--json',
      )
      expect(replayed.code, replayed.stderr).to.equal(0)
      const [report] = records(replayed)
      expect(report).to.include({ mismatched: 0, lost: 0, algorithm: 'ML-DSA-44' })
      expect(report?.['frames']).to.equal(report?.['delivered']).and.to.be.greaterThan(40)
      expect(report?.['signatures']).to.equal(report?.['batches'])

      for (const name of ['field', 'head-end']) {
        const [verified] = records(await gridseal('verify', join(journal, name), '--json'))
        expect(verified, name).to.include({ failed: 0, firstFailure: null, frames: report?.['frames'] })
      }

      const receipt = join(folder, 'frame.receipt')
      const cut = await gridseal('extract', join(journal, 'field'), '--frame', '3', '-o', receipt)
      expect(cut.code, cut.stderr).to.equal(0)
      const [, said = ''] = /gridseal (verify .*)\n/.exec(cut.stdout) ?? []
      expect((await gridseal(...said.split(' '))).code, 'the command that extract prints').to.equal(0)
      const [listed] = records(await gridseal('extract', join(journal, 'field'), '--list', '--json')).slice(2)
      const keys = (await readdir(join(journal, 'field'))).filter((file) => file.endsWith('.pub'))
      const trusted = keys.flatMap((file) => ['--key', join(journal, 'field', file)])
      const [proven] = records(await gridseal('verify', receipt, ...trusted, '--json'))
      expect(proven).to.include({ verified: 1, failed: 0, sequence: listed?.['sequence'] })
      expect((proven?.['entry'] as { bytes?: string } | undefined)?.bytes).to.equal(listed?.['bytes'])

      const bytes = await readFile(receipt)
      bytes[40] = (bytes[40] ?? 0) ^ 1
      await writeFile(receipt, bytes)
      const refused = await gridseal('verify', receipt, ...trusted, '--json')
      expect(refused.code).to.equal(1)
      expect(records(refused)[0]).to.include({ verified: 0, failed: 1 })
    })).timeout(60_000)

  it('names and refuses one flipped byte in a journal', () =>
    withFolder(async (folder) => {
      const journal = join(folder, 'journal')
      await gridseal('replay', CAPTURE, '--journal', journal, '--json')
      const segment = join(journal, 'head-end', '0000000001.gsj')
      const bytes = await readFile(segment)
      const at = bytes.length >> 1
      bytes[at] = (bytes[at] ?? 0) ^ 0x10
      await writeFile(segment, bytes)
      const verified = await gridsealProcess('verify', join(journal, 'head-end'), '--json')
      expect(verified.code).to.equal(1)
      const failure = records(verified)[0]?.['firstFailure'] as { segment: number; offset: number; code: string }
      expect(failure).to.include({ segment: 1, code: 'journal.checksum' })
      expect(failure.offset).to.be.lessThan(at)
      const people = await gridseal('verify', join(journal, 'head-end'))
      expect(people.stdout).to.contain(`REFUSED: first in segment 1 at offset ${failure.offset}`)
    })).timeout(60_000)

  it('says what it cannot do', async () => {
    const none = await gridseal('verify', '/nowhere')
    expect(none.code).to.equal(2)
    expect(none.stderr).to.equal('gridseal: /nowhere does not exist\n')
    const noJournal = await gridseal('verify', ROOT)
    expect(noJournal.stderr).to.contain('holds no journal segments')
    const noCapture = await gridseal('replay', join(ROOT, 'README.md'))
    expect(noCapture.code).to.not.equal(0)
    expect(noCapture.stderr).to.contain('README.md')
  })
})
