import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Bridge, BridgeEvent } from '@gridseal/bridge'
import { createBridge, parseConfig } from '@gridseal/bridge'
import { readJournalKeys, verifyJournal } from '@gridseal/envelope'
import { SigningKey, writeKeyFile, writePublicKeyFile } from '@gridseal/pqc'
import type { DatagramSocket } from '@gridseal/transport'
import { openMulticast } from '@gridseal/transport'
import { expect } from 'chai'
import type { RealtimeStats } from '#src/site/realtime.ts'
import { until } from '../support/pair.ts'
import { needLinux } from '../../../../test/support/requirements.ts'

const LOOPBACK = '127.0.0.1'
const NAMES = ['head-end', 'a', 'b'] as const
type Site = 'a' | 'b'

/** A device on the multicast network of one bridge. */
class Device {
  readonly heard: string[] = []
  readonly socket: DatagramSocket

  constructor(socket: DatagramSocket) {
    this.socket = socket
    socket.datagrams.subscribe(({ bytes }) => this.heard.push(Buffer.from(bytes).toString()))
  }

  say(text: string): void {
    this.socket.send(Buffer.from(text))
  }
}

/** A head-end that owns a group, two field bridges that are its members, and a device on the network of each. */
class Station {
  readonly events: BridgeEvent[] = []
  readonly bridges = new Map<string, Bridge>()
  readonly devices = new Map<string, Device>()
  readonly folder: string
  readonly #networks = new Map<string, string>()
  #channel = 'tcp://127.0.0.1:0'

  private constructor(folder: string) {
    this.folder = folder
  }

  static async open(): Promise<Station> {
    const station = new Station(await mkdtemp(join(tmpdir(), 'gridseal-group-')))
    const net = Math.floor(Math.random() * 65_536)
    for (const [i, name] of NAMES.entries()) {
      const key = SigningKey.generate('ML-DSA-44')
      await writeKeyFile(join(station.folder, `${name}.key`), key)
      await writePublicKeyFile(join(station.folder, `${name}.pub`), key.publicKey)
      const address = `239.${252 + i}.${net >> 8}.${net & 255}`
      const socket = await openMulticast({ group: `udp://${address}:0`, interface: LOOPBACK })
      station.devices.set(name, new Device(socket))
      station.#networks.set(name, socket.url)
    }
    return station
  }

  device(name: string): Device {
    const device = this.devices.get(name)
    if (device === undefined) expect.fail(`no device ${name}`)
    return device
  }

  group(site: Site, bridge: string = site): RealtimeStats {
    const found = this.bridges.get(bridge)?.stats.sites.find((one) => one.site === site)?.groups['relays']
    if (found === undefined) expect.fail(`no group of ${site} at ${bridge}`)
    return found
  }

  headEndConfig(members: readonly Site[], group: object = {}): object {
    return {
      role: 'head-end',
      identity: join(this.folder, 'head-end.key'),
      channel: { listen: this.#channel },
      journal: { directory: join(this.folder, 'journal-head-end'), sync: false },
      sites: (['a', 'b'] as const).map((site) => ({
        site,
        peer: join(this.folder, `${site}.pub`),
        links: [{ id: 'meter', protocol: 'raw', master: 'tcp://127.0.0.1:0' }],
      })),
      groups: [
        {
          name: 'protection',
          protocol: 'raw',
          address: this.#networks.get('head-end'),
          interface: LOOPBACK,
          members: members.map((site) => ({ site, link: 'relays' })),
          ...group,
        },
      ],
    }
  }

  async startHeadEnd(members: readonly Site[], group: object = {}): Promise<void> {
    const bridge = await this.#start('head-end', this.headEndConfig(members, group))
    this.#channel = bridge.stats.listening['channel'] ?? ''
  }

  async startField(site: Site, limits: object = {}): Promise<void> {
    await this.#start(site, {
      role: 'field',
      site,
      identity: join(this.folder, `${site}.key`),
      channel: { connect: this.#channel, peer: join(this.folder, 'head-end.pub') },
      journal: { directory: join(this.folder, `journal-${site}`), sync: false },
      limits,
      links: [
        {
          id: 'relays',
          protocol: 'raw',
          device: this.#networks.get(site),
          interface: LOOPBACK,
          group: 'protection',
        },
      ],
    })
    await until(`${site} is up`, () => this.bridges.get(site)?.stats.sites[0]?.channel === 'up')
  }

  async reload(members: readonly Site[]): Promise<void> {
    const config = parseConfig(JSON.stringify(this.headEndConfig(members)), 'test')
    await this.bridges.get('head-end')?.reload(config)
  }

  keyed(...sites: Site[]): Promise<void> {
    return until('they have keys', () => sites.every((site) => this.group(site).epoch > 0))
  }

  async #start(name: string, config: object): Promise<Bridge> {
    const bridge = await createBridge(parseConfig(JSON.stringify(config), 'test'), (event) => this.events.push(event))
    this.bridges.set(name, bridge)
    await bridge.start()
    return bridge
  }

  async stop(name: string): Promise<void> {
    await this.bridges.get(name)?.stop()
    this.bridges.delete(name)
  }

  async close(): Promise<void> {
    for (const name of ['a', 'b', 'head-end']) await this.stop(name)
    for (const { socket } of this.devices.values()) await socket.close()
    await rm(this.folder, { recursive: true, force: true })
  }
}

