import { expect } from 'chai'
import { UsageError } from '@gridseal/wire'
import { CollisionAvoidance } from '#src/session/link/collision-avoidance.ts'
import type { CollisionOptions } from '#src/session/link/collision-avoidance.ts'
import { LinkChannel } from '#src/session/link/link-channel.ts'
import { Association } from '#src/session/master/association.ts'
import { MasterChannel } from '#src/session/master/master-channel.ts'
import { Outbox } from '#src/session/outbox.ts'
import { DeviceClock } from '#src/session/outstation/clock.ts'
import { Database } from '#src/session/outstation/database.ts'
import { OutstationSession } from '#src/session/outstation/outstation-session.ts'

/** The same numbers in every run. */
function seeded(seed: number): () => number {
  let state = seed
  return () => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31
}

interface Station {
  readonly outbox: Outbox
  readonly channel: LinkChannel | MasterChannel
  /** Octets on their way, one a millisecond (9600 baud). */
  sending: number[]
}

/** A half-duplex line: one octet a millisecond; what two send at the same time is lost. */
class Line {
  now = 0
  collisions = 0
  readonly stations: Station[] = []

  step(): void {
    for (const station of this.stations) {
      station.channel.advance(this.now)
      const octets = station.outbox.take()
      if (octets !== undefined) station.sending.push(...octets)
    }
    const senders = this.stations.filter(({ sending }) => sending.length > 0)
    const octets = senders.map(({ sending }) => sending.shift()!)
    if (senders.length > 1) this.collisions++
    const heard = senders.length > 1 ? 0xff : octets[0]
    if (heard !== undefined) {
      for (const station of this.stations) {
        if (!senders.includes(station)) station.channel.push(new Uint8Array([heard]), this.now)
      }
    }
    this.now++
  }
}

/** A master and two outstations on one line, whose points change at the same moment. */
function sharedLine(avoidance: { master: CollisionOptions; outstation: CollisionOptions } | undefined): {
  line: Line
  sessions: OutstationSession[]
  change: (value: number) => void
} {
  const line = new Line()
  const outbox = new Outbox()
  const channel = new MasterChannel('serial', outbox, avoidance && new CollisionAvoidance(avoidance.master, seeded(1)))
  const sessions = [10, 11].map((local) => {
    const own = new Outbox()
    const database = new Database([{ kind: 'binary-input', index: 0, value: 0 }], new DeviceClock(0, 0))
    const collisionAvoidance = avoidance && { collisionAvoidance: avoidance.outstation }
    const unsolicited = { ...collisionAvoidance, draw: seeded(local) }
    const session = new OutstationSession(
      { local, remote: 1, keepAlive: 0, confirmTimeout: 400, unsolicited },
      { database, outbox: own },
    )
    const link = new LinkChannel('serial', 'outstation', own)
    link.add(session, 0)
    line.stations.push({ outbox: own, channel: link, sending: [] })
    const options = { local: 1, remote: local, keepAlive: 0, integrity: [], disableUnsolicited: false }
    channel.add(
      new Association(
        { ...options, responseTimeout: 400, retryBase: 50, retryMax: 400 },
        { outbox, utc: (now) => now },
      ),
      0,
    )
    return session
  })
  line.stations.push({ outbox, channel, sending: [] })
  for (const station of line.stations) station.channel.opened(0)
  const change = (value: number): void => {
    for (const { database } of sessions) database.update('binary-input', 0, { value }, line.now)
  }
  return { line, sessions, change }
}

const AVOIDANCE = { master: { fixed: 5, random: 10 }, outstation: { fixed: 20, random: 150 } }

describe('DNP3 collision avoidance on a serial line', () => {
  it('outstations that speak at the same moment get through, one after the other', () => {
    const { line, sessions, change } = sharedLine(AVOIDANCE)
    const confirmed = (): boolean => sessions.every((session) => session.events.length === 0)
    const started = (): boolean => sessions.every((session) => session.unsolicitedClasses.length === 3)
    while (!started() && line.now < 60_000) line.step()
    expect(started()).to.equal(true)
    for (let round = 1; round <= 10; round++) {
      change(round & 1)
      const from = line.now
      do line.step()
      while (!confirmed() && line.now - from < 5000)
      expect(confirmed(), `round ${round}`).to.equal(true)
    }
    expect(sessions.map(({ counters }) => counters.unsolicitedRetries < 10)).to.deep.equal([true, true])
  })

  it('without it they drown each other out again and again: the same time-outs, the same moments', () => {
    const { line, sessions } = sharedLine(undefined)
    while (line.now < 20_000) line.step()
    expect(line.collisions).to.be.above(100)
    expect(sessions.map((session) => session.unsolicitedClasses)).to.deep.equal([[], []])
  })

  it('one’s turn is after the fixed and the random time of silence; octets of others put it off', () => {
    const turns = [0.5, 0.25, 0]
    const line = new CollisionAvoidance({ fixed: 100, random: 40 }, () => turns.shift()!)
    expect(line.turn(1000)).to.equal(1020)
    expect(line.turn(1010)).to.equal(1020)
    line.heard(1015)
    expect(line.turn(1020)).to.equal(1125)
    expect(line.turn(1200)).to.equal(1200)
    line.spoke(1200)
    expect(line.turn(1201)).to.equal(1300)
    expect(() => new CollisionAvoidance({ fixed: -1, random: 0 }, Math.random)).to.throw(UsageError)
  })
})
