import { execFileSync } from 'node:child_process'
import { cp, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { gridseal, records } from '../support/cli.ts'
import { withFolder } from '../support/folders.ts'
import { inspectFile } from '../support/inspection.ts'
import { ROOT, needPeer, which } from '../support/requirements.ts'

const CAPTURE = join(ROOT, 'pcaps/icsnpp_modbus.pcap')

describe('gridseal journal', () => {
  let base = ''
  let journal = ''
  before(async () => {
    base = await mkdtemp(join(tmpdir(), 'gridseal-test-'))
    const kept = join(base, 'journal')
    const run = await gridseal('replay', CAPTURE, '--journal', kept, '--algorithm', 'ML-DSA-44', '--json')
    expect(run.code, run.stderr).to.equal(0)
    journal = join(kept, 'field')
  })
  after(() => rm(base, { recursive: true, force: true }))

  it('lists segments and logs, and tells how much there is', async () => {
    const [segment] = records(await gridseal('journal', 'ls', journal, '--json'))
    expect(segment).to.include({ segment: 1 })
    expect(segment?.['streams']).to.have.length(2)
    const [stats] = records(await gridseal('journal', 'stats', journal, '--json'))
    expect(stats).to.include({ segments: 1, logs: 2 })
    const streams = (stats?.['streams'] ?? []) as { direction: string }[]
    expect(streams.map((s) => s.direction)).to.deep.equal(['to-device', 'to-master'])
    const people = await gridseal('journal', 'stats', journal)
    expect(people.stdout).to.match(/batches .* of 2 logs/)
    expect((await gridseal('journal', 'ls', join(base, 'nothing'))).code).to.equal(2)
  })

  it('shows the last frames, and those that come', async () => {
    const tail = records(await gridseal('journal', 'tail', journal, '-n', '3', '--json'))
    expect(tail).to.have.length(3)
    expect(tail[2]).to.include({ protocol: 'modbus' })
    const followed = await gridseal('journal', 'tail', journal, '-n', '1', '--follow', '--for', '300ms')
    expect(followed.stdout.trim().split('\n')).to.have.length(1)
  })

  it('exports frames of GOOSE and sampled values as what they are, Ethernet frames', () =>
    withFolder(async (folder) => {
      const captures = ['iti_GOOSE.pcap', 'dina_sv_first100.pcap'].map((name) => join(ROOT, 'pcaps', name))
      const kept = join(folder, 'journal')
      const run = await gridseal('replay', ...captures, '--journal', kept, '--algorithm', 'ML-DSA-44', '--json')
      expect(run.code, run.stderr).to.equal(0)
      const file = join(folder, 'out.pcapng')
      const made = await gridseal('journal', 'export', join(kept, 'field'), '--format', 'pcap', '-o', file, '--json')
      expect(records(made)[0]).to.include({ frames: 108, refused: 0 })
      const essence = (all: Awaited<ReturnType<typeof inspectFile>>): string[] =>
        all.map(({ frame: _frame, time: _time, ...rest }) => JSON.stringify(rest)).sort()
      const before = (await Promise.all(captures.map(inspectFile))).flat()
      expect(essence(await inspectFile(file))).to.deep.equal(essence(before))
    }))

  it('exports verified frames as NDJSON and as a capture that reads like the original', () =>
    withFolder(async (folder) => {
      const lines = records(await gridseal('journal', 'export', journal))
      const frames = lines.filter((line) => 'bytes' in line)
      const file = join(folder, 'out.pcapng')
      const exported = await gridseal('journal', 'export', journal, '--format', 'pcap', '-o', file, '--json')
      expect(records(exported)[0]).to.include({ frames: frames.length, refused: 0 })
      const [before, after] = [await inspectFile(CAPTURE), await inspectFile(file)]
      const essence = (all: typeof before): string[] =>
        all
          .filter((r) => r.protocol === 'modbus' && r.malformed === null)
          .map((r) => JSON.stringify([r['transaction'], r['function'], r['unit'], r['address']]))
          .sort()
      expect(essence(after)).to.deep.equal(essence(before))
      expect((await gridseal('journal', 'export', journal, '--format', 'pcap')).code).to.equal(2)
    }))

  it('exports what tshark reads, check sums included', async function () {
    needPeer(this, 'tshark')
    await withFolder(async (folder) => {
      const file = join(folder, 'out.pcapng')
      await gridseal('journal', 'export', journal, '--format', 'pcap', '-o', file)
      const tshark = which('tshark') ?? ''
      const checked = ['-o', 'ip.check_checksum:TRUE', '-o', 'tcp.check_checksum:TRUE']
      const fields = ['-T', 'fields', '-e', 'ip.checksum.status', '-e', 'tcp.checksum.status', '-e', 'modbus.func_code']
      const rows = execFileSync(tshark, ['-r', file, ...checked, ...fields], { encoding: 'utf8' })
        .trimEnd()
        .split('\n')
      expect(rows.filter((row) => /\t\d+/.test(row)).length).to.be.greaterThan(10)
      for (const row of rows) expect(row.split('\t').slice(0, 2), row).to.deep.equal(['1', '1'])
      expect(rows.filter((row) => (row.split('\t')[2] ?? '') !== '').length).to.be.greaterThan(5)
    })
  })

  it('leaves out what does not verify, and says so with its exit code', () =>
    withFolder(async (folder) => {
      const copy = join(folder, 'copy')
      await cp(journal, copy, { recursive: true })
      const [name = ''] = (await readdir(copy)).filter((file) => file.endsWith('.gsj'))
      const bytes = await readFile(join(copy, name))
      bytes.writeUInt8(bytes.readUInt8(200) ^ 1, 200)
      await writeFile(join(copy, name), bytes)
      const exported = await gridseal('journal', 'export', copy)
      expect(exported.code).to.equal(1)
      expect(exported.stderr).to.match(/left out: segment 1, offset 16: journal.checksum/)
    }))

  it('extract proves that a log only grew, verify checks it', () =>
    withFolder(async (folder) => {
      const [stats] = records(await gridseal('journal', 'ls', journal, '--json'))
      const [log] = (stats?.['streams'] ?? []) as { stream: string; last: number }[]
      const file = join(folder, 'proof')
      const cut = await gridseal('extract', journal, '--stream', log?.stream ?? '', '--from', '0', '-o', file)
      expect(cut.code, cut.stderr).to.equal(0)
      const [command = ''] = /gridseal (verify .*)/.exec(cut.stdout)?.slice(1) ?? []
      const verified = await gridseal(...command.split(' '))
      expect(verified.code).to.equal(0)
      expect(verified.stdout).to.include(`batch ${log?.last}`)
    }))
})
