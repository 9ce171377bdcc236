import { expect } from 'chai'
import { BER, BerReader, DecodeError, contextConstructed, contextTag, fromHex, toHex } from '@gridseal/wire'
import type { BerOptions } from '@gridseal/wire'

const read = (hex: string, options: BerOptions = {}): BerReader => BerReader.of(fromHex(hex), options)
const DER: BerOptions = { der: true }
const INDEFINITE: BerOptions = { indefinite: true }

function refuses(call: () => unknown, code: string, offset: number, field?: string): void {
  const expected = field === undefined ? { code, offset } : { code, offset, field }
  expect(call).to.throw(DecodeError).that.includes(expected)
}

describe('BerReader', () => {
  it('walks a SubjectPublicKeyInfo', () => {
    // Ed25519 key of RFC 8410 10.1
    const der = read(
      '302a 3005 06032b6570 032100 19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1',
      DER,
    )
    const info = der.enter(BER.SEQUENCE, 'SubjectPublicKeyInfo')
    der.expectEnd('SubjectPublicKeyInfo')
    const algorithm = info.enter(BER.SEQUENCE, 'algorithm')
    expect(algorithm.oid('algorithm')).to.equal('1.3.101.112')
    algorithm.expectEnd('algorithm')
    const key = info.bitString('subjectPublicKey')
    expect([key.bytes.length, key.bytes[0], key.unusedBits]).to.deep.equal([32, 0x19, 0])
    info.expectEnd('SubjectPublicKeyInfo')
  })

  it('takes OPTIONAL and CHOICE by the next tag', () => {
    const r = read('80 01 05  a1 03 020107')
    expect([r.is(contextTag(1)), r.is(contextTag(0))]).to.deep.equal([false, true])
    expect(r.integer('a', contextTag(0))).to.equal(5)
    expect(r.enter(contextConstructed(1), 'b').integer('c')).to.equal(7)
    expect(r.peekTag()).to.equal(undefined)
    expect(r.is(BER.NULL)).to.equal(false)
  })

  it('names the element that is there and the one that should be', () => {
    const r = read('040100')
    expect(() => r.integer('version')).to.throw(DecodeError, 'OCTET_STRING where INTEGER belongs (version at offset 0)')
    expect(() => r.enter(BER.SEQUENCE, 'body')).to.throw('OCTET_STRING where SEQUENCE belongs')
    expect(() => read('').integer('version')).to.throw('INTEGER is missing (version at offset 0)')
    expect(r.octetString('value')).to.have.length(1)
  })

  it('gives whole elements and skips them', () => {
    const r = read('0500 30030201ff 0101ff')
    r.skip('null')
    expect(toHex(r.element('sequence'))).to.equal('30030201ff')
    expect(r.boolean('flag')).to.equal(true)
    r.expectEnd('all')
  })

  describe('lengths', () => {
    const long = (hex: string, options?: BerOptions): number =>
      read(hex + '00'.repeat(200), options).octetString('x').length
    it('take the short form up to 127 and the long form of any size', () => {
      expect(long('047f')).to.equal(127)
      expect(long('048180')).to.equal(128)
      expect(long('048200c8')).to.equal(200)
      expect(long('0488 00000000000000c8')).to.equal(200)
    })

    it('may be longer than needed in BER, unless that is refused', () => {
      expect(long('04810a')).to.equal(10)
      for (const options of [DER, { minimalLengths: true }]) {
        refuses(() => long('04810a', options), 'decode.ber.length', 1)
        refuses(() => long('04817f', options), 'decode.ber.length', 1)
        refuses(() => long('04820080', options), 'decode.ber.length', 1)
        refuses(() => long('0480', options), 'decode.ber.indefinite', 1)
        expect(long('048180', options)).to.equal(128)
      }
      expect(long('04810a', { der: true, minimalLengths: false })).to.equal(10)
    })

    it('are refused beyond the end, however large, without allocating', () => {
      refuses(() => long('0482 00c9'), 'decode.truncated', 4)
      refuses(() => long('0484 ffffffff'), 'decode.truncated', 6)
      refuses(() => long('0488 ffffffffffffffff'), 'decode.truncated', 10)
      refuses(() => read('04fe' + 'ff'.repeat(126)).octetString('x'), 'decode.truncated', 128)
      refuses(() => read('0482 01').octetString('x'), 'decode.truncated', 3)
      refuses(() => read('04').octetString('x'), 'decode.truncated', 1)
    })

    it('ff is reserved', () => refuses(() => long('04ff'), 'decode.ber.length', 1))

    it('of a child never reach beyond its parent', () => {
      const child = read('3003 0402 aabb').enter(BER.SEQUENCE, 'outer')
      refuses(() => child.octetString('inner'), 'decode.truncated', 4, 'inner')
    })
  })

  describe('indefinite lengths', () => {
    const MESSAGE = '3080 020105 3080 020106 0000 0000 020107'

    it('are refused unless asked for, and always in DER', () => {
      refuses(() => read(MESSAGE).enter(BER.SEQUENCE, 'x'), 'decode.ber.indefinite', 1)
      refuses(() => read(MESSAGE, { der: true, indefinite: true }).enter(BER.SEQUENCE, 'x'), 'decode.ber.indefinite', 1)
    })

    it('end at the matching end-of-contents octets', () => {
      const r = read(MESSAGE, INDEFINITE)
      const outer = r.enter(BER.SEQUENCE, 'outer')
      expect(outer.integer('a')).to.equal(5)
      const inner = outer.enter(BER.SEQUENCE, 'inner')
      expect(inner.integer('b')).to.equal(6)
      inner.expectEnd('inner')
      outer.expectEnd('outer')
      expect(r.integer('c')).to.equal(7)
    })

    it('count as part of a whole element', () => {
      const r = read(MESSAGE, INDEFINITE)
      expect(toHex(r.element('x'))).to.equal('30800201053080020106' + '00000000')
      r.skip('y')
      r.expectEnd('z')
    })

    it('are refused for primitive contents and without their end', () => {
      refuses(() => read('0480 0000', INDEFINITE).octetString('x'), 'decode.ber.indefinite', 1)
      refuses(() => read('3080 020105', INDEFINITE).enter(BER.SEQUENCE, 'x'), 'decode.truncated', 5)
      refuses(() => read('3080 020105 00', INDEFINITE).enter(BER.SEQUENCE, 'x'), 'decode.truncated', 6)
      refuses(() => read('3080 0001 ff', INDEFINITE).enter(BER.SEQUENCE, 'x'), 'decode.ber.length', 3)
    })

    it('nest no deeper than allowed', () => {
      const nested = (depth: number): string => '3080'.repeat(depth) + '0000'.repeat(depth)
      read(nested(32), INDEFINITE).enter(BER.SEQUENCE, 'x')
      refuses(() => read(nested(33), INDEFINITE).enter(BER.SEQUENCE, 'x'), 'decode.ber.depth', 66)
      refuses(() => read('3080'.repeat(100_000), INDEFINITE).enter(BER.SEQUENCE, 'x'), 'decode.ber.depth', 66)
    })
  })

  it('enters no deeper than allowed', () => {
    const wrap = (hex: string): string => `30${(hex.length / 2).toString(16).padStart(2, '0')}${hex}`
    const four = wrap(wrap(wrap(wrap(''))))
    let r = read(four, { maxDepth: 3 })
    for (let i = 0; i < 3; i++) r = r.enter(BER.SEQUENCE, 'level')
    refuses(() => r.enter(BER.SEQUENCE, 'level'), 'decode.ber.depth', 6, 'level')
  })

  it('reports offsets of the whole message', () => {
    const outer = BerReader.of(fromHex('3006 3004 0500 0201'), {}, 1000)
    const inner = outer.enter(BER.SEQUENCE, 'a').enter(BER.SEQUENCE, 'b')
    inner.null('c')
    expect(inner.offset).to.equal(1006)
    refuses(() => inner.integer('d'), 'decode.truncated', 1008, 'd')
    expect(inner.error('x.y', 'e')).to.include({ code: 'x.y', offset: 1006 })
    refuses(() => inner.expectEnd('f'), 'decode.trailing', 1006, 'f')
    expect(inner.remaining).to.equal(2)
  })

  describe('INTEGER', () => {
    const values: readonly [hex: string, value: number][] = [
      ['020100', 0],
      ['02017f', 127],
      ['02020080', 128],
      ['0201ff', -1],
      ['020180', -128],
      ['0202ff7f', -129],
      ['0204 7fffffff', 2 ** 31 - 1],
      ['0206 7fffffffffff', 2 ** 47 - 1],
      ['0206 800000000000', -(2 ** 47)],
      ['0207 1fffffffffffff', Number.MAX_SAFE_INTEGER],
      ['0207 e0000000000001', Number.MIN_SAFE_INTEGER],
    ]
    for (const [hex, value] of values) {
      it(`${hex} is ${value}`, () => {
        expect(read(hex, DER).integer('x')).to.equal(value)
        expect(read(hex, DER).bigInteger('x')).to.equal(BigInt(value))
      })
    }

    it('may be padded in BER only', () => {
      for (const [hex, value] of [
        ['02020001', 1],
        ['0202ffff', -1],
        ['020500ffffffff', 2 ** 32 - 1],
      ] as const) {
        expect(read(hex).integer('x')).to.equal(value)
      }
      refuses(() => read('02020001', DER).integer('x'), 'decode.ber.integer', 2)
      refuses(() => read('0202ff80', DER).bigInteger('x'), 'decode.ber.integer', 2)
      expect(read('020500ffffffff', DER).integer('x')).to.equal(2 ** 32 - 1)
    })

    it('beyond 53 bits is a bigint or nothing', () => {
      refuses(() => read('0207 20000000000000').integer('x'), 'decode.ber.range', 2)
      refuses(() => read('0207 e0000000000000').integer('x'), 'decode.ber.range', 2)
      expect(read('0207 20000000000000').bigInteger('x')).to.equal(2n ** 53n)
      expect(read('0209 00ffffffffffffffff').bigInteger('x')).to.equal(2n ** 64n - 1n)
      expect(read('0208 8000000000000000').bigInteger('x')).to.equal(-(2n ** 63n))
    })

    it('without contents is refused', () => {
      refuses(() => read('0200').integer('x'), 'decode.ber.integer', 2)
      refuses(() => read('0200').bigInteger('x'), 'decode.ber.integer', 2)
    })
  })

  it('reads BOOLEAN: any octet but zero is TRUE in BER, only ff in DER', () => {
    expect([read('0101ff').boolean('x'), read('010100').boolean('x'), read('010101').boolean('x')]).to.deep.equal([
      true,
      false,
      true,
    ])
    refuses(() => read('010101', DER).boolean('x'), 'decode.ber.boolean', 2)
    refuses(() => read('0100').boolean('x'), 'decode.ber.boolean', 2)
    refuses(() => read('01020000').boolean('x'), 'decode.ber.boolean', 2)
  })

  it('refuses NULL with contents', () => refuses(() => read('050100').null('x'), 'decode.ber.null', 2))

  it('reads BIT STRING with its padding', () => {
    // ParameterSupportOptions of MMS: f100, 5 unused
    const support = read('0303 05 f1e0').bitString('x')
    expect([toHex(support.bytes), support.unusedBits]).to.deep.equal(['f1e0', 5])
    expect(read('0301 00').bitString('x').bytes).to.have.length(0)
    refuses(() => read('0300').bitString('x'), 'decode.ber.bits', 2)
    refuses(() => read('0302 08ff').bitString('x'), 'decode.ber.bits', 2)
    refuses(() => read('0301 01').bitString('x'), 'decode.ber.bits', 2)
    refuses(() => read('0302 01ff', DER).bitString('x'), 'decode.ber.bits', 2)
    expect(read('0302 01ff').bitString('x').unusedBits).to.equal(1)
  })

  it('joins an OCTET STRING in segments (X.690 8.7.3), in BER only', () => {
    const segments = '240b 0402 0102 0400 2403 0401 03'
    expect(toHex(read(segments).octetString('x'))).to.equal('010203')
    refuses(() => read(segments, DER).octetString('x'), 'decode.ber.tag', 0)
    refuses(() => read('2403 020103').octetString('x'), 'decode.ber.tag', 2)
    expect(toHex(read('2480 0402 0102 0000', INDEFINITE).octetString('x'))).to.equal('0102')
  })

  it('reads text, and refuses what is not UTF-8', () => {
    expect(read('0c05 54c3bc72c3').skip('x')).to.equal(undefined)
    expect(read('0c04 54c3bc72').text('x')).to.equal('Tür')
    expect(read('1a04 4c4c4e30').text('x', BER.VISIBLE_STRING)).to.equal('LLN0')
    refuses(() => read('0c02 54c3').text('x'), 'decode.ber.text', 2)
  })

  it('gives views of the input', () => {
    const input = fromHex('0402 aabb')
    const value = BerReader.of(input).octetString('x')
    input[2] = 0xcc
    expect(toHex(value)).to.equal('ccbb')
  })
})
