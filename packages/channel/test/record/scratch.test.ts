import { expect } from 'chai'
import { borrow, giveBack } from '#src/record/scratch.ts'

describe('channel scratch buffers', () => {
  beforeEach(() => {
    // Takes away what others have given back.
    for (let i = 0; i < 8; i++) borrow(2 ** 14)
  })

  it('have the length asked for, and are used again when they were given back', () => {
    const first = borrow(100_000)
    expect(first).to.have.length(100_000)
    giveBack(first)
    const second = borrow(90_000)
    expect([second.length, second.buffer === first.buffer]).to.deep.equal([90_000, true])
    const third = borrow(90_000)
    expect(third.buffer).not.to.equal(second.buffer)
    giveBack(second)
    giveBack(third)
  })

  it('are as long as what is asked for, also after a shorter use', () => {
    const long = borrow(900_000)
    giveBack(long)
    giveBack(borrow(20_000))
    expect(borrow(900_000)).to.have.length(900_000)
  })

  it('are kept in small numbers, and not at all when very large', () => {
    const many = Array.from({ length: 20 }, () => borrow(50_000))
    many.forEach(giveBack)
    const again = Array.from({ length: 20 }, () => borrow(50_000))
    const kept = again.filter(({ buffer }) => many.some((old) => old.buffer === buffer))
    expect(kept.length).to.be.equal(8)
    const huge = borrow(2 ** 20 + 1)
    giveBack(huge)
    expect(borrow(2 ** 20 + 1).buffer).not.to.equal(huge.buffer)
  })
})