describe('multicast between bridges under group keys', () => {
  let station: Station
  before(function () {
    needLinux(this)
  })
  beforeEach(async () => {
    station = await Station.open()
  })
  afterEach(() => station.close())

  it('every network hears every other, and none hears itself again', async () => {
    await station.startHeadEnd(['a', 'b'])
    await Promise.all([station.startField('a'), station.startField('b')])
    await station.keyed('a', 'b')
    for (const name of NAMES) station.device(name).say(`from ${name}`)
    await until('all arrive', () => NAMES.every((name) => station.device(name).heard.length >= 2))
    await new Promise((resolve) => setTimeout(resolve, 50))
    for (const name of NAMES) {
      const others = NAMES.filter((other) => other !== name).map((other) => `from ${other}`)
      expect(station.device(name).heard.toSorted(), name).to.deep.equal(others.toSorted())
    }
  })

  it('does not wait for a signature, which comes behind and covers what was delivered', async () => {
    await station.startHeadEnd(['a'])
    await station.startField('a', { batchDelay: '1500ms' })
    await station.keyed('a')
    const before = station.bridges.get('a')?.stats.sites[0]?.outgoing.batches
    for (let i = 0; i < 20; i++) station.device('a').say(`trip ${i}`)
    await until('all arrive', () => station.device('head-end').heard.length === 20)
    expect(station.bridges.get('a')?.stats.sites[0]?.outgoing.batches, 'no signature yet').to.equal(before)
    expect(station.group('a', 'head-end')).to.include({ received: 20, confirmed: 0 })
    await until('they are signed for', () => station.group('a', 'head-end').confirmed === 20)
    expect(station.group('a', 'head-end')).to.include({ unmatched: 0, unsigned: 0 })
    expect(station.device('head-end').heard, 'delivered once').to.have.length(20)
    await station.stop('a')
    await station.stop('head-end')
    for (const name of ['a', 'head-end']) {
      const folder = join(station.folder, `journal-${name}`)
      expect(await verifyJournal(folder, { keys: await readJournalKeys(folder) }), name).to.include({
        failed: 0,
        frames: 20,
      })
    }
  })

  it('a late joiner gets the key of the running epoch', async () => {
    await station.startHeadEnd(['a', 'b'])
    await station.startField('a')
    await station.keyed('a')
    station.device('a').say('before')
    await until('it arrives', () => station.device('head-end').heard.length === 1)
    await station.startField('b')
    await station.keyed('b')
    expect(station.group('b').epoch).to.equal(station.group('a').epoch)
    station.device('a').say('after')
    await until('both hear it', () => station.device('b').heard.length > 0)
    expect(station.device('b').heard).to.deep.equal(['after'])
  })

  it('a site that becomes a member while the head-end runs joins, and a restarted one again', async () => {
    await station.startHeadEnd(['a'])
    await Promise.all([station.startField('a'), station.startField('b')])
    await station.keyed('a')
    expect(station.group('b').epoch).to.equal(0)
    await station.reload(['a', 'b'])
    await station.keyed('b')
    await station.stop('b')
    await station.startField('b')
    await station.keyed('b')
    station.device('a').say('welcome')
    await until('it arrives', () => station.device('b').heard.length > 0)
  }).timeout(30_000)

  it('a member that was removed gets no key of later epochs, and is neither heard nor spoken to', async () => {
    await station.startHeadEnd(['a', 'b'])
    await Promise.all([station.startField('a'), station.startField('b')])
    await station.keyed('a', 'b')
    const epoch = station.group('b').epoch
    await station.reload(['a'])
    await until('a new epoch', () => station.group('a').epoch > epoch)
    station.device('a').say('secret')
    station.device('b').say('forged')
    await until('it is heard', () => station.device('head-end').heard.length > 0)
    await until('the other is refused', () => station.events.some(({ code }) => code === 'group.member'))
    expect(station.group('b').epoch).to.equal(epoch)
    expect(station.device('b').heard).to.deep.equal([])
    expect(station.device('head-end').heard).to.deep.equal(['secret'])
    expect(station.device('a').heard).to.deep.equal([])
  })

  it('epochs overlap: nothing is lost when the key changes', async () => {
    await station.startHeadEnd(['a'], { lifetime: '1500ms', overlap: '700ms' })
    await station.startField('a')
    await station.keyed('a')
    const first = station.group('a').epoch
    let sent = 0
    while (station.group('a').epoch < first + 3) {
      station.device('a').say(`state ${sent++}`)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    await until('all arrive', () => station.device('head-end').heard.length === sent)
    expect(station.group('a', 'head-end')).to.include({ received: sent, epoch: station.group('a').epoch, stale: 0 })
    expect(station.group('a')).to.include({ sent, unkeyed: 0 })
  })
})
