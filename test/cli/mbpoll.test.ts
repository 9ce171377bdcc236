import { spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { PtyPair } from '../../packages/transport/test/support/pty-pair.ts'
import { RunningCli, gridseal } from '../support/cli.ts'
import { FaultProxy } from '../support/fault-proxy.ts'
import { withFolder } from '../support/folders.ts'
import { needPeer } from '../support/requirements.ts'

interface Stats {
  readonly kind: string
  readonly listening: Readonly<Record<string, string>>
  readonly sites: readonly { readonly channel: string; readonly channels: number }[]
}

function stats(line: string): Stats | undefined {
  const record = JSON.parse(line) as Stats
  return record.kind === 'stats' ? record : undefined
}

/** Runs mbpoll once at `device` and returns the values that it prints, by reference. */
async function mbpoll(device: string, args: string, ...values: readonly number[]): Promise<Map<number, number>> {
  const all = ['-a', '1', '-1', '-q', '-o', '2', ...args.split(' '), device, ...values.map(String)]
  const child = spawn('mbpoll', all, { stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()))
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  if (code !== 0) throw new Error(`mbpoll ${all.join(' ')}: exit code ${code}: ${text}`)
  return new Map([...text.matchAll(/^\[(\d+)\]:\s+(-?\d+)/gm)].map((match) => [Number(match[1]), Number(match[2])]))
}

const tcp = (port: number, args: string, ...values: readonly number[]): Promise<Map<number, number>> =>
  mbpoll('127.0.0.1', `-m tcp -p ${port} ${args}`, ...values)

describe('mbpoll through head-end bridge, field bridge and Modbus device, each a process of its own', () => {
  before(function () {
    needPeer(this, 'mbpoll')
  })

  it('reads the right registers, also after the channel was cut and restored', () =>
    withFolder(async (folder) => {
      for (const name of ['field', 'head-end']) await gridseal('keygen', join(folder, `${name}.key`))
      const meter = new RunningCli('simulate', 'modbus', '--listen', 'tcp://127.0.0.1:0')
      const device = await meter.line((line) => /^ready (\S+)$/.exec(line)?.[1])
      await writeFile(
        join(folder, 'head-end.yaml'),
        `role: head-end
identity: head-end.key
channel: {listen: 'tcp://127.0.0.1:0'}
sites:
  - {site: s, peer: field.pub, links: [{id: meter, protocol: modbus, master: 'tcp://127.0.0.1:0'}]}
`,
      )
      const headEnd = new RunningCli('run', '-c', join(folder, 'head-end.yaml'), '--json', '--interval', '100ms')
      const { listening } = await headEnd.line(stats)
      const proxy = new FaultProxy({ target: Number(new URL(listening['channel'] ?? '').port), seed: 1 })
      await writeFile(
        join(folder, 'field.yaml'),
        `role: field
site: s
identity: field.key
channel: {connect: '${await proxy.listen()}', peer: head-end.pub}
links: [{id: meter, protocol: modbus, device: '${device}'}]
`,
      )
      const field = new RunningCli('run', '-c', join(folder, 'field.yaml'), '--json', '--interval', '100ms')
      try {
        const up = (channels: number): Promise<Stats> =>
          headEnd.line((line) => {
            const s = stats(line)
            return s?.sites[0]?.channel === 'up' && s.sites[0].channels >= channels ? s : undefined
          })
        await up(1)
        const port = Number(new URL(listening['s/meter'] ?? '').port)
        const direct = Number(new URL(device).port)
        const check = async (): Promise<void> => {
          // Holding registers stand still; write one through the bridges and read it back both ways.
          const value = 1 + Math.floor(Math.random() * 60_000)
          await tcp(port, '-t 4 -r 101', value)
          const through = await tcp(port, '-t 4 -r 101 -c 8')
          const straight = await tcp(direct, '-t 4 -r 101 -c 8')
          expect(through.get(101)).to.equal(value)
          expect([...through]).to.deep.equal([...straight])
          expect((await tcp(port, '-t 3 -r 1 -c 10')).size).to.equal(10)
          expect((await tcp(port, '-t 0 -r 1 -c 8')).size).to.equal(8)
        }
        await check()
        proxy.refuse(true)
        proxy.cut()
        await headEnd.line((line) => {
          const s = stats(line)?.sites[0]
          return s?.channel === 'down' && s.channels === 1 ? true : undefined
        })
        proxy.refuse(false)
        await up(2)
        await check()
      } finally {
        expect(await field.stop(), field.stderr).to.equal(0)
        expect(await headEnd.stop(), headEnd.stderr).to.equal(0)
        expect(await meter.stop(), meter.stderr).to.equal(0)
        await proxy.close()
      }
    })).timeout(60_000)

  it('does the same on serial lines: RTU from pty to pty', function () {
    needPeer(this, 'socat')
    return withFolder(async (folder) => {
      for (const name of ['field', 'head-end']) await gridseal('keygen', join(folder, `${name}.key`))
      const masters = await PtyPair.open()
      const devices = await PtyPair.open()
      const meter = new RunningCli('simulate', 'modbus', '--listen', devices.url('b'))
      await meter.line((line) => (line.startsWith('ready ') ? line : undefined))
      await writeFile(
        join(folder, 'head-end.yaml'),
        `role: head-end
identity: head-end.key
channel: {listen: 'tcp://127.0.0.1:0'}
sites:
  - {site: s, peer: field.pub, links: [{id: line, protocol: modbus, framing: rtu, master: '${masters.url('b')}'}]}
`,
      )
      const headEnd = new RunningCli('run', '-c', join(folder, 'head-end.yaml'), '--json', '--interval', '100ms')
      const { listening } = await headEnd.line(stats)
      await writeFile(
        join(folder, 'field.yaml'),
        `role: field
site: s
identity: field.key
channel: {connect: '${listening['channel']}', peer: head-end.pub}
links: [{id: line, protocol: modbus, framing: rtu, device: '${devices.url('a')}'}]
`,
      )
      const field = new RunningCli('run', '-c', join(folder, 'field.yaml'), '--json', '--interval', '100ms')
      try {
        await headEnd.line((line) => (stats(line)?.sites[0]?.channel === 'up' ? true : undefined))
        const rtu = (args: string, ...values: readonly number[]): Promise<Map<number, number>> =>
          mbpoll(masters.path('a'), `-m rtu -b 115200 -P none ${args}`, ...values)
        await rtu('-t 4 -r 101', 4711)
        expect((await rtu('-t 4 -r 101 -c 2')).get(101)).to.equal(4711)
        expect((await rtu('-t 3 -r 1 -c 10')).size).to.equal(10)
      } finally {
        expect(await field.stop(), field.stderr).to.equal(0)
        expect(await headEnd.stop(), headEnd.stderr).to.equal(0)
        expect(await meter.stop(), meter.stderr).to.equal(0)
        await masters.close()
        await devices.close()
      }
    })
  }).timeout(60_000)
})
