import { expect } from 'chai'
import fc from 'fast-check'
import { DecodeError, UsageError, fromHex, toHex } from '@gridseal/wire'
import { decodeFragment } from '#src/codec/application.ts'
import type { AttributeValue } from '#src/codec/attributes.ts'
import { ATTRIBUTES, attributeOf, decodeAttribute, encodeAttribute } from '#src/codec/attributes.ts'
import { decodeDataSet, decodeDescriptor, dataSetId, encodeDataSet, encodeDescriptor } from '#src/codec/data-sets.ts'
import { FILE_COMMAND, FILE_DESCRIPTOR, decodeDirectory } from '#src/codec/file-objects.ts'
import { OBJECT_GROUPS, layoutOf } from '#src/codec/object-table.ts'
import { decodeObjects } from '#src/codec/objects.ts'
import { recordOf } from '#src/codec/record-table.ts'
import { CHALLENGE } from '#src/codec/security-objects.ts'
import { mutations } from '../../../../test/support/mutate.ts'
import { conversations, secureMessages } from '../support/fixtures.ts'

/** Every object of variable size in the fixtures, with its group and variation. */
function recordedObjects(): { group: number; variation: number; octets: Uint8Array }[] {
  const apdus = secureMessages().map(({ apdu }) => fromHex(apdu))
  return apdus.flatMap((apdu) =>
    decodeFragment(apdu).headers.flatMap((header) =>
      decodeObjects(header).flatMap(({ value }) =>
        value instanceof Uint8Array ? [{ group: header.group, variation: header.variation, octets: value }] : [],
      ),
    ),
  )
}

