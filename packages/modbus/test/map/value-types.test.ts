import { expect } from 'chai'
import fc from 'fast-check'
import { ORDERS, VALUE_TYPES, decodeValue, encodeValue } from '@gridseal/modbus'
import type { Value, ValueType } from '@gridseal/modbus'
import { usageError } from '../support/errors.ts'

describe('Modbus value types', () => {
  // 123.456 as every order has it.
  for (const [order, words] of [
    ['ABCD', [0x42f6, 0xe979]],
    ['CDAB', [0xe979, 0x42f6]],
    ['BADC', [0xf642, 0x79e9]],
    ['DCBA', [0x79e9, 0xf642]],
  ] as const) {
    it(`reads and writes 123.456 in the order ${order}`, () => {
      expect(decodeValue(words, 'float32', order)).to.be.closeTo(123.456, 1e-5)
      expect(encodeValue(123.456, 'float32', order, 0)).to.deep.equal(words)
    })
  }

  for (const [type, words, value] of [
    ['int16', [0xffff], -1],
    ['uint16', [0xffff], 0xffff],
    ['int32', [0xffff, 0xfffe], -2],
    ['uint32', [0x0001, 0x0000], 65_536],
    ['int64', [0xffff, 0xffff, 0xffff, 0xfffd], -3n],
    ['uint64', [0, 1, 0, 0], 0x1_0000_0000n],
    ['float64', [0x3ff0, 0, 0, 0], 1],
    ['bcd16', [0x1234], 1234],
    ['bcd32', [0x0012, 0x3456], 123_456],
    ['string', [0x4752, 0x4944, 0x0000], 'GRID'],
    ['bool', [1], true],
  ] as const) {
    it(`reads and writes ${type}`, () => {
      expect(decodeValue(words, type, 'ABCD')).to.equal(value)
      expect(encodeValue(value, type, 'ABCD', words.length)).to.deep.equal([...words])
    })
  }

  it('finds no value in digits that are none, and in NaN', () => {
    expect(decodeValue([0x12a4], 'bcd16', 'ABCD')).to.equal(undefined)
    expect(decodeValue([0x7fc0, 0], 'float32', 'ABCD')).to.equal(undefined)
  })

  it('reads texts in the order of the registers, without what fills them up', () => {
    expect(decodeValue([0x4142, 0x2020], 'string', 'ABCD')).to.equal('AB')
    expect(decodeValue([0x4142, 0x4344], 'string', 'CDAB')).to.equal('ABCD')
    expect(decodeValue([0x4241, 0x4443], 'string', 'DCBA')).to.equal('ABCD')
  })

  it('refuses what does not fit', () => {
    for (const [value, type] of [
      [65_536, 'uint16'],
      [-1, 'uint32'],
      [10_000, 'bcd16'],
      [NaN, 'int16'],
      ['x', 'int16'],
      ['too long', 'string'],
    ] as const) {
      expect(usageError(() => encodeValue(value, type, 'ABCD', 1)).code).to.equal('modbus.value')
    }
  })

  it('brings back every value in every order', () => {
    const whole = (type: ValueType, min: number, max: number): fc.Arbitrary<[ValueType, Value]> =>
      fc.integer({ min, max }).map((value) => [type, value])
    const any = fc.oneof(
      whole('int16', -0x8000, 0x7fff),
      whole('uint16', 0, 0xffff),
      whole('int32', -(2 ** 31), 2 ** 31 - 1),
      whole('uint32', 0, 2 ** 32 - 1),
      whole('bcd16', 0, 9999),
      whole('bcd32', 0, 99_999_999),
      fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }).map((value): [ValueType, Value] => ['int64', value]),
      fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }).map((value): [ValueType, Value] => ['uint64', value]),
      fc.float({ noNaN: true }).map((value): [ValueType, Value] => ['float32', value]),
      fc.double({ noNaN: true }).map((value): [ValueType, Value] => ['float64', value]),
    )
    fc.assert(
      fc.property(any, fc.constantFrom(...ORDERS), ([type, value], order) => {
        expect(decodeValue(encodeValue(value, type, order, 0), type, order)).to.equal(value)
      }),
    )
  })

  it('makes something of any registers', () => {
    const words = fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 4, maxLength: 4 })
    fc.assert(
      fc.property(words, fc.constantFrom(...VALUE_TYPES), fc.constantFrom(...ORDERS), (cells, type, order) => {
        decodeValue(cells, type, order)
      }),
    )
  })
})
