import { expect } from 'chai'
import fc from 'fast-check'
import { DecodeError, fromHex, toHex } from '@gridseal/wire'
import { decodeApplicationHeader, decodeFragment, encodeFragment } from '#src/codec/application.ts'
import { FUNCTIONS, functionOf } from '#src/codec/functions.ts'
import { iinNames } from '#src/codec/iin.ts'
import { segmentOf, senderOf } from '#src/codec/frame-segment.ts'
import { decodeLinkFrame } from '#src/codec/link-frame.ts'
import { Reassembler } from '#src/session/reassembly.ts'
import { exchanges, fixtureFragments, secureMessages } from '../support/fixtures.ts'
import { goldenFrames } from '../support/digest.ts'

describe('DNP3 application fragments (IEEE 1815 clause 4)', () => {
  it('decodes a request: control, function, object headers', () => {
    const { control, function: code, iin, headers, stop } = decodeFragment(fromHex('c3 01 3c0206 3c010705'))
    expect(control).to.deep.equal({ first: true, final: true, confirm: false, unsolicited: false, sequence: 3 })
    expect(functionOf(code)?.name).to.equal('READ')
    expect(iin).to.be.undefined
    expect(headers.map(({ group, variation }) => `g${group}v${variation}`)).to.deep.equal(['g60v2', 'g60v1'])
    expect(stop).to.be.undefined
  })

  it('decodes a response: IIN1 comes first', () => {
    const fragment = decodeFragment(fromHex('f5 82 9204'))
    expect(fragment.control).to.deep.equal({ first: true, final: true, confirm: true, unsolicited: true, sequence: 5 })
    expect(fragment.iin).to.equal(0x9204)
    expect(iinNames(0x9204)).to.deep.equal(['CLASS_1_EVENTS', 'NEED_TIME', 'DEVICE_RESTART', 'PARAMETER_ERROR'])
    expect(iinNames(0x0101)).to.deep.equal(['BROADCAST', 'NO_FUNC_CODE_SUPPORT'])
  })

  it('needs two octets, of a response four', () => {
    for (const hex of ['', 'c0', 'c081', 'c08100', 'c083', 'c08200']) {
      expect(() => decodeFragment(fromHex(hex)), hex)
        .to.throw(DecodeError)
        .with.property('code', 'decode.truncated')
    }
    expect(decodeFragment(fromHex('c000')).headers).to.be.empty
  })

  it('knows functions 0 to 33 and 129 to 131, no others', () => {
    const codes = Array.from({ length: 256 }, (_, code) => code).filter((code) => functionOf(code) !== undefined)
    expect(codes).to.deep.equal([...Array(34).keys(), 129, 130, 131])
    expect(FUNCTIONS.filter(({ response }) => response).map(({ code }) => code)).to.deep.equal([129, 130, 131])
  })

  describe('encode(decode(fragment)) is the fragment', () => {
    it('of every fixture', () => {
      for (const bytes of fixtureFragments())
        expect(toHex(encodeFragment(decodeFragment(bytes)))).to.equal(toHex(bytes))
    })

    it('of every capture, malformed ones too', () => {
      const reassembler = new Reassembler<number>()
      let fragments = 0
      for (const bytes of goldenFrames()) {
        if (bytes.length > 292) continue
        const frame = decodeLinkFrame(bytes)
        const segment = segmentOf(frame)
        const fragment = segment && reassembler.push(senderOf(frame), segment).fragment
        if (fragment === undefined || fragment.length < 2) continue
        fragments++
        expect(toHex(encodeFragment(decodeFragment(fragment)))).to.equal(toHex(fragment))
      }
      expect(fragments).to.be.above(100)
    })

    it('of anything that has a header', () => {
      const codes = fc.constantFrom(...FUNCTIONS.map(({ code }) => code), 112, 255)
      const objects = fc.array(fc.constantFrom(...PIECES), { maxLength: 6 }).map((pieces) => pieces.join(''))
      fc.assert(
        fc.property(codes, objects, fc.uint8Array({ maxLength: 8 }), (code, hex, tail) => {
          const bytes = Uint8Array.of(0xc0, code, 0, 0, ...fromHex(hex), ...tail)
          expect(toHex(encodeFragment(decodeFragment(bytes)))).to.equal(toHex(bytes))
        }),
        { numRuns: 500 },
      )
    })
  })

  it('every recorded fragment of a third-party pair is told to its end', () => {
    for (const { name, apdus } of exchanges()) {
      for (const [, apdu] of apdus) expect(decodeFragment(fromHex(apdu)).stop, name).to.be.undefined
    }
  })

  it('secure authentication: functions and objects of each kind of message', () => {
    for (const { apdu, function: code, objects = [] } of secureMessages()) {
      const fragment = decodeFragment(fromHex(apdu))
      expect(fragment.function).to.equal(code)
      expect(fragment.stop).to.be.undefined
      expect(fragment.headers.map(({ group, variation }) => `g${group}v${variation}`)).to.deep.equal(
        objects.map(({ gv }) => gv),
      )
    }
  })

  it('the header alone can be had without the objects', () => {
    expect(decodeApplicationHeader(fromHex('c0 81 0000 ff'))).to.deep.include({ function: 129, iin: 0, length: 4 })
    expect(decodeApplicationHeader(fromHex('c0 01 ff'))).to.deep.include({ function: 1, iin: undefined, length: 2 })
  })
})

/** Headers with objects, good and bad. */
const PIECES: readonly string[] = [
  '3c0106',
  '1e01000000' + '0101000000',
  '02012801000500' + '81',
  '0101000008ff01',
  '46055b010a00' + '00000000000000000000',
  '00d5000000' + '020401000000',
  '6e0300000261',
  '550100000004',
  '3c017c',
  '1e01000500',
]
