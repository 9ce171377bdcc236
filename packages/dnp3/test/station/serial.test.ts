import { expect } from 'chai'
import type { Connection } from '@gridseal/transport'
import { connect } from '@gridseal/transport'
import { Master, Outstation, SimulatedOutputs, forEachMeasurement, serveOutstations } from '@gridseal/dnp3'
import type { OutstationConfig, RemoteOutstation } from '@gridseal/dnp3'
import { PtyPair } from '../../../transport/test/support/pty-pair.ts'
import { needNodeBefore, needPeer } from '../../../../test/support/requirements.ts'

const LATE_READS = 'serialport tells of bytes only when the event loop wakes for something else'

function outstation(local: number, config: Partial<OutstationConfig> = {}): Outstation {
  return new Outstation({
    local,
    masters: [1],
    keepAlive: 0,
    points: [
      ...Array.from(
        { length: 200 },
        (_, index) => ({ kind: 'analog-input', index, value: local * 1000 + index }) as const,
      ),
      { kind: 'binary-output', index: 0, value: 0 },
    ],
    unsolicited: { collisionAvoidance: { fixed: 30, random: 30 } },
    handler: (database) => {
      const outputs = new SimulatedOutputs(database)
      return { command: (...command) => outputs.command(...command) }
    },
    ...config,
  })
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5))
}

describe('DNP3 over serial lines, pty to pty', () => {
  const closers: (() => Promise<unknown>)[] = []
  before(function () {
    needPeer(this, 'socat')
  })
  beforeEach(function () {
    needNodeBefore(this, 26, LATE_READS)
  })
  afterEach(async () => {
    for (const close of closers.splice(0).toReversed()) await close()
  })

  async function ptyPair(): Promise<PtyPair> {
    const pty = await PtyPair.open()
    closers.push(() => pty.close())
    return pty
  }

  async function serve(url: string, ...outstations: Outstation[]): Promise<void> {
    const server = await serveOutstations(url, outstations)
    closers.push(() => server.close())
  }

  async function open(url: string): Promise<Master> {
    const master = await Master.open(url, {
      collisionAvoidance: { fixed: 5, random: 10 },
      reconnect: { base: 20, max: 100 },
    })
    closers.push(() => master.close())
    return master
  }

  /** What a master has heard of an outstation. */
  function watch(
    master: Master,
    remote: number,
    options: object = {},
  ): { station: RemoteOutstation; values: Map<number, unknown>; events: unknown[]; ended: string[] } {
    const [values, events, ended] = [new Map<number, unknown>(), [] as unknown[], [] as string[]]
    const station = master.add(
      { local: 1, remote, keepAlive: 0, timeSync: 'serial', retryBase: 100, ...options },
      {
        fragment: (fragment) =>
          forEachMeasurement(fragment, ({ point, index, value, event }) => {
            if (point === 30) values.set(index, value)
            if (point === 30 && event) events.push([index, value])
          }),
        taskEnded: (name, { ok }) => ended.push(`${name}${ok ? '' : ' failed'}`),
      },
    )
    return { station, values, events, ended }
  }

  it('start-up with confirmed frames, time by delay measurement, a control, an event by itself', async () => {
    const pty = await ptyPair()
    const device = outstation(10, { confirm: true })
    await serve(pty.url('b'), device)
    const { station, values, events, ended } = watch(await open(pty.url('a')), 10, { confirm: true })
    await until(() => ended.includes('enableUnsolicited') && ended.includes('timeSync'))
    expect(values.get(199)).to.equal(10_199)
    const latch = { kind: 'binary', index: 0, code: 3, count: 1, onTime: 0, offTime: 0 } as const
    expect((await station.operate([latch])).success).to.equal(true)
    device.update('analog-input', 7, { value: -7 })
    await until(() => events.length > 0)
    expect(events).to.deep.equal([[7, -7]])
    await until(() => device.session(1)!.events.length === 0)
    expect(device.session(1)!.link.counters.failures).to.equal(0)
  })

  it('two outstations behind one port, each with its own answers, commands and events', async () => {
    const pty = await ptyPair()
    const devices = [outstation(10), outstation(11)]
    await serve(pty.url('b'), ...devices)
    const master = await open(pty.url('a'))
    const watched = [watch(master, 10), watch(master, 11)]
    await until(() => watched.every(({ ended }) => ended.includes('enableUnsolicited')))
    expect(watched.map(({ values }) => values.get(5))).to.deep.equal([10_005, 11_005])
    for (const device of devices) device.update('analog-input', 3, { value: device.local })
    await until(() => watched.every(({ events }) => events.length > 0))
    expect(watched.map(({ events }) => events)).to.deep.equal([[[3, 10]], [[3, 11]]])
  })

  it('two outstations at ports of their own on one multi-drop line, both speaking at the same moment', async () => {
    // The line: what comes in at one end goes out at all others.
    const ends = [await ptyPair(), await ptyPair(), await ptyPair()]
    const taps: Connection[] = []
    for (const end of ends) taps.push(await connect(end.url('b')))
    closers.push(() => Promise.all(taps.map((tap) => (tap.destroy(), tap.closed))))
    for (const tap of taps) {
      tap.data.subscribe((chunk) => {
        for (const other of taps) if (other !== tap) other.write(chunk)
      })
    }
    const devices = [outstation(10), outstation(11)]
    for (const [i, device] of devices.entries()) await serve(ends[i + 1]!.url('a'), device)
    const master = await open(ends[0]!.url('a'))
    const watched = [watch(master, 10), watch(master, 11)]
    await until(() => watched.every(({ ended }) => ended.includes('enableUnsolicited')))
    for (let round = 0; round < 5; round++) {
      for (const device of devices) device.update('analog-input', round, { value: round })
      await until(() => watched.every(({ events }) => events.length > round))
      await until(() => devices.every((device) => device.session(1)!.events.length === 0))
    }
    expect(watched.map(({ events }) => events.length)).to.deep.equal([5, 5])
  })

  it('keep-alives are answered; when nobody is there any more the line is opened anew, and all starts over', async () => {
    const pty = await ptyPair()
    const server = await serveOutstations(pty.url('b'), [outstation(10)])
    const master = await open(pty.url('a'))
    const { station, ended } = watch(master, 10, { keepAlive: 100, ackTimeout: 400 })
    const { counters } = station.association.link
    await until(() => ended.includes('enableUnsolicited') && counters.keepAlives >= 3)
    expect(counters.keepAliveFailures).to.equal(0)
    await server.close()
    await until(() => counters.keepAliveFailures > 0)
    ended.splice(0)
    await serve(pty.url('b'), outstation(10))
    await until(() => ended.includes('enableUnsolicited'))
  })

  it('comes back when the adapter was pulled and plugged in again', async () => {
    const pty = await ptyPair()
    await serve(pty.url('b'), outstation(10))
    const { station, ended } = watch(await open(pty.url('a')), 10)
    await until(() => ended.includes('enableUnsolicited'))
    await pty.unplug()
    ended.splice(0)
    await pty.renew()
    await until(() => ended.includes('integrity'))
    expect((await station.readClasses(0)).fragments.length).to.be.above(0)
  })
})
