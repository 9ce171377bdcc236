import { expect } from 'chai'
import { threadsThatPay } from '#src/inspect/inspect-file.ts'

const GIB = 1 << 30

describe('threads of an inspection', () => {
  it('are one for a capture that is read before others would be warm', () => {
    expect(threadsThatPay(100 << 20, 16)).to.equal(1)
  })

  it('leave a core to put the lines together, so that two cores have one', () => {
    expect([1, 2, 3, 4, 5, 64].map((cores) => threadsThatPay(GIB, cores))).to.deep.equal([1, 1, 2, 3, 4, 4])
  })
})
