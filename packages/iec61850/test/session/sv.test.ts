import { expect } from 'chai'
import { SvPublication, SvSupervision, encodeSvFrame, examineSv } from '@gridseal/iec61850'
import type { SvExpectation, SvFrame } from '@gridseal/iec61850'
import { UsageError } from '@gridseal/wire'
import { OWN_CAPTURES, framesOf, svFrame } from '../support/frames.ts'

const BLOCK = { svId: 'MU01', confRev: 1, samplesPerSecond: 4000 }
const SAMPLE = new Uint8Array(64)

describe('a publication of sampled values (IEC 61850-9-2)', () => {
  it('counts samples, and begins with 0 again each second', () => {
    const publication = new SvPublication({ ...BLOCK, samplesPerSecond: 3 })
    const counts = Array.from({ length: 7 }, () => publication.push(SAMPLE)?.asdus[0]?.smpCnt)
    expect(counts).to.deep.equal([0, 1, 2, 0, 1, 2, 0])
  })

  it('puts as many samples into a frame as its block says', () => {
    const publication = new SvPublication({ ...BLOCK, asdusPerFrame: 2, datSet: 'ds', smpRate: 80, smpMod: 0 })
    expect(publication.push(SAMPLE)).to.equal(undefined)
    const pdu = publication.push(SAMPLE) ?? expect.fail('it is full')
    expect(pdu.noAsdu).to.equal(2)
    expect(pdu.asdus.map(({ smpCnt }) => smpCnt)).to.deep.equal([0, 1])
    expect(pdu.asdus[0]).to.include({ svId: 'MU01', datSet: 'ds', confRev: 1, smpSynch: 0, smpRate: 80, smpMod: 0 })
  })

  it('begins with 0 at the top of the second of the clock that it is synchronised to', () => {
    const publication = new SvPublication(BLOCK)
    for (let i = 0; i < 5; i++) publication.push(SAMPLE)
    publication.synchronise(2, true)
    expect(publication.push(SAMPLE)?.asdus[0]).to.include({ smpCnt: 0, smpSynch: 2 })
  })

  it('refuses a block that cannot be', () => {
    for (const wrong of [
      { samplesPerSecond: 0 },
      { asdusPerFrame: 17 },
      { smpSynch: 256 },
      { smpMod: 3 },
      { rate: 1 },
    ]) {
      expect(() => new SvPublication({ ...BLOCK, ...wrong }), JSON.stringify(wrong)).to.throw(UsageError)
    }
  })
})

class Subscription {
  readonly supervision: SvSupervision
  now = 0

  constructor(expected: Partial<SvExpectation> = {}) {
    this.supervision = new SvSupervision({ svId: 'MU01', ...expected })
  }

  hear(smpCnt: number, change: (frame: SvFrame) => SvFrame = (frame) => frame): string {
    this.now += 0.25
    const [verdict] = this.supervision.take(examineSv(encodeSvFrame(change(svFrame(smpCnt)))), this.now)
    if (verdict === undefined) return 'nothing'
    return verdict.kind === 'refused' ? verdict.reason : verdict.kind
  }
}

describe('supervision of sampled values', () => {
  it('counts samples that are missing, also over the top of the second', () => {
    const { supervision, ...subscription } = new Subscription({ samplesPerSecond: 4000 })
    const hear = Subscription.prototype.hear.bind(Object.assign(subscription, { supervision }))
    for (const smpCnt of [3995, 3996, 3999, 2, 3]) expect(hear(smpCnt)).to.equal('sample')
    expect(supervision.counters).to.include({ samples: 5, lost: 4, late: 0 })
  })

  it('a count that is over is late: doubled, overtaken or replayed', () => {
    const subscription = new Subscription({ samplesPerSecond: 4000 })
    for (const smpCnt of [10, 11, 12]) subscription.hear(smpCnt)
    for (const smpCnt of [12, 11, 3990]) expect(subscription.hear(smpCnt), `${smpCnt}`).to.equal('late')
    expect(subscription.hear(13)).to.equal('sample')
    expect(subscription.supervision.counters).to.include({ samples: 4, lost: 0, late: 3 })
  })

  it('learns the rate from where the counts begin again', () => {
    for (const rate of [4000, 4800, 14_400, 77]) {
      const subscription = new Subscription()
      for (let i = 0; i < 2 * rate + 5; i++) expect(subscription.hear(i % rate)).to.equal('sample')
      expect(subscription.supervision.counters).to.include({ lost: 0, late: 0 })
      expect(subscription.supervision.samplesPerSecond).to.equal(rate)
    }
  })

  it('says once that samples have stopped, and begins anew with the next', () => {
    const subscription = new Subscription({ samplesPerSecond: 4000, timeout: 10 })
    subscription.hear(5)
    const { supervision, now } = subscription
    expect(supervision.expire(now + 9)).to.equal(false)
    expect(supervision.expire(now + 10)).to.equal(true)
    expect(supervision.expire(now + 11)).to.equal(false)
    subscription.now += 500
    expect(subscription.hear(2005)).to.equal('sample')
    expect(supervision.counters).to.include({ timeouts: 1, lost: 0 })
  })

  it('refuses what is not as expected, and does not hear other streams', () => {
    const subscription = new Subscription({ confRev: 1, octets: 64, appId: 0x4000, datSet: 'ds' })
    const asdu =
      (more: object) =>
      (frame: SvFrame): SvFrame => ({
        ...frame,
        pdu: { noAsdu: 1, asdus: [{ ...frame.pdu.asdus[0]!, ...more }] },
      })
    const header =
      (more: object) =>
      (frame: SvFrame): SvFrame => ({ ...frame, header: { ...frame.header, ...more } })
    expect(subscription.hear(0)).to.equal('sample')
    expect(subscription.hear(1, asdu({ confRev: 2 }))).to.equal('confRev')
    expect(subscription.hear(1, asdu({ sample: new Uint8Array(60) }))).to.equal('octets')
    expect(subscription.hear(1, asdu({ datSet: 'other' }))).to.equal('datSet')
    expect(subscription.hear(1, asdu({ svId: 'MU02' }))).to.equal('nothing')
    expect(subscription.hear(1, header({ appId: 0x4001 }))).to.equal('appId')
    expect(subscription.hear(1, header({ simulated: true }))).to.equal('simulation')
    expect(subscription.hear(1, (frame) => ({ ...frame, pdu: { ...frame.pdu, noAsdu: 3 } }))).to.equal('violation')
    const [malformed] = subscription.supervision.take(examineSv(new Uint8Array(3)), 0)
    expect(malformed).to.deep.equal({ kind: 'refused', reason: 'malformed' })
    expect(subscription.hear(1, asdu({ smpSynch: 0 }))).to.equal('sample')
    expect(subscription.supervision.counters).to.include({ synchronisations: 1, lost: 0 })
  })

  it('refuses an expectation that cannot be', () => {
    for (const wrong of [{ samplesPerSecond: 0 }, { timeout: 0 }, { octets: -1 }, { rate: 4000 }]) {
      expect(() => new Subscription(wrong as Partial<SvExpectation>), JSON.stringify(wrong)).to.throw(UsageError)
    }
  })

  it('follows a publisher of another make through its recording: no gap', () => {
    const supervision = new SvSupervision({ svId: 'MU01', octets: 64 })
    for (const { bytes } of framesOf(OWN_CAPTURES.find((file) => file.includes('veth_sv'))!)) {
      supervision.take(examineSv(bytes), 0)
    }
    expect(supervision.counters).to.include({ samples: 100, lost: 0, late: 0 })
  })
})
