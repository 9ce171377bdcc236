import { expect } from 'chai'
import fc from 'fast-check'
import { REPLAY_WINDOW, ReplayGuard } from '#src/record/replay.ts'

/** Judges and, where fresh, records; as the record layer does for authentic records. */
function take(guard: ReplayGuard, sequence: number): string {
  const verdict = guard.judge(sequence)
  if (verdict === 'fresh') guard.record(sequence)
  return verdict
}

describe('channel replay: strict', () => {
  it('takes exactly the next number', () => {
    const guard = new ReplayGuard('strict')
    expect([0, 1, 1, 0, 3, 2].map((n) => take(guard, n))).to.deep.equal([
      'fresh',
      'fresh',
      'replay',
      'replay',
      'gap',
      'fresh',
    ])
  })
})

describe('channel replay: greater than last', () => {
  it('takes what is above the last, counts what is missing', () => {
    const guard = new ReplayGuard('greater-than-last')
    expect([0, 5, 4, 5, 6].map((n) => take(guard, n))).to.deep.equal(['fresh', 'fresh', 'replay', 'replay', 'fresh'])
    expect(guard.missing).to.equal(4)
  })
})

describe('channel replay: window of 1024', () => {
  it('takes each number once, down to 1023 below the newest', () => {
    const guard = new ReplayGuard('window')
    expect(take(guard, 5000)).to.equal('fresh')
    expect([5000 - REPLAY_WINDOW + 1, 4999, 5000].map((n) => take(guard, n))).to.deep.equal([
      'fresh',
      'fresh',
      'replay',
    ])
    expect([5000 - REPLAY_WINDOW, 0].map((n) => take(guard, n))).to.deep.equal(['old', 'old'])
    expect(take(guard, 5000 - REPLAY_WINDOW + 1)).to.equal('replay')
  })

  it('moves for nothing but what is recorded: a forged number near the end locks nobody out', () => {
    const guard = new ReplayGuard('window')
    take(guard, 7)
    expect(guard.judge(Number.MAX_SAFE_INTEGER)).to.equal('fresh')
    expect(take(guard, 8)).to.equal('fresh')
    expect(guard.newest).to.equal(8)
  })

  it('forgets all old numbers after a jump beyond the window', () => {
    const guard = new ReplayGuard('window')
    for (let n = 0; n < 100; n++) take(guard, n)
    take(guard, 2 ** 40)
    expect(take(guard, 2 ** 40 - 1)).to.equal('fresh')
    expect(take(guard, 2 ** 40 - REPLAY_WINDOW)).to.equal('old')
  })

  it('agrees with a plain set for any arrival, also across 2^32', () => {
    const start = fc.constantFrom(0, 2 ** 32 - 700, 2 ** 45)
    const steps = fc.array(fc.integer({ min: -1500, max: 1500 }), { maxLength: 300 })
    fc.assert(
      fc.property(start, steps, (from, deltas) => {
        const guard = new ReplayGuard('window')
        const seen = new Set<number>()
        let newest = -1
        let at = from
        for (const delta of deltas) {
          at = Math.max(0, at + delta)
          const expected =
            at > newest ? 'fresh' : newest - at >= REPLAY_WINDOW ? 'old' : seen.has(at) ? 'replay' : 'fresh'
          expect(take(guard, at)).to.equal(expected)
          if (expected === 'fresh') seen.add(at)
          newest = Math.max(newest, at)
        }
      }),
    )
  })
})
