import { join } from 'node:path'
import { readJournalKeys, verifyJournal } from '@gridseal/envelope'
import { ETHER_TYPE_SV, gooseAdapter } from '@gridseal/iec61850'
import { MemoryEthernet } from '@gridseal/transport'
import { toHex } from '@gridseal/wire'
import { expect } from 'chai'
import { groupNetwork } from '#src/link/group-network.ts'
import { MulticastEnd } from '#src/link/multicast.ts'
import { RecentFrames } from '#src/link/recent-frames.ts'
import type { Wires } from '../support/ethernet.ts'
import { HEADER, Station, goose, memoryWires, realWires, sampledValues } from '../support/ethernet.ts'
import { START, groupRig } from '../support/group-rig.ts'
import type { Name, Site } from '../support/group-station.ts'
import { GroupStation, NAMES } from '../support/group-station.ts'
import { until } from '../support/pair.ts'

/** Bridges on their networks, with a relay beside each. */
class Substations {
  readonly bridges: GroupStation
  readonly #relays: ReadonlyMap<Name, Station>

  private constructor(bridges: GroupStation, relays: ReadonlyMap<Name, Station>) {
    this.bridges = bridges
    this.#relays = relays
  }

  static async open(wires: Wires, protocol: 'goose' | 'sv' = 'goose'): Promise<Substations> {
    const relays = new Map<Name, Station>()
    for (const name of NAMES) {
      const device = wires.ends[name].device
      relays.set(name, await Station.open(wires.open, device, protocol === 'sv' ? ETHER_TYPE_SV : undefined))
    }
    const urls = Object.fromEntries(NAMES.map((name) => [name, { url: `eth://${wires.ends[name].bridge}` }]))
    const networks = urls as Record<Name, { url: string }>
    const folder = await GroupStation.folder()
    return new Substations(new GroupStation(folder, protocol, networks, { openEthernet: wires.open }), relays)
  }

  async start(sites: readonly Site[], group: object = {}, link: object = {}): Promise<void> {
    await this.bridges.startHeadEnd(sites, group)
    await Promise.all(sites.map((site) => this.bridges.startField(site, {}, link)))
    await this.bridges.keyed(...sites)
  }

  relay(name: Name): Station {
    return this.#relays.get(name) ?? expect.fail(`no relay ${name}`)
  }

