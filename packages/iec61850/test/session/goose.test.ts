import { expect } from 'chai'
import { GoosePublication, GooseSupervision, encodeGooseFrame, examineGoose } from '@gridseal/iec61850'
import type { GooseControlBlock, GooseExpectation, GooseFrame, GoosePdu } from '@gridseal/iec61850'
import { UsageError } from '@gridseal/wire'
import { OWN_CAPTURES, VALUES, framesOf, gooseFrame } from '../support/frames.ts'

const BLOCK: GooseControlBlock = { gocbRef: 'IED1LD0/LLN0$GO$gcb1', datSet: 'IED1LD0/LLN0$DS1', confRev: 1 }
const T = { seconds: 1_700_000_000, fraction: 0, quality: 0x0a }
const later = (seconds: number): GoosePdu['t'] => ({ ...T, seconds: T.seconds + seconds })

describe('a GOOSE publication (IEC 61850-8-1 18.1.2.5)', () => {
  it('says nothing before there is a state', () => {
    const publication = new GoosePublication(BLOCK)
    expect(publication.due).to.equal(Infinity)
    expect(publication.repeat(1e9)).to.equal(undefined)
  })

  it('sends a change at once, repeats it after MinTime twice, then at doubling intervals up to MaxTime', () => {
    const publication = new GoosePublication({ ...BLOCK, minTime: 100, maxTime: 1000 })
    const sent = [publication.change(VALUES, T, 0)]
    const times = [0]
    while (times.length < 9) {
      times.push(publication.due)
      sent.push(publication.repeat(publication.due) ?? expect.fail('it is due'))
    }
    expect(times).to.deep.equal([0, 100, 200, 400, 800, 1600, 2600, 3600, 4600])
    expect(sent.map(({ sqNum }) => sqNum)).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7, 8])
    expect(sent.every(({ stNum, t }) => stNum === 1 && t === T)).to.equal(true)
  })

  it('tells subscribers to wait for three times the time until the next message', () => {
    const publication = new GoosePublication({ ...BLOCK, minTime: 100, maxTime: 1000 })
    const lives = [publication.change(VALUES, T, 0).timeAllowedToLive]
    for (let i = 0; i < 5; i++) lives.push(publication.repeat(publication.due)?.timeAllowedToLive ?? 0)
    expect(lives).to.deep.equal([300, 300, 600, 1200, 2400, 3000])
  })

  it('is not early, and begins the curve anew with each state', () => {
    const publication = new GoosePublication({ ...BLOCK, minTime: 10, maxTime: 100 })
    publication.change(VALUES, T, 0)
    expect(publication.repeat(9.9)).to.equal(undefined)
    for (let i = 0; i < 8; i++) publication.repeat(publication.due)
    const next = publication.change([VALUES[0]!], later(1), 5000)
    expect(next).to.include({ stNum: 2, sqNum: 0, numDatSetEntries: 1 })
    expect(publication.due).to.equal(5010)
  })

  it('has all that its control block says', () => {
    const publication = new GoosePublication({ ...BLOCK, goId: 'trip', simulation: true, ndsCom: true })
    expect(publication.change(VALUES, T, 0)).to.deep.include({
      gocbRef: BLOCK.gocbRef,
      datSet: BLOCK.datSet,
      goId: 'trip',
      simulation: true,
      ndsCom: true,
      confRev: 1,
      allData: VALUES,
    })
  })

  it('refuses a control block that cannot be', () => {
    for (const wrong of [
      { minTime: 0 },
      { minTime: 100, maxTime: 50 },
      { patience: 1 },
      { confRev: -1 },
      { confRev: 2 ** 32 },
      { vlan: 5 },
    ]) {
      expect(() => new GoosePublication({ ...BLOCK, ...wrong }), JSON.stringify(wrong)).to.throw(UsageError)
    }
  })
})

/** A subscription that is fed messages. */
class Subscription {
  readonly supervision: GooseSupervision
  now = 0
  /** Ms since 1970-01-01 UTC. */
  wall: number | undefined

  constructor(expected: Partial<GooseExpectation> = {}) {
    this.supervision = new GooseSupervision({ gocbRef: BLOCK.gocbRef, ...expected })
  }

  /** The verdict in short: `state`, `repeat`, a reason. */
  hear(pdu: Partial<GoosePdu>, header: Partial<GooseFrame['header']> = {}, after = 10): string {
    this.now += after
    const examined = examineGoose(encodeGooseFrame(gooseFrame(pdu, header)))
    const verdict = this.supervision.take(examined, this.now, this.wall)
    return verdict.kind === 'refused' ? verdict.reason : verdict.kind
  }

  get counters() {
    return this.supervision.counters
  }
}

