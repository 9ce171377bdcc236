import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { verifyJournal } from '@gridseal/envelope'
import { SigningKey, writeKeyFile, writePublicKeyFile } from '@gridseal/pqc'
import { expect } from 'chai'
import { Device, Peer, until } from './support/pair.ts'
import { withFolder } from '../../../test/support/folders.ts'
import { gridseal } from '../../../test/support/cli.ts'
import { ROOT } from '../../../test/support/requirements.ts'
import { sharingCompiled } from '../../../test/support/compiled.ts'

const COMMAND = join(ROOT, 'packages/cli/src/main.ts')

interface Line {
  readonly kind: string
  readonly code?: string
  readonly message?: string
  readonly signer?: string
  readonly listening?: Readonly<Record<string, string>>
  readonly sites?: readonly { readonly channel: string; readonly outgoing: { readonly unacknowledged: number } }[]
  readonly journal?: { readonly records: number }
}

/** A bridge in a process of its own, and what it says. */
class Process {
  readonly child: ChildProcess
  readonly lines: Line[] = []
  readonly #gone: Promise<unknown>

  constructor(config: string) {
    const args = ['-C', 'source', COMMAND, 'run', '-c', config, '--json', '--interval', '100ms', '--level', 'info']
    this.child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], env: sharingCompiled() })
    this.#gone = new Promise((resolve) => this.child.once('exit', resolve))
    let rest = ''
    this.child.stdout?.on('data', (chunk: Buffer) => {
      const parts = `${rest}${chunk.toString('utf8')}`.split('\n')
      rest = parts.pop() ?? ''
      this.lines.push(...parts.map((part) => JSON.parse(part) as Line))
    })
  }

  get stats(): Line | undefined {
    return this.lines.findLast(({ kind }) => kind === 'stats')
  }

  /** Whether the journal has not grown between the last statistics behind `from` lines, and the far side has everything. */
  quietSince(from: number): boolean {
    const stats = this.lines.slice(from).filter(({ kind }) => kind === 'stats')
    if (stats.length < 4) return false
    const [last, ...before] = stats.slice(-4).reverse()
    const records = last?.journal?.records
    return last?.sites?.[0]?.outgoing.unacknowledged === 0 && before.every((line) => line.journal?.records === records)
  }

  said(code: string): boolean {
    return this.lines.some((line) => line.code === code)
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    this.child.kill(signal)
    await this.#gone
  }
}

const LIMIT = 40_000

