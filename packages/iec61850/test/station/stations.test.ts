import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { LINK_TYPE, PcapWriter } from '@gridseal/pcap'
import {
  GoosePublisher,
  GooseSubscriber,
  SvPublisher,
  SvSubscriber,
  encodeSample,
  etherTypeOf,
} from '@gridseal/iec61850'
import type { Data, GooseEvent, SvEvent } from '@gridseal/iec61850'
import type { OpenEthernet } from '@gridseal/transport'
import { MemoryEthernet, openEthernet } from '@gridseal/transport'
import { UsageError } from '@gridseal/wire'
import { needPeer } from '../../../../test/support/requirements.ts'
import { vethPair } from '../../../../test/support/veth.ts'

const ADDRESS = { destination: '01-0C-CD-01-00-01', appId: 0x3001, vlanId: 5 }
const BLOCK = { gocbRef: 'IED1LD0/LLN0$GO$gcb1', datSet: 'IED1LD0/LLN0$DS1', confRev: 1 }
const GOOD = { validity: 'good', flags: [], derived: false } as const
const trip = (value: boolean): Data[] => [
  { kind: 'boolean', value },
  { kind: 'bitString', value: { bytes: new Uint8Array(2), unusedBits: 3 } },
]

async function until(what: string, check: () => boolean): Promise<void> {
  for (let i = 0; i < 2000 && !check(); i++) await new Promise((resolve) => setTimeout(resolve, 5))
  expect(check(), what).to.equal(true)
}

interface Wire {
  readonly open: OpenEthernet
  readonly a: string
  readonly b: string
  remove(): Promise<void>
}

function suite(title: string, prepare: (context: Mocha.Context) => Promise<Wire>): void {
  describe(title, () => {
    let wire: Wire
    const stations: { close(): Promise<void> }[] = []
    const opened = async <T extends { close(): Promise<void> }>(opening: Promise<T>): Promise<T> => {
      const station = await opening
      stations.push(station)
      return station
    }
    before(async function () {
      wire = await prepare(this)
    })
    afterEach(async () => {
      for (const station of stations.splice(0)) await station.close()
    })
    after(() => wire?.remove())

    it('GOOSE: states are heard once, repeated, and missed when the publisher falls silent', async () => {
      const parts = { openEthernet: wire.open }
      const subscriber = await opened(
        GooseSubscriber.open(`eth://${wire.b}`, { ...BLOCK, destinations: [ADDRESS.destination] }, parts),
      )
      const block = { ...BLOCK, minTime: 150, maxTime: 300 }
      const publisher = await opened(GoosePublisher.open(`eth://${wire.a}`, ADDRESS, block, parts))
      const events: GooseEvent[] = []
      subscriber.events.subscribe((event) => events.push(event))
      publisher.publish(trip(false))
      await until('it is repeated', () => subscriber.counters.messages >= 3)
      publisher.publish(trip(true))
      await until('a second state', () => subscriber.counters.states === 2)
      expect(subscriber.valid).to.equal(true)
      const states = events.flatMap((event) => (event.kind === 'state' ? [event.pdu.allData[0]] : []))
      expect(states).to.deep.equal([trip(false)[0], trip(true)[0]])
      await publisher.close()
      await until('the silence', () => events.at(-1)?.kind === 'lost')
      expect(subscriber.valid).to.equal(false)
      expect(subscriber.counters).to.include({ lost: 0, missed: 0, duplicates: 0 })
    })

    it('sampled values: every sample of a stream of 4,000 a second is heard', async () => {
      const parts = { openEthernet: wire.open }
      const expected = { svId: 'MU01', octets: 64, samplesPerSecond: 4000, timeout: 1000 }
      const subscriber = await opened(SvSubscriber.open(`eth://${wire.b}`, expected, parts))
      const address = { ...ADDRESS, destination: '01-0C-CD-04-00-01', appId: 0x4000 }
      const block = { svId: 'MU01', confRev: 1, samplesPerSecond: 4000, smpSynch: 2 }
      const publisher = await opened(SvPublisher.open(`eth://${wire.a}`, address, block, parts))
      const counts: number[] = []
      subscriber.events.subscribe((event: SvEvent) => event.kind === 'sample' && counts.push(event.asdu.smpCnt))
      publisher.run((smpCnt) => encodeSample(Array.from({ length: 8 }, () => ({ steps: smpCnt, quality: GOOD }))))
      await until('half a second of them', () => counts.length >= 2000)
      await publisher.close()
      await until('all arrive', () => counts.length === publisher.counters.sent)
      // A machine that does not keep up may skip samples when they are made; none that was sent is lost.
      expect(publisher.counters.dropped).to.equal(0)
      expect(subscriber.counters).to.include({ lost: 0, late: 0, samples: publisher.counters.sent })
      expect(counts.slice(0, 3)).to.deep.equal([0, 1, 2])
    })
  })
}

suite('stations on Ethernet in memory', () =>
  Promise.resolve({ open: new MemoryEthernet().open, a: 'bus', b: 'bus', remove: () => Promise.resolve() }),
)

