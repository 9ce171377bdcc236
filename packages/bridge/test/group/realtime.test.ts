import type { FrameEntry, SequencedEntry } from '@gridseal/envelope'
import { GroupOwner } from '@gridseal/envelope'
import { expect } from 'chai'
import { Evidence } from '#src/group/evidence.ts'
import type { RealtimeFrame } from '#src/group/realtime-group.ts'
import { RealtimeGroup, groupId } from '#src/group/realtime-group.ts'
import { KEY, START, groupRig } from '../support/group-rig.ts'

const entry = (text: string): FrameEntry => ({
  kind: 'frame',
  link: 'relays',
  connection: 0,
  direction: 'to-master',
  time: BigInt(START) * 1_000_000n,
  protocol: 'raw',
  bytes: Buffer.from(text),
})

async function rig() {
  const delivered: string[] = []
  return { ...(await groupRig(({ bytes }) => delivered.push(Buffer.from(bytes).toString()))), delivered }
}

const protect = (group: RealtimeGroup, text: string): Uint8Array =>
  group.protect(entry(text)) ?? expect.fail('there is a key')

describe('real-time messages of a group', () => {
  it('forged: counted, said, dropped', async () => {
    const { from, to, traffic, delivered, said } = await rig()
    const message = protect(from, 'trip')
    for (const at of [message.length - 1, message.length - 40]) {
      const forged = Uint8Array.from(message)
      forged[at]! ^= 1
      traffic.receive(forged)
    }
    expect(delivered).to.deep.equal([])
    expect(to.counters).to.include({ forged: 2, received: 0 })
    expect(said).to.deep.equal(['envelope.mac'])
    traffic.receive(message)
    expect(delivered).to.deep.equal(['trip'])
  })

  it('replayed: counted, dropped', async () => {
    const { from, to, traffic, delivered } = await rig()
    const message = protect(from, 'trip')
    for (let i = 0; i < 3; i++) traffic.receive(message)
    expect(delivered).to.deep.equal(['trip'])
    expect(to.counters).to.include({ received: 1, replayed: 2 })
  })

  it('held back or ahead of our clock: counted, dropped', async () => {
    const { from, to, traffic, delivered, clock } = await rig()
    const message = protect(from, 'trip')
    clock.now += 1001
    traffic.receive(message)
    const ahead = protect(from, 'later')
    clock.now -= 1001
    traffic.receive(ahead)
    expect(delivered).to.deep.equal([])
    expect(to.counters).to.include({ stale: 2 })
  })

  it('of the epoch before: taken during the overlap, then not any more', async () => {
    const { from, to, traffic, delivered, clock, rotate } = await rig()
    const during = protect(from, 'during')
    await rotate([to])
    traffic.receive(during)
    clock.now += 4000
    traffic.receive(protect(from, 'still'))
    clock.now += 3000
    // Its sender has missed the new key and knows no better.
    traffic.receive(protect(from, 'too late'))
    expect(delivered).to.deep.equal(['during', 'still'])
    expect(to.counters).to.include({ epoch: 1, received: 2 })
    expect(to.epoch).to.equal(2)
  })

  it('a member that was put out cannot open what comes after', async () => {
    const { from, to, delivered, traffic, clock, owner } = await rig()
    const [, second] = owner.members
    for (const { bytes } of await owner.remove(second ?? '', clock.now)) from.accept(bytes)
    const message = protect(from, 'secret')
    traffic.receive(message)
    expect(delivered).to.deep.equal([])
    expect(to.counters).to.include({ epoch: 1, received: 0 })
  })

  it('garbage and messages of other groups: counted or said, never thrown', async () => {
    const { traffic, delivered, said, from } = await rig()
    const message = protect(from, 'trip')
    for (let length = 0; length < message.length; length += 3) traffic.receive(message.subarray(0, length))
    expect(delivered).to.deep.equal([])
    expect(said.length).to.be.greaterThan(0)
  })

  it('without a key nothing leaves, and that is counted', () => {
    const group = new RealtimeGroup({ name: 'g', owner: KEY.publicKey, maxAge: 1000, now: () => START })
    expect(group.protect(entry('trip'))).to.equal(undefined)
    expect(group.counters).to.include({ unkeyed: 1, sent: 0 })
  })

  it('their frames in batches are evidence, not delivered again', async () => {
    const { from, traffic, delivered } = await rig()
    traffic.receive(protect(from, 'trip'))
    const signed: SequencedEntry = { ...entry('trip'), sequence: 1 }
    expect(traffic.signed(signed)).to.equal(true)
    expect(traffic.signed({ ...entry('never came'), sequence: 2 })).to.equal(true)
    expect(traffic.signed({ ...entry('x'), link: 'other', sequence: 3 })).to.equal(false)
    expect(delivered).to.deep.equal(['trip'])
    expect(traffic.stats['relays']).to.include({ confirmed: 1, unmatched: 1, unsigned: 0 })
  })
})

