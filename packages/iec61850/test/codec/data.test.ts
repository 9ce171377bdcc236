import { expect } from 'chai'
import fc from 'fast-check'
import { readAllData, readData, writeData } from '@gridseal/iec61850'
import type { Data } from '@gridseal/iec61850'
import { BerReader, BerWriter, DecodeError, UsageError, fromHex, toHex } from '@gridseal/wire'
import { anyData } from '../support/arbitraries.ts'

const decode = (hex: string): Data[] => readAllData(BerReader.of(fromHex(hex.replaceAll(' ', ''))), 'data')
const encode = (...all: readonly Data[]): string => {
  const w = new BerWriter()
  for (const data of all) writeData(w, data)
  return toHex(w.finish())
}

function refused(hex: string): string {
  try {
    decode(hex)
  } catch (error) {
    expect(error).to.be.instanceOf(DecodeError)
    return (error as DecodeError).code
  }
  return 'nothing'
}

describe('MMS Data (ISO 9506-2 14.4.2)', () => {
  const VECTORS: readonly (readonly [string, string, Data])[] = [
    ['BOOLEAN', '830100', { kind: 'boolean', value: false }],
    ['BOOLEAN', '830101', { kind: 'boolean', value: true }],
    ['a Quality that is good', '8403030000', { kind: 'bitString', value: { bytes: fromHex('0000'), unusedBits: 3 } }],
    ['Dbpos off', '84020640', { kind: 'bitString', value: { bytes: fromHex('40'), unusedBits: 6 } }],
    ['INT8 of -1', '8501ff', { kind: 'integer', value: -1 }],
    ['INT64', '8508 7fffffffffffffff', { kind: 'integer', value: 2n ** 63n - 1n }],
    ['INT32U of 200', '860200c8', { kind: 'unsigned', value: 200 }],
    ['FLOAT32 of 1', '8705083f800000', { kind: 'floatingPoint', value: 1, double: false }],
    ['FLOAT64 of 1', '87090b3ff0000000000000', { kind: 'floatingPoint', value: 1, double: true }],
    ['octet string', '8903026331', { kind: 'octetString', value: fromHex('026331') }],
    ['visible string', '8a024f4b', { kind: 'visibleString', value: 'OK' }],
    ['MMSString', '9003e282ac', { kind: 'mmsString', value: '€' }],
    ['binary time', '8c0600000000 0001', { kind: 'binaryTime', value: fromHex('000000000001') }],
    [
      'UTC time',
      '9108 6b022a17 93f7ce 0a',
      { kind: 'utcTime', value: { seconds: 0x6b022a17, fraction: 0x93f7ce, quality: 10 } },
    ],
    [
      'Originator as a structure',
      'a208 850103 8903647276',
      {
        kind: 'structure',
        elements: [
          { kind: 'integer', value: 3 },
          { kind: 'octetString', value: fromHex('647276') },
        ],
      },
    ],
    ['an array', 'a103830101', { kind: 'array', elements: [{ kind: 'boolean', value: true }] }],
  ]
  for (const [name, hex, data] of VECTORS) {
    it(`${name}: ${hex}, both ways`, () => {
      expect(decode(hex)).to.deep.equal([data])
      expect(encode(data)).to.equal(hex.replaceAll(' ', ''))
    })
  }

  it('any octet but 0 is TRUE, and is written as it came', () => {
    expect(decode('8301ff')).to.deep.equal([{ kind: 'boolean', value: true, form: { truth: 0xff } }])
    expect(encode(...decode('8301ff'))).to.equal('8301ff')
  })

  it('takes integers of fixed length (Annex A) and lengths that are longer than needed, and keeps them', () => {
    for (const hex of [
      '85050000000001',
      '8605 00ffffffff',
      '858101 2a',
      '848200 03 030000',
      'a2820007 838101ff 8501 00',
    ]) {
      expect(encode(...decode(hex))).to.equal(hex.replaceAll(' ', ''))
    }
    expect(decode('85050000000001')).to.deep.equal([{ kind: 'integer', value: 1, form: { octets: 5 } }])
    expect(encode({ kind: 'integer', value: 1, form: { octets: 5 } })).to.equal('85050000000001')
  })

  it('keeps the octets of a NaN', () => {
    for (const hex of ['8705087fc00001', '8705087f800001', '87090b7ff8000000000001', '8705 08ffc00000']) {
      expect(encode(...decode(hex))).to.equal(hex.replaceAll(' ', ''))
    }
  })

  it('refuses what is none, with a reason', () => {
    const bad: Readonly<Record<string, string>> = {
      '8300': 'decode.length',
      '83020000': 'decode.length',
      '8500': 'decode.ber.integer',
      '8512000000000000000000000000000000000000': 'decode.ber.integer',
      '8400': 'decode.ber.bits',
      '84020800': 'decode.ber.bits',
      '840101': 'decode.ber.bits',
      '870408000000': 'decode.length',
      '8705093f800000': 'decode.ber.float',
      '9003ffffff': 'decode.ber.text',
      '910700000000000000': 'decode.length',
      '8c0500000000 00': 'decode.length',
      '8103830101': 'decode.ber.tag',
      a303830101: 'decode.ber.tag',
      '8601': 'decode.truncated',
      a2808301010000: 'decode.ber.indefinite',
    }
    for (const [hex, code] of Object.entries(bad)) expect(refused(hex), hex).to.equal(code)
  })

  it('is not nested without bound', () => {
    let hex = '830101'
    for (let i = 0; i < 40; i++) hex = `a2${(hex.length / 2).toString(16).padStart(2, '0')}${hex}`
    expect(refused(hex)).to.equal('decode.ber.depth')
  })

  it('writes no value that does not fit', () => {
    const bad: readonly Data[] = [
      { kind: 'binaryTime', value: new Uint8Array(5) },
      { kind: 'integer', value: 0.5 },
      { kind: 'integer', value: 2n ** 200n },
      { kind: 'utcTime', value: { seconds: -1, fraction: 0, quality: 0 } },
    ]
    for (const data of bad) expect(() => encode(data), JSON.stringify(data.kind)).to.throw(UsageError)
  })

  it('reads every value that it writes', () => {
    fc.assert(
      fc.property(anyData, (data) => {
        const w = new BerWriter()
        writeData(w, data)
        const bytes = w.finish()
        const again = readData(BerReader.of(bytes), 'data')
        expect(again).to.deep.equal(data)
      }),
      { numRuns: 1000 },
    )
  })
})
