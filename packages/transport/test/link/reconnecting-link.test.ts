import { ReconnectingLink, connect, memoryPair } from '@gridseal/transport'
import type { Connection, LinkState } from '@gridseal/transport'
import type { GridsealError } from '@gridseal/wire'
import { ProtocolError } from '@gridseal/wire'
import { expect } from 'chai'
import { Collected, codeOf, pattern } from '../support/collect.ts'
import { VirtualClock, settle } from '../support/virtual-clock.ts'

/** A link over memory pairs, and the far end of each connection it has made. */
class Rig {
  readonly clock = new VirtualClock()
  readonly states: LinkState[] = []
  readonly connections: Connection[] = []
  readonly far: Connection[] = []
  readonly failures: GridsealError[] = []
  /** While set, attempts fail with it. */
  outage: Error | undefined
  readonly link = new ReconnectingLink(() => this.#open(), { clock: this.clock, random: () => 0.5 })

  constructor() {
    this.link.state.subscribe((state) => this.states.push(state))
    this.link.failures.subscribe((error) => this.failures.push(error))
  }

  subscribe(): void {
    this.link.connections.subscribe((connection) => {
      this.connections.push(connection)
      new Collected(connection)
    })
  }

  async #open(): Promise<Connection> {
    if (this.outage !== undefined) throw this.outage
    const [near, far] = memoryPair()
    new Collected(far)
    this.far.push(far)
    return near
  }
}

