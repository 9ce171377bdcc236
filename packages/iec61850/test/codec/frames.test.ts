import { expect } from 'chai'
import fc from 'fast-check'
import {
  decodeGooseFrame,
  decodeSvFrame,
  encodeGooseFrame,
  encodeSvFrame,
  examineGoose,
  examineSv,
} from '@gridseal/iec61850'
import { DecodeError, UsageError, fromHex, toHex } from '@gridseal/wire'
import { needFolder, SHARED_PCAPS } from '../../../../test/support/requirements.ts'
import { anyGooseFrame, anySvFrame } from '../support/arbitraries.ts'
import type { GoldenFrame } from '../support/frames.ts'
import { OWN_CAPTURES, framesOf, gooseFrame, sharedCaptures, svFrame } from '../support/frames.ts'

const again = ({ protocol, bytes }: GoldenFrame): Uint8Array =>
  protocol === 'goose' ? encodeGooseFrame(decodeGooseFrame(bytes)) : encodeSvFrame(decodeSvFrame(bytes))

/** The first frame of pcaps/iti_GOOSE.pcap: a GE F650. */
const F650 =
  '01a0f4082f7700a0f4082f7788b800010091000000006181868 01a47454465766963654636353 02f4c4c4e3024474f2467636230318103009c40' +
  '821847454465766963654636353 02f4c4c4e3024474f4f534531830b463635305f474f4f5345318408386ebbf34217280a85010186010a8701008' +
  '80101890100 8a0108ab20830100840303000083010084030300008301008403030000830100840303 0000'

describe('GOOSE frames (IEC 61850-8-1 Annex A and C)', () => {
  it('a frame of a GE F650, field by field', () => {
    const frame = decodeGooseFrame(fromHex(F650.replaceAll(' ', '')))
    expect(frame.header).to.deep.equal({ appId: 1, simulated: false, reserved1: 0, reserved2: 0 })
    const { allData, t, ...rest } = frame.pdu
    expect(rest).to.deep.equal({
      gocbRef: 'GEDeviceF650/LLN0$GO$gcb01',
      timeAllowedToLive: 40_000,
      datSet: 'GEDeviceF650/LLN0$GOOSE1',
      goId: 'F650_GOOSE1',
      stNum: 1,
      sqNum: 10,
      simulation: false,
      confRev: 1,
      ndsCom: false,
      numDatSetEntries: 8,
    })
    expect(t).to.deep.equal({ seconds: 0x386ebbf3, fraction: 0x421728, quality: 0x0a })
    expect(allData.map(({ kind }) => kind)).to.deep.equal(
      Array.from({ length: 4 }, () => ['boolean', 'bitString']).flat(),
    )
  })

  it('says what is wrong: entries that are not there, an S bit that `simulation` does not share', () => {
    expect(examineGoose(encodeGooseFrame(gooseFrame())).violation).to.equal(undefined)
    const short = examineGoose(encodeGooseFrame(gooseFrame({ numDatSetEntries: 5 })))
    expect([short.malformed, short.violation?.code]).to.deep.equal([undefined, 'goose.entries'])
    const claimed = gooseFrame({ simulation: false }, { simulated: true })
    expect(examineGoose(encodeGooseFrame(claimed)).violation?.code).to.equal('goose.simulation')
  })

  it('tells what is there of a frame that is cut off', () => {
    const bytes = encodeGooseFrame(gooseFrame())
    const { pdu, malformed } = examineGoose(bytes.subarray(0, bytes.length - 4))
    expect(malformed?.code).to.equal('decode.truncated')
    expect(pdu).to.include({ gocbRef: 'IED1LD0/LLN0$GO$gcb1', stNum: 1, confRev: 1 })
  })

  it('refuses impossible headers', () => {
    const bytes = encodeGooseFrame(gooseFrame())
    const changed = (at: number, ...octets: number[]): string | undefined => {
      const copy = bytes.slice()
      copy.set(octets, at)
      return examineGoose(copy).malformed?.code
    }
    expect(changed(16, 0x88, 0xba)).to.equal('decode.ether-type')
    expect(changed(20, 0, 7)).to.equal('decode.length')
    expect(changed(20, 0xff, 0xff)).to.equal('decode.truncated')
    expect(changed(26, 0x60)).to.equal('decode.ber.tag')
    expect(changed(27, 0x80)).to.equal('decode.ber.length')
    expect(examineGoose(bytes.subarray(0, 13)).malformed?.code).to.equal('decode.truncated')
  })

  it('a number beyond 32 bits, or below 0, is none', () => {
    const bytes = encodeGooseFrame(gooseFrame({ stNum: 0x7f }))
    const at = Buffer.from(bytes).indexOf(Buffer.from('85017f', 'hex'))
    const copy = bytes.slice()
    copy[at + 2] = 0xff
    expect(examineGoose(copy).malformed?.code).to.equal('decode.range')
    expect(() => encodeGooseFrame(gooseFrame({ stNum: 2 ** 32 }))).to.throw(UsageError)
  })

  it('what is missing cannot be written', () => {
    const { gocbRef: _, ...pdu } = gooseFrame().pdu
    expect(() => encodeGooseFrame({ ...gooseFrame(), pdu: pdu as never })).to.throw(UsageError, /gocbRef/)
  })

  it('keeps an extension (IEC 62351-6) and the padding behind it apart', () => {
    const frame = { ...gooseFrame(), extension: fromHex('8501aa'), padding: new Uint8Array(7) }
    const again = decodeGooseFrame(encodeGooseFrame(frame))
    expect(toHex(again.extension)).to.equal('8501aa')
    expect(again.padding.length).to.equal(7)
  })

  it('decodes every frame that it encodes to the same values', () => {
    fc.assert(
      fc.property(anyGooseFrame, (frame) => {
        fc.pre(encodedLength(frame) < 65_000)
        expect(decodeGooseFrame(encodeGooseFrame(frame))).to.deep.equal(frame)
      }),
      { numRuns: 500 },
    )
  })
})

