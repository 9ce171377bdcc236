import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import type { Measurement, OutstationConfig, PointOptions } from '@gridseal/dnp3'
import {
  FILE_STATUS,
  Master,
  MemoryFiles,
  Outstation,
  SimulatedOutputs,
  countOctets,
  forEachMeasurement,
  serveOutstations,
} from '@gridseal/dnp3'
import { ProtocolError } from '@gridseal/wire'

const POINTS: readonly PointOptions[] = [
  ...Array.from({ length: 1000 }, (_, index): PointOptions => ({
    kind: 'analog-input',
    index,
    value: index,
    class: 2,
  })),
  { kind: 'binary-input', index: 0, value: 0 },
  { kind: 'counter', index: 0, value: 7, class: 3 },
  { kind: 'frozen-counter', index: 0, value: 0, class: 3 },
  { kind: 'binary-output', index: 3, value: 0, class: 0 },
  { kind: 'analog-output', index: 1, value: 0, class: 0 },
  { kind: 'octet-string', index: 0, value: new TextEncoder().encode('hello') },
]

function outstation(config: Partial<OutstationConfig> = {}): Outstation {
  return new Outstation({
    local: 10,
    masters: [1],
    points: POINTS,
    unsolicited: {},
    handler: (database) => {
      const outputs = new SimulatedOutputs(database)
      return { command: (...command) => outputs.command(...command), restart: () => 0 }
    },
    ...config,
  })
}

