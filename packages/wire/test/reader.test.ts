import { expect } from 'chai'
import fc from 'fast-check'
import { DecodeError, Reader, bit, bits, fromHex } from '@gridseal/wire'

const error = (call: () => unknown): DecodeError => {
  try {
    call()
  } catch (thrown) {
    expect(thrown).to.be.instanceOf(DecodeError)
    return thrown as DecodeError
  }
  throw new DecodeError('test', 0, 'test', 'nothing was thrown')
}

describe('Reader', () => {
  it('reads a Modbus TCP header and leaves the rest to a reader of its own', () => {
    // transaction 7, protocol 0, length 6, unit 1, read 2 holding registers at 40
    const r = new Reader(fromHex('0007 0000 0006 01 03 0028 0002'))
    expect([r.u16be('transaction'), r.u16be('protocol')]).to.deep.equal([7, 0])
    const adu = r.sub(r.u16be('length'), 'adu')
    expect(r.atEnd).to.equal(true)
    expect([adu.u8('unit'), adu.u8('function'), adu.u16be('address'), adu.u16be('quantity')]).to.deep.equal([
      1, 3, 40, 2,
    ])
    adu.expectEnd('adu')
  })

  it('gives views of the input, not copies', () => {
    const input = fromHex('00 11 22 33 44')
    const r = new Reader(input)
    r.skip(1, 'header')
    const taken = r.take(2, 'body')
    const rest = r.rest()
    input[1] = 0xaa
    input[4] = 0xbb
    expect([...taken]).to.deep.equal([0xaa, 0x22])
    expect([...rest]).to.deep.equal([0x33, 0xbb])
    expect(r.atEnd).to.equal(true)
    expect(r.rest()).to.have.length(0)
  })

  it('works inside a larger buffer', () => {
    const r = new Reader(fromHex('ffff 0102 0304 ffff').subarray(2, 6))
    expect(r.u32be('value')).to.equal(0x01020304)
    expect(error(() => r.u8('next')).code).to.equal('decode.truncated')
  })

  it('peeks without consuming', () => {
    const r = new Reader(fromHex('2a'))
    expect([r.peek('a'), r.peek('b'), r.u8('c')]).to.deep.equal([42, 42, 42])
    expect(error(() => r.peek('d'))).to.include({ code: 'decode.truncated', offset: 1, field: 'd' })
  })

  it('counts offset and remaining from the start of the whole input', () => {
    const r = new Reader(fromHex('000102030405'), 1, 5)
    expect([r.offset, r.remaining]).to.deep.equal([1, 4])
    r.skip(3, 'x')
    expect([r.offset, r.remaining]).to.deep.equal([4, 1])
  })

  it('adds the base to every offset, for bytes cut out of a larger message', () => {
    const r = new Reader(fromHex('0102'), 0, 2, 100)
    r.u8('a')
    expect(error(() => r.u16be('b'))).to.include({ offset: 101, field: 'b' })
    expect(error(() => r.sub(1, 'c').u16be('d'))).to.include({ offset: 101, field: 'd' })
  })

  it('never lets a child read past its end or the parent past its own', () => {
    const parent = new Reader(fromHex('02 aabb cc'))
    const child = parent.sub(parent.u8('length'), 'child')
    expect(child.u16be('value')).to.equal(0xaabb)
    expect(error(() => child.u8('more'))).to.include({ code: 'decode.truncated', offset: 3, field: 'more' })
    expect(error(() => parent.sub(2, 'next'))).to.include({ code: 'decode.truncated', offset: 3, field: 'next' })
    expect(parent.u8('last')).to.equal(0xcc)
  })

  it('consumes nothing when a read fails', () => {
    const r = new Reader(fromHex('010203'))
    for (const read of [() => r.u32be('x'), () => r.take(4, 'x'), () => r.skip(9, 'x'), () => r.sub(4, 'x')]) {
      error(read)
      expect(r.offset).to.equal(0)
    }
    expect(r.u24be('x')).to.equal(0x010203)
  })

  it('refuses a negative length, as a length field smaller than its own header gives', () => {
    const r = new Reader(fromHex('0001 ffff'))
    const length = r.u16be('length') - 4
    for (const read of [
      () => r.take(length, 'body'),
      () => r.skip(length, 'body'),
      () => r.sub(length, 'body'),
      () => r.need(length, 'body'),
    ]) {
      expect(error(read)).to.include({ code: 'decode.length', offset: 2, field: 'body' })
    }
    expect(error(() => r.need(NaN, 'body')).code).to.equal('decode.length')
  })

  it('checks that bytes are there before anything is allocated by a length field', () => {
    const r = new Reader(fromHex('ffffffff 00'))
    const count = r.u32be('count')
    expect(error(() => r.need(count, 'items')).message).to.equal('needs 4294967295 bytes, has 1 (items at offset 4)')
  })

  it('says what was left over', () => {
    const r = new Reader(fromHex('0102030405'))
    r.skip(2, 'head')
    expect(error(() => r.expectEnd('pdu'))).to.include({ code: 'decode.trailing', offset: 2, field: 'pdu' })
    r.rest()
    r.expectEnd('pdu')
  })

  it('makes errors for values that are there but wrong', () => {
    const r = new Reader(fromHex('0102'))
    r.u8('function')
    const wrong = r.error('modbus.function', 'function', 'not a function')
    expect(wrong).to.include({ code: 'modbus.function', offset: 1, field: 'function' })
  })

  it('clamps its end to the buffer and reads nothing from behind it', () => {
    const r = new Reader(fromHex('01'), 0, 99)
    expect(r.remaining).to.equal(1)
    const beyond = new Reader(fromHex('01'), 5)
    expect(error(() => beyond.u8('x')).code).to.equal('decode.truncated')
    expect(beyond.rest()).to.have.length(0)
  })

  it('divides any buffer into any parts without loss', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.array(fc.nat(9), { maxLength: 20 }), (bytes, sizes) => {
        const r = new Reader(bytes)
        const parts: number[] = []
        for (const size of sizes) if (size <= r.remaining) parts.push(...r.take(size, 'part'))
        expect([...parts, ...r.rest()]).to.deep.equal([...bytes])
      }),
    )
  })
})

describe('bits', () => {
  it('cuts fields out of a word', () => {
    expect(bits(0b1011_0110, 7, 4)).to.equal(0b1011)
    expect(bits(0b1011_0110, 2, 1)).to.equal(0b11)
    expect(bits(0xffff_ffff, 31, 0)).to.equal(0xffff_ffff)
    expect(bits(0x8000_0000, 31, 31)).to.equal(1)
    expect(bits(0xdead_beef, 31, 1)).to.equal(0x6f56_df77)
  })

  it('agrees with arithmetic for every position', () => {
    fc.assert(
      fc.property(fc.nat(0xffff_ffff), fc.nat(31), fc.nat(31), (value, a, b) => {
        const [high, low] = a > b ? [a, b] : [b, a]
        expect(bits(value, high, low)).to.equal(Math.floor(value / 2 ** low) % 2 ** (high - low + 1))
        expect(bit(value, low)).to.equal(Math.floor(value / 2 ** low) % 2 === 1)
      }),
    )
  })
})
