import { PeerClock } from '#src/site/peer-clock.ts'
import { expect } from 'chai'

const MS = 1_000_000n

describe("the peer's clock", () => {
  it('is unknown before the first answer: everything could be infinitely old', () => {
    expect(new PeerClock().maxAgeMs(0n, 0n)).to.equal(Number.POSITIVE_INFINITY)
  })

  it('takes the difference of the clocks out of an age', () => {
    const clock = new PeerClock()
    // The peer is an hour ahead; the question took 10 ms there and back.
    clock.answered(1000n * MS, 3_600_000n * MS + 1005n * MS, 1010n * MS)
    const stamped = 3_600_000n * MS + 1_100n * MS
    expect(clock.maxAgeMs(stamped, 1_200n * MS)).to.equal(105)
    expect(clock.likelyAgeMs(stamped, 1_200n * MS, 1_200n * MS, 100)).to.equal(100)
    expect(clock.likelyAgeMs(stamped, 1_200n * MS, 3_600_000n * MS + 1_203n * MS, 100), 'one clock').to.equal(103)
  })

  it('makes whoever holds messages back look late, not fresh', () => {
    const clock = new PeerClock()
    // Question and answer were held back for 2 s together, and so is everything else.
    clock.answered(0n, 1_000n * MS, 2_000n * MS)
    const command = 5_000n * MS
    expect(clock.maxAgeMs(command, 7_000n * MS)).to.be.at.least(2_000)
  })

  it('keeps the sharpest answer and lets it grow old', () => {
    const clock = new PeerClock()
    clock.answered(0n, 5n * MS, 10n * MS)
    clock.answered(1_000n * MS, 1_700n * MS, 2_000n * MS)
    expect(clock.maxAgeMs(2_000n * MS, 2_000n * MS)).to.equal(5)
    clock.answered(400_000n * MS, 400_500n * MS, 401_000n * MS)
    expect(clock.maxAgeMs(401_000n * MS, 401_000n * MS)).to.equal(500)
  })

  it("follows a step of the peer's clock, which contradicts what was known", () => {
    const clock = new PeerClock()
    clock.answered(0n, 5n * MS, 10n * MS)
    clock.answered(1_000n * MS, 3_600_000n * MS, 1_040n * MS)
    expect(clock.maxAgeMs(3_600_000n * MS, 1_040n * MS)).to.equal(40)
    clock.answered(2_000n * MS, 2_020n * MS, 2_040n * MS)
    expect(clock.maxAgeMs(2_020n * MS, 2_040n * MS), 'and back').to.equal(40)
  })

  it('ignores answers from before the question', () => {
    const clock = new PeerClock()
    clock.answered(10n, 5n, 9n)
    expect(clock.maxAgeMs(0n, 0n)).to.equal(Number.POSITIVE_INFINITY)
  })
})