suite('stations on raw Ethernet', async (context) => ({ open: openEthernet, ...(await vethPair(context)) }))

describe('stations', () => {
  it('GOOSE: a state that cannot be sent is refused at the call, and the one before goes on', async () => {
    let [now, ring] = [0, (): void => undefined]
    const clock = {
      now: () => now,
      after: (milliseconds: number, callback: () => void) => {
        ring = () => {
          now += milliseconds
          callback()
        }
        return () => (ring = () => undefined)
      },
    }
    const parts = { openEthernet: new MemoryEthernet().open, clock }
    const publisher = await GoosePublisher.open('eth://a', ADDRESS, BLOCK, parts)
    publisher.publish(trip(true))
    expect(() => publisher.publish([{ kind: 'integer', value: 1.5 }])).to.throw(UsageError)
    expect(() => publisher.publish([{ kind: 'octetString', value: new Uint8Array(70_000) }])).to.throw(UsageError)
    ring()
    ring()
    expect(publisher.counters.sent + publisher.counters.dropped).to.equal(3)
    await publisher.close()
  })

  it('say what is wrong with their options before anything is sent', async () => {
    const parts = { openEthernet: new MemoryEthernet().open }
    const wrong: readonly Promise<unknown>[] = [
      GoosePublisher.open('eth://bus', { ...ADDRESS, appId: 0x1_0000 }, BLOCK, parts),
      GoosePublisher.open('eth://bus', { ...ADDRESS, destination: 'x' }, BLOCK, parts),
      GoosePublisher.open('eth://bus', { ...ADDRESS, vlanPriority: 9 }, BLOCK, parts),
      GoosePublisher.open('eth://bus', ADDRESS, { ...BLOCK, minTime: 0 }, parts),
      GooseSubscriber.open('eth://bus', { ...BLOCK, confRev: -1 }, parts),
      SvSubscriber.open('eth://bus', { svId: 'x', timeout: 0 }, parts),
    ]
    for (const opening of wrong) {
      expect(await opening.catch((thrown: unknown) => thrown)).to.be.instanceOf(UsageError)
    }
  })

  it('send what TShark reads without a complaint, as it was meant', async function () {
    needPeer(this, 'tshark')
    const ethernet = new MemoryEthernet()
    const capture = new PcapWriter({ linkType: LINK_TYPE.ETHERNET })
    let frames = 0
    for (const etherType of [0x88b8, 0x88ba]) {
      const listener = await ethernet.open({ url: 'eth://bus', etherType })
      listener.datagrams.subscribe(({ bytes }) => {
        expect(etherTypeOf(bytes)).to.equal(etherType)
        capture.add({ time: BigInt(frames++) * 1_000_000n, bytes, linkType: LINK_TYPE.ETHERNET })
      })
    }
    const parts = { openEthernet: ethernet.open }
    const goose = await GoosePublisher.open('eth://bus', ADDRESS, { ...BLOCK, goId: 'trip', maxTime: 10_000 }, parts)
    goose.publish([
      ...trip(true),
      { kind: 'integer', value: -5 },
      { kind: 'unsigned', value: 200 },
      { kind: 'floatingPoint', value: 1.5, double: false },
      { kind: 'visibleString', value: 'text' },
      { kind: 'utcTime', value: { seconds: 1, fraction: 0, quality: 0 } },
      { kind: 'structure', elements: trip(false) },
    ])
    const untagged = { ...ADDRESS, vlanPriority: null, destination: '01-0C-CD-04-00-01', appId: 0x4000 }
    const block = { svId: 'MU01', confRev: 1, samplesPerSecond: 4000, asdusPerFrame: 2, smpRate: 4000, smpMod: 1 }
    const sv = await SvPublisher.open('eth://bus', untagged, block, parts)
    for (let i = 0; i < 4; i++) sv.push(new Uint8Array(64))
    await until('they are heard', () => frames >= 3)
    await Promise.all([goose.close(), sv.close()])
    const folder = mkdtempSync(join(tmpdir(), 'gridseal-test-'))
    try {
      const file = join(folder, 'sent.pcap')
      writeFileSync(file, capture.take())
      const tshark = (...parts: string[]): string =>
        execFileSync('tshark', ['-n', '-r', file, ...parts], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
      expect(tshark('-Y', '_ws.malformed || _ws.expert.severity>=8388608')).to.equal('')
      const fields = (filter: string, ...names: string[]): string[] =>
        tshark('-Y', filter, '-T', 'fields', ...names.flatMap((name) => ['-e', name]))
          .trim()
          .split('\n')
      const [first] = fields('goose', 'goose.gocbRef', 'goose.goID', 'goose.stNum', 'goose.numDatSetEntries', 'vlan.id')
      expect(first).to.equal('IED1LD0/LLN0$GO$gcb1\ttrip\t1\t8\t5')
      const counts = fields('sv', 'sv.smpCnt', 'sv.svID', 'sv.smpRate')
      expect(counts).to.deep.equal(['0,1\tMU01,MU01\t4000,4000', '2,3\tMU01,MU01\t4000,4000'])
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
