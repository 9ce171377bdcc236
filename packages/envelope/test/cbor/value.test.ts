import { DecodeError, UsageError, fromHex, toHex } from '@gridseal/wire'
import { CborWriter, Tagged, decodeCbor, encodeCbor } from '@gridseal/envelope'
import type { CborValue } from '@gridseal/envelope'
import { expect } from 'chai'
import fc from 'fast-check'
import { mutations } from '../../../../test/support/mutate.ts'

describe('deterministic CBOR (RFC 8949 4.2.1)', () => {
  // RFC 8949 appendix A, the rows without floats.
  const rows: readonly (readonly [CborValue, string])[] = [
    [0, '00'],
    [23, '17'],
    [24, '1818'],
    [100, '1864'],
    [1000, '1903e8'],
    [1000000, '1a000f4240'],
    [1000000000000, '1b000000e8d4a51000'],
    [18446744073709551615n, '1bffffffffffffffff'],
    [-1, '20'],
    [-10, '29'],
    [-1000, '3903e7'],
    [-18446744073709551616n, '3bffffffffffffffff'],
    [false, 'f4'],
    [true, 'f5'],
    [null, 'f6'],
    [new Uint8Array(0), '40'],
    [fromHex('01020304'), '4401020304'],
    ['', '60'],
    ['IETF', '6449455446'],
    ['ü', '62c3bc'],
    ['水', '63e6b0b4'],
    [[], '80'],
    [[1, [2, 3], [4, 5]], '8301820203820405'],
    [new Map(), 'a0'],
    [
      new Map<CborValue, CborValue>([
        ['a', 1],
        ['b', [2, 3]],
      ]),
      'a26161016162820203',
    ],
    [new Tagged(32, 'http://www.example.com'), 'd82076687474703a2f2f7777772e6578616d706c652e636f6d'],
  ]
  for (const [value, hex] of rows) {
    it(`writes and reads ${hex}`, () => {
      expect(toHex(encodeCbor(value))).to.equal(hex)
      expect(encodeCbor(decodeCbor(fromHex(hex)))).to.deep.equal(fromHex(hex))
    })
  }

  it('sorts map keys by their encodings, not by length', () => {
    const keys: readonly CborValue[] = ['aa', -48, 395, 'z', 100, 15, -1, 10, 4, 1]
    const encoded = toHex(encodeCbor(new Map(keys.map((key) => [key, null]))))
    expect(encoded).to.equal('aa01f604f60af60ff61864f619018bf620f6382ff6617af6626161f6')
  })

  const refused: readonly (readonly [string, string, string])[] = [
    ['1817', 'cbor.shortest', '23 in two octets'],
    ['190001', 'cbor.shortest', '1 in three octets'],
    ['1a0000ffff', 'cbor.shortest', '65535 in five octets'],
    ['1b00000000ffffffff', 'cbor.shortest', '2^32-1 in nine octets'],
    ['5f4101ff', 'cbor.indefinite', 'an indefinite byte string'],
    ['9f01ff', 'cbor.indefinite', 'an indefinite array'],
    ['1c', 'cbor.reserved', 'reserved additional information'],
    ['61ff', 'cbor.utf8', 'invalid UTF-8'],
    ['a2616201616102', 'cbor.map-order', 'map keys out of order'],
    ['a201020103', 'cbor.map-order', 'a doubled map key'],
    ['0000', 'decode.trailing', 'two items'],
    ['42aa', 'decode.truncated', 'a byte string longer than the input'],
    ['9a7fffffff', 'decode.truncated', 'an array of 2^31 items in five bytes'],
    ['f97e00', 'cbor.type', 'a float'],
    ['81'.repeat(40) + '00', 'cbor.depth', 'forty nested arrays'],
  ]
  for (const [hex, code, what] of refused) {
    it(`refuses ${what} (${code})`, () => {
      expect(() => decodeCbor(fromHex(hex)))
        .to.throw(DecodeError)
        .with.property('code', code)
    })
  }

  it('keeps what it cannot represent out', () => {
    expect(() => encodeCbor(2 ** 53)).to.throw(UsageError)
    expect(() => encodeCbor(0.5)).to.throw(UsageError)
    expect(() => encodeCbor(2n ** 64n)).to.throw(UsageError)
    const twice = new Map<CborValue, CborValue>([
      [1, 'number'],
      [1n, 'bigint'],
    ])
    expect(() => encodeCbor(twice))
      .to.throw(UsageError)
      .with.property('code', 'cbor.duplicate')
  })

  const tree = fc.letrec<{ value: CborValue }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.maxSafeInteger(),
      fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }),
      fc.string({ unit: 'grapheme' }),
      fc.boolean(),
      fc.constant(null),
      fc.uint8Array({ maxLength: 40 }),
      fc.array(tie('value'), { maxLength: 5 }),
      fc.dictionary(fc.string(), tie('value'), { maxKeys: 5 }).map((o) => new Map(Object.entries(o))),
    ),
  })).value

  it('reads back what it wrote, and writes it the same way again', () => {
    fc.assert(
      fc.property(tree, (value) => {
        const bytes = encodeCbor(value)
        expect(encodeCbor(decodeCbor(bytes))).to.deep.equal(bytes)
      }),
    )
  })

  it('reads nothing that it would write differently', () => {
    const golden = encodeCbor(
      new Map<CborValue, CborValue>([
        [1, [-48, fromHex('00ff'), 'frame']],
        [395, null],
      ]),
    )
    for (const bytes of mutations(golden)) {
      let value: CborValue
      try {
        value = decodeCbor(bytes)
      } catch (error) {
        expect(error).to.be.instanceOf(DecodeError)
        continue
      }
      expect(toHex(encodeCbor(value))).to.equal(toHex(bytes))
    }
  })

  it('writes texts around the shortest heads as UTF-8, wherever a character that is not ASCII stands', () => {
    for (const odd of ['é', '€', '😀', '\u0080', '\u007f']) {
      for (let length = 0; length < 30; length++) {
        for (let at = 0; at <= length; at++) {
          const text = 'x'.repeat(at) + odd + 'y'.repeat(length - at)
          const octets = Buffer.from(text, 'utf8')
          const head = octets.length < 24 ? [0x60 + octets.length] : [0x78, octets.length]
          const w = new CborWriter(1).null().text(text).null()
          expect(toHex(w.finish())).to.equal(toHex(Uint8Array.of(0xf6, ...head, ...octets, 0xf6)))
        }
      }
    }
  })

  it('hands out what it wrote without a copy only where its buffer is its own and full', () => {
    for (const [capacity, length] of [
      [16, 8],
      [5000, 4990],
      [5000, 100],
      [100_000, 99_990],
    ] as const) {
      const w = new CborWriter(capacity).raw(new Uint8Array(length).fill(7))
      const taken = w.take()
      expect(taken).to.deep.equal(new Uint8Array(length).fill(7))
      expect(taken.buffer.byteLength).to.be.at.most(Math.ceil((length * 17) / 16))
    }
  })

  it('writes the same whatever room it began with: no octet goes to a buffer that has just been outgrown', () => {
    const value = [1, 'text that is longer than most', new Uint8Array(30), -7, [true, null, 70000, 'x'], 2 ** 40, 'end']
    const whole = toHex(encodeCbor(value))
    for (let capacity = 1; capacity < 120; capacity++) {
      const w = new CborWriter(capacity).array(7).int(1).text('text that is longer than most').bytes(new Uint8Array(30))
      w.int(-7)
        .array(4)
        .bool(true)
        .null()
        .uint(70000)
        .text('x')
        .uint(2 ** 40)
        .text('end')
      expect(toHex(w.finish()), `room for ${capacity}`).to.equal(whole)
    }
  })
})
