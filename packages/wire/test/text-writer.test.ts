import { expect } from 'chai'
import fc from 'fast-check'
import { TextWriter } from '@gridseal/wire'

/** Any text: plain, with what JSON escapes, beyond ASCII, and longer than what is copied character by character. */
const texts = fc.oneof(fc.string({ maxLength: 300 }), fc.string({ unit: 'binary', maxLength: 300 }))

describe('TextWriter', () => {
  it('builds a record field by field', () => {
    const text = new TextWriter(4).octets(Uint8Array.of(0x5b)).decimal(42).text(', ').quoted('a "b"').text(']')
    expect(text.toString()).to.equal('[42, "a \\"b\\""]')
    expect(text.length).to.equal(15)
  })

  it('keeps everything while it grows, as UTF-8', () => {
    fc.assert(
      fc.property(fc.nat(200), fc.array(texts), (capacity, parts) => {
        const text = new TextWriter(capacity)
        for (const part of parts) text.text(part)
        expect(text.toString()).to.equal(parts.map((part) => Buffer.from(part).toString()).join(''))
      }),
    )
  })

  it('quotes a string as JSON', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const written = new TextWriter().text('>').quoted(text).toString()
        expect(written).to.equal(`>${Buffer.from(JSON.stringify(text)).toString()}`)
      }),
    )
  })

  it('writes whole numbers in decimal digits', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.integer({ min: 16, max: 20 }), (value, count) => {
        expect(new TextWriter().decimal(value).toString()).to.equal(String(value))
        expect(new TextWriter().digits(value, count).toString()).to.equal(String(value).padStart(count, '0'))
      }),
    )
    for (const value of [0, 9, 10, 99, 100, 999_999_999, 1_000_000_000, 2 ** 31, 2 ** 32]) {
      expect(new TextWriter(0).decimal(value).toString()).to.equal(String(value))
    }
  })

  it('writes octets in hexadecimal digits', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (octets) => {
        expect(new TextWriter().text('>').hex(octets).toString()).to.equal(`>${Buffer.from(octets).toString('hex')}`)
      }),
    )
  })

  it('writes IPv4 addresses in dotted form, whatever the sign of the word', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 4, maxLength: 4 }), (octets) => {
        const word = Buffer.from(octets).readInt32BE()
        expect(new TextWriter(0).dotted(word).octet(0x3a).toString()).to.equal(`${octets.join('.')}:`)
        expect(
          new TextWriter()
            .text('>')
            .dotted(word >>> 0)
            .toString(),
        ).to.equal(`>${octets.join('.')}`)
      }),
    )
    for (let octet = 0; octet < 256; octet++) {
      expect(new TextWriter().dotted(octet * 0x01010101).toString()).to.equal(`${octet}.${octet}.${octet}.${octet}`)
    }
  })

  it('puts a longer or a shorter text in the place of another', () => {
    fc.assert(
      fc.property(texts, texts, texts, texts, (before, old, behind, fresh) => {
        const text = new TextWriter(0).text(before)
        const from = text.length
        const to = text.text(old).length
        text.text(behind).replace(from, to, new TextWriter().text(fresh))
        const expected = Buffer.concat([before, fresh, behind].map((part) => Buffer.from(part)))
        expect(text.toString()).to.equal(expected.toString())
      }),
    )
  })

  it('takes back what was written last', () => {
    const text = new TextWriter().text('line 1\n')
    const { length } = text
    expect(text.text('line 2').clear(length).append(new TextWriter().text('end')).toString()).to.equal('line 1\nend')
    expect(text.clear().toString()).to.equal('')
  })

  it('never writes again to what was taken', () => {
    const text = new TextWriter().text('first')
    const first = text.take(8)
    text.text('second')
    expect(Buffer.from(first).toString()).to.equal('first')
    expect(text.toString()).to.equal('second')
  })
})
