import { expect } from 'chai'
import { Writer, allocate } from '@gridseal/wire'

describe('allocate', () => {
  it('gives zero bytes that nobody else has, whatever the sizes', () => {
    const sizes = Array.from({ length: 3000 }, (_, i) => (i * 7919) % 600)
    const arrays = sizes.map((size, i) => allocate(size).fill(i & 0xff))
    arrays.forEach((array, i) => {
      expect(array.length).to.equal(sizes[i])
      expect(array.every((octet) => octet === (i & 0xff))).to.equal(true)
    })
    expect(allocate(600).every((octet) => octet === 0)).to.equal(true)
  })

  it('gives large arrays a buffer of their own', () => {
    expect(allocate(5000).buffer.byteLength).to.equal(5000)
    expect(allocate(0)).to.have.length(0)
  })

  it('keeps writers apart that grow in turn', () => {
    const writers = Array.from({ length: 20 }, () => new Writer(2))
    for (let round = 0; round < 50; round++) writers.forEach((writer, i) => writer.u16be(i * 1000 + round))
    writers.forEach((writer, i) => {
      const bytes = writer.finish()
      expect(bytes.length).to.equal(100)
      for (let round = 0; round < 50; round++)
        expect((bytes[round * 2]! << 8) | bytes[round * 2 + 1]!).to.equal(i * 1000 + round)
    })
  })
})
