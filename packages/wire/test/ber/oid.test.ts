import { expect } from 'chai'
import fc from 'fast-check'
import {
  DecodeError,
  UsageError,
  decodeOid,
  decodeRelativeOid,
  encodeOid,
  encodeRelativeOid,
  fromHex,
  toHex,
} from '@gridseal/wire'

const KNOWN: readonly [dotted: string, hex: string, what: string][] = [
  ['2.16.840.1.101.3.4.3.18', '608648016503040312', 'ML-DSA-65'],
  ['1.0.9506.2.3', '28ca220203', 'MMS application context of ISO 9506'],
  ['2.1.1', '5101', 'basic encoding of ASN.1'],
  ['0.0', '00', 'the smallest'],
  ['1.39', '4f', 'the last of arc 1'],
  ['2.999.3', '883703', 'an arc above 2.39 (X.690 8.19.5)'],
  ['2.25.329800735698586629295641978511506172918', '6983f09da7ebcfdee0c7a1a7b2c0948cc8f9d776', 'a UUID, 128 bits'],
]

describe('object identifiers', () => {
  for (const [dotted, hex, what] of KNOWN) {
    it(`${dotted} (${what}) is ${hex}`, () => {
      expect(toHex(encodeOid(dotted))).to.equal(hex)
      expect(decodeOid(fromHex(hex))).to.equal(dotted)
    })
  }

  it('a relative one starts anywhere: the ApTitle .123.8437', () => {
    expect(toHex(encodeRelativeOid('.123.8437'))).to.equal('7bc175')
    expect(decodeRelativeOid(fromHex('7bc175'))).to.equal('123.8437')
  })

  const refused: readonly [hex: string, offset: number, what: string][] = [
    ['', 40, 'empty contents'],
    ['28 80 01', 41, 'a padded arc'],
    ['28 ca', 42, 'an unfinished arc'],
  ]
  for (const [hex, offset, what] of refused) {
    it(`refuses ${what}, naming the octet`, () => {
      const thrown = { code: 'decode.ber.oid', offset, field: 'context' }
      expect(() => decodeOid(fromHex(hex), 40, 'context'))
        .to.throw(DecodeError)
        .that.includes(thrown)
    })
  }

  for (const text of ['', '1', '3.1', '1.40', '1.2.', '.1.2', '1.02', '1.-2', '1.2x', '1 2']) {
    it(`is not "${text}"`, () => {
      expect(() => encodeOid(text))
        .to.throw(UsageError)
        .with.property('code', 'wire.ber.oid')
    })
  }

  it('keep arcs of any size', () => {
    const arc = fc.bigInt({ min: 0n, max: 2n ** 130n })
    const oid = fc.oneof(
      fc.tuple(fc.constantFrom(0n, 1n), fc.bigInt({ min: 0n, max: 39n }), fc.array(arc)),
      fc.tuple(fc.constant(2n), arc, fc.array(arc)),
    )
    fc.assert(
      fc.property(oid, ([root, second, others]) => {
        const dotted = [root, second, ...others].join('.')
        expect(decodeOid(encodeOid(dotted))).to.equal(dotted)
      }),
    )
  })
})