describe('a reconnecting link', () => {
  let rig: Rig
  beforeEach(() => {
    rig = new Rig()
  })
  afterEach(async () => {
    await rig.link.stop()
    expect(rig.clock.pending).to.equal(0)
  })

  it('is closed until it is started, then opens and hands the connection out', async () => {
    rig.subscribe()
    expect(rig.states).to.deep.equal(['closed'])
    rig.link.start()
    await settle()
    expect(rig.states).to.deep.equal(['closed', 'opening', 'ready'])
    expect(rig.connections).to.have.length(1)
  })

  it('opens the next when one is lost, after the pause', async () => {
    rig.subscribe()
    rig.link.start()
    await settle()
    rig.far[0]?.end()
    await settle()
    expect(rig.states.at(-1)).to.equal('backing-off')
    await rig.clock.advance(124)
    expect(rig.connections).to.have.length(1)
    await rig.clock.advance(1)
    expect(rig.connections).to.have.length(2)
    expect(rig.states.slice(-3)).to.deep.equal(['backing-off', 'opening', 'ready'])
  })

  it('waits longer from attempt to attempt, and tells why each failed', async () => {
    rig.outage = new ProtocolError('transport.connect.refused', 'nobody there')
    rig.link.start()
    await settle()
    // Half of 250, 500, 1000, 2000 ms.
    for (const [wait, attempts] of [
      [125, 2],
      [250, 3],
      [500, 4],
      [1000, 5],
    ] as const) {
      await rig.clock.advance(wait - 1)
      expect(rig.link.counters.attempts).to.equal(attempts - 1)
      await rig.clock.advance(1)
      expect(rig.link.counters.attempts).to.equal(attempts)
    }
    expect(rig.failures).to.have.length(5)
    expect(rig.failures[0]).to.equal(rig.outage)
    expect(rig.link.counters).to.include({ attempts: 5, failed: 5, errors: 5, opened: 0, lost: 0 })
  })

  it('starts over with short waits after a connection that lasted', async () => {
    rig.outage = new ProtocolError('test', 'down')
    rig.link.start()
    await settle()
    await rig.clock.advance(125 + 250)
    rig.outage = undefined
    await rig.clock.advance(500)
    expect(rig.states.at(-1)).to.equal('ready')
    await rig.clock.advance(30_000)
    rig.far[0]?.end()
    rig.subscribe()
    await settle()
    expect(rig.states.at(-1)).to.equal('backing-off')
    await rig.clock.advance(125)
    expect(rig.states.at(-1)).to.equal('ready')
  })

  it('holds an open connection for whoever subscribes late, but not one that is gone', async () => {
    rig.link.start()
    await settle()
    rig.far[0]?.destroy(new ProtocolError('test', 'broken'))
    await settle()
    await rig.clock.advance(125)
    expect(rig.far).to.have.length(2)
    rig.subscribe()
    expect(rig.connections).to.have.length(1)
    rig.connections[0]?.write(pattern(5))
    await settle()
    expect(rig.far[1]?.counters.bytesIn).to.equal(5)
  })

  it('adds up the counters of all its connections', async () => {
    rig.subscribe()
    rig.link.start()
    await settle()
    rig.connections[0]?.write(pattern(10))
    rig.far[0]?.write(pattern(3))
    await settle()
    rig.far[0]?.destroy(new ProtocolError('test', 'broken'))
    await settle()
    await rig.clock.advance(125)
    rig.connections[1]?.write(pattern(20))
    await settle()
    expect(rig.link.counters).to.deep.equal({
      attempts: 2,
      opened: 2,
      failed: 0,
      lost: 1,
      bytesIn: 3,
      bytesOut: 30,
      writes: 2,
      errors: 1,
    })
    expect(rig.failures.map(({ code }) => code)).to.deep.equal(['transport.connection.reset'])
  })

  it('stops: sends what is queued, ends the connection, and makes no other', async () => {
    rig.subscribe()
    rig.link.start()
    await settle()
    rig.connections[0]?.write(pattern(1000))
    await rig.link.stop()
    expect(await rig.connections[0]?.closed).to.deep.equal({ kind: 'local' })
    expect(rig.far[0]?.counters.bytesIn).to.equal(1000)
    await rig.clock.advance(100_000)
    expect(rig.states.at(-1)).to.equal('closed')
    expect(rig.link.counters).to.include({ attempts: 1, lost: 0 })
  })

  it('stops while it waits', async () => {
    rig.outage = new ProtocolError('test', 'down')
    rig.link.start()
    await settle()
    await rig.link.stop()
    expect(rig.clock.pending).to.equal(0)
    expect(rig.states).to.deep.equal(['closed', 'opening', 'backing-off', 'closed'])
  })

  it('can be stopped and started from within what it reports', async () => {
    let stopped: Promise<void> | undefined
    rig.link.state.subscribe((state) => {
      if (state === 'backing-off') stopped = rig.link.stop()
    })
    rig.outage = new ProtocolError('test', 'down')
    rig.link.start()
    await settle()
    await stopped
    expect(rig.states.at(-1)).to.equal('closed')
  })

  it('gives an attempt up when stopped, and destroys a connection that comes too late', async () => {
    const [near, far] = memoryPair()
    const opening = Promise.withResolvers<Connection>()
    let signal: AbortSignal | undefined
    const link = new ReconnectingLink((given) => {
      signal = given
      return opening.promise
    })
    link.start()
    const stopped = link.stop()
    expect(signal?.aborted).to.equal(true)
    opening.resolve(near)
    await stopped
    expect(await near.closed).to.deep.equal({ kind: 'local' })
    new Collected(far)
    await far.closed
    expect(link.counters).to.include({ attempts: 1, opened: 1, failed: 0, lost: 0 })
  })

  it('does not count an attempt that was given up as failed', async () => {
    const link = new ReconnectingLink((signal) => connect('tcp://127.0.0.1:1', { signal }))
    const failures: GridsealError[] = []
    link.failures.subscribe((error) => failures.push(error))
    link.start()
    await link.stop()
    expect(failures).to.deep.equal([])
    expect(link.counters).to.include({ attempts: 1, failed: 0 })
  })

  it('takes an opener that throws at once as a failure', async () => {
    const link = new ReconnectingLink(() => {
      throw new TypeError('oops')
    })
    const failures: GridsealError[] = []
    link.failures.subscribe((error) => failures.push(error))
    link.start()
    await settle()
    await link.stop()
    expect(failures[0]).to.include({ name: 'InternalError', code: 'transport.failed' })
  })

  it('refuses options that cannot be right', () => {
    const open = (): Promise<Connection> => connect('memory://none')
    for (const options of [{ base: 0 }, { max: 1.5 }, { resetAfter: -1 }, { bse: 1 }]) {
      expect(codeOf(() => new ReconnectingLink(open, options as object))).to.equal('transport.option')
    }
  })
})
