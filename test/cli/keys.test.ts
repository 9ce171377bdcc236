import { once } from 'node:events'
import { existsSync, openSync } from 'node:fs'
import { readFile, stat, writeFile, chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { gridseal, gridsealProcess, records, spawnGridseal } from '../support/cli.ts'
import { withFolder } from '../support/folders.ts'

describe('gridseal keygen, keys, check', () => {
  it('writes an identity that only its owner can read, and refuses to replace it', () =>
    withFolder(async (folder) => {
      const path = join(folder, 'field.key')
      const made = await gridsealProcess('keygen', path, '--json')
      expect(made.code, made.stderr).to.equal(0)
      const [record] = records(made)
      expect(record).to.include({ algorithm: 'ML-DSA-65', publicPath: join(folder, 'field.pub') })
      expect((await stat(path)).mode & 0o777).to.equal(0o600)
      const before = await readFile(path, 'utf8')
      const again = await gridsealProcess('keygen', path)
      expect(again.code).to.equal(2)
      expect(again.stderr).to.contain('field.key')
      expect(await readFile(path, 'utf8')).to.equal(before)
      const [shown] = records(await gridseal('keys', join(folder, 'field.pub'), '--json'))
      expect(shown?.['fingerprint']).to.equal(record?.['fingerprint'])
      expect(record?.['fingerprint']).to.match(/^ml-dsa-65:[0-9a-f]{64}$/)
    }))

  const config = (folder: string, extra = ''): Promise<void> =>
    writeFile(
      join(folder, 'field.yaml'),
      `role: field\nsite: s\nidentity: field.key\nchannel: {connect: 'tcp://127.0.0.1:1', peer: field.pub}\nlinks:\n  - {id: a, protocol: modbus, device: 'tcp://127.0.0.1:2'}\n${extra}`,
    )

  it('names the file that holds no key, or the wrong half of one', () =>
    withFolder(async (folder) => {
      const path = join(folder, 'field.key')
      await gridseal('keygen', path)
      await writeFile(join(folder, 'notes.txt'), 'hello')
      for (const [file, why] of [
        [path, 'PRIVATE KEY'],
        [join(folder, 'notes.txt'), 'no PEM block'],
      ] as const) {
        await writeFile(join(folder, 'r.receipt'), '')
        for (const command of [
          ['keys', file] as const,
          ['verify', join(folder, 'r.receipt'), '--key', file] as const,
        ]) {
          const { code, stderr } = await gridseal(...command)
          expect(code, stderr).to.equal(2)
          expect(stderr).to.contain(file).and.to.contain(why)
        }
      }
      await config(folder)
      await writeFile(join(folder, 'field.pub'), 'hello')
      const checked = await gridseal('check', '-c', join(folder, 'field.yaml'))
      expect(checked.code).to.equal(2)
      expect(checked.stderr).to.contain(join(folder, 'field.pub'))
    }))

  it('checks a configuration with its keys and explains it', () =>
    withFolder(async (folder) => {
      await gridseal('keygen', join(folder, 'field.key'))
      await config(folder)
      const checked = await gridseal('check', '-c', join(folder, 'field.yaml'))
      expect(checked.code, checked.stderr).to.equal(0)
      expect(checked.stdout).to.contain('link a: modbus device at tcp://127.0.0.1:2')
    }))

  it('explains who signs, whom it trusts, how old traffic may be', () =>
    withFolder(async (folder) => {
      for (const name of ['field', 'next', 'other']) await gridseal('keygen', join(folder, `${name}.key`))
      const shown = records(await gridseal('keys', join(folder, 'next.pub'), join(folder, 'other.pub'), '--json'))
      const [next = '', other = ''] = shown.map((record) => String(record['fingerprint']))
      const signing = `signing: {keys: [{file: next.key, from: '2020-01-01'}, {file: other.key, from: '2999-01-01'}]}`
      await writeFile(
        join(folder, 'field.yaml'),
        `role: field\nsite: s\nidentity: field.key\n${signing}\nchannel:\n  connect: tcp://127.0.0.1:1\n  peer: field.pub\n` +
          `  accept: {signers: [{file: other.pub, until: '2030-01-01'}], successors: listed, clockSkew: 5s, maxAge: 1m}\n` +
          `links:\n  - {id: r, protocol: raw, device: 'udp://239.1.2.3:5000', group: trips}\n`,
      )
      const { code, stdout, stderr } = await gridseal('check', '-c', join(folder, 'field.yaml'))
      expect(code, stderr).to.equal(0)
      expect(stdout).to.contain(`${next} (${join(folder, 'next.key')}), from 2020-01-01T00:00:00.000Z: signs now`)
      expect(stdout).to.contain(`signed by ${other} as well, until 2030-01-01T00:00:00.000Z`)
      expect(stdout).to.contain('followed only if it is listed')
      expect(stdout).to.contain('no older than 60 s and no more than 5 s ahead of our clock')
      expect(stdout).to.contain('a gap in its batches is reported and asked for again')
      expect(stdout).to.contain("multicast of the head-end's group trips")
      const [record] = records(await gridseal('check', '-c', join(folder, 'field.yaml'), '--json'))
      expect(record?.['signing']).to.deep.equal([next, other])
    }))

  it('explains how the channel goes, and what limits who comes in', () =>
    withFolder(async (folder) => {
      await gridseal('keygen', join(folder, 'a.key'))
      const write = (name: string, value: object): Promise<void> => writeFile(join(folder, name), JSON.stringify(value))
      const explained = async (name: string): Promise<string> => {
        const { code, stdout, stderr } = await gridseal('check', '-c', join(folder, name))
        expect(code, stderr).to.equal(0)
        return stdout
      }
      const link = { id: 'a', protocol: 'modbus' }
      const paths = ['udp://127.0.0.1:1', 'udp://127.0.0.2:1']
      await write('field.yaml', {
        role: 'field',
        site: 's',
        identity: 'a.key',
        channel: { connect: paths, peer: 'a.pub', use: 'redundant', keepAlive: '2s' },
        links: [{ ...link, device: 'tcp://127.0.0.1:2' }],
      })
      const field = await explained('field.yaml')
      expect(field).to.contain('dials the head-end at udp://127.0.0.1:1 and udp://127.0.0.2:1')
      expect(field).to.contain('packets: asks after 2000 ms of silence, gives up after 60000 ms')
      await write('head-end.yaml', {
        role: 'head-end',
        identity: 'a.key',
        channel: { listen: ['ws://127.0.0.1:1/grid', 'serial:///dev/ttyS0'], guard: { halfOpen: 7, addresses: 9 } },
        sites: [{ site: 's', peer: 'a.pub', links: [{ ...link, master: 'tcp://127.0.0.1:2' }] }],
      })
      const headEnd = await explained('head-end.yaml')
      expect(headEnd).to.contain('come in at ws://127.0.0.1:1/grid, serial:///dev/ttyS0 from any address')
      expect(headEnd).to.contain('limits: halfOpen 7, addresses 9')
    })).timeout(60_000)

  it('says in one clear line what is wrong, with file, line and key; exit code 2', () =>
    withFolder(async (folder) => {
      await gridseal('keygen', join(folder, 'field.key'))
      await config(folder, 'journl: {directory: x}\n')
      const wrong = await gridseal('check', '-c', join(folder, 'field.yaml'))
      expect(wrong.code).to.equal(2)
      expect(wrong.stderr.trim()).to.equal(`gridseal: ${join(folder, 'field.yaml')}:7: journl: unknown key`)
    }))

  it('refuses a private key that others can read', () =>
    withFolder(async (folder) => {
      await gridseal('keygen', join(folder, 'field.key'))
      await chmod(join(folder, 'field.key'), 0o644)
      await config(folder)
      const wrong = await gridseal('check', '-c', join(folder, 'field.yaml'))
      expect(wrong.code).to.equal(2)
      expect(wrong.stderr).to.contain('chmod 600')
    }))

  it('does not end as if all were well when nobody reads what it says, or it cannot be written', async () => {
    const closed = spawnGridseal('pipe', 'keys', '--help')
    closed.stdout!.destroy()
    const [code] = (await once(closed, 'exit')) as [number]
    expect(code).to.equal(141)
    if (!existsSync('/dev/full')) return
    const full = spawnGridseal(openSync('/dev/full', 'w'), 'keys', '--help')
    let said = ''
    full.stderr!.on('data', (chunk: Buffer) => (said += chunk.toString()))
    expect(((await once(full, 'exit')) as [number])[0]).to.equal(1)
    expect(said).to.match(/^gridseal: cannot write to standard output: .*ENOSPC.*\n$/)
  })

  it('answers a wrong call with exit code 2 and what there is', async () => {
    const unknown = await gridsealProcess('frobnicate')
    expect(unknown.code).to.equal(2)
    expect(unknown.stderr).to.contain("unknown command 'frobnicate'")
    const bad = await gridseal('keygen', '/tmp/x', '--algorithm', 'RSA')
    expect(bad.code).to.equal(2)
    expect(bad.stderr).to.contain('ML-DSA-44, ML-DSA-65, ML-DSA-87')
  })

  it('reports on the machine', async () => {
    const found = records(await gridsealProcess('doctor', '--json'))
    expect(found.find(({ what }) => what === 'ML-DSA-65')).to.include({ state: 'ok', detail: 'native' })
    expect(found.find(({ what }) => what === 'runtime')).to.include({ state: 'ok' })
  })
})
