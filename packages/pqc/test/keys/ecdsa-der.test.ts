import { expect } from 'chai'
import { fromHex, toHex } from '@gridseal/wire'
import { ecdsaFromDer, ecdsaToDer } from '#src/keys/ecdsa-der.ts'

const hex = (text: string): Uint8Array => fromHex(text.replaceAll(' ', ''))

describe('ECDSA-Sig-Value (RFC 3279 2.2.3)', () => {
  it('is r and s, each as short as it can be', () => {
    for (const [raw, der] of [
      ['01 02', '3006 0201 01 0201 02'],
      ['80 7f', '3007 0202 0080 0201 7f'],
      ['0001 ff00', '3008 0201 01 0203 00ff00'],
    ] as const) {
      expect(toHex(ecdsaToDer(hex(raw)))).to.equal(toHex(hex(der)))
      expect(toHex(ecdsaFromDer(hex(der), hex(raw).length / 2)!)).to.equal(toHex(hex(raw)))
    }
  })

  it('is exactly one in DER, so that nobody makes two signatures of one', () => {
    for (const [what, der] of [
      ['nothing', ''],
      ['bytes behind it', '3006 0201 01 0201 02 00'],
      ['a third number', '3009 0201 01 0201 02 0201 03'],
      ['one number', '3003 0201 01'],
      ['a zero too many', '3007 0202 0001 0201 02'],
      ['a negative r', '3006 0201 81 0201 02'],
      ['a negative s', '3006 0201 01 0201 82'],
      ['a number that is too long', '3007 0202 0101 0201 02'],
      ['a length in two octets', '308106 0201 01 0201 02'],
      ['no length', '3080 0201 01 0201 02 0000'],
      ['another type', '3106 0201 01 0201 02'],
    ] as const) {
      expect(ecdsaFromDer(hex(der), 1), what).to.equal(undefined)
    }
    expect(ecdsaFromDer(hex('3006 0201 81 0201 02'), 2), 'a negative r with room for its sign').to.equal(undefined)
  })
})