describe('supervision of a GOOSE subscription', () => {
  it('takes the first message as the base line, whatever its numbers', () => {
    const subscription = new Subscription()
    expect(subscription.supervision.valid).to.equal(false)
    expect(subscription.hear({ stNum: 36_705, sqNum: 17 })).to.equal('state')
    expect(subscription.supervision.valid).to.equal(true)
    expect(subscription.counters).to.include({ messages: 1, states: 1, lost: 0, missed: 0 })
  })

  it('tells new states from repetitions, and counts what is missing of both', () => {
    const subscription = new Subscription()
    const heard = [
      [1, 0],
      [1, 1],
      [1, 4],
      [2, 0],
      [5, 2],
    ].map(([stNum = 0, sqNum = 0]) => subscription.hear({ stNum, sqNum, t: later(stNum) }))
    expect(heard).to.deep.equal(['state', 'repeat', 'repeat', 'state', 'state'])
    expect(subscription.counters).to.include({ messages: 5, states: 3, lost: 4, missed: 2 })
  })

  it('a message once more is a duplicate, an earlier one or an earlier state is replayed', () => {
    const subscription = new Subscription()
    subscription.hear({ stNum: 7, sqNum: 3 })
    subscription.hear({ stNum: 7, sqNum: 4 })
    expect(subscription.hear({ stNum: 7, sqNum: 4 })).to.equal('duplicate')
    expect(subscription.hear({ stNum: 7, sqNum: 3 })).to.equal('replayed')
    expect(subscription.hear({ stNum: 6, sqNum: 900 })).to.equal('replayed')
    expect(subscription.hear({ stNum: 7, sqNum: 5 })).to.equal('repeat')
    expect(subscription.counters.refused.replayed).to.equal(2)
  })

  it('numbers wrap to 1: after the largest comes a repetition, and a state', () => {
    const subscription = new Subscription()
    subscription.hear({ stNum: 2 ** 32 - 1, sqNum: 2 ** 32 - 1 })
    expect(subscription.hear({ stNum: 2 ** 32 - 1, sqNum: 1 })).to.equal('repeat')
    expect(subscription.hear({ stNum: 1, sqNum: 0 })).to.equal('state')
    expect(subscription.counters).to.include({ lost: 0, missed: 0, restarts: 0 })
  })

  it('a publisher may begin anew with state 1, if its clock has gone on; a recording of its first state has not', () => {
    const subscription = new Subscription()
    subscription.hear({ stNum: 40, sqNum: 0, t: later(100) })
    expect(subscription.hear({ stNum: 1, sqNum: 0, t: later(10) })).to.equal('clock')
    expect(subscription.hear({ stNum: 3, sqNum: 0, t: later(200) })).to.equal('replayed')
    expect(subscription.hear({ stNum: 1, sqNum: 0, t: later(200) })).to.equal('state')
    expect(subscription.counters.restarts).to.equal(1)
  })

  it('a publisher whose clock was ahead may begin anew with the right one, if what it says is of now by our clock', () => {
    const subscription = new Subscription()
    const year = 365 * 86_400
    subscription.hear({ stNum: 40, sqNum: 0, t: later(4 * year) })
    const first = { stNum: 1, sqNum: 0, t: later(100) }
    expect(subscription.hear(first), 'our clock is not known').to.equal('clock')
    subscription.wall = (T.seconds + 100 + 11) * 1000
    expect(subscription.hear(first), 'a recording').to.equal('clock')
    subscription.wall = (T.seconds + 100 - 11) * 1000
    expect(subscription.hear(first), 'our clock is behind').to.equal('clock')
    subscription.wall = (T.seconds + 100 + 5) * 1000
    expect(subscription.hear({ ...first, t: { ...first.t, quality: 0x4a } }), 'its clock has failed').to.equal('clock')
    expect(subscription.hear({ ...first, sqNum: 1 }), 'not the first, and no silence before').to.equal('replayed')
    expect(subscription.hear(first)).to.equal('state')
    expect(subscription.hear({ ...first, sqNum: 1 })).to.equal('repeat')
    expect(subscription.hear({ stNum: 2, sqNum: 0, t: later(101) })).to.equal('state')
    expect(subscription.counters).to.include({ restarts: 1, states: 3 })
    expect(subscription.counters.refused).to.include({ clock: 4, replayed: 1 })
  })

  it('a clock that was right is not forgotten for one that is behind, however fresh it seems by ours', () => {
    const subscription = new Subscription()
    subscription.hear({ stNum: 40, sqNum: 0, t: later(100) })
    subscription.wall = (T.seconds + 95) * 1000
    expect(subscription.hear({ stNum: 1, sqNum: 0, t: later(94) })).to.equal('clock')
  })

  it('can be told to begin anew: the next message is the base line', () => {
    const subscription = new Subscription()
    subscription.hear({ stNum: 40, sqNum: 0, t: later(1e8) })
    expect(subscription.hear({ stNum: 1, sqNum: 0 })).to.equal('clock')
    subscription.supervision.reset()
    expect(subscription.supervision.valid).to.equal(false)
    expect(subscription.supervision.expire(1e9), 'nothing is waited for').to.equal(false)
    expect(subscription.hear({ stNum: 1, sqNum: 3 })).to.equal('state')
  })

  it('after a silence the same state number with a later time is another state, not a repetition', () => {
    const subscription = new Subscription()
    subscription.hear({ stNum: 1, sqNum: 5, timeAllowedToLive: 300, t: later(1) })
    expect(subscription.hear({ stNum: 1, sqNum: 90, t: later(1) }, {}, 400)).to.equal('repeat')
    expect(subscription.hear({ stNum: 1, sqNum: 95, t: later(60) }, {}, 400)).to.equal('state')
    expect(subscription.counters).to.include({ restarts: 1, states: 2 })
  })

  it('time allowed to live is over: told once, and what comes then may be of any state that is later', () => {
    const subscription = new Subscription()
    subscription.hear({ stNum: 9, sqNum: 5, timeAllowedToLive: 300, t: later(100) })
    const { supervision, now } = subscription
    expect(supervision.expires).to.equal(now + 300)
    expect(supervision.expire(now + 299)).to.equal(false)
    expect(supervision.expire(now + 300)).to.equal(true)
    expect(supervision.expire(now + 301)).to.equal(false)
    expect(supervision.valid).to.equal(false)
    expect(subscription.hear({ stNum: 8, sqNum: 0, t: later(50) }, {}, 400), 'older').to.equal('clock')
    expect(supervision.valid).to.equal(false)
    expect(subscription.hear({ stNum: 3, sqNum: 8, t: later(200) })).to.equal('state')
    expect(supervision.valid).to.equal(true)
    expect(subscription.counters.timeouts).to.equal(1)
  })

  it('a message that comes too late counts the time-out, too', () => {
    const subscription = new Subscription()
    subscription.hear({ stNum: 1, sqNum: 0, timeAllowedToLive: 300 })
    expect(subscription.hear({ stNum: 1, sqNum: 1 }, {}, 1000)).to.equal('repeat')
    expect(subscription.counters).to.include({ timeouts: 1, lost: 0 })
  })

  it('refuses what is not as expected, each with its reason', () => {
    const expected = { goId: 'gcb1', datSet: 'IED1LD0/LLN0$DS1', confRev: 1, entries: 4, appId: 0x1001 }
    const subscription = new Subscription(expected)
    expect(subscription.hear({})).to.equal('state')
    const wrong: readonly (readonly [string, Partial<GoosePdu>, Partial<GooseFrame['header']>])[] = [
      ['gocbRef', { gocbRef: 'IED2LD0/LLN0$GO$gcb1' }, {}],
      ['appId', {}, { appId: 0x1002 }],
      ['goId', { goId: 'gcb2' }, {}],
      ['datSet', { datSet: 'IED1LD0/LLN0$DS2' }, {}],
      ['confRev', { confRev: 2 }, {}],
      ['entries', { allData: [VALUES[0]!] }, {}],
      ['ndsCom', { ndsCom: true }, {}],
      ['violation', { numDatSetEntries: 3 }, {}],
      ['simulation', {}, { simulated: true }],
    ]
    for (const [reason, pdu, header] of wrong) {
      expect(subscription.hear({ stNum: 2, ...pdu }, header), reason).to.equal(reason)
    }
    expect(subscription.counters.states).to.equal(1)
    expect(subscription.supervision.take(examineGoose(new Uint8Array(20)), 0)).to.deep.equal({
      kind: 'refused',
      reason: 'malformed',
    })
  })

  it('takes simulated messages where it is told to, and then not the device’s own until they fall silent', () => {
    const subscription = new Subscription({ simulation: true })
    expect(subscription.hear({ stNum: 50 })).to.equal('state')
    expect(subscription.hear({ stNum: 1 }, { simulated: true })).to.equal('state')
    expect(subscription.hear({ stNum: 51 })).to.equal('simulation')
    expect(subscription.hear({ stNum: 1, sqNum: 1, timeAllowedToLive: 100 }, { simulated: true })).to.equal('repeat')
    subscription.supervision.expire(subscription.now + 100)
    expect(subscription.hear({ stNum: 51 }, {}, 200)).to.equal('state')
  })

  it('refuses an expectation that cannot be', () => {
    for (const wrong of [{ confRev: -1 }, { appId: 0x1_0000 }, { entries: 0.5 }, { nonsense: 1 }]) {
      expect(() => new Subscription(wrong as Partial<GooseExpectation>), JSON.stringify(wrong)).to.throw(UsageError)
    }
  })

  it('follows a publisher of another make through its recording: nothing lost, nothing refused', () => {
    const frames = framesOf(OWN_CAPTURES.find((file) => file.includes('retransmission'))!)
    const blocks = new Map<string, GooseSupervision>()
    for (const { bytes } of frames) {
      const examined = examineGoose(bytes)
      const gocbRef = examined.pdu.gocbRef ?? ''
      let supervision = blocks.get(gocbRef)
      if (supervision === undefined) blocks.set(gocbRef, (supervision = new GooseSupervision({ gocbRef })))
      const verdict = supervision.take(examined, 0)
      expect(['state', 'repeat']).to.include(verdict.kind)
    }
    const counters = [...blocks.values()].map((supervision) => supervision.counters)
    expect(counters.reduce((sum, { messages }) => sum + messages, 0)).to.equal(30)
    expect(counters.every(({ lost, missed }) => lost === 0 && missed === 0)).to.equal(true)
  })
})
