import { expect } from 'chai'
import fc from 'fast-check'
import {
  BER,
  BerReader,
  BerWriter,
  DecodeError,
  UsageError,
  applicationConstructed,
  berTag,
  contextConstructed,
  contextTag,
  formatTag,
  fromHex,
  isConstructed,
  tagClass,
  tagNumber,
  toHex,
} from '@gridseal/wire'
import type { BerTagClass } from '@gridseal/wire'

describe('BER tags', () => {
  it('are the identifier octet for small numbers', () => {
    expect(BER.SEQUENCE).to.equal(0x30)
    expect(contextTag(0)).to.equal(0x80)
    expect(contextConstructed(1)).to.equal(0xa1)
    expect(applicationConstructed(0)).to.equal(0x60)
    expect(berTag('private', 30, true)).to.equal(0xfe)
  })

  const written: readonly [number: number, hex: string][] = [
    [30, '9e 01 00'],
    [31, '9f1f 01 00'],
    [77, '9f4d 01 00'],
    [127, '9f7f 01 00'],
    [128, '9f8100 01 00'],
    [16383, '9fff7f 01 00'],
    [16384, '9f818000 01 00'],
    [0x1fffff, '9fffff7f 01 00'],
  ]
  for (const [number, hex] of written) {
    it(`[${number}] is written ${hex}`, () => {
      const bytes = new BerWriter().contents(contextTag(number), Uint8Array.of(0)).finish()
      expect(toHex(bytes)).to.equal(hex.replaceAll(' ', ''))
      expect(BerReader.of(bytes).peekTag()).to.equal(contextTag(number))
    })
  }

  it('keep class, number and form', () => {
    const classes = fc.constantFrom<BerTagClass>('universal', 'application', 'context', 'private')
    fc.assert(
      fc.property(classes, fc.oneof(fc.nat(40), fc.nat(0x1fffff)), fc.boolean(), (name, number, constructed) => {
        const tag = berTag(name, number, constructed)
        expect([tagClass(tag), tagNumber(tag), isConstructed(tag)]).to.deep.equal([name, number, constructed])
        const bytes = new BerWriter().contents(tag, new Uint8Array(0)).finish()
        expect(BerReader.of(bytes).contents(tag, 'x')).to.have.length(0)
      }),
    )
  })

  it('of a number that is none are refused', () => {
    for (const number of [-1, 0.5, 0x200000, NaN]) {
      expect(() => contextTag(number))
        .to.throw(UsageError)
        .with.property('code', 'wire.ber.tag')
    }
  })

  const refused: readonly [hex: string, offset: number, code: string, what: string][] = [
    ['9f1e00', 0, 'decode.ber.tag', 'the long form of 30'],
    ['9f801f00', 1, 'decode.ber.tag', 'a padded number'],
    ['9fffffff7f00', 4, 'decode.ber.tag', 'a number above 21 bits'],
    ['9f', 1, 'decode.truncated', 'a number that is missing'],
    ['9f81', 2, 'decode.truncated', 'an unfinished number'],
  ]
  for (const [hex, offset, code, what] of refused) {
    it(`refuse ${what}: ${hex}`, () => {
      expect(() => BerReader.of(fromHex(hex)).peekTag('t'))
        .to.throw(DecodeError)
        .that.includes({ code, offset, field: 't' })
    })
  }

  it('are shown as the standard writes them', () => {
    expect(
      [
        BER.SEQUENCE,
        BER.OID,
        contextTag(3),
        applicationConstructed(0),
        berTag('private', 5),
        berTag('universal', 29),
      ].map(formatTag),
    ).to.deep.equal(['SEQUENCE', 'OID', '[3]', '[APPLICATION 0]', '[PRIVATE 5]', '[UNIVERSAL 29]'])
  })
})