describe('keys of a group whose owner has another time', () => {
  const owner = (least?: (now: number) => number): GroupOwner =>
    new GroupOwner({ key: KEY, group: groupId('protection'), lifetime: 60_000, overlap: 5000, ...(least && { least }) })

  it('far behind, restarted: counted, said with both times once a minute, another one wanted until a right one comes', async () => {
    const { to, traffic, alarms, clock } = await rig()
    traffic.accept(
      (await rekeyed(
        owner(() => 7),
        to,
        clock.now,
      ))!,
    )
    const key = (await rekeyed(owner(), to, START - 86_400_000))!
    for (let n = 0; n < 5; n++) traffic.accept(key)
    expect(to.counters).to.include({ refusedKeys: 5 })
    expect(alarms.length).to.equal(1)
    expect(alarms[0]?.message).to.match(/2023-11-13T22:13:20.000Z.*2023-11-14T22:13:20.000Z.*clock/)
    expect(alarms[0]?.details).to.deep.equal({
      group: 'protection',
      epoch: 1,
      newest: 7,
      from: START - 86_400_000,
      until: START - 86_340_000,
      now: START,
    })
    expect([to.epoch, to.hasKey, to.wantsKey]).to.deep.equal([7, true, true])
    clock.now += 60_000
    traffic.accept(key)
    expect(alarms.length).to.equal(2)
    traffic.accept(
      (await rekeyed(
        owner(() => 8),
        to,
        clock.now,
      ))!,
    )
    expect([to.epoch, to.hasKey, to.wantsKey]).to.deep.equal([8, true, false])
  })

  it('behind by more than an epoch lasts: it has ended, and is said with both times', async () => {
    const { to, traffic, alarms } = await rig()
    traffic.accept(
      (await rekeyed(
        owner(() => 2),
        to,
        START - 3_600_000,
      ))!,
    )
    expect([to.counters.refusedKeys, to.epoch, to.wantsKey]).to.deep.equal([1, 1, true])
    expect(alarms[0]?.message).to.match(/epoch 2 has ended.*2023-11-14T21:13:20.000Z.*2023-11-14T22:13:20.000Z/)
    expect(alarms[0]?.details).to.include({ from: START - 3_600_000, now: START })
  })

  it('ahead: the key is kept for its time, and that is said', async () => {
    const { to, traffic, alarms, clock } = await rig()
    traffic.accept(
      (await rekeyed(
        owner(() => 2),
        to,
        START + 30_000,
      ))!,
    )
    expect(alarms.length).to.equal(1)
    expect(alarms[0]?.details).to.include({ epoch: 2, from: START + 30_000, now: START })
    expect(to.ahead).to.equal(START + 30_000)
    clock.now += 30_000
    expect([to.ahead, to.hasKey]).to.deep.equal([undefined, true])
  })

  it('the same key again is no news', async () => {
    const { to, traffic, alarms, clock } = await rig()
    const key = (await rekeyed(
      owner(() => 7),
      to,
      clock.now,
    ))!
    for (let n = 0; n < 3; n++) traffic.accept(key)
    expect([alarms, to.counters.refusedKeys]).to.deep.equal([[], 0])
  })
})

/** The key of a new epoch of an owner whose clock says `now`. */
async function rekeyed(owner: GroupOwner, member: RealtimeGroup, now: number): Promise<Uint8Array | undefined> {
  await owner.add(member.recipient)
  const [delivery] = await owner.rotate(now)
  return delivery?.bytes
}

describe('signatures behind real-time frames', () => {
  it('that do not come in time are missed', () => {
    const evidence = new Evidence(1000)
    const frame = (n: number): RealtimeFrame => ({ time: BigInt(n), protocol: 'raw', bytes: Uint8Array.of(n) })
    for (let n = 0; n < 5; n++) evidence.delivered(frame(n), n * 100)
    evidence.signed(frame(1))
    expect(evidence.sweep(1200)).to.equal(2)
    expect(evidence.counters).to.deep.equal({ confirmed: 1, unmatched: 0, unsigned: 2 })
    evidence.signed(frame(0))
    expect(evidence.counters.unmatched).to.equal(1)
  })

  it('same frames count as often as they came', () => {
    const evidence = new Evidence(1000)
    const frame: RealtimeFrame = { time: 1n, protocol: 'raw', bytes: Uint8Array.of(1) }
    for (let i = 0; i < 3; i++) evidence.delivered(frame, 0)
    for (let i = 0; i < 4; i++) evidence.signed(frame)
    expect(evidence.counters).to.deep.equal({ confirmed: 3, unmatched: 1, unsigned: 0 })
  })
})
