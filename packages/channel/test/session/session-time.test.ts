import { expect } from 'chai'
import { SessionTime } from '#src/session/session-time.ts'

describe('channel: the time of a session whose beginning is not known exactly', () => {
  it('is reckoned from the latest when a deadline is set, and from the earliest when one is judged', () => {
    let now = 1000
    const time = new SessionTime({ earliest: 100, latest: 400 }, () => now)
    expect(time.deadline(50)).to.equal(650)
    expect([time.isOver(900), time.isOver(899)]).to.deep.equal([false, true])
    now = 750
    expect(time.isOver(650)).to.equal(false)
    now = 751
    expect(time.isOver(650)).to.equal(true)
  })
})
