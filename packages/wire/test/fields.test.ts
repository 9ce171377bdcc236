import { expect } from 'chai'
import fc from 'fast-check'
import { DecodeError, Reader, UsageError, Writer, fromHex, toHex } from '@gridseal/wire'
import { BIG_FIELDS, FLOAT_FIELDS, NUMBER_FIELDS } from './integer-fields.ts'

/** A capacity of one octet makes every later write grow the buffer. */
const writer = (): Writer => new Writer(1)

describe('fixed-width fields', () => {
  for (const { name, size, min, max, write, read, example } of NUMBER_FIELDS) {
    describe(name, () => {
      const [value, hex] = example
      it(`writes ${value} as ${hex} and reads it back`, () => {
        expect(toHex(write(writer(), value).finish())).to.equal(hex)
        expect(read(new Reader(fromHex(hex)), 'x')).to.equal(value)
      })

      it('holds everything from its least to its greatest value', () => {
        const values = fc.oneof(
          fc.integer({ min: Math.max(min, -(2 ** 31)), max: Math.min(max, 2 ** 31 - 1) }),
          fc.constantFrom(min, max, 0, 1),
          fc.maxSafeInteger().filter((v) => v >= min && v <= max),
        )
        fc.assert(
          fc.property(values, (v) => {
            const bytes = write(writer(), v).finish()
            expect(bytes.length).to.equal(size)
            expect(read(new Reader(bytes), 'x')).to.equal(v)
          }),
        )
      })

      it('refuses values that do not fit, and writes nothing of them', () => {
        for (const wrong of [min - 1, max + 1, 0.5, NaN, Infinity]) {
          const w = writer().u8(7)
          expectUsage(() => write(w, wrong), 'wire.range')
          expect(toHex(w.finish())).to.equal('07')
        }
      })

      it('is refused as truncated at every shorter length, with the offset of the field', () => {
        for (let short = 0; short < size; short++) {
          const reader = new Reader(new Uint8Array(2 + short))
          reader.skip(2, 'header')
          expectDecode(() => read(reader, 'value'), 'decode.truncated', 2, 'value')
        }
      })
    })
  }

  for (const { name, min, max, write, read, example } of BIG_FIELDS) {
    describe(name, () => {
      const [value, hex] = example
      it(`writes ${value} as ${hex} and reads it back`, () => {
        expect(toHex(write(writer(), value).finish())).to.equal(hex)
        expect(read(new Reader(fromHex(hex)), 'x')).to.equal(value)
      })

      it('holds everything from its least to its greatest value', () => {
        fc.assert(
          fc.property(fc.oneof(fc.bigInt({ min, max }), fc.constantFrom(min, max, 0n)), (v) => {
            expect(read(new Reader(write(writer(), v).finish()), 'x')).to.equal(v)
          }),
        )
      })

      it('refuses values that do not fit', () => {
        for (const wrong of [min - 1n, max + 1n]) expectUsage(() => write(writer(), wrong), 'wire.range')
      })

      it('is refused as truncated at seven bytes', () => {
        expectDecode(() => read(new Reader(new Uint8Array(7)), 'value'), 'decode.truncated', 0, 'value')
      })
    })
  }

  for (const { name, size, write, read, example } of FLOAT_FIELDS) {
    describe(name, () => {
      const [value, hex] = example
      it(`writes ${value} as ${hex} and reads it back`, () => {
        expect(toHex(write(writer(), value).finish())).to.equal(hex)
        expect(read(new Reader(fromHex(hex)), 'x')).to.equal(value)
      })

      it('keeps every value of its precision, with signed zero, infinities and NaN', () => {
        const values = size === 4 ? fc.float() : fc.double()
        fc.assert(
          fc.property(values, (v) => {
            expect(Object.is(read(new Reader(write(writer(), v).finish()), 'x'), v)).to.equal(true)
          }),
        )
      })

      it('is refused as truncated one byte short', () => {
        expectDecode(() => read(new Reader(new Uint8Array(size - 1)), 'value'), 'decode.truncated', 0, 'value')
      })
    })
  }

  it('keeps a whole message of mixed fields, whatever their order', () => {
    const anyField = fc.constantFrom(...NUMBER_FIELDS).chain((field) =>
      fc.tuple(
        fc.constant(field),
        fc.maxSafeInteger().map((v) => fold(v, field.min, field.max)),
      ),
    )
    fc.assert(
      fc.property(fc.array(anyField, { maxLength: 40 }), (message) => {
        const w = writer()
        for (const [field, value] of message) field.write(w, value)
        const r = new Reader(w.finish())
        for (const [field, value] of message) expect(field.read(r, field.name)).to.equal(value)
        r.expectEnd('message')
      }),
    )
  })
})

/** Any integer into min..max. */
function fold(value: number, min: number, max: number): number {
  const span = max - min + 1
  return min + (((value % span) + span) % span)
}

function expectUsage(call: () => unknown, code: string): void {
  expect(call).to.throw(UsageError).with.property('code', code)
}

function expectDecode(call: () => unknown, code: string, offset: number, field: string): void {
  expect(call).to.throw(DecodeError).that.includes({ code, offset, field })
}
