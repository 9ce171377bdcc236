import { expect } from 'chai'
import fc from 'fast-check'
import { InternalError, UsageError, fromHex, toHex } from '@gridseal/wire'
import { decodeFragment, encodeFragment } from '#src/codec/application.ts'
import { decodeControlCode, encodeControlCode } from '#src/codec/commands.ts'
import { compileLayout } from '#src/codec/object-layout.ts'
import type { ObjectLayout } from '#src/codec/object-layout.ts'
import { OBJECT_GROUPS, groupOf, layoutOf } from '#src/codec/object-table.ts'
import { decodeObjects, encodeObjects } from '#src/codec/objects.ts'
import type { ObjectValue } from '#src/codec/objects.ts'
import { exchanges } from '../support/fixtures.ts'
import type { RecordedValue } from '../support/fixtures.ts'

const objectsOf = (hex: string): ObjectValue[] => decodeFragment(fromHex(hex)).headers.flatMap(decodeObjects)

describe('DNP3 objects (IEEE 1815 annex A)', () => {
  describe('what they say', () => {
    it('a binary input with flags: the state is bit 7', () => {
      expect(objectsOf('c0 81 0000 0102 00 05 06 81 01')).to.deep.equal([
        { index: 5, flags: 0x81, state: 1 },
        { index: 6, flags: 0x01, state: 0 },
      ])
    })
    it('packed binaries: the first point is bit 0', () => {
      expect(objectsOf('c0 81 0000 0101 00 07 09 05').map(({ index, state }) => [index, state])).to.deep.equal([
        [7, 1],
        [8, 0],
        [9, 1],
      ])
    })
    it('packed double-bits: two bits each', () => {
      expect(objectsOf('c0 81 0000 0301 00 00 04 e401').map(({ state }) => state)).to.deep.equal([0, 1, 2, 3, 1])
    })
    it('an event with absolute time', () => {
      expect(objectsOf('e0 81 1000 0402 28 0100 0200 81 279c9300a201')).to.deep.equal([
        { index: 2, flags: 0x81, state: 2, time: 1_795_306_003_495 },
      ])
    })
    it('an event with relative time behind its common time of occurrence', () => {
      expect(objectsOf('e0 81 1000 3302 07 01 ee9a9300a201 0203 28 0100 0300 01 0a00')).to.deep.equal([
        { index: 0, time: 1_795_306_003_182 },
        { index: 3, flags: 0x01, state: 0, relativeTime: 10 },
      ])
    })
    it('a command to a binary output', () => {
      expect(objectsOf('c0 03 0c01 17 01 0a 41 01 f4010000 d0070000 00')).to.deep.equal([
        { index: 10, code: 0x41, count: 1, onTime: 500, offTime: 2000, status: 0 },
      ])
      expect(decodeControlCode(0x41)).to.deep.equal({ operation: 1, queue: false, clear: false, tripClose: 1 })
      for (let code = 0; code < 256; code++) expect(encodeControlCode(decodeControlCode(code))).to.equal(code)
    })
    it('a command to an analog output: the value comes before the status', () => {
      expect(objectsOf('c0 05 2901 28 0100 0100 8feefeff 04')).to.deep.equal([{ index: 1, value: -70_001, status: 4 }])
    })
    it('a command event: the commanded state is bit 7 of the status', () => {
      expect(objectsOf('c0 81 0000 0d01 28 0100 0200 87')).to.deep.equal([{ index: 2, status: 7, state: 1 }])
    })
    it('a time to write, a delay, a restart delay', () => {
      expect(objectsOf('c1 02 3201 07 01 ebe45a87ff00')).to.deep.equal([{ index: 0, time: 1_097_487_541_483 }])
      expect(objectsOf('c0 81 0000 3402 07 01 f401')).to.deep.equal([{ index: 0, value: 500 }])
    })
    it('internal indications by index', () => {
      expect(objectsOf('c0 02 5001 00 07 07 00')).to.deep.equal([{ index: 7, state: 0 }])
    })
    it('objects with a size of their own, and attributes: their octets', () => {
      expect(objectsOf('c0 81 0000 4606 5b 01 0900 785634120000000000').map(({ value }) => value)).to.deep.equal([
        fromHex('785634120000000000'),
      ])
      expect(objectsOf('c0 81 0000 00d5 00 00 00 02 04 01000000').map(({ value }) => value)).to.deep.equal([
        fromHex('020401000000'),
      ])
    })
    it('headers that only name points bring no objects', () => {
      expect(objectsOf('c0 01 0c01 17 02 05 07 1e01 00 00 09')).to.be.empty
    })
  })

  describe('agree with what a third-party master took from the same octets', () => {
    for (const { name, apdus, decoded } of exchanges()) {
      if (decoded === undefined || decoded === null) continue
      it(name, () => {
        const ours = apdus.filter(([from]) => from === 'O>M').flatMap(([, apdu]) => recordedForm(apdu))
        expect(ours).to.deep.equal(decoded.map(withoutQuality))
      })
    }
  })

  describe('the table', () => {
    it('has the sizes of the reference', () => {
      // prettier-ignore
      const sizes: Readonly<Record<string, number>> = {
        g1v2: 1, g2v2: 7, g2v3: 3, g4v2: 7, g11v2: 7, g12v1: 11, g12v2: 11, g13v2: 7,
        g20v1: 5, g20v2: 3, g20v5: 4, g20v6: 2, g20v7: 4, g20v8: 2, g21v5: 11, g21v6: 9, g21v9: 4, g21v10: 2, g21v12: 2,
        g22v5: 11, g22v8: 9, g23v6: 9, g30v1: 5, g30v2: 3, g30v3: 4, g30v4: 2, g30v5: 5, g30v6: 9,
        g31v3: 11, g31v4: 9, g31v5: 4, g31v6: 2, g31v7: 5, g31v8: 9, g32v1: 5, g32v3: 11, g32v4: 9, g32v5: 5, g32v6: 9,
        g32v7: 11, g32v8: 15, g33v8: 15, g34v1: 2, g34v2: 4, g34v3: 4, g40v1: 5, g40v2: 3, g40v3: 5, g40v4: 9,
        g41v1: 5, g41v2: 3, g41v3: 5, g41v4: 9, g42v7: 11, g43v1: 5, g43v8: 15, g50v1: 6, g50v2: 10, g50v3: 6, g50v4: 11,
        g51v1: 6, g51v2: 6, g52v1: 2, g52v2: 2, g81v1: 3, g101v1: 2, g101v2: 4, g101v3: 8, g102v1: 1,
        g120v3: 6, g120v4: 2, g121v1: 7, g122v1: 7, g122v2: 13,
      }
      for (const [object, size] of Object.entries(sizes)) {
        const [group = 0, variation = 0] = object.slice(1).split('v').map(Number)
        const layout = layoutOf(group, variation)
        expect(layout?.kind === 'fixed' ? layout.size : layout?.kind, object).to.equal(size)
      }
    })

    it('has the groups of the reference', () => {
      expect(OBJECT_GROUPS.map(({ group }) => group)).to.deep.equal([
        0, 1, 2, 3, 4, 10, 11, 12, 13, 20, 21, 22, 23, 30, 31, 32, 33, 34, 40, 41, 42, 43, 50, 51, 52, 60, 70, 80, 81,
        82, 83, 85, 86, 87, 88, 90, 91, 101, 102, 110, 111, 112, 113, 114, 115, 120, 121, 122,
      ])
    })

    it('names each point by the group of its present value', () => {
      for (const { group, point, type } of OBJECT_GROUPS) {
        expect(point === undefined, `g${group}`).to.equal(type === undefined)
        if (point !== undefined) expect(groupOf(point)).to.include({ kind: 'static', type })
      }
    })

    it('does not know variation 0 of points: it only asks', () => {
      for (const group of [1, 2, 10, 20, 30, 32, 40, 42, 60]) expect(layoutOf(group, 0)).to.be.undefined
    })

    it('refuses a notation that means nothing', () => {
      expect(() => compileLayout('F i24')).to.throw(InternalError)
    })
  })

  describe('decode(encode(objects)) are the objects', () => {
    for (const { group, name, variations } of OBJECT_GROUPS) {
      const { any, ...listed } = variations
      const numbers = [...Object.keys(listed).map(Number), ...(any === undefined ? [] : [7])]
      const forms = numbers.flatMap((variation) => {
        const layout = layoutOf(group, variation)!
        return qualifiersOf(layout).map((qualifier) => ({ layout, form: { group, variation, qualifier } }))
      })
      if (forms.length === 0) continue
      it(`g${group} ${name}: every variation with every qualifier that goes with it`, () => {
        for (const { layout, form } of forms) {
          const objects = objectList(layout, form.variation, form.qualifier)
          fc.assert(
            fc.property(objects, (list) => {
              const header = encodeObjects(form, list)
              const control = { first: true, final: true, confirm: false, unsolicited: false, sequence: 0 }
              const bytes = encodeFragment({ control, function: 129, iin: 0, headers: [header] })
              const { headers, stop } = decodeFragment(bytes)
              expect(stop).to.be.undefined
              expect(headers.flatMap(decodeObjects)).to.deep.equal(list)
            }),
            { numRuns: 20 },
          )
        }
      })
    }
  })

  describe('refuses to encode', () => {
    const form = { group: 30, variation: 1, qualifier: 0x00 }
    const point = { index: 3, flags: 1, value: 5 }
    it('indexes that do not run on, where a range needs them to', () => {
      expect(() => encodeObjects(form, [point, { ...point, index: 5 }])).to.throw(UsageError, 'run on')
    })
    it('a missing field, a value that does not fit', () => {
      expect(() => encodeObjects(form, [{ index: 0, value: 5 }])).to.throw(UsageError, 'flags')
      expect(() => encodeObjects(form, [{ ...point, value: 2 ** 31 }])).to.throw(UsageError, 'i32')
    })
    it('objects under "all", none under a range, a reserved qualifier', () => {
      expect(() => encodeObjects({ ...form, qualifier: 0x06 }, [point])).to.throw(UsageError)
      expect(() => encodeObjects(form, [])).to.throw(UsageError)
      expect(() => encodeObjects({ ...form, qualifier: 0x70 }, [])).to.throw(UsageError, 'reserved')
    })
    it('octet strings of another length than the variation, objects without a size', () => {
      const octets = { index: 0, value: fromHex('abcd') }
      expect(() => encodeObjects({ group: 110, variation: 3, qualifier: 0 }, [octets])).to.throw(UsageError, 'length')
      expect(() => encodeObjects({ group: 70, variation: 5, qualifier: 7 }, [octets])).to.throw(UsageError, 'size')
    })
  })
})

