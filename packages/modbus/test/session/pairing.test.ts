import { expect } from 'chai'
import { Pairing } from '#src/session/pairing.ts'

const adu = (transaction: number | null, unit = 1) => ({ transaction, unit, pdu: new Uint8Array(1) })

describe('Modbus pairing', () => {
  it('forgets the oldest request when too many are open', () => {
    const pairing = new Pairing<string>('tcp', 2)
    for (const [transaction, request] of [
      [1, 'a'],
      [2, 'b'],
      [3, 'c'],
    ] as const)
      pairing.sent(adu(transaction), 3, request)
    expect(pairing.size).to.equal(2)
    expect(pairing.answered(adu(1), 3)).to.equal(undefined)
    expect(pairing.answered(adu(3), 3)).to.equal('c')
    expect(pairing.answered(adu(2), 3)).to.equal('b')
  })

  it('lets a repeated transaction id count anew', () => {
    const pairing = new Pairing<string>('tcp', 2)
    pairing.sent(adu(1), 3, 'a')
    pairing.sent(adu(2), 3, 'b')
    pairing.sent(adu(1), 3, 'again')
    pairing.sent(adu(3), 3, 'c')
    expect(pairing.answered(adu(1), 3)).to.equal('again')
    expect(pairing.answered(adu(2), 3)).to.equal(undefined)
  })

  it('keeps a request open when another unit answers', () => {
    const pairing = new Pairing<string>('rtu')
    pairing.sent(adu(null, 1), 3, 'a')
    expect(pairing.answered(adu(null, 2), 3)).to.equal(undefined)
    expect(pairing.answered(adu(null, 1), 4)).to.equal(undefined)
    expect(pairing.answered(adu(null, 1), 3)).to.equal('a')
  })
})
