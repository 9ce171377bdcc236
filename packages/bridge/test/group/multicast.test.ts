import { readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readJournalKeys, verifyJournal } from '@gridseal/envelope'
import type { DatagramSocket } from '@gridseal/transport'
import { openMulticast } from '@gridseal/transport'
import { expect } from 'chai'
import { needLinux } from '../../../../test/support/requirements.ts'
import type { Name, Network } from '../support/group-station.ts'
import { GroupStation, NAMES } from '../support/group-station.ts'
import { until } from '../support/pair.ts'

const LOOPBACK = '127.0.0.1'

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

/** With a multicast group, and a device in it, beside each bridge. */
class Station extends GroupStation {
  readonly #devices: ReadonlyMap<Name, Device>

  private constructor(folder: string, devices: ReadonlyMap<Name, Device>) {
    const networks = [...devices].map(([name, { socket }]) => [
      name,
      { url: socket.url, more: { interface: LOOPBACK } },
    ])
    super(folder, 'raw', Object.fromEntries(networks) as Record<Name, Network>)
    this.#devices = devices
  }

  static async open(): Promise<Station> {
    const devices = new Map<Name, Device>()
    const net = Math.floor(Math.random() * 65_536)
    for (const [i, name] of NAMES.entries()) {
      const address = `239.${252 + i}.${net >> 8}.${net & 255}`
      devices.set(name, new Device(await openMulticast({ group: `udp://${address}:0`, interface: LOOPBACK })))
    }
    return new Station(await GroupStation.folder(), devices)
  }

  device(name: Name): Device {
    return this.#devices.get(name) ?? expect.fail(`no device ${name}`)
  }

  override async close(): Promise<void> {
    await super.close()
    for (const { socket } of this.#devices.values()) await socket.close()
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

  it('a restarted head-end goes on from the epoch that it has kept, whatever its clock says', async () => {
    await station.startHeadEnd(['a'])
    await station.startField('a')
    await station.keyed('a')
    const journal = join(station.folder, 'journal-head-end')
    const [name] = (await readdir(journal)).filter((file) => file.endsWith('.epoch'))
    const file = join(journal, name!)
    expect(await readFile(file, 'utf8')).to.equal(`gridseal-group-epoch ${station.group('a').epoch}\n`)
    await station.stop('a')
    await station.stop('head-end')
    await writeFile(file, 'gridseal-group-epoch 4000000000\n')
    await station.startHeadEnd(['a'])
    await station.startField('a')
    await station.keyed('a')
    expect(station.group('a').epoch).to.equal(4_000_000_001)
    expect(await readFile(file, 'utf8')).to.equal('gridseal-group-epoch 4000000001\n')
  })

  it('a site that becomes a member while the head-end runs joins, and a restarted one again', async () => {
    await station.startHeadEnd(['a'])
    await Promise.all([station.startField('a'), station.startField('b')])
    await station.keyed('a')
    expect(station.group('b').epoch).to.equal(0)
    await station.reload(['a', 'b'])
    await station.keyed('b')
    await station.stop('b')
    // Who asks twice within 100 ms is answered when it asks again, 3 s later.
    await new Promise((resolve) => setTimeout(resolve, 120))
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
