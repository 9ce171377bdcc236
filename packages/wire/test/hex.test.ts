import { expect } from 'chai'
import fc from 'fast-check'
import { DecodeError, fromHex, toHex } from '@gridseal/wire'

describe('hex', () => {
  it('writes lower case, with a separator where asked', () => {
    const bytes = Uint8Array.of(0x05, 0x64, 0xab)
    expect(toHex(bytes)).to.equal('0564ab')
    expect(toHex(bytes, ' ')).to.equal('05 64 ab')
    expect(toHex(new Uint8Array(0), ':')).to.equal('')
  })

  it('reads either case and white space, colons and hyphens between octets', () => {
    expect([...fromHex(' 05 64:AB-cd\n\tEf ')]).to.deep.equal([0x05, 0x64, 0xab, 0xcd, 0xef])
    expect([...fromHex('')]).to.deep.equal([])
  })

  const refused: readonly [text: string, offset: number][] = [
    ['0g', 1],
    ['0x12', 1],
    ['1 2', 1],
    ['123', 3],
    ['12é4', 2],
    ['12,34', 2],
  ]
  for (const [text, offset] of refused) {
    it(`refuses "${text}" at character ${offset}`, () => {
      expect(() => fromHex(text))
        .to.throw(DecodeError)
        .that.includes({ code: 'decode.hex', offset })
    })
  }

  it('keeps every byte string', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.constantFrom('', ' ', ':', '-'), (bytes, separator) => {
        expect([...fromHex(toHex(bytes, separator))]).to.deep.equal([...bytes])
      }),
    )
  })
})