  async close(): Promise<void> {
    await this.bridges.close()
    for (const relay of this.#relays.values()) await relay.close()
  }
}

/** What bridges count of what they were spared. */
const spared = (bridges: GroupStation, name: Name) =>
  name === 'head-end'
    ? bridges.bridge(name).stats.groups['protection']
    : bridges.bridge(name).stats.sites[0]?.links['relays']

function endToEnd(title: string, prepare: (context: Mocha.Context) => Promise<Wires>): void {
  describe(title, () => {
    let wires: Wires | undefined
    let substations: Substations
    before(async function () {
      wires = await prepare(this)
    })
    beforeEach(async () => {
      substations = await Substations.open(wires!)
    })
    afterEach(() => substations?.close())
    after(() => wires?.remove())

    it('GOOSE leaves on every other network byte for byte, VLAN tag, extension and padding included', async () => {
      await substations.start(['a', 'b'])
      const frames = [
        goose(1),
        goose(2, { padding: new Uint8Array(9) }),
        goose(3, { extension: Uint8Array.of(0x85, 1, 7) }),
      ]
      for (const frame of frames) substations.relay('a').say(frame)
      const others = ['head-end', 'b'] as const
      await until('all arrive', () => others.every((name) => substations.relay(name).heard.length === frames.length))
      for (const name of others) expect(substations.relay(name).heard, name).to.deep.equal(frames.map((f) => toHex(f)))
      expect(substations.relay('a').heard, 'none comes back').to.deep.equal([])
    })

    it('both ways, and each network hears every other once', async () => {
      await substations.start(['a', 'b'])
      NAMES.forEach((name, index) => substations.relay(name).say(goose(10 + index)))
      await until('all arrive', () => NAMES.every((name) => substations.relay(name).heard.length >= 2))
      await new Promise((resolve) => setTimeout(resolve, 50))
      NAMES.forEach((name, own) => {
        const others = NAMES.flatMap((_, index) => (index === own ? [] : [toHex(goose(10 + index))]))
        expect(substations.relay(name).heard.toSorted(), name).to.deep.equal(others.toSorted())
      })
    })

    it('each under the MAC of the group at once, and signed behind: the journals of both sides prove it', async () => {
      await substations.start(['a'])
      for (let stNum = 1; stNum <= 20; stNum++) substations.relay('a').say(goose(stNum))
      await until('all arrive', () => substations.relay('head-end').heard.length === 20)
      expect(substations.bridges.group('a', 'head-end')).to.include({ received: 20, forged: 0, replayed: 0 })
      await until('all are signed for', () => substations.bridges.group('a', 'head-end').confirmed === 20)
      for (const name of ['a', 'head-end']) {
        await substations.bridges.stop(name)
        const folder = join(substations.bridges.folder, `journal-${name}`)
        const verified = await verifyJournal(folder, { keys: await readJournalKeys(folder) })
        expect(verified, name).to.include({ failed: 0, frames: 20 })
      }
    })

    it('only what the link names: other APPIDs and destinations stay where they are', async () => {
      const link = { appIds: [0x3001], destinations: ['01-0C-CD-01-00-01'] }
      await substations.start(['a'], {}, link)
      substations.relay('a').say(goose(1, { header: { ...HEADER, appId: 0x3002 } }))
      substations.relay('a').say(goose(2, {}, '01-0C-CD-01-00-02'))
      substations.relay('a').say(goose(3))
      await until('one arrives', () => substations.relay('head-end').heard.length > 0)
      expect(substations.relay('head-end').heard).to.deep.equal([toHex(goose(3))])
      expect(spared(substations.bridges, 'a')).to.include({ foreign: 1, framesIn: 1 })
    })

    it('nor does a member put onto our network what is not for it', async () => {
      await substations.start(['a'], { appIds: [0x3001] })
      substations.relay('a').say(goose(1, { header: { ...HEADER, appId: 0x3002 } }))
      substations.relay('a').say(goose(2))
      await until('one arrives', () => substations.relay('head-end').heard.length > 0)
      expect(substations.relay('head-end').heard).to.deep.equal([toHex(goose(2))])
      expect(spared(substations.bridges, 'head-end')).to.include({ foreign: 1, framesOut: 1 })
    })

    it('a member that is put out is neither heard nor spoken to any more', async () => {
      await substations.start(['a', 'b'])
      const { epoch } = substations.bridges.group('b')
      await substations.bridges.reload(['a'])
      await until('a new epoch', () => substations.bridges.group('a').epoch > epoch)
      substations.relay('b').say(goose(66))
      substations.relay('a').say(goose(1))
      await until('the other is refused', () => substations.bridges.events.some(({ code }) => code === 'group.member'))
      await until('the member is heard', () => substations.relay('head-end').heard.length > 0)
      expect(substations.relay('head-end').heard).to.deep.equal([toHex(goose(1))])
      expect(substations.relay('b').heard).to.deep.equal([])
      expect(substations.bridges.group('b').epoch).to.equal(epoch)
    })
  })
}

endToEnd('GOOSE between bridges under group keys, Ethernet in memory', () => Promise.resolve(memoryWires()))
endToEnd('GOOSE between bridges under group keys, raw Ethernet', realWires)

describe('sampled values between bridges under group keys', () => {
  it('arrive all, in order', async () => {
    const substations = await Substations.open(memoryWires(), 'sv')
    try {
      await substations.start(['a'])
      const frames = Array.from({ length: 2000 }, (_, smpCnt) => sampledValues(smpCnt))
      for (const [index, frame] of frames.entries()) {
        substations.relay('a').say(frame)
        if (index % 20 === 19) await new Promise((resolve) => setTimeout(resolve, 1))
      }
      await until('all arrive', () => substations.relay('head-end').heard.length === frames.length)
      expect(substations.relay('head-end').heard).to.deep.equal(frames.map((frame) => toHex(frame)))
    } finally {
      await substations.close()
    }
  }).timeout(60_000)
})

describe('loops', () => {
  it('bridges on one and the same network do not take in what bridges have put there', async () => {
    const substations = await Substations.open(memoryWires(true))
    try {
      await substations.start(['a', 'b'])
      substations.relay('a').say(goose(1))
      const seen = (): number => NAMES.reduce((sum, name) => sum + (spared(substations.bridges, name)?.again ?? 0), 0)
      await until('every copy has come back and was known', () => seen() >= 4)
      await new Promise((resolve) => setTimeout(resolve, 100))
      expect(substations.relay('b').heard, 'the one that was said').to.deep.equal([toHex(goose(1))])
      const sent = NAMES.map((name) => spared(substations.bridges, name)?.framesOut)
      expect(sent).to.deep.equal([0, 0, 0])
    } finally {
      await substations.close()
    }
  })

  it('a frame is known again for half a second, not longer: samples may repeat themselves after a second', () => {
    const recent = new RecentFrames()
    const frame = sampledValues(7)
    expect(recent.isNew(frame, 0)).to.equal(true)
    expect(recent.isNew(frame.slice(), 499)).to.equal(false)
    expect(recent.isNew(sampledValues(8), 499)).to.equal(true)
    expect(recent.isNew(frame, 1000)).to.equal(true)
  })

  it('what is remembered is bounded', () => {
    const recent = new RecentFrames()
    const frame = new Uint8Array(1500)
    const numbered = (i: number): Uint8Array => {
      new DataView(frame.buffer).setUint32(0, i)
      return frame
    }
    for (let i = 0; i < 20_000; i++) expect(recent.isNew(numbered(i), 0)).to.equal(true)
    expect(recent.isNew(numbered(0), 0), 'long gone').to.equal(true)
    expect(recent.isNew(numbered(19_999), 0), 'just now').to.equal(false)
  })
})

describe('frames under MACs, towards an Ethernet', () => {
  /** A receiving bridge's end of a link on a network in memory, and a relay that hears what comes out. */
  async function receiving() {
    const ethernet = new MemoryEthernet()
    const config = { id: 'relays', protocol: 'goose', keepInvalid: false, window: 0, silence: 0 } as const
    const network = groupNetwork({ group: 'eth://bus' }, gooseAdapter, ethernet.open)
    const context = {
      config,
      adapter: gooseAdapter,
      inbound: 'to-master',
      policy: undefined,
      now: () => 0n,
      report: () => undefined,
    } as const
    const end = new MulticastEnd(context, network)
    await end.start()
    const relay = await Station.open(ethernet.open, 'bus')
    return { end, relay, ...(await groupRig(({ bytes }) => end.send(bytes))) }
  }

  const entry = (bytes: Uint8Array, protocol = 'goose') =>
    ({
      kind: 'frame',
      link: 'relays',
      connection: 0,
      direction: 'to-master',
      time: BigInt(START) * 1_000_000n,
      protocol,
      bytes,
    }) as const

  it('tampered with at any octet, replayed, or of an epoch that is over: none leaves, and all is counted', async () => {
    const { end, relay, from, to, traffic, clock, rotate } = await receiving()
    const message = from.protect(entry(goose(1))) ?? expect.fail('there is a key')
    for (let at = 0; at < message.length; at++) {
      const tampered = Uint8Array.from(message)
      tampered[at]! ^= 0x01
      traffic.receive(tampered)
    }
    expect(end.counters.framesOut).to.equal(0)
    expect(to.counters.forged).to.be.greaterThan(goose(1).length)
    traffic.receive(message)
    traffic.receive(message)
    expect(to.counters).to.include({ received: 1, replayed: 1 })
    const old = from.protect(entry(goose(2))) ?? expect.fail('there is a key')
    await rotate([to])
    clock.now += 6000
    const refused = to.counters.epoch
    traffic.receive(old)
    expect(to.counters).to.include({ received: 1, epoch: refused + 1 })
    await until('the one that was right leaves', () => relay.heard.length > 0)
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(relay.heard).to.deep.equal([toHex(goose(1))])
  })

  it('a member that sends something else than GOOSE to a group gets no frame of it onto our network', async () => {
    const { end, traffic, from } = await receiving()
    const arp = Buffer.from('ffffffffffff020000000001080600010800060400010200', 'hex')
    const unicast = goose(1, {}, '02-00-00-00-00-99')
    for (const bytes of [arp, unicast, sampledValues(1), new Uint8Array(3)]) {
      traffic.receive(from.protect(entry(bytes)) ?? expect.fail('there is a key'))
    }
    expect(end.counters).to.include({ framesOut: 0, foreign: 4 })
  })
})
