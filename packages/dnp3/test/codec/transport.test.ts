import { createHash } from 'node:crypto'
import { expect } from 'chai'
import fc from 'fast-check'
import { DecodeError, UsageError, fromHex, toHex } from '@gridseal/wire'
import { decodeSegment, encodeSegment, segmentFragment } from '#src/codec/transport.ts'
import { transportVectors } from '../support/fixtures.ts'

describe('DNP3 transport segments (IEEE 1815 clause 8)', () => {
  it('FIN is bit 7, FIR bit 6, the sequence the rest', () => {
    expect(decodeSegment(fromHex('c0 01'))).to.deep.include({ first: true, final: true, sequence: 0 })
    expect(decodeSegment(fromHex('7f 01'))).to.deep.include({ first: true, final: false, sequence: 63 })
    expect(decodeSegment(fromHex('81 01'))).to.deep.include({ first: false, final: true, sequence: 1 })
    expect(toHex(decodeSegment(fromHex('c0 0102')).data)).to.equal('0102')
  })

  it('needs its octet', () => {
    expect(() => decodeSegment(new Uint8Array(0)))
      .to.throw(DecodeError)
      .with.property('code', 'decode.truncated')
  })

  it('splits fragments as the vectors say', () => {
    for (const { fragmentLength, firstSequence, segments } of transportVectors().segmentation) {
      const fragment = Uint8Array.from({ length: fragmentLength }, (_, i) => 7 * i + 3)
      const made = segmentFragment(fragment, firstSequence)
      expect(made.map((segment) => toHex(segment.subarray(0, 1)))).to.deep.equal(segments.map((s) => s.header))
      expect(made.map((segment) => segment.length - 1)).to.deep.equal(segments.map((s) => s.length))
      expect(made.map((segment) => createHash('sha256').update(segment).digest('hex'))).to.deep.equal(
        segments.map((s) => s.sha256ofSegment),
      )
    }
  })

  it('encode(decode(segment)) is the segment', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 250 }), (user) => {
        expect(encodeSegment(decodeSegment(user))).to.deep.equal(user)
      }),
    )
  })

  it('refuses what is no segment', () => {
    const segment = { first: true, final: true, sequence: 0, data: new Uint8Array(250) }
    expect(() => encodeSegment(segment)).to.throw(UsageError)
    expect(() => encodeSegment({ ...segment, data: new Uint8Array(1), sequence: 64 })).to.throw(UsageError)
    expect(() => segmentFragment(new Uint8Array(0), 0)).to.throw(UsageError)
  })
})