/** Qualifiers that go with a layout. */
function qualifiersOf(layout: ObjectLayout): readonly number[] {
  switch (layout.kind) {
    case 'packed':
      return [0x00, 0x01, 0x02, 0x08]
    case 'sized':
      return [0x5b]
    case 'none':
      return []
    case 'fixed':
    case 'octets':
    case 'attribute':
      return [0x00, 0x01, 0x07, 0x17, 0x28, 0x39]
  }
}

function objectList(layout: ObjectLayout, variation: number, qualifier: number): fc.Arbitrary<ObjectValue[]> {
  const first = (qualifier & 0x0f) <= 2 ? fc.integer({ min: 0, max: 200 }) : fc.constant(0)
  const fields = fc.array(fieldsOf(layout, variation), { minLength: 1, maxLength: 9 })
  return fc.tuple(first, fields).map(([start, list]) => list.map((object, i) => ({ ...object, index: start + i })))
}

function fieldsOf(layout: ObjectLayout, variation: number): fc.Arbitrary<Omit<ObjectValue, 'index'>> {
  switch (layout.kind) {
    case 'packed':
      return fc.integer({ min: 0, max: layout.bits === 1 ? 1 : 3 }).map((state) => ({ state }))
    case 'octets':
      return fc.uint8Array({ minLength: variation, maxLength: variation }).map((value) => ({ value }))
    case 'sized':
      return fc.uint8Array({ minLength: layout.min, maxLength: layout.min + 20 }).map((value) => ({ value }))
    case 'attribute':
      return fc.uint8Array({ maxLength: 20 }).map((value) => ({ value: Uint8Array.of(1, value.length, ...value) }))
    case 'none':
      return fc.constant({})
    case 'fixed':
      return fc
        .record(Object.fromEntries(layout.fields.map((field) => [field.name, scalar(field.type, field.size)])))
        .map((object) => withState(object, layout.state))
  }
}