const encodedLength = (frame: Parameters<typeof encodeGooseFrame>[0]): number => {
  try {
    return encodeGooseFrame(frame).length
  } catch (error) {
    if (error instanceof UsageError) return Infinity
    throw error
  }
}

describe('sampled values (IEC 61850-9-2 8.5.2, 9-2LE)', () => {
  it('a frame of 9-2LE with one ASDU has 120 octets, four of them a VLAN tag', () => {
    const bytes = encodeSvFrame(svFrame(7))
    expect(bytes.length).to.equal(120)
    const { asdus } = decodeSvFrame(bytes).pdu
    expect(asdus[0]).to.include({ svId: 'MU01', smpCnt: 7, confRev: 1, smpSynch: 2 })
  })

  it('says when noASDU is not their number', () => {
    const frame = svFrame(0)
    const bytes = encodeSvFrame({ ...frame, pdu: { ...frame.pdu, noAsdu: 2 } })
    expect(examineSv(bytes)).to.include({ malformed: undefined })
    expect(examineSv(bytes).violation?.code).to.equal('sv.asdus')
  })

  it('refuses a smpCnt of another size, and octets behind the ASDUs', () => {
    const bytes = Buffer.from(encodeSvFrame(svFrame(0)))
    const at = bytes.indexOf(Buffer.from('82020000', 'hex'))
    const wrong = Buffer.concat([
      bytes.subarray(0, at),
      Buffer.from('820100', 'hex'),
      Buffer.from('00'),
      bytes.subarray(at + 4),
    ])
    expect(examineSv(wrong).malformed).to.be.instanceOf(DecodeError)
  })

  it('decodes every frame that it encodes to the same values', () => {
    fc.assert(
      fc.property(anySvFrame, (frame) => {
        expect(decodeSvFrame(encodeSvFrame(frame))).to.deep.equal(frame)
      }),
      { numRuns: 500 },
    )
  })
})

describe('captured frames', () => {
  for (const file of OWN_CAPTURES) {
    it(`${file.slice(file.lastIndexOf('/') + 1)}: encoded again they are the same octets`, () => {
      const frames = framesOf(file)
      expect(frames).to.not.be.empty
      for (const frame of frames) expect(toHex(again(frame)), frame.name).to.equal(toHex(frame.bytes))
    })
  }

  it('of all shared captures: what decodes, encodes to the same octets; eight fixtures are malformed', function () {
    needFolder(this, SHARED_PCAPS)
    let same = 0
    let malformed = 0
    for (const frame of sharedCaptures().flatMap(framesOf)) {
      let octets: Uint8Array
      try {
        octets = again(frame)
      } catch (error) {
        if (!(error instanceof DecodeError)) throw error
        malformed++
        continue
      }
      if (Buffer.compare(octets, frame.bytes) !== 0) expect.fail(frame.name)
      same++
    }
    expect(same).to.be.greaterThan(16_000)
    expect(malformed).to.equal(8)
  }).timeout(60_000)
})
