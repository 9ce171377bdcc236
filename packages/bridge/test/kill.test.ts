import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createSocket } from 'node:dgram'
import type { Socket } from 'node:dgram'
import { cp, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createBridge, parseConfig } from '@gridseal/bridge'
import type { BridgeEvent } from '@gridseal/bridge'
import { verifyJournal } from '@gridseal/envelope'
import { SigningKey, writeKeyFile, writePublicKeyFile } from '@gridseal/pqc'
import { expect } from 'chai'
import { until } from './support/pair.ts'
import { withFolder } from '../../../test/support/folders.ts'
import { ROOT, needSlow } from '../../../test/support/requirements.ts'
import { sharingCompiled } from '../../../test/support/compiled.ts'

const KILLS = 8
const COMMAND = join(ROOT, 'packages/cli/src/main.ts')

function run(config: string): ChildProcess {
  const args = ['-C', 'source', COMMAND, 'run', '-c', config, '--level', 'warn']
  return spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'ignore'], env: sharingCompiled() })
}

async function killed(child: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await gone
}

const udp = (): Promise<Socket> =>
  new Promise((resolve) => {
    const socket = createSocket('udp4')
    socket.bind(0, '127.0.0.1', () => resolve(socket))
  })

/** A TCP port that is free now. */
const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })

describe('kept traffic whose head-end is killed again and again', () => {
  it('SIGKILL at random instants while it delivers: nothing is lost, and only what was leaving at a kill comes twice', async function () {
    needSlow(this)
    await withFolder(async (folder) => {
      const keys = { field: SigningKey.generate('ML-DSA-44'), headEnd: SigningKey.generate('ML-DSA-44') }
      for (const [name, key] of Object.entries(keys)) {
        await writeKeyFile(join(folder, `${name}.key`), key)
        await writePublicKeyFile(join(folder, `${name}.pub`), key.publicKey)
      }
      const [meter, collector] = [await udp(), await udp()]
      const got: number[] = []
      collector.on('message', (bytes) => got.push(Number(bytes.toString('latin1'))))
      const [channel, bind] = [await freePort(), await udp()]
      const bindPort = bind.address().port
      bind.close()
      const address = (socket: Socket): string => `udp://127.0.0.1:${socket.address().port}`
      const link = { id: 'meter', protocol: 'raw' }
      const field = {
        role: 'field',
        site: 's',
        identity: join(folder, 'field.key'),
        channel: { connect: `tcp://127.0.0.1:${channel}`, peer: join(folder, 'headEnd.pub') },
        journal: { directory: join(folder, 'field') },
        links: [{ ...link, device: address(meter), bind: `udp://127.0.0.1:${bindPort}`, store: 'normal' }],
      }
      const headEnd = {
        role: 'head-end',
        identity: join(folder, 'headEnd.key'),
        channel: { listen: `tcp://127.0.0.1:${channel}` },
        journal: { directory: join(folder, 'head-end') },
        sites: [
          {
            site: 's',
            peer: join(folder, 'field.pub'),
            links: [{ ...link, master: 'udp://127.0.0.1:0', peer: address(collector), pace: 400 }],
          },
        ],
      }
      await writeFile(join(folder, 'field.yaml'), JSON.stringify(field))
      await writeFile(join(folder, 'head-end.yaml'), JSON.stringify(headEnd))
      const fieldBridge = run(join(folder, 'field.yaml'))
      let headEndBridge = run(join(folder, 'head-end.yaml'))
      let sent = 0
      let sending = true
      const sender = setInterval(() => {
        if (sending) meter.send(String(sent++), bindPort, '127.0.0.1')
      }, 8)
      try {
        // The field bridge takes datagrams from now on: what came before is nobody's.
        await until('the first arrives', () => got.length > 0, 30_000)
        const first = got[0] ?? 0
        for (let kill = 0; kill < KILLS; kill++) {
          const before = got.length
          await until(`it delivers, ${kill}`, () => got.length > before + 20, 30_000)
          await new Promise((resolve) => setTimeout(resolve, Math.random() * 400))
          await killed(headEndBridge)
          headEndBridge = run(join(folder, 'head-end.yaml'))
        }
        sending = false
        await until('the last arrives', () => got.at(-1) === sent - 1, 150_000)
        const times = new Map<number, number>()
        for (const n of got) times.set(n, (times.get(n) ?? 0) + 1)
        const lost = Array.from({ length: sent - first }, (_, i) => first + i).filter((n) => !times.has(n))
        const doubled = [...times].filter(([, count]) => count > 1).map(([n]) => n)
        expect(lost).to.deep.equal([])
        // Between the departure of a datagram and its mark lie some microseconds: a kill in there sends that one again.
        expect(doubled.length, `doubled: ${doubled.join(' ')}`).to.be.at.most(KILLS)
        expect([...times.values()].every((count) => count <= 2)).to.equal(true)
      } finally {
        clearInterval(sender)
        await killed(headEndBridge)
        await killed(fieldBridge)
        for (const socket of [meter, collector]) socket.close()
      }
      for (const name of ['field', 'head-end']) {
        const report = await verifyJournal(join(folder, name), { keys: [keys.field.publicKey, keys.headEnd.publicKey] })
        expect(report, name).to.include({ behind: 0 })
        expect(report.firstFailure?.code ?? 'journal.torn', name).to.equal('journal.torn')
      }
    })
  }).timeout(500_000)
})

