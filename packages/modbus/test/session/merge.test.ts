import { expect } from 'chai'
import fc from 'fast-check'
import { mergeReads } from '@gridseal/modbus'
import type { MergedRead, Range } from '@gridseal/modbus'
import { splitRead } from '#src/session/merge.ts'

const hr = (address: number, quantity = 1): Range => ({ table: 'hr', address, quantity })
const shape = (reads: readonly MergedRead<Range>[]): string[] =>
  reads.map(({ table, address, quantity, parts }) => `${table} ${address}+${quantity} (${parts.length})`)

describe('Modbus read merging', () => {
  it('reads over small gaps and not over large ones', () => {
    expect(shape(mergeReads([hr(0, 2), hr(10), hr(2), hr(100)]))).to.deep.equal(['hr 0+11 (3)', 'hr 100+1 (1)'])
    expect(shape(mergeReads([hr(0, 2), hr(10), hr(2)], { gap: 0 }))).to.deep.equal(['hr 0+3 (2)', 'hr 10+1 (1)'])
  })

  it('keeps to what the device takes in one read', () => {
    const all = Array.from({ length: 10 }, (_, i) => hr(4 * i, 4))
    expect(shape(mergeReads(all, { words: 10 }))).to.deep.equal([
      'hr 0+8 (2)',
      'hr 8+8 (2)',
      'hr 16+8 (2)',
      'hr 24+8 (2)',
      'hr 32+8 (2)',
    ])
  })

  it('keeps tables apart, and counts sixteen bits as a register', () => {
    const coil = (address: number): Range => ({ table: 'co', address, quantity: 1 })
    expect(shape(mergeReads([coil(0), hr(0), coil(100), coil(300)]))).to.deep.equal([
      'co 0+101 (2)',
      'co 300+1 (1)',
      'hr 0+1 (1)',
    ])
  })

  it('covers every range within one read of its own table, and never asks for more than allowed', () => {
    const range = fc.record({
      table: fc.constantFrom('hr' as const, 'ir' as const, 'co' as const),
      address: fc.integer({ min: 0, max: 2000 }),
      quantity: fc.integer({ min: 1, max: 8 }),
    })
    fc.assert(
      fc.property(
        fc.array(range),
        fc.integer({ min: 8, max: 125 }),
        fc.integer({ min: 0, max: 20 }),
        (all, most, gap) => {
          const reads = mergeReads(all, { words: most, bits: most, gap })
          expect(reads.flatMap(({ parts }) => parts)).to.have.members(all)
          for (const { table, address, quantity, parts } of reads) {
            expect(quantity).to.be.within(1, most)
            for (const part of parts) {
              expect(part.table).to.equal(table)
              expect(part.address).to.be.least(address)
              expect(part.address + part.quantity).to.be.most(address + quantity)
            }
          }
        },
      ),
    )
  })

  it('takes a read apart that a device refused: first the gaps, then point by point', () => {
    const [read] = mergeReads([hr(0), hr(1), hr(5)])
    const closer = splitRead(read!, {})
    expect(shape(closer)).to.deep.equal(['hr 0+2 (2)', 'hr 5+1 (1)'])
    expect(shape(splitRead(closer[0]!, {}))).to.deep.equal(['hr 0+1 (1)', 'hr 1+1 (1)'])
  })
})
