import { expect } from 'chai'
import { TextWriter, describeError, fromHex, toHex } from '@gridseal/wire'
import { decodeFragment } from '#src/codec/application.ts'
import type { Fragment } from '#src/codec/application.ts'
import { functionOf } from '#src/codec/functions.ts'
import { ObjectCursor } from '#src/codec/object-cursor.ts'
import { isUnknown, stopError } from '#src/codec/walk-stop.ts'
import { decodeObjects } from '#src/codec/objects.ts'

/** Headers as `g30v1 3 data`, with what is behind them; then why the walk ended. */
function walk(hex: string): string[] {
  const { headers, stop, rest } = decodeFragment(fromHex(hex))
  const told = headers.map(({ group, variation, range, data }) => {
    const which =
      range.kind === 'count' ? `#${range.count}` : range.kind === 'all' ? 'all' : `${range.start}..${range.stop}`
    return `g${group}v${variation} ${which}${data.length === 0 ? '' : ` ${toHex(data)}`}`
  })
  return stop === undefined ? told : [...told, `stop ${stop.code} ${toHex(rest)}`]
}

const response = (objects: string): string => `c0 81 0000 ${objects}`
const read = (objects: string): string => `c0 01 ${objects}`

describe('DNP3 object headers (IEEE 1815 clause 4)', () => {
  describe('ranges and prefixes', () => {
    it('00 and 01: start and stop of one and two octets', () => {
      expect(walk(response('1e04 00 02 03 0a00 0b00'))).to.deep.equal(['g30v4 2..3 0a000b00'])
      expect(walk(response('1e04 01 0001 0101 0a00 0b00'))).to.deep.equal(['g30v4 256..257 0a000b00'])
    })
    it('02: start and stop of four octets', () => {
      expect(walk(response('1e04 02 00000100 00000100 0a00'))).to.deep.equal(['g30v4 65536..65536 0a00'])
    })
    it('06: all objects, nothing follows', () => {
      expect(walk(read('3c02 06 3c03 06'))).to.deep.equal(['g60v2 all', 'g60v3 all'])
    })
    it('07, 08, 09: a count of one, two and four octets', () => {
      expect(walk(response('3201 07 01 ebe45a87ff00'))).to.deep.equal(['g50v1 #1 ebe45a87ff00'])
      expect(walk(response('3402 08 0100 f401'))).to.deep.equal(['g52v2 #1 f401'])
      expect(walk(response('3402 09 01000000 f401'))).to.deep.equal(['g52v2 #1 f401'])
    })
    it('17, 28, 39: a count, then index and object each', () => {
      expect(walk(response('0201 17 02 05 81 06 01'))).to.deep.equal(['g2v1 #2 05810601'])
      expect(walk(response('0201 28 0100 0500 81'))).to.deep.equal(['g2v1 #1 050081'])
      expect(walk(response('0201 39 01000000 05000000 81'))).to.deep.equal(['g2v1 #1 0500000081'])
    })
    it('5B: a count, then size and object each, whatever the object', () => {
      expect(walk(response('4606 5b 01 0900 785634120000000000'))).to.deep.equal(['g70v6 #1 0900785634120000000000'])
      expect(walk(response('fa63 5b 02 0100 aa 0000'))).to.deep.equal(['g250v99 #2 0100aa0000'])
    })
    it('bits lie packed, each header begins with an octet of its own', () => {
      expect(walk(response('0101 00 00 08 ff01  0301 00 00 04 e401'))).to.deep.equal([
        'g1v1 0..8 ff01',
        'g3v1 0..4 e401',
      ])
      expect(walk('c0 02 5001 00 07 07 00')).to.deep.equal(['g80v1 7..7 00'])
    })
    it('the variation of octet strings is their length', () => {
      expect(walk(response('6e05 00 00 00 48656c6c6f 6f02 28 0100 0300 abcd'))).to.deep.equal([
        'g110v5 0..0 48656c6c6f',
        'g111v2 #1 0300abcd',
      ])
    })
    it('device attributes say their own length', () => {
      expect(walk(response('00d5 00 00 00 02 04 01000000 00ff 00 00 00 fe 02 d500'))).to.deep.equal([
        'g0v213 0..0 020401000000',
        'g0v255 0..0 fe02d500',
      ])
    })
  })

  describe('requests', () => {
    it('READ: headers only; of single points, their indexes', () => {
      expect(walk(read('1e01 00 00 09  2001 08 0a00  0c01 17 02 05 07  3c01 06'))).to.deep.equal([
        'g30v1 0..9',
        'g32v1 #10',
        'g12v1 #2 0507',
        'g60v1 all',
      ])
    })
    it('READ of a file brings handle and block number', () => {
      expect(walk(read('4605 5b 01 0800 78563412 00000000'))).to.deep.equal(['g70v5 #1 08007856341200000000'])
    })
    it('READ of what we do not know costs nothing', () => {
      expect(walk(read('ff00 06 3c01 06'))).to.deep.equal(['g255v0 all', 'g60v1 all'])
    })
    it('SELECT, OPERATE and the like bring their objects', () => {
      expect(walk('c0 03 0c01 17 01 0a 41 01 f4010000 d0070000 00')).to.deep.equal([
        'g12v1 #1 0a4101f4010000d007000000',
      ])
      expect(walk('c0 05 2902 28 0100 0100 85ff 00')).to.deep.equal(['g41v2 #1 010085ff00'])
    })
    it('a pattern control block and its mask', () => {
      expect(walk('c0 03 0c02 07 01 41 01 00000000 00000000 00 0c03 00 00 09 ff03')).to.deep.equal([
        'g12v2 #1 4101000000000000000000',
        'g12v3 0..9 ff03',
      ])
    })
    it('FREEZE_AT_TIME: a time and interval, then what to freeze', () => {
      expect(walk('c0 0b 3202 07 01 000000000000 e8030000 1400 06')).to.deep.equal([
        'g50v2 #1 000000000000e8030000',
        'g20v0 all',
      ])
    })
    it('ASSIGN_CLASS and freezes: headers only', () => {
      expect(walk('c0 16 3c03 06 1e00 00 00 09')).to.deep.equal(['g60v3 all', 'g30v0 0..9'])
      expect(walk('c0 09 1400 01 0000 0900')).to.deep.equal(['g20v0 0..9'])
    })
    it('WRITE of a clock with a repetition interval, by index', () => {
      expect(walk('c0 02 3204 28 0100 0000 000000000000 05000000 03')).to.deep.equal([
        'g50v4 #1 00000000000000000500000003',
      ])
    })
    it('START_APPL of all applications, and of one', () => {
      expect(walk('c0 11 5a01 06')).to.deep.equal(['g90v1 all'])
      expect(walk('c0 11 5a01 5b 01 0300 616263')).to.deep.equal(['g90v1 #1 0300616263'])
    })
    it('aggressive mode wraps any function', () => {
      expect(walk(read('7803 07 01 01000000 0100 3c01 06 7809 5b 01 0400 deadbeef'))).to.deep.equal([
        'g120v3 #1 010000000100',
        'g60v1 all',
        'g120v9 #1 0400deadbeef',
      ])
      expect(walk('c0 0d 7803 07 01 01000000 0100')).to.deep.equal(['g120v3 #1 010000000100'])
    })
  })

  describe('ends where nothing can be told, and keeps what came before', () => {
    it('an object whose length is not known', () => {
      const hex = response('0102 00 00 00 81 5501 00 00 00 0401')
      expect(walk(hex)).to.deep.equal(['g1v2 0..0 81', 'stop dnp3.object.unknown 55010000000401'])
      const { stop } = decodeFragment(fromHex(hex))
      expect(isUnknown(stop!)).to.be.true
      expect([stop!.group, stop!.variation]).to.deep.equal([85, 1])
      expect(stopError(stop!)).to.include({ code: 'dnp3.object.unknown', offset: 15, field: 'variation' })
    })
    it('more objects than octets, of whatever sort', () => {
      expect(walk(response('5501 00 00 05 0401'))).to.deep.equal(['stop decode.truncated 55010000050401'])
      expect(walk(response('1e01 00 00 01 01 00000000'))).to.deep.equal(['stop decode.truncated 1e010000010100000000'])
    })
    it('a reserved function', () => {
      expect(walk('c0 70 3c01 06')).to.deep.equal(['stop dnp3.function.unknown 3c0106'])
      expect(walk('c0 70')).to.deep.equal([])
    })
    for (const qualifier of ['0a', '0c', '0f', '70', '80', 'ff']) {
      it(`the reserved qualifier ${qualifier}`, () => {
        expect(walk(read(`3c01 06 3c02 ${qualifier}`))).to.deep.equal([
          'g60v1 all',
          `stop dnp3.object.qualifier 3c02${qualifier}`,
        ])
      })
    }
    it('a start behind the stop', () => {
      expect(walk(read('1e01 00 05 04'))).to.deep.equal(['stop dnp3.object.range 1e01000504'])
    })
    it('packed bits with indexes', () => {
      expect(walk(response('0101 17 01 00 01'))).to.deep.equal(['stop dnp3.object.qualifier 010117010001'])
    })
    it('a header cut short, told as far as it is there', () => {
      for (const [hex, group, variation] of [
        ['1e', undefined, undefined],
        ['1e01', 30, 1],
        ['1e01 00', 30, 1],
        ['1e01 00 05', 30, 1],
      ] as const) {
        const { stop } = decodeFragment(fromHex(read(`3c01 06 ${hex}`)))
        expect([stop?.code, stop?.group, stop?.variation]).to.deep.equal(['decode.truncated', group, variation])
      }
    })
    it('a size larger than what is there, or smaller than the fields of the object', () => {
      expect(walk(response('4605 5b 01 ffff 00'))).to.deep.equal(['stop decode.truncated 46055b01ffff00'])
      expect(walk(response('4605 5b 01 0700 00000000000000'))).to.deep.equal([
        'stop dnp3.object.size 46055b01070000000000000000',
      ])
    })
    it('a device attribute longer than what is there', () => {
      expect(walk(response('00fa 00 00 00 01 05 616263'))).to.deep.equal(['stop decode.truncated 00fa0000000105616263'])
    })
    it('objects behind a function that takes none', () => {
      expect(walk('c0 0d 3c01 06')).to.deep.equal(['stop dnp3.object.unexpected 3c0106'])
    })
  })

  describe('never believes a count', () => {
    for (const [what, objects] of [
      ['0..FFFFFFFF of analogs', '1e01 02 00000000 ffffffff 00'],
      ['FFFFFFFF analogs', '1e01 09 ffffffff 00'],
      ['FFFFFFFF indexed analogs', '1e01 39 ffffffff 00'],
      ['FFFFFFFF bits', '0101 09 ffffffff 00'],
      ['FFFFFFFF double bits', '0301 09 ffffffff 00'],
      ['65,535 octet strings of 255', '6eff 08 ffff 00'],
      ['FFFFFFFF attributes', '00fa 09 ffffffff 00'],
      ['FFFFFFFF sized objects', '4605 59 ffffffff 00'],
      ['FFFFFFFF unknown objects', 'ff01 09 ffffffff 00'],
    ] as const) {
      it(what, () => {
        expect(decodeFragment(fromHex(response(objects))).stop?.code).to.equal('decode.truncated')
      })
    }
    it('objects without octets are none, however many: classes, empty strings', () => {
      for (const objects of ['3c01 09 ffffffff', '6e00 02 00000000 ffffffff', '6f00 09 ffffffff']) {
        const { headers, stop }: Fragment = decodeFragment(fromHex(response(objects)))
        expect(stop).to.be.undefined
        expect(headers.flatMap(decodeObjects)).to.be.empty
      }
      expect(decodeFragment(fromHex(response('6f00 17 02 05 06'))).headers.flatMap(decodeObjects)).to.have.length(2)
    })
  })

  describe('why a walk ended, in octets', () => {
    for (const [what, fragment] of [
      ['numbers on both sides of the words', response('1e01 00 00 09 01')],
      ['start behind stop', response('1e01 00 05 02')],
      ['a size below the least', response('7801 5b 01 0100 00')],
      ['no number', response('1e01 0e')],
      ['a number of more than 32 bits', response('6eff 09 ffffffff 00')],
      ['no room for a header', response('1e')],
      ['a reserved function', 'c0 7f 3c0106'],
      ['objects where none belong', 'c0 0e 3c0106'],
    ] as const) {
      it(`${what}: as the error says it`, () => {
        const bytes = fromHex(fragment)
        const cursor = new ObjectCursor()
        cursor.load(bytes, bytes[1] === 0x81 ? 4 : 2, bytes.length, functionOf(bytes[1]!))
        while (cursor.next());
        const stop = cursor.ended()!
        const text = new TextWriter()
        cursor.writeStop(0, text)
        expect(text.toString()).to.equal(describeError(stopError(stop)))
        expect(JSON.stringify(text.toString())).to.equal(`"${text.toString()}"`)
        expect(cursor.code).to.equal(stop.code)
        expect(cursor.stoppedAt).to.equal(stop.group === undefined ? -1 : stop.group * 256 + stop.variation!)
      })
    }
  })
})
