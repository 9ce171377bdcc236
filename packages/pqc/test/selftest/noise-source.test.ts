import { expect } from 'chai'
import { MonitoredNoise, NoiseHealth, healthCutoffs, randomBytes } from '@gridseal/pqc'
import { InternalError, UsageError } from '@gridseal/wire'

describe('health of noise sources (SP 800-90B 4.4)', () => {
  it('has the cutoffs for 2^-20', () => {
    const cutoffs = (entropyPerSample: number, binary: boolean): number[] => {
      const { repetition, proportion } = healthCutoffs({ entropyPerSample, binary })
      return [repetition, proportion]
    }
    expect(cutoffs(1, true)).to.deep.equal([21, 589])
    expect(cutoffs(0.5, true)).to.deep.equal([41, 793])
    expect(cutoffs(0.1, true)).to.deep.equal([201, 991])
    expect(cutoffs(1, false)).to.deep.equal([21, 311])
    expect(cutoffs(4, false)).to.deep.equal([6, 62])
    expect(cutoffs(8, false)).to.deep.equal([4, 13])
    for (const wrong of [0, 9, NaN]) {
      expect(() => healthCutoffs({ entropyPerSample: wrong }))
        .to.throw(UsageError)
        .with.property('code', 'pqc.noise.entropy')
    }
  })

  it('lets good noise pass', () => {
    const noise = new MonitoredNoise((count) => randomBytes(count), { entropyPerSample: 6 })
    for (let i = 0; i < 50; i++) expect(noise.bytes(1000)).to.have.length(1000)
  })

  it('raises an alarm at a source that is stuck, and keeps it', () => {
    const stuck = new MonitoredNoise((count) => new Uint8Array(count).fill(7), { entropyPerSample: 6 })
    for (let i = 0; i < 2; i++) {
      expect(() => stuck.bytes(32))
        .to.throw(InternalError, 'repetition count')
        .with.property('code', 'pqc.noise.failed')
    }
  })

  it('raises an alarm at a source that prefers one value', () => {
    const health = new NoiseHealth({ entropyPerSample: 6 })
    const biased = randomBytes(8192).map((byte, i) => (i % 4 === 0 ? 0x55 : byte))
    expect(() => health.test(biased)).to.throw(InternalError, 'adaptive proportion')
  })

  it('counts to its cutoffs exactly (4.4.1, 4.4.2)', () => {
    // 6 bits a sample: 5 repetitions, 25 of a window of 512.
    expect(healthCutoffs({ entropyPerSample: 6 })).to.deep.equal({ repetition: 5, proportion: 25, window: 512 })
    const health = (): NoiseHealth => new NoiseHealth({ entropyPerSample: 6 })
    health().test(Uint8Array.of(1, 7, 7, 7, 7, 2))
    expect(() => health().test(Uint8Array.of(1, 7, 7, 7, 7, 7))).to.throw(InternalError, 'repetition count')
    const window = (count: number): Uint8Array =>
      Uint8Array.from({ length: 512 }, (_, i) => (i % 2 === 0 && i < 2 * count ? 9 : 10 + (i % 200)))
    const twice = health()
    for (let i = 0; i < 2; i++) twice.test(window(24))
    expect(() => health().test(window(25))).to.throw(InternalError, 'adaptive proportion')
  })

  it('throws the start-up samples away (4.3)', () => {
    const reads: number[] = []
    const noise = new MonitoredNoise(
      (count) => {
        reads.push(count)
        return randomBytes(count)
      },
      { entropyPerSample: 6 },
    )
    expect([noise.bytes(32).length, noise.bytes(16).length]).to.deep.equal([32, 16])
    expect(reads).to.deep.equal([1024, 32, 16])
  })

  it('does not take a source that gives too little', () => {
    const short = new MonitoredNoise(() => new Uint8Array(3), { entropyPerSample: 6 })
    expect(() => short.bytes(32))
      .to.throw(InternalError)
      .with.property('code', 'pqc.noise.short')
  })
})