describe('a field bridge that is killed in the middle of live traffic', () => {
  it('SIGKILL: is never taken for one whose journal was set back, and one that was set back is', () =>
    withFolder(async (folder) => {
      for (const name of ['field', 'head-end']) {
        const key = SigningKey.generate('ML-DSA-44')
        await writeKeyFile(join(folder, `${name}.key`), key)
        await writePublicKeyFile(join(folder, `${name}.pub`), key.publicKey)
      }
      const device = createServer((socket) => {
        const timer = setInterval(() => socket.write('one frame after the other'), 1)
        socket.on('error', () => undefined).on('close', () => clearInterval(timer))
      })
      await new Promise<void>((resolve) => device.listen(0, '127.0.0.1', resolve))
      const events: BridgeEvent[] = []
      const site = { site: 's', peer: join(folder, 'field.pub') }
      const headEnd = await createBridge(
        parseConfig(
          JSON.stringify({
            role: 'head-end',
            identity: join(folder, 'head-end.key'),
            channel: { listen: 'tcp://127.0.0.1:0', holdConnections: '100ms' },
            journal: { directory: join(folder, 'kept'), sync: false },
            sites: [{ ...site, links: [{ id: 'a', protocol: 'raw', master: 'tcp://127.0.0.1:0' }] }],
          }),
          'test',
        ),
        (event) => events.push(event),
      )
      await headEnd.start()
      const { listening } = headEnd.stats
      const journal = join(folder, 'journal')
      const field = {
        role: 'field',
        site: 's',
        identity: join(folder, 'field.key'),
        channel: { connect: listening['channel'], peer: join(folder, 'head-end.pub') },
        journal: { directory: journal },
        links: [{ id: 'a', protocol: 'raw', device: `tcp://127.0.0.1:${(device.address() as AddressInfo).port}` }],
      }
      await writeFile(join(folder, 'field.yaml'), JSON.stringify(field))
      const batches = (): number => headEnd.stats.sites[0]!.incoming.batches
      /** A field bridge in a process of its own carries some batches and is killed. */
      const live = async (): Promise<void> => {
        const process = run(join(folder, 'field.yaml'))
        const before = { ups: headEnd.stats.sites[0]!.channels, batches: batches() }
        await until('the channel is up', () => headEnd.stats.sites[0]!.channels > before.ups, 30_000)
        const master = connect(Number(new URL(listening['s/a']!).port), '127.0.0.1')
        master.on('error', () => undefined).resume()
        await until('it carries', () => batches() > before.batches + 40, 30_000)
        await killed(process)
        master.destroy()
        await until('it is gone', () => headEnd.stats.sites[0]!.channel === 'down')
      }
      const setBacks = (): number => events.filter(({ code }) => code === 'envelope.set-back').length
      try {
        await live()
        await cp(journal, join(folder, 'older'), { recursive: true })
        await live()
        expect(setBacks()).to.equal(0)
        for (const { details } of events.filter(({ code }) => code === 'envelope.tail-lost')) {
          expect(details['batches']).to.be.at.least(1)
        }
        await rm(journal, { recursive: true })
        await cp(join(folder, 'older'), journal, { recursive: true })
        await live()
        expect(setBacks()).to.equal(1)
      } finally {
        await headEnd.stop()
        device.close()
      }
    })).timeout(120_000)
})
