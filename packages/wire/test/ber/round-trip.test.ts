import { expect } from 'chai'
import fc from 'fast-check'
import {
  BER,
  BerReader,
  BerWriter,
  DecodeError,
  UsageError,
  berTag,
  contextTag,
  fromHex,
  isConstructed,
  tagNumber,
  toHex,
} from '@gridseal/wire'
import type { BerOptions } from '@gridseal/wire'
import { mutations } from '../../../../test/support/mutate.ts'

/** Any element: constructed ones hold elements, others octets. */
interface Element {
  readonly tag: number
  readonly contents: Uint8Array | readonly Element[]
}

const CLASS = fc.constantFrom('application' as const, 'context' as const, 'private' as const)
const NUMBER = fc.oneof({ weight: 4, arbitrary: fc.nat(30) }, fc.nat(300), fc.nat(0x1fffff))

const { element } = fc.letrec<{ element: Element; primitive: Element; constructed: Element }>((tie) => ({
  element: fc.oneof({ maxDepth: 5, withCrossShrink: true }, tie('primitive'), tie('constructed')),
  primitive: fc.record({
    tag: fc.tuple(CLASS, NUMBER).map(([name, number]) => berTag(name, number)),
    contents: fc.oneof(fc.uint8Array({ maxLength: 20 }), fc.uint8Array({ minLength: 120, maxLength: 300 })),
  }),
  constructed: fc.record({
    tag: fc.tuple(CLASS, NUMBER).map(([name, number]) => berTag(name, number, true)),
    contents: fc.array(tie('element'), { maxLength: 4 }),
  }),
}))

function write(w: BerWriter, { tag, contents }: Element): void {
  if (contents instanceof Uint8Array) w.contents(tag, contents)
  else w.constructed(tag, () => contents.forEach((child) => write(w, child)))
}

/** The same tree with indefinite lengths wherever contents are constructed. */
function writeIndefinite({ tag, contents }: Element): Uint8Array {
  if (contents instanceof Uint8Array) return new BerWriter().contents(tag, contents).finish().slice()
  const identifier = new BerWriter().contents(tag, new Uint8Array(0)).finish().slice(0, -1)
  return Buffer.concat([identifier, Uint8Array.of(0x80), ...contents.map(writeIndefinite), Uint8Array.of(0, 0)])
}

function readAll(r: BerReader): Element[] {
  const elements: Element[] = []
  for (let tag = r.peekTag(); tag !== undefined; tag = r.peekTag()) {
    elements.push({ tag, contents: isConstructed(tag) ? readAll(r.enter(tag, 'x')) : r.contents(tag, 'x').slice() })
  }
  return elements
}

describe('BER round trips', () => {
  it('any tree of elements comes back as it was, and passes as DER', () => {
    fc.assert(
      fc.property(element, (tree) => {
        const w = new BerWriter(1)
        write(w, tree)
        expect(readAll(BerReader.of(w.finish(), { der: true }))).to.deep.equal([tree])
      }),
      { numRuns: 300 },
    )
  })

  it('any tree with indefinite lengths comes back as the same tree', () => {
    fc.assert(
      fc.property(element, (tree) => {
        expect(readAll(BerReader.of(writeIndefinite(tree), { indefinite: true }))).to.deep.equal([tree])
      }),
      { numRuns: 200 },
    )
  })

  it('values of every type come back', () => {
    fc.assert(
      fc.property(
        fc.bigInt(),
        fc.maxSafeInteger(),
        fc.boolean(),
        fc.uint8Array(),
        fc.string({ unit: 'grapheme' }),
        fc.nat(7),
        (big, int, flag, bytes, text, unused) => {
          const bitBytes = bytes.length === 0 ? Uint8Array.of(1) : bytes
          const der = new BerWriter()
            .integer(big)
            .integer(int, contextTag(2))
            .boolean(flag)
            .null()
            .octetString(bytes)
            .text(text)
            .bitString(bitBytes, unused)
            .finish()
          const r = BerReader.of(der, { der: true })
          expect(r.bigInteger('big')).to.equal(big)
          expect(r.integer('int', contextTag(2))).to.equal(int)
          expect(r.boolean('flag')).to.equal(flag)
          r.null('null')
          expect([...r.octetString('bytes')]).to.deep.equal([...bytes])
          expect(r.text('text')).to.equal(text)
          const bits = r.bitString('bits')
          const expected = bitBytes.slice()
          expected[expected.length - 1]! &= 0xff << unused
          expect([...bits.bytes, bits.unusedBits]).to.deep.equal([...expected, unused])
          r.expectEnd('all')
        },
      ),
    )
  })

  it('writes integers in the fewest octets that keep the sign', () => {
    const hex = (value: number | bigint): string => toHex(new BerWriter().integer(value).finish())
    const edges = [7, 8, 15, 16, 23, 24, 31, 32, 47, 53].flatMap((power) => [2 ** power - 1, -(2 ** power)])
    for (const value of [
      0,
      1,
      -1,
      ...edges.filter(Number.isSafeInteger),
      ...edges.map((edge) => edge + 1).filter(Number.isSafeInteger),
    ]) {
      expect(hex(value), String(value)).to.equal(hex(BigInt(value)))
      expect(BerReader.of(fromHex(hex(value)), { der: true }).integer('x')).to.equal(value)
    }
    expect([hex(127), hex(128), hex(-128), hex(-129), hex(32767), hex(32768)]).to.deep.equal([
      '02017f',
      '02020080',
      '020180',
      '0202ff7f',
      '02027fff',
      '0203008000',
    ])
  })

  it('writes shortest lengths at each boundary', () => {
    const header = (length: number): string =>
      toHex(new BerWriter().octetString(new Uint8Array(length)).finish().slice(0, 6))
    expect(header(127).slice(0, 4)).to.equal('047f')
    expect(header(128).slice(0, 6)).to.equal('048180')
    expect(header(255).slice(0, 6)).to.equal('0481ff')
    expect(header(256).slice(0, 8)).to.equal('04820100')
    expect(header(65536).slice(0, 10)).to.equal('0483010000')
    const nested = (length: number): string =>
      toHex(
        new BerWriter()
          .constructed(BER.SEQUENCE, (w) => w.octetString(new Uint8Array(length)))
          .finish()
          .slice(0, 4),
      )
    expect(nested(125).slice(0, 4)).to.equal('307f')
    expect(nested(126).slice(0, 6)).to.equal('308180')
    expect(nested(65536)).to.equal('30830100')
  })

  it('writes an initiate of MMS as the standard does', () => {
    const w = new BerWriter().constructed(0xa8, (initiate) =>
      initiate
        .integer(65000, 0x80)
        .integer(5, 0x81)
        .integer(5, 0x82)
        .integer(10, 0x83)
        .constructed(0xa4, (detail) => detail.integer(1, 0x80).bitString(fromHex('f100'), 5, 0x81).oid('1.0.9506.2.3')),
    )
    expect(toHex(w.finish(), ' ')).to.equal(
      'a8 1f 80 03 00 fd e8 81 01 05 82 01 05 83 01 0a a4 0f 80 01 01 81 03 05 f1 00 06 05 28 ca 22 02 03',
    )
  })

  it('names ApTitles by RELATIVE-OID', () => {
    const der = new BerWriter().relativeOid('.123.8437').finish()
    expect(toHex(der)).to.equal('0d037bc175')
    expect(BerReader.of(der, { der: true }).relativeOid('apTitle')).to.equal('123.8437')
  })

  it('wraps elements in an OCTET STRING', () => {
    const w = new BerWriter().wrapping(BER.OCTET_STRING, (inner) => inner.boolean(true))
    expect(toHex(w.finish())).to.equal('04030101ff')
  })

  it('refuses to write what cannot be', () => {
    const refused = (call: () => unknown, code: string): void => {
      expect(call).to.throw(UsageError).with.property('code', code)
    }
    refused(() => new BerWriter().constructed(BER.INTEGER, () => undefined), 'wire.ber.tag')
    refused(() => new BerWriter().integer(0.5), 'wire.range')
    refused(() => new BerWriter().integer(2 ** 53), 'wire.range')
    refused(() => new BerWriter().bitString(new Uint8Array(1), 8), 'wire.range')
    refused(() => new BerWriter().bitString(new Uint8Array(0), 1), 'wire.range')
    refused(() => new BerWriter().oid('not one'), 'wire.ber.oid')
  })
})

