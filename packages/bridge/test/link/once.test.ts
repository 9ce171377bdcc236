import { expect } from 'chai'
import { GoneConnections } from '#src/link/gone.ts'
import { RecentFrames } from '#src/link/recent-frames.ts'

describe('frames that have lately passed an end', () => {
  const frame = (n: number, length = 64): Uint8Array => new Uint8Array(length).fill(n)

  it('are no new ones for half a second; afterwards the same octets are', () => {
    const recent = new RecentFrames()
    expect(recent.isNew(frame(1), 1000)).to.equal(true)
    expect(recent.isNew(frame(1), 1499)).to.equal(false)
    expect(recent.isNew(frame(2), 1499)).to.equal(true)
    expect(recent.isNew(frame(1), 1500)).to.equal(true)
    expect(recent.isNew(frame(2), 1501)).to.equal(false)
  })

  it('are told apart by every octet, also where they are views of one buffer', () => {
    const recent = new RecentFrames()
    const buffer = Uint8Array.of(1, 2, 3, 2, 3, 1, 2)
    expect(recent.isNew(buffer.subarray(0, 2), 1)).to.equal(true)
    expect(recent.isNew(buffer.subarray(5, 7), 1)).to.equal(false)
    expect(recent.isNew(buffer.subarray(1, 3), 1)).to.equal(true)
    expect(recent.isNew(buffer.subarray(0, 3), 1)).to.equal(true)
  })

  it('are forgotten, the oldest first, where there are too many to remember', () => {
    const recent = new RecentFrames()
    const mebibyte = 1 << 20
    for (let n = 0; n < 18; n++) expect(recent.isNew(frame(n, mebibyte), 1)).to.equal(true)
    expect(recent.isNew(frame(17, mebibyte), 1)).to.equal(false)
    expect(recent.isNew(frame(0, mebibyte), 1)).to.equal(true)
  })
})

describe('the end of a connection', () => {
  it('is told once, also when more frames come for it', () => {
    const gone = new GoneConnections()
    expect([gone.first(7), gone.first(7), gone.first(8), gone.first(7)]).to.deep.equal([true, false, true, false])
    gone.clear()
    expect(gone.first(7)).to.equal(true)
  })
})
