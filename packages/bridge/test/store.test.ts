import { createSocket } from 'node:dgram'
import type { Socket } from 'node:dgram'
import { join } from 'node:path'
import { readJournalKeys, verifyJournal } from '@gridseal/envelope'
import { expect } from 'chai'
import type { Pair } from './support/pair.ts'
import { Device, channelUp, startPair, until } from './support/pair.ts'
import { FaultProxy } from '../../../test/support/fault-proxy.ts'

/** A meter that sends datagrams and a collector that takes them, both plain sockets. */
class Udp {
  readonly socket: Socket = createSocket('udp4')
  readonly got: string[] = []

  static async open(): Promise<Udp> {
    const udp = new Udp()
    udp.socket.on('message', (bytes) => udp.got.push(bytes.toString('latin1')))
    await new Promise<void>((resolve) => udp.socket.bind(0, '127.0.0.1', () => resolve()))
    return udp
  }

  get url(): string {
    return `udp://127.0.0.1:${this.socket.address().port}`
  }

  send(url: string, text: string): void {
    const { port } = new URL(url.replace('udp:', 'http:'))
    this.socket.send(text, Number(port), '127.0.0.1')
  }
}

interface Rig {
  readonly pair: Pair
  readonly proxy: FaultProxy
  readonly collector: Udp
  /** Sends from the meter of a link. */
  readonly send: (link: string, text: string) => void
  readonly close: () => Promise<void>
}

async function start(links: Readonly<Record<string, object>>, field: object = {}, pace = 5000): Promise<Rig> {
  const collector = await Udp.open()
  const meters = new Map<string, Udp>()
  let proxy: FaultProxy | undefined
  for (const link of Object.keys(links)) meters.set(link, await Udp.open())
  const pair = await startPair(
    Object.entries(links).map(([id, options]) => ({
      id,
      device: meters.get(id)?.url ?? '',
      field: { bind: 'udp://127.0.0.1:0', ...options },
      headEnd: { master: 'udp://127.0.0.1:0', peer: collector.url, pace },
    })),
    {
      hold: '200ms',
      field,
      channelUrl: async (real) => {
        proxy = new FaultProxy({ target: Number(new URL(real).port), seed: 5 })
        return proxy.listen()
      },
    },
  )
  if (proxy === undefined) expect.fail('the proxy is there')
  const through = proxy
  return {
    pair,
    proxy: through,
    collector,
    send: (link, text) => meters.get(link)?.send(pair.field.stats.listening[`test/${link}`] ?? '', text),
    close: async () => {
      await pair.stop()
      await through.close()
      collector.socket.close()
      for (const meter of meters.values()) meter.socket.close()
    },
  }
}

const texts = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => `event ${from + i}`)

async function outage(rig: Rig): Promise<void> {
  rig.proxy.refuse(true)
  rig.proxy.cut()
  await until('the channel is down', () => rig.pair.field.stats.sites[0]?.channel === 'down')
}

async function back(rig: Rig): Promise<void> {
  rig.proxy.refuse(false)
  await channelUp(rig.pair)
}