/** Resolves when `condition` holds; the rest of the test's time-out is the limit. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2))
}

describe('DNP3 stations', () => {
  const closers: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const close of closers.splice(0)) await close()
  })

  async function pair(
    config: Partial<OutstationConfig> = {},
    url = 'tcp://127.0.0.1:0',
  ): Promise<{
    device: Outstation
    master: Master
    points: Map<string, Measurement>
    events: Measurement[]
    url: string
  }> {
    const device = outstation(config)
    const server = await serveOutstations(url, [device])
    const master = await Master.open(server.url)
    closers.push(
      () => master.close(),
      () => server.close(),
    )
    const points = new Map<string, Measurement>()
    const events: Measurement[] = []
    return { device, master, points, events, url: server.url }
  }

  const collect =
    (points: Map<string, Measurement>, events: Measurement[]) =>
    (fragment: Parameters<typeof forEachMeasurement>[0]): void =>
      forEachMeasurement(fragment, (measurement) => {
        points.set(`g${measurement.point}/${measurement.index}`, measurement)
        if (measurement.event) events.push(measurement)
      })

  it('start-up: unsolicited off, integrity poll, restart cleared, time set, unsolicited on; then events come by themselves', async () => {
    const { device, master, points, events } = await pair()
    const tasks: string[] = []
    let indications = 0
    master.add(
      { local: 1, remote: 10, timeSync: 'lan' },
      {
        fragment: collect(points, events),
        indications: (iin) => (indications = iin),
        taskEnded: (name, { ok }) => tasks.push(`${name}${ok ? '' : ' failed'}`),
      },
    )
    await until(() => tasks.includes('enableUnsolicited'))
    expect(tasks.filter((name, i) => tasks.indexOf(name) === i)).to.have.members([
      'disableUnsolicited',
      'integrity',
      'clearRestart',
      'timeSync',
      'enableUnsolicited',
    ])
    expect(points.size).to.be.at.least(1005)
    expect(points.get('g30/999')?.value).to.equal(999)
    expect(indications).to.equal(0)
    expect(device.session(1)?.unsolicitedClasses).to.deep.equal([1, 2, 3])
    device.update('analog-input', 12, { value: 1234.5 })
    device.update('binary-input', 0, { value: 1 })
    await until(() => events.length >= 2)
    expect(events.map(({ point, index, value }) => [point, index, value])).to.deep.equal([
      [30, 12, 1234],
      [1, 0, true],
    ])
    expect(Math.abs(events[0]!.time! - Date.now())).to.be.below(2000)
    await until(() => device.session(1)!.events.length === 0)
  })

  it('commands: selected and operated, direct, refused, unanswered', async () => {
    const { device, master } = await pair()
    const remote = master.add({ local: 1, remote: 10, integrity: [] })
    await until(() => master.connected)
    const latch = { kind: 'binary', index: 3, code: 3, count: 1, onTime: 100, offTime: 100 } as const
    expect(await remote.operate([latch])).to.deep.equal({ statuses: [0], success: true })
    expect(device.database.point('binary-output', 3)?.value).to.equal(1)
    const setpoint = { kind: 'analog', index: 1, variation: 3, value: -2.5 } as const
    expect(await remote.operate([latch, setpoint, { ...latch, code: 4 }], 'direct')).to.deep.equal({
      statuses: [0, 0, 0],
      success: true,
    })
    expect(device.database.point('analog-output', 1)?.value).to.equal(-2.5)
    expect((await remote.operate([{ ...latch, index: 99 }])).statuses).to.deep.equal([4])
    await remote.operate([{ ...setpoint, value: 8 }], 'direct-no-response')
    await until(() => device.database.point('analog-output', 1)?.value === 8)
  })

  it('freeze, classes, attributes, time over a serial line’s procedure, restart', async () => {
    const { device, master, points, events } = await pair({
      attributes: [
        { variation: 252, value: { type: 'VSTR', value: 'Gridseal' } },
        { variation: 247, value: { type: 'VSTR', value: 'bay 7' } },
      ],
    })
    const remote = master.add({ local: 1, remote: 10 }, { fragment: collect(points, events) })
    await until(() => master.connected)
    await remote.freeze(20)
    expect(device.database.point('frozen-counter', 0)?.value).to.equal(7)
    await remote.freeze(20, 'freeze-clear')
    expect(device.database.point('counter', 0)?.value).to.equal(0)
    await remote.assignClass(1, 30, 0, 9)
    expect(device.database.point('analog-input', 9)?.eventClass).to.equal(1)
    expect(device.database.point('analog-input', 10)?.eventClass).to.equal(2)
    const attributes = await remote.attributes(254)
    expect([...attributes.keys()]).to.deep.equal([247, 252])
    expect(attributes.get(252)).to.deep.equal({ type: 'VSTR', value: 'Gridseal' })
    expect((await remote.attributes(255)).get(255)?.type).to.equal('LIST')
    await remote.synchroniseTime('serial')
    expect(device.database.clock.synchronised).to.equal(true)
    expect(await remote.restart('cold')).to.equal(0)
    await until(() => device.session(1)!.counters.unsolicited >= 2)
  })

  it('files: written, listed, described, read back block by block, deleted; refused without a key', async () => {
    const store = new MemoryFiles({ 'logs/a.txt': new TextEncoder().encode('first') })
    const authenticate = (user: string, password: string): number | undefined =>
      user === 'bob' && password === 'secret' ? 4711 : undefined
    const { master } = await pair({ files: { store, authenticate } })
    const remote = master.add({ local: 1, remote: 10, integrity: [] })
    await until(() => master.connected)
    const content = new Uint8Array(10_000).map((_, i) => i * 7)
    const refused = await remote.writeFile('logs/b.bin', content).catch((error: unknown) => error)
    expect(refused).to.be.instanceOf(ProtocolError)
    expect((refused as ProtocolError).details).to.deep.equal({ status: FILE_STATUS.PERMISSION_DENIED })
    const key = await remote.authenticateFile('bob', 'secret')
    await remote.writeFile('logs/b.bin', content, { key, maxBlock: 500 })
    expect(store.content('logs/b.bin')?.length).to.equal(10_000)
    const names = (await remote.readDirectory('logs', { key })).map(({ name }) => new TextDecoder().decode(name))
    expect(names).to.deep.equal(['a.txt', 'b.bin'])
    expect((await remote.fileInfo('logs/b.bin')).size).to.equal(10_000)
    expect(Buffer.from(await remote.readFile('logs/b.bin', { key }))).to.deep.equal(Buffer.from(content))
    await remote.deleteFile('logs/b.bin', { key })
    expect(store.content('logs/b.bin')).to.equal(undefined)
    for (const name of ['../etc/passwd', 'a\u0000b', 'c:\\x']) {
      const error = await remote.readFile(name, { key }).catch((reason: unknown) => reason)
      expect((error as ProtocolError).details, name).to.deep.equal({ status: FILE_STATUS.PERMISSION_DENIED })
    }
    expect(await remote.authenticateFile('bob', 'guess').catch(() => 'refused')).to.equal('refused')
  })

  it('two outstations on one connection, each with its own answers', async () => {
    const devices = [10, 11].map((local) =>
      outstation({ local, points: [{ kind: 'analog-input', index: 0, value: local * 100 }] }),
    )
    const server = await serveOutstations('tcp://127.0.0.1:0', devices)
    const master = await Master.open(server.url)
    closers.push(
      () => master.close(),
      () => server.close(),
    )
    const values = new Map<number, unknown>()
    for (const remote of [10, 11]) {
      master.add(
        { local: 1, remote },
        { fragment: (fragment) => forEachMeasurement(fragment, ({ value }) => values.set(remote, value)) },
      )
    }
    await until(() => values.size === 2)
    expect([...values].sort(([a], [b]) => a - b)).to.deep.equal([
      [10, 1000],
      [11, 1100],
    ])
  })

  it('two masters of one outstation, each with its own events', async () => {
    const device = outstation({ masters: [1, 2] })
    const server = await serveOutstations('tcp://127.0.0.1:0', [device])
    closers.push(() => server.close())
    const events: number[] = []
    for (const local of [1, 2]) {
      const master = await Master.open(server.url)
      closers.unshift(() => master.close())
      master.add(
        { local, remote: 10 },
        {
          fragment: (fragment) =>
            forEachMeasurement(fragment, ({ event }) => {
              if (event) events.push(local)
            }),
        },
      )
    }
    await until(() => [1, 2].every((one) => device.session(one)!.unsolicitedClasses.length === 3))
    device.update('binary-input', 0, { value: 1 })
    await until(() => events.length === 2)
    expect(events.sort((a, b) => a - b)).to.deep.equal([1, 2])
    // The device restarts for both, whoever asks for it.
    const before = device.session(2)!.counters.unsolicited
    device.session(1)!.restartAfter(0, 'cold', performance.now())
    await until(() => device.session(2)!.counters.unsolicited > before)
  })

  it('the outstation connects, the master listens', async () => {
    const master = await Master.open('tcp://127.0.0.1:0', { direction: 'listen' })
    const device = outstation()
    const server = await serveOutstations(master.url, [device], { direction: 'connect' })
    closers.push(
      () => server.close(),
      () => master.close(),
    )
    const points = new Map<string, Measurement>()
    master.add({ local: 1, remote: 10 }, { fragment: collect(points, []) })
    await until(() => points.size >= 1005)
  })

  it('over UDP, fragments longer than one frame in one datagram', async () => {
    const { master, points, events } = await pair({}, 'udp://127.0.0.1:0')
    master.add({ local: 1, remote: 10 }, { fragment: collect(points, events) })
    await until(() => points.size >= 1005)
  })

  const ASKING = { keepAlive: 30, ackTimeout: 30, confirmTimeout: 100 }
  const HASTY = { local: 1, remote: 10, keepAlive: 0, responseTimeout: 50, retryBase: 20, retryMax: 20 }

  it('over UDP, an outstation that answers no keep-alive is started over with when it is back', async () => {
    const first = await serveOutstations('udp://127.0.0.1:0', [outstation()])
    const master = await Master.open(first.url)
    closers.push(() => master.close())
    const ended: string[] = []
    const { keepAlive, ackTimeout } = ASKING
    const { association } = master.add(
      { ...HASTY, keepAlive, ackTimeout },
      { taskEnded: (name, { ok }) => ok && ended.push(name) },
    )
    await until(() => ended.includes('enableUnsolicited'))
    await first.close()
    await until(() => association.link.counters.keepAliveFailures > 1)
    ended.length = 0
    const again = await serveOutstations(first.url, [outstation()])
    closers.push(() => again.close())
    await until(() => ended.includes('enableUnsolicited'))
  })

  it('over UDP, a master that answered no keep-alive is told of events when it is back', async () => {
    const device = outstation(ASKING)
    const server = await serveOutstations('udp://127.0.0.1:0', [device])
    closers.push(() => server.close())
    const master = await Master.open(server.url)
    closers.push(() => master.close())
    const ended: string[] = []
    const first = master.add(HASTY, { taskEnded: (name, { ok }) => ok && ended.push(name) })
    await until(() => ended.includes('enableUnsolicited'))
    master.remove(first)
    await until(() => device.session(1)!.link.counters.keepAliveFailures > 1)
    const points = new Map<string, Measurement>()
    const events: Measurement[] = []
    master.add({ ...HASTY, integrity: [], disableUnsolicited: false }, { fragment: collect(points, events) })
    device.update('binary-input', 0, { value: 1 })
    await until(() => events.length > 0)
  })

  it('one of several outstations on a connection answers no keep-alive: the others keep the connection', async () => {
    const server = await serveOutstations('tcp://127.0.0.1:0', [outstation()])
    const master = await Master.open(server.url)
    closers.push(
      () => master.close(),
      () => server.close(),
    )
    const alive = master.add({ ...HASTY, responseTimeout: 2000 })
    const { keepAlive, ackTimeout } = ASKING
    const dead = master.add({ ...HASTY, remote: 11, keepAlive, ackTimeout, integrity: [], unsolicited: [] })
    await master.whenConnected()
    await until(() => dead.association.link.counters.keepAliveFailures > 2)
    await alive.readClasses(0)
    expect([alive.association.counters.failures, alive.association.isOpen]).to.deep.equal([0, true])
    expect(server.connections).to.equal(1)
  })

  it('link-layer confirms on both sides', async () => {
    const { master, device, points, events } = await pair({ confirm: true })
    const remote = master.add({ local: 1, remote: 10, confirm: true }, { fragment: collect(points, events) })
    await until(() => points.size >= 1005)
    expect(device.session(1)!.link.counters.failures).to.equal(0)
    expect(remote.association.link.counters.framesIn).to.be.above(20)
  })

  it('connects again when the connection is cut, and starts over', async () => {
    const device = outstation()
    const server = await serveOutstations('tcp://127.0.0.1:0', [device])
    const master = await Master.open(server.url, { reconnect: { base: 10 } })
    closers.push(() => master.close())
    let integrity = 0
    master.add(
      { local: 1, remote: 10 },
      { taskEnded: (name, { ok }) => (integrity += name === 'integrity' && ok ? 1 : 0) },
    )
    await until(() => integrity > 0)
    await server.close()
    await until(() => !master.connected)
    const before = integrity
    const again = await serveOutstations(server.url, [device])
    closers.push(() => again.close())
    await until(() => integrity > before)
  })

  it('polls on a schedule; one that is not answered is tried again, ever later', async () => {
    const { master } = await pair()
    let polls = 0
    master.add(
      {
        local: 1,
        remote: 10,
        integrity: [],
        polls: [{ name: 'analogs', every: 10, objects: countOctets(30, 0, 5) }],
      },
      { taskEnded: (name, { ok }) => (polls += name === 'analogs' && ok ? 1 : 0) },
    )
    await until(() => polls >= 3)
    const failures: number[] = []
    master.add(
      {
        local: 1,
        remote: 77,
        responseTimeout: 10,
        retryBase: 10,
        retryMax: 40,
        disableUnsolicited: false,
        unsolicited: [],
      },
      { taskEnded: (_name, { ok }) => !ok && failures.push(performance.now()) },
    )
    await until(() => failures.length >= 4)
    expect(failures[3]! - failures[2]!).to.be.above(30)
    const before = polls
    await until(() => polls > before + 3)
  })

  it('in memory, without a socket', async () => {
    const { master, points, events } = await pair({}, `memory://${randomUUID()}`)
    master.add({ local: 1, remote: 10 }, { fragment: collect(points, events) })
    await until(() => points.size >= 1005)
  })
})