function scalar(type: string, size: number): fc.Arbitrary<number | Uint8Array> {
  switch (type) {
    case 'octets':
      return fc.uint8Array({ minLength: size, maxLength: size })
    case 'f32':
      return fc.float({ noNaN: true }).filter((value) => !Object.is(value, -0))
    case 'f64':
      return fc.double({ noNaN: true }).filter((value) => !Object.is(value, -0))
    case 'u48':
      return fc.maxSafeInteger().map((value) => Math.abs(value) % 2 ** 48)
    default: {
      const signed = type.startsWith('i')
      const span = 2 ** (8 * size)
      return fc.integer({ min: signed ? -span / 2 : 0, max: signed ? span / 2 - 1 : span - 1 })
    }
  }
}

function withState(object: Record<string, unknown>, bits: number): Omit<ObjectValue, 'index'> {
  const { flags, status } = object as { flags?: number; status?: number }
  if (bits === 0) return object
  if (flags !== undefined) return { ...object, state: flags >> (8 - bits) }
  return { ...object, status: status! & 0x7f, state: status! >> 7 }
}

const DOUBLE_BIT = ['INTERMEDIATE', 'DETERMINED_OFF', 'DETERMINED_ON', 'INDETERMINATE']

/** Our objects of a response in the form in which the recording has them; common times apart. */
function recordedForm(apdu: string): RecordedValue[] {
  let commonTime = 0
  return decodeFragment(fromHex(apdu)).headers.flatMap((header): RecordedValue[] => {
    const objects = decodeObjects(header)
    if (header.group === 51) {
      commonTime = objects[0]?.time ?? 0
      return []
    }
    const { type } = groupOf(header.group)!
    return objects.map(({ index, flags, state, value, time, relativeTime }) => {
      if (value instanceof Uint8Array) return { index, octets: toHex(value) }
      const at = relativeTime === undefined ? time : commonTime + relativeTime
      // What comes without flags is ONLINE; a packed state is put where flags would have it.
      const all = flags ?? (state === undefined ? 1 : 1 | (state << 7))
      const shown = type === 'double-bit' ? DOUBLE_BIT[state!]! : (state ?? value!)
      return { index, value: shown, flags: all, ...(at === undefined ? {} : { time: at }) }
    })
  })
}

function withoutQuality(value: RecordedValue): RecordedValue {
  const { index, value: shown, flags, time, octets } = value
  if (octets !== undefined) return { index: index!, octets }
  return { index: index!, value: shown!, flags: flags!, ...(time === undefined ? {} : { time }) }
}
