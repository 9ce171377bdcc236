import { expect } from 'chai'
import fc from 'fast-check'
import { UsageError, fromHex, toHex } from '@gridseal/wire'
import { decodeSegment, segmentFragment } from '#src/codec/transport.ts'
import { Reassembler } from '#src/session/reassembly.ts'
import { transportVectors } from '../support/fixtures.ts'

const segment = (hex: string): ReturnType<typeof decodeSegment> => decodeSegment(fromHex(hex))

describe('DNP3 transport reassembly (IEEE 1815 clause 8)', () => {
  for (const { name, in: segments, out } of transportVectors().reassembly) {
    it(`vector: ${name}`, () => {
      const reassembler = new Reassembler<number>()
      const fragments = segments
        .map((input) => (typeof input === 'string' ? { src: 0, seg: input } : input))
        .filter(({ seg }) => seg !== '')
        .flatMap(({ src, seg }) => reassembler.push(src, segment(seg)).fragment ?? [])
      // One case says in words that an empty fragment is discarded.
      expect(fragments.map((fragment) => toHex(fragment))).to.deep.equal(typeof out === 'string' ? [] : out)
    })
  }

  it('says why a segment went nowhere', () => {
    const reassembler = new Reassembler<number>({ maxFragment: 3 })
    expect(reassembler.push(1, segment('8501')).violation).to.equal('stray')
    expect(reassembler.push(1, segment('c0')).violation).to.equal('empty')
    reassembler.push(1, segment('4501'))
    expect(reassembler.push(1, segment('0702')).violation).to.equal('sequence')
    reassembler.push(1, segment('4501'))
    expect(reassembler.push(1, segment('86020304')).violation).to.equal('too-long')
    expect(reassembler.push(1, segment('c001020304')).violation).to.equal('too-long')
    expect(reassembler.pending).to.equal(0)
  })

  it('keeps senders apart', () => {
    const reassembler = new Reassembler<string>()
    reassembler.push('1 -> 10', segment('4001'))
    reassembler.push('2 -> 10', segment('4002'))
    expect(reassembler.push('1 -> 10', segment('810a')).fragment).to.deep.equal(fromHex('010a'))
    expect(reassembler.push('2 -> 10', segment('810b')).fragment).to.deep.equal(fromHex('020b'))
  })

  it('puts any fragment together again, whatever its length and first sequence number', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 20_000 }),
        fc.integer({ min: 0, max: 63 }),
        (bytes, first) => {
          const reassembler = new Reassembler<number>()
          const done = segmentFragment(bytes, first).flatMap((user) => {
            return reassembler.push(0, decodeSegment(user)).fragment ?? []
          })
          expect(done).to.have.length(1)
          expect(Buffer.compare(done[0]!, bytes)).to.equal(0)
          expect(reassembler.octets).to.equal(0)
        },
      ),
      { numRuns: 30 },
    )
  })

  describe('under a flood', () => {
    it('gives up the oldest of more fragments than may be under way', () => {
      const reassembler = new Reassembler<number>({ maxSeries: 4 })
      for (let source = 0; source < 1000; source++) {
        reassembler.push(source, segment('4001'))
        expect(reassembler.pending).to.be.at.most(4)
      }
      expect(reassembler.push(0, segment('8102')).violation).to.equal('stray')
      expect(reassembler.push(999, segment('8102')).fragment).to.deep.equal(fromHex('0102'))
    })

    it('holds no more octets than it may, and never gives up the one it serves', () => {
      const maxOctets = 100_000
      const reassembler = new Reassembler<number>({ maxOctets })
      const full = new Uint8Array(249).fill(0xaa)
      for (let sequence = 0; sequence < 200; sequence++) {
        for (let source = 0; source < 50; source++) {
          const open = sequence === 0
          reassembler.push(source, { first: open, final: false, sequence: sequence & 63, data: full })
          expect(reassembler.octets).to.be.at.most(maxOctets + 65_536)
        }
      }
    })

    it('ends a series that never ends at the largest fragment', () => {
      const reassembler = new Reassembler<number>()
      const full = new Uint8Array(249)
      let tooLong = 0
      for (let i = 0; i < 1000; i++) {
        const { violation } = reassembler.push(0, { first: i === 0, final: false, sequence: i & 63, data: full })
        if (violation === 'too-long') tooLong++
        expect(reassembler.octets).to.be.at.most(65_536)
      }
      expect(tooLong).to.equal(1)
      expect(reassembler.octets).to.equal(0)
    })
  })

  it('refuses limits that are none', () => {
    for (const maxFragment of [0, -1, 1.5, 65_536]) expect(() => new Reassembler({ maxFragment })).to.throw(UsageError)
  })
})