describe('BER under mutation', () => {
  const GOLDEN: readonly [name: string, bytes: Uint8Array][] = [
    [
      'SubjectPublicKeyInfo',
      fromHex('302a300506032b657003210019bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1'),
    ],
    ['MMS initiate', fromHex('a823 800300fde8 810105 820105 83010a 9f4d0105 a40f 800101 810305f100 060528ca220203')],
    ['indefinite lengths', fromHex('3080 0201 05 3080 2480 0401aa 0401bb 0000 0101ff 0000 bf8148 04 0c02c3bc 0000')],
  ]
  const OPTIONS: readonly BerOptions[] = [{}, { der: true }, { indefinite: true }]

  for (const [name, bytes] of GOLDEN) {
    it(`${name}: every mutation is read or refused with DecodeError inside the input`, () => {
      let refused = 0
      for (const mutant of mutations(bytes)) {
        for (const options of OPTIONS) {
          try {
            readEverything(BerReader.of(mutant, options))
          } catch (error) {
            if (!(error instanceof DecodeError)) throw error
            expect(error.offset).to.be.within(0, mutant.length)
            refused++
          }
        }
      }
      expect(refused).to.be.greaterThan(bytes.length)
    })
  }

  /** Reads each element by its universal type where it has one. */
  function readEverything(r: BerReader): void {
    for (let tag = r.peekTag(); tag !== undefined; tag = r.peekTag()) {
      if (isConstructed(tag)) readEverything(r.enter(tag, 'x'))
      else if (tag === BER.INTEGER || tagNumber(tag) === 0) r.bigInteger('x', tag)
      else if (tag === BER.OID) r.oid('x')
      else if (tag === BER.BIT_STRING) r.bitString('x')
      else if (tag === BER.BOOLEAN) r.boolean('x')
      else if (tag === BER.UTF8_STRING) r.text('x')
      else r.octetString('x', tag)
    }
  }

  it('lengths that are longer than needed are told by the reader, and written where they are asked for', () => {
    for (const hex of ['810103', '81810103', '8182000103', 'a1820003810103', 'a10781840000000103']) {
      const r = BerReader.of(fromHex(hex))
      const tag = r.peekTag() ?? expect.fail('an element')
      const contents = r.contents(tag, 'x')
      const { lengthOctets } = r
      expect(lengthOctets).to.equal(fromHex(hex).length - 1 - contents.length)
      expect(toHex(new BerWriter().contents(tag, contents, lengthOctets).finish())).to.equal(hex)
      if (isConstructed(tag)) {
        const written = new BerWriter().constructed(tag, (w) => w.raw(contents), lengthOctets).finish()
        expect(toHex(written)).to.equal(hex)
      }
    }
  })

  it('a length field is never shorter than the length needs', () => {
    const contents = new Uint8Array(300)
    const shortest = new BerWriter().contents(0x81, contents).finish()
    expect(new BerWriter().contents(0x81, contents, 2).finish()).to.deep.equal(shortest)
    expect(toHex(shortest.subarray(0, 4))).to.equal('8182012c')
  })
})
