import { expect } from 'chai'
import fc from 'fast-check'
import { ADU_CODECS, HalfDuplexFramer } from '@gridseal/modbus'
import { fromHex, toHex } from '@gridseal/wire'
import { mutations } from '../../../../test/support/mutate.ts'
import { pieces } from '../support/chunking.ts'
import { VECTORS } from '../support/vectors.ts'

const rtu = (pdu: string, unit = 1): Uint8Array => ADU_CODECS.rtu.encode({ transaction: null, unit, pdu: fromHex(pdu) })

/** `>` to the device, `<` to the master. */
const heard = (listener: HalfDuplexFramer, chunks: Iterable<Uint8Array>, now = 0): string[] => {
  const frames = [...chunks].flatMap((chunk) => listener.push(chunk, now))
  return frames.map(({ direction, bytes }) => (direction === 'to-device' ? '>' : '<') + toHex(bytes))
}
const to = (bytes: Uint8Array): string => `>${toHex(bytes)}`
const from = (bytes: Uint8Array): string => `<${toHex(bytes)}`

const READ = rtu('03 006B 0003')
const ANSWER = rtu('03 06 022B 0000 0064')
const WRITE = rtu('06 0001 0003')

describe('a listener on a half-duplex RTU line', () => {
  it('tells requests from answers for every public function, in one chunk or byte by byte', () => {
    for (const { title, request, response } of VECTORS) {
      // Their length is not told by their first bytes.
      if (request.pdu.startsWith('2B 0D')) continue
      const [ask, answer] = [rtu(request.pdu, 5), rtu(response.pdu, 5)]
      const both = Buffer.concat([ask, answer, READ, ANSWER])
      const expected = [to(ask), from(answer), to(READ), from(ANSWER)]
      expect(heard(new HalfDuplexFramer(), [both]), title).to.deep.equal(expected)
      expect(heard(new HalfDuplexFramer(), pieces(both, 1)), title).to.deep.equal(expected)
    }
  })

  it('takes an echo for the answer, and the same frame again for the next request', () => {
    expect(heard(new HalfDuplexFramer(), [Buffer.concat([WRITE, WRITE, WRITE])])).to.deep.equal([
      to(WRITE),
      from(WRITE),
      to(WRITE),
    ])
  })

  it('takes a request to another unit for what it is when no answer came', () => {
    const other = rtu('03 0000 0001', 2)
    const answer = rtu('03 02 0007', 2)
    expect(heard(new HalfDuplexFramer(), [READ, other, answer])).to.deep.equal([to(READ), to(other), from(answer)])
  })

  it('takes a repeated request for a request: it fits no answer', () => {
    expect(heard(new HalfDuplexFramer(), [READ, READ, ANSWER])).to.deep.equal([to(READ), to(READ), from(ANSWER)])
  })

  it('expects no answer any more after a while, so a repeated write is a request', () => {
    const listener = new HalfDuplexFramer(500)
    expect(heard(listener, [WRITE], 0)).to.deep.equal([to(WRITE)])
    expect(heard(listener, [WRITE], 501)).to.deep.equal([to(WRITE)])
    expect(heard(listener, [WRITE], 502)).to.deep.equal([from(WRITE)])
  })

  it('expects no answer to a broadcast', () => {
    const broadcast = rtu('06 0001 0003', 0)
    expect(heard(new HalfDuplexFramer(), [broadcast, broadcast])).to.deep.equal([to(broadcast), to(broadcast)])
  })

  it('knows exceptions, and an answer whose request it did not hear', () => {
    const exception = rtu('83 02')
    expect(heard(new HalfDuplexFramer(), [READ, exception])).to.deep.equal([to(READ), from(exception)])
    expect(heard(new HalfDuplexFramer(), [ANSWER, READ])).to.deep.equal([from(ANSWER), to(READ)])
  })

  it('finds its way back after noise, and counts it', () => {
    const listener = new HalfDuplexFramer()
    expect(heard(listener, [fromHex('FFFF FE'), READ, ANSWER])).to.deep.equal([to(READ), from(ANSWER)])
    expect(listener.discarded).to.equal(3)
    expect(heard(listener, [READ.subarray(0, 5)])).to.deep.equal([])
    expect(listener.pending).to.equal(5)
    expect(listener.quiet(0)).to.deep.equal([])
    expect([listener.pending, listener.discarded]).to.deep.equal([0, 8])
    expect(heard(listener, [READ])).to.deep.equal([to(READ)])
  })

  it('loses and invents no byte, whatever comes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 20 }), (chunks) => {
        const listener = new HalfDuplexFramer()
        let framed = 0
        for (const chunk of chunks) for (const { bytes } of listener.push(chunk, 0)) framed += bytes.length
        const total = chunks.reduce((sum, { length }) => sum + length, 0)
        expect(framed + listener.discarded + listener.pending).to.equal(total)
        expect(listener.pending).to.be.most(300)
      }),
    )
    for (const mutant of mutations(Buffer.concat([READ, ANSWER]))) new HalfDuplexFramer().push(mutant, 0)
  })
})
