import { expect } from 'chai'
import fc from 'fast-check'
import { UsageError, Writer, fromHex, toHex } from '@gridseal/wire'

describe('Writer', () => {
  it('builds a DNP3 link header field by field', () => {
    const header = new Writer().u16be(0x0564).u8(5).u8(0xc9).u16le(1).u16le(1024).finish()
    expect(toHex(header)).to.equal('056405c901000004')
  })

  it('keeps everything while it grows, whichever field makes it grow', () => {
    fc.assert(
      fc.property(fc.nat(40), fc.array(fc.uint8Array({ maxLength: 30 }), { maxLength: 30 }), (capacity, chunks) => {
        const w = new Writer(capacity)
        for (const chunk of chunks) w.bytes(chunk).u32be(chunk.length)
        const expected = chunks.flatMap((chunk) => [...chunk, 0, 0, 0, chunk.length])
        expect([...w.finish()]).to.deep.equal(expected)
        expect(w.length).to.equal(expected.length)
      }),
    )
  })

  it('patches a length that is known only at the end', () => {
    const w = new Writer().u8(0xa5).u16be(0).u16le(0).u32be(0).u32le(0).u8(0)
    w.patchU16be(1, 0x0102).patchU16le(3, 0x0304).patchU32be(5, 0x05060708).patchU32le(9, 0x090a0b0c).patchU8(13, 0xff)
    expect(toHex(w.finish(), ' ')).to.equal('a5 01 02 04 03 05 06 07 08 0c 0b 0a 09 ff')
  })

  it('patches only what was written', () => {
    const w = new Writer(64).u16be(0)
    for (const patch of [
      () => w.patchU16be(1, 0),
      () => w.patchU32le(0, 0),
      () => w.patchU8(2, 0),
      () => w.patchU8(-1, 0),
      () => w.patchU8(0.5, 0),
    ]) {
      expect(patch).to.throw(UsageError).with.property('code', 'wire.range')
    }
    expect(() => w.patchU16be(0, 0x1_0000))
      .to.throw(UsageError)
      .with.property('code', 'wire.range')
    expect(toHex(w.finish())).to.equal('0000')
  })

  it('opens a gap and moves up what follows', () => {
    for (const capacity of [4, 64]) {
      const w = new Writer(capacity).bytes(fromHex('01020304')).gap(1, 3)
      expect(toHex(w.finish())).to.equal('01000000020304')
      expect(toHex(w.gap(7, 1).gap(0, 1).finish())).to.equal('000100000002030400')
      expect(() => w.gap(10, 1))
        .to.throw(UsageError)
        .with.property('code', 'wire.range')
    }
  })

  it('writes zeros over whatever the buffer held', () => {
    expect(toHex(new Writer(1).u8(0xff).zeros(3).u8(1).finish())).to.equal('ff00000001')
  })
})