describe('a signing key that is changed while the bridges run', () => {
  it('by SIGHUP and by its window: followed by the far side, also after kills, and verified with the first key', () =>
    withFolder(async (folder) => {
      const names = ['head-end', 'field', 'first', 'second', 'third'] as const
      const keys = Object.fromEntries(names.map((name) => [name, SigningKey.generate('ML-DSA-44')]))
      const text = (name: string): string => keys[name]?.publicKey.fingerprintText ?? ''
      for (const [name, key] of Object.entries(keys)) {
        await writeKeyFile(join(folder, `${name}.key`), key)
        await writePublicKeyFile(join(folder, `${name}.pub`), key.publicKey)
      }
      const device = await Device.listen((peer) => peer.socket.on('data', (bytes) => peer.socket.write(bytes)))
      const headEnd = {
        role: 'head-end',
        identity: 'head-end.key',
        channel: { listen: 'tcp://127.0.0.1:0' },
        journal: { directory: 'journal-head-end' },
        sites: [
          { site: 's', peer: 'field.pub', links: [{ id: 'meter', protocol: 'raw', master: 'tcp://127.0.0.1:0' }] },
        ],
      }
      const field = (connect: string, signing: object): object => ({
        role: 'field',
        site: 's',
        identity: 'field.key',
        signing,
        channel: { connect, peer: 'head-end.pub' },
        journal: { directory: 'journal-field' },
        links: [{ id: 'meter', protocol: 'raw', device: device.url }],
      })
      const write = (name: string, config: object): Promise<void> =>
        writeFile(join(folder, `${name}.yaml`), JSON.stringify(config))
      const start = (name: string): Process => new Process(join(folder, `${name}.yaml`))
      await write('head-end', headEnd)
      let head = start('head-end')
      await until('the head-end listens', () => head.stats?.listening !== undefined, LIMIT)
      const listening = head.stats?.listening ?? {}
      const connect = listening['channel'] ?? ''
      // From now on where it is, so that it can be started again.
      const [site] = headEnd.sites
      const links = [{ ...site?.links[0], master: listening['s/meter'] }]
      await write('head-end', { ...headEnd, channel: { listen: connect }, sites: [{ ...site, links }] })
      const port = Number(new URL(listening['s/meter'] ?? '').port)
      let echoed = 0
      const ask = async (what: string): Promise<void> => {
        await until('the channel is up', () => head.stats?.sites?.[0]?.channel === 'up', LIMIT)
        const master = await Peer.connect(port)
        master.send(what)
        await until(`${what} comes back`, () => master.text === what, LIMIT)
        master.socket.destroy()
        echoed++
      }

      await write('field', field(connect, { keys: [{ file: 'first.key' }] }))
      let bridge = start('field')
      try {
        await ask('with the first key')
        expect(bridge.stats?.signer).to.equal(text('first'))
        expect(head.said('envelope.succession'), 'the identity has signed for the first key').to.equal(true)

        // A list that cannot be read changes nothing.
        await write('field', field(connect, { keys: [{ file: 'missing.key' }] }))
        bridge.child.kill('SIGHUP')
        await until('it is refused', () => bridge.said('config.refused'), LIMIT)
        await ask('still with the first key')
        expect(bridge.stats?.signer).to.equal(text('first'))

        // By hand now, by its window a little later.
        const soon = new Date(Date.now() + 4000).toISOString()
        const list = [
          { file: 'first.key' },
          { file: 'second.key', from: '2020-01-01' },
          { file: 'third.key', from: soon },
        ]
        await write('field', field(connect, { keys: list }))
        bridge.child.kill('SIGHUP')
        await until('the second signs', () => bridge.stats?.signer === text('second'), LIMIT)
        await ask('with the second key')
        await until('the third signs', () => bridge.stats?.signer === text('third'), LIMIT)
        await ask('with the third key')
        const followed = (key: string): boolean =>
          head.lines.some(({ code, message }) => code === 'envelope.succession' && message?.includes(key) === true)
        await until('the head-end has followed', () => followed(text('third')), LIMIT)
        const changes = head.lines.filter(({ code }) => code === 'envelope.succession').map(({ message }) => message)
        expect(changes.some((message) => message?.includes(`${text('first')} has signed`) === true)).to.equal(true)
        expect(changes.some((message) => message?.includes(`${text('second')} has signed`) === true)).to.equal(true)

        // Both are killed: neither forgets whom to trust.
        // What they said before the last frames says nothing of those.
        const since = [head, bridge].map((one) => ({ one, from: one.lines.length }))
        await until('all is in both journals', () => since.every(({ one, from }) => one.quietSince(from)), LIMIT)
        await bridge.stop('SIGKILL')
        await head.stop('SIGKILL')
        head = start('head-end')
        bridge = start('field')
        await until('the field is up', () => bridge.stats?.signer === text('third'), LIMIT)
        await ask('after both were killed')
        for (const { lines } of [head, bridge]) {
          const errors = lines.filter((line) => 'level' in line && line.level === 'error')
          expect(errors.map(({ message }) => message)).to.deep.equal([])
        }
      } finally {
        await bridge.stop()
        await head.stop()
        device.close()
      }
      const anchors = ['field', 'head-end'].flatMap((name) => keys[name]?.publicKey ?? [])
      for (const name of ['journal-field', 'journal-head-end']) {
        const signers = new Set<string>()
        const report = await verifyJournal(join(folder, name), {
          keys: anchors,
          onBatch: ({ batch }) => signers.add(batch.signer.fingerprintText),
        })
        expect(report.firstFailure, name).to.equal(null)
        expect(report, name).to.include({ failed: 0, behind: 0 })
        expect(report.frames, name).to.equal(2 * echoed)
        const receipt = join(folder, `${name}.receipt`)
        const trust = ['--key', join(folder, 'field.pub'), '--key', join(folder, 'head-end.pub')]
        const cut = await gridseal(
          'extract',
          join(folder, name),
          '--frame',
          String(2 * echoed),
          ...trust,
          '-o',
          receipt,
        )
        expect(cut.code, cut.stderr).to.equal(0)
        expect([...signers], name).to.include.members(['field', 'first', 'second', 'third'].map(text))
      }
    })).timeout(120_000)
})