/** Sends and waits until the field bridge has it in its journal. */
async function kept(rig: Rig, link: string, wanted: readonly string[]): Promise<void> {
  const before = sum(rig, 'entries')
  for (const text of wanted) {
    rig.send(link, text)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  await until('all came in', () => sum(rig, 'entries') === before + wanted.length)
}

function sum(rig: Rig, what: 'entries' | 'dropped' | 'backlog'): number {
  const outgoing = rig.pair.field.stats.sites[0]?.stored?.outgoing ?? {}
  return Object.values(outgoing).reduce((total, stats) => total + stats[what], 0)
}

describe('traffic that is kept', () => {
  let rig: Rig
  afterEach(() => rig.close())

  it('passes at once while the channel is up, and leaves nothing behind', async () => {
    rig = await start({ meter: { store: 'normal' } })
    await kept(rig, 'meter', texts(0, 20))
    await until('all arrived', () => rig.collector.got.length === 20)
    expect(rig.collector.got).to.deep.equal(texts(0, 20))
    await until('all is acknowledged', () => sum(rig, 'backlog') === 0)
  })

  it('waits in the journal during an outage and arrives afterwards, in order and once', async () => {
    rig = await start({ meter: { store: 'normal' } })
    await kept(rig, 'meter', texts(0, 5))
    await until('those before', () => rig.collector.got.length === 5)
    await outage(rig)
    await kept(rig, 'meter', texts(5, 60))
    expect(rig.collector.got).to.have.length(5)
    await back(rig)
    await kept(rig, 'meter', texts(60, 70))
    await until('all arrived', () => rig.collector.got.length >= 70)
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(rig.collector.got).to.deep.equal(texts(0, 70))
  })

  it('survives restarts of either side, of both, before and during the delivery', async () => {
    rig = await start({ meter: { store: 'normal' } })
    await kept(rig, 'meter', texts(0, 5))
    await until('those before', () => rig.collector.got.length === 5)
    await outage(rig)
    await kept(rig, 'meter', texts(5, 40))
    await rig.pair.restart('field')
    await kept(rig, 'meter', texts(40, 60))
    await rig.pair.restart('head-end')
    await rig.pair.restart('field')
    expect(rig.collector.got).to.have.length(5)
    await back(rig)
    await rig.pair.restart('head-end')
    await channelUp(rig.pair)
    await kept(rig, 'meter', texts(60, 70))
    await until('all arrived', () => rig.collector.got.length >= 70)
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(rig.collector.got).to.deep.equal(texts(0, 70))
    const errors = rig.pair.events.filter(({ level }) => level === 'error')
    expect(errors.map(({ message }) => message)).to.deep.equal([])
    await rig.pair.headEnd.stop()
    await rig.pair.field.stop()
    for (const name of ['field', 'head-end']) {
      const folder = join(rig.pair.folder, `journal-${name}`)
      const report = await verifyJournal(folder, { keys: await readJournalKeys(folder) })
      expect(report, name).to.include({ failed: 0, frames: 70, unjoined: 0, behind: 0 })
    }
  })

  it('the more urgent goes first after an outage, each class in its own order', async () => {
    rig = await start({ logs: { store: 'bulk' }, alarms: { store: 'urgent' } })
    await outage(rig)
    const logs = texts(0, 30).map((text) => `log ${text}`)
    await kept(rig, 'logs', logs)
    await kept(rig, 'alarms', texts(0, 10))
    await back(rig)
    await until('all arrived', () => rig.collector.got.length === 40)
    expect(rig.collector.got.filter((text) => text.startsWith('event'))).to.deep.equal(texts(0, 10))
    expect(rig.collector.got.filter((text) => text.startsWith('log'))).to.deep.equal(logs)
    const lastAlarm = rig.collector.got.lastIndexOf('event 9')
    expect(lastAlarm, 'alarms are through before most of the logs').to.be.lessThan(25)
  })

  it('takes no more than its limit: the less urgent is dropped first, and counted', async () => {
    rig = await start({ logs: { store: 'bulk' }, alarms: { store: 'urgent' } }, { store: { maxBacklog: '1MiB' } }, 100)
    await outage(rig)
    const block = 'x'.repeat(20_000)
    let sent = 0
    while (sum(rig, 'dropped') === 0 && sent < 100) {
      rig.send('logs', `${sent++} ${block}`)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    const { bulk } = rig.pair.field.stats.sites[0]?.stored?.outgoing ?? {}
    expect(bulk?.dropped).to.be.greaterThan(0)
    expect(bulk?.backlogBytes).to.be.within(700_000, 900_000)
    await kept(rig, 'alarms', texts(0, 5))
    expect(rig.pair.field.stats.sites[0]?.stored?.outgoing.urgent?.dropped).to.equal(0)
    expect(rig.pair.events.some(({ code }) => code === 'store.full')).to.equal(true)
    await back(rig)
    const due = 5 + sent - (rig.pair.field.stats.sites[0]?.stored?.outgoing.bulk?.dropped ?? 0)
    await until('what was taken arrives', () => rig.collector.got.length === due)
  })

  it('a journal of the head-end that was set back is noticed, and gets again what it has lost', async () => {
    rig = await start({ meter: { store: 'normal' } })
    const { cp, rm } = await import('node:fs/promises')
    const journal = join(rig.pair.folder, 'journal-head-end')
    await kept(rig, 'meter', texts(0, 10))
    await until('those before', () => rig.collector.got.length === 10)
    await rig.pair.headEnd.stop()
    await cp(journal, `${journal}.copy`, { recursive: true })
    await rig.pair.restart('head-end')
    await channelUp(rig.pair)
    await kept(rig, 'meter', texts(10, 20))
    await until('those between', () => rig.collector.got.length === 20)
    await until('all is acknowledged', () => sum(rig, 'backlog') === 0)
    await rig.pair.headEnd.stop()
    await rm(journal, { recursive: true })
    await cp(`${journal}.copy`, journal, { recursive: true })
    await rig.pair.restart('head-end')
    await until('it is noticed', () => rig.pair.events.some(({ code }) => code === 'peer.set-back'))
    await until('what was lost comes again', () => rig.collector.got.length === 30)
    expect(rig.collector.got.slice(20)).to.deep.equal(texts(10, 20))
  })

  it('a journal of the field bridge that was set back is noticed by both', async () => {
    rig = await start({ meter: { store: 'normal' } })
    const { cp, rm } = await import('node:fs/promises')
    const journal = join(rig.pair.folder, 'journal-field')
    await kept(rig, 'meter', texts(0, 10))
    await until('all is acknowledged', () => rig.collector.got.length === 10 && sum(rig, 'backlog') === 0)
    await rig.pair.field.stop()
    await cp(journal, `${journal}.copy`, { recursive: true })
    await rig.pair.restart('field')
    await channelUp(rig.pair)
    await kept(rig, 'meter', texts(10, 20))
    await until('those between', () => rig.collector.got.length === 20)
    await rig.pair.field.stop()
    await rm(journal, { recursive: true })
    await cp(`${journal}.copy`, journal, { recursive: true })
    await rig.pair.restart('field')
    await channelUp(rig.pair)
    await kept(rig, 'meter', texts(20, 30))
    await until('traffic goes on', () => rig.collector.got.length === 30)
    expect(rig.collector.got).to.deep.equal(texts(0, 30))
    const codes = rig.pair.events.map(({ code }) => code)
    expect(codes).to.include('journal.set-back')
    expect(codes).to.include('envelope.set-back')
  })
})

describe('a configuration of kept traffic', () => {
  it('needs a journal and a medium without connections', async () => {
    const { parseConfig } = await import('@gridseal/bridge')
    const device = await Device.listen()
    const config = {
      role: 'field',
      site: 's',
      identity: 'k',
      channel: { connect: 'tcp://127.0.0.1:1', peer: 'p' },
      links: [{ id: 'a', protocol: 'raw', device: device.url, store: 'bulk' }],
    }
    device.close()
    expect(() => parseConfig(JSON.stringify(config), 'f')).to.throw(/needs a journal[^]*only for udp and serial/)
  })
})