describe('DNP3 objects of variable size', () => {
  it('the table of layouts and the records agree on the shortest object of each', () => {
    for (const { group, variations } of OBJECT_GROUPS) {
      for (const variation of Object.keys(variations).map(Number)) {
        const layout = layoutOf(group, variation)
        if (layout?.kind !== 'sized' || [85, 86, 87, 88].includes(group)) continue
        expect(recordOf(group, variation)?.min, `g${group}v${variation}`).to.equal(layout.min)
      }
    }
  })

  it('recorded g120 objects decode to what the recording says, and encode to the same octets', () => {
    let seen = 0
    for (const { group, variation, octets } of recordedObjects()) {
      const codec = recordOf(group, variation)
      if (codec === undefined) continue
      expect(toHex(codec.encode(codec.decode(octets)))).to.equal(toHex(octets))
      seen++
    }
    expect(seen).to.be.above(10)
    expect(CHALLENGE.decode(fromHex('01000000 0000 04 01 a0399306'))).to.deep.equal({
      csq: 1,
      user: 0,
      macAlgorithm: 4,
      reason: 1,
      challenge: fromHex('a0399306'),
    })
  })

  it('every record survives a round trip of random values', () => {
    for (const { group, variations } of OBJECT_GROUPS) {
      for (const variation of Object.keys(variations).map(Number)) {
        const codec = recordOf(group, variation)
        if (codec === undefined) continue
        fc.assert(
          fc.property(fc.uint8Array({ minLength: codec.min, maxLength: codec.min }), (fixed) => {
            // Whatever decodes must encode to the same octets; lengths of zero make the shortest object decodable.
            let value
            try {
              value = codec.decode(fixed)
            } catch (error) {
              if (!(error instanceof DecodeError)) throw error
              return
            }
            expect(toHex(codec.encode(value))).to.equal(toHex(fixed))
          }),
          { numRuns: 50 },
        )
      }
    }
  })

  it('mutated records are decoded or refused with a DecodeError, and what decodes encodes to the same octets', () => {
    const golden = [
      ...recordedObjects(),
      { group: 70, variation: 3, octets: FILE_COMMAND.encode(openCommand) },
      { group: 70, variation: 7, octets: FILE_DESCRIPTOR.encode(descriptor('x.txt')) },
    ]
    let refused = 0
    for (const { group, variation, octets } of golden) {
      const codec = recordOf(group, variation)
      if (codec === undefined) continue
      for (const bytes of mutations(octets)) {
        try {
          const value = codec.decode(bytes)
          expect(toHex(codec.encode(value))).to.equal(toHex(bytes))
        } catch (error) {
          if (!(error instanceof DecodeError)) throw error
          refused++
        }
      }
    }
    expect(refused).to.be.above(100)
  }).timeout(60_000)

  describe('files (g70)', () => {
    it('a command names its file at offset 26, and nowhere else', () => {
      const octets = FILE_COMMAND.encode(openCommand)
      expect(toHex(octets.subarray(0, 4))).to.equal('1a000500')
      expect(FILE_COMMAND.decode(octets)).to.deep.equal(openCommand)
      octets[0] = 25
      expect(() => FILE_COMMAND.decode(octets)).to.throw(DecodeError, 'says 25, is 26')
    })
    it('authentication: the password stands behind the user', () => {
      const codec = recordOf(70, 2)!
      const value = { key: 0, user: fromHex('626f62'), password: fromHex('7365637265743f') }
      const octets = codec.encode(value)
      expect(toHex(octets, ' ')).to.match(/^0c 00 03 00 0f 00 07 00 /)
      expect(codec.decode(octets)).to.deep.equal(value)
    })
    it('a directory is its descriptors, one behind the other', () => {
      const content = Buffer.concat(['a', 'long name'].map((name) => FILE_DESCRIPTOR.encode(descriptor(name))))
      expect(decodeDirectory(content).map(({ name }) => Buffer.from(name).toString())).to.deep.equal(['a', 'long name'])
      for (let length = 1; length < content.length; length++) {
        if (length === FILE_DESCRIPTOR.min + 1) continue
        expect(() => decodeDirectory(content.subarray(0, length)), String(length)).to.throw(DecodeError)
      }
    })
    it('recorded transfers decode', () => {
      const files = conversations()
        .flatMap(({ packets }) => packets)
        .filter(({ objects }) => objects?.some(([group]) => group === 70))
      expect(files.length).to.be.above(0)
    })
    it('a value that is not what a field takes is the caller’s fault', () => {
      expect(() => FILE_COMMAND.encode({ ...openCommand, mode: 65_536 })).to.throw(UsageError)
      expect(() => recordOf(120, 1)!.encode({})).to.throw(UsageError, 'csq is a number')
      expect(() => recordOf(70, 5)!.encode({ handle: 1, block: 0 })).to.throw(UsageError, 'data is octets')
    })
  })

  describe('device attributes (g0)', () => {
    const cases: readonly (readonly [string, AttributeValue])[] = [
      ['02 04 01000000', { type: 'UINT', value: 1, size: 4 }],
      ['03 01 ff', { type: 'INT', value: -1, size: 1 }],
      ['01 03 616263', { type: 'VSTR', value: 'abc' }],
      ['04 04 0000c03f', { type: 'FLT', value: 1.5, size: 4 }],
      ['05 02 cafe', { type: 'OSTR', value: fromHex('cafe') }],
      ['07 06 ebe45a87ff00', { type: 'TIME', value: 1_097_487_541_483 }],
      [
        'fe 04 f701f200',
        {
          type: 'LIST',
          value: [
            { variation: 247, writable: true },
            { variation: 242, writable: false },
          ],
        },
      ],
    ]
    for (const [hex, value] of cases) {
      it(`${value.type}: both ways`, () => {
        expect(decodeAttribute(fromHex(hex))).to.deep.equal(value)
        expect(toHex(encodeAttribute(value))).to.equal(hex.replaceAll(' ', ''))
      })
    }
    it('a list of more than 127 attributes is an extended one', () => {
      const value = Array.from({ length: 200 }, (_, variation) => ({ variation, writable: variation % 2 === 0 }))
      const octets = encodeAttribute({ type: 'LIST', value })
      expect([octets[0], octets[1]]).to.deep.equal([255, 400 - 256])
      expect(decodeAttribute(octets)).to.deep.equal({ type: 'LIST', value })
    })
    it('sizes that a type does not have, and reserved types, are refused', () => {
      for (const hex of ['02 03 010000', '04 02 0000', '07 05 0000000000', '09 00', '02 02 01', '02 01 0100']) {
        expect(() => decodeAttribute(fromHex(hex)), hex).to.throw(DecodeError)
      }
      expect(() => encodeAttribute({ type: 'VSTR', value: 'x'.repeat(256) })).to.throw(UsageError)
    })
    it('the table has each attribute once', () => {
      expect(new Set(ATTRIBUTES.map(({ variation }) => variation)).size).to.equal(ATTRIBUTES.length)
      expect(attributeOf(252)?.name).to.equal('manufacturer name')
    })
  })

  describe('data sets (g85 to g88)', () => {
    it('a descriptor is elements with code, type, longest length and ancillary octets', () => {
      const octets = fromHex('04 01 00 00 07 07 05 02 04 4d61696e')
      const elements = decodeDescriptor(octets)
      expect(elements.map(({ code, type, maxLength }) => [code, type, maxLength])).to.deep.equal([
        [1, 0, 0],
        [5, 2, 4],
      ])
      expect(dataSetId(elements)).to.equal(7)
      expect(toHex(encodeDescriptor(elements))).to.equal(toHex(octets))
      expect(() => decodeDescriptor(fromHex('02 01 00'))).to.throw(DecodeError)
    })
    it('values: identifier, time, elements; no octets are no value', () => {
      fc.assert(
        fc.property(
          fc.nat(0xffff_ffff),
          fc.option(fc.nat(2 ** 47), { nil: undefined }),
          fc.array(fc.uint8Array({ maxLength: 255 }), { maxLength: 8 }),
          (id, time, values) => {
            expect(decodeDataSet(encodeDataSet({ id, time, values }))).to.deep.equal({ id, time, values })
          },
        ),
      )
    })
  })
})

const text = (name: string): Uint8Array => new TextEncoder().encode(name)

const openCommand = {
  created: 0,
  permissions: 0o777,
  key: 0,
  size: 0,
  mode: 1,
  maxBlock: 1024,
  requestId: 5,
  name: text('a.txt'),
}

function descriptor(name: string): Parameters<typeof FILE_DESCRIPTOR.encode>[0] {
  return { type: 1, size: 12, created: 1_800_000_000_000, permissions: 0o444, requestId: 0, name: text(name) }
}
