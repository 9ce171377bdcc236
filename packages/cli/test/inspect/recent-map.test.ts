import { expect } from 'chai'
import { RecentMap } from '#src/inspect/recent-map.ts'

describe('a map of what was lately used', () => {
  it('keeps no more than twice its limit, and tells what it drops', () => {
    const dropped: number[] = []
    const map = new RecentMap<number>(3, (value) => void dropped.push(value))
    for (let n = 1; n <= 6; n++) map.set(`${n}`, n)
    expect(dropped).to.deep.equal([1, 2, 3])
    expect(map.get('1')).to.equal(undefined)
    expect(map.get('4')).to.equal(4)
  })

  it('does not drop what is asked for, however many others come', () => {
    const dropped: number[] = []
    const map = new RecentMap<number>(3, (value) => void dropped.push(value))
    map.set('asked', 0)
    for (let n = 1; n <= 100; n++) {
      map.set(`${n}`, n)
      expect(map.get('asked')).to.equal(0)
    }
    expect(dropped).not.to.include(0)
    expect(dropped).to.have.length.greaterThan(90)
  })

  it('tells each that is left once when it is cleared', () => {
    const dropped: number[] = []
    const map = new RecentMap<number>(3, (value) => void dropped.push(value))
    for (let n = 1; n <= 5; n++) map.set(`${n}`, n)
    map.get('1')
    map.clear()
    expect(dropped.toSorted((a, b) => a - b)).to.deep.equal([1, 2, 3, 4, 5])
    map.clear()
    expect(dropped).to.have.length(5)
  })
})
