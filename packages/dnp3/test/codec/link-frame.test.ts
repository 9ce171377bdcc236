import { expect } from 'chai'
import fc from 'fast-check'
import { DecodeError, UsageError, crc16Dnp, fromHex, toHex } from '@gridseal/wire'
import { checkLinkFrame } from '#src/codec/link-check.ts'
import { decodeLinkFrame, encodeLinkFrame, linkFrameLength } from '#src/codec/link-frame.ts'
import type { LinkFrame } from '#src/codec/link-frame.ts'
import { linkFunctionOf } from '#src/codec/link-functions.ts'
import { SHARED_VECTORS, needFolder } from '../../../../test/support/requirements.ts'
import { join } from 'node:path'
import { fixtureFrames, linkVectors, readJson } from '../support/fixtures.ts'
import type { LinkVectors, ValidFrame } from '../support/fixtures.ts'

const READ_CLASS_1 = fromHex('0564 0b c4 0a00 0100 acd1 c1 c1 01 3c0106 1ec6')

const linkFrame: fc.Arbitrary<LinkFrame> = fc.record({
  fromMaster: fc.boolean(),
  primary: fc.boolean(),
  frameCount: fc.boolean(),
  countValidOrBusy: fc.boolean(),
  function: fc.integer({ min: 0, max: 15 }),
  destination: fc.integer({ min: 0, max: 0xffff }),
  source: fc.integer({ min: 0, max: 0xffff }),
  user: fc.uint8Array({ maxLength: 250 }),
})

describe('DNP3 link frames (IEEE 1815 clause 9)', () => {
  it('decodes a poll of class 0, octet by octet', () => {
    expect(decodeLinkFrame(READ_CLASS_1)).to.deep.equal({
      fromMaster: true, // C4: DIR
      primary: true, //        PRM
      frameCount: false,
      countValidOrBusy: false,
      function: 4, //          UNCONFIRMED_USER_DATA
      destination: 10,
      source: 1,
      user: fromHex('c1 c1 01 3c0106'),
    })
  })

  it('encodes it again', () => {
    expect(toHex(encodeLinkFrame(decodeLinkFrame(READ_CLASS_1)))).to.equal(toHex(READ_CLASS_1))
  })

  it('counts two check sum octets for every 16 octets of user data', () => {
    expect([5, 6, 21, 22, 37, 255].map(linkFrameLength)).to.deep.equal([10, 13, 28, 31, 46, 292])
  })

  describe('vectors', () => {
    agreesWithVectors(linkVectors)

    it('CRC-16/DNP goes low octet first', () => {
      for (const { data, wire } of linkVectors().crc ?? []) {
        const crc = crc16Dnp(fromHex(data))
        expect(toHex(Uint8Array.of(crc & 0xff, crc >> 8)), data).to.equal(wire)
      }
    })
  })

  describe('the complete vectors', () => {
    const folder = join(SHARED_VECTORS, 'dnp3')
    before(function () {
      needFolder(this, folder)
    })
    agreesWithVectors(() => readJson<LinkVectors>('link-frames.json', folder))
  })

  it('encode(decode(frame)) is the frame, for every golden frame', () => {
    for (const frame of fixtureFrames()) {
      for (const one of split(frame)) expect(toHex(encodeLinkFrame(decodeLinkFrame(one)))).to.equal(toHex(one))
    }
  })

  it('decode(encode(value)) is the value, for every value', () => {
    fc.assert(
      fc.property(linkFrame, (frame) => {
        expect(decodeLinkFrame(encodeLinkFrame(frame))).to.deep.equal(frame)
      }),
    )
  })

  describe('names what is wrong', () => {
    const wrong = (bytes: Uint8Array): DecodeError => {
      try {
        decodeLinkFrame(bytes)
      } catch (error) {
        if (error instanceof DecodeError) return error
      }
      throw new UsageError('test', 'expected a DecodeError')
    }
    const changed = (at: number, value: number): Uint8Array => {
      const bytes = READ_CLASS_1.slice()
      bytes[at] = value
      return bytes
    }

    it('start octets', () => {
      expect(wrong(changed(1, 0x65))).to.include({ code: 'dnp3.link.start', offset: 0, field: 'start' })
    })
    it('a length that does not cover the addresses', () => {
      expect(wrong(changed(2, 4))).to.include({ code: 'dnp3.link.length', offset: 2, field: 'length' })
    })
    it('the header check sum', () => {
      expect(wrong(changed(8, 0))).to.include({ code: 'dnp3.link.header-crc', offset: 8, field: 'headerCrc' })
    })
    it('the check sum of a block, and which', () => {
      const long = encodeLinkFrame({ ...decodeLinkFrame(READ_CLASS_1), user: new Uint8Array(40) })
      long[10 + 18 + 3]! ^= 1
      const error = wrong(long)
      expect(error).to.include({ code: 'dnp3.link.block-crc', offset: 28, field: 'blockCrc' })
      expect(error.details['block']).to.equal(1)
    })
    it('octets missing and octets left over', () => {
      expect(wrong(READ_CLASS_1.subarray(0, 9))).to.include({ code: 'decode.truncated', offset: 9 })
      expect(wrong(READ_CLASS_1.subarray(0, 17))).to.include({ code: 'decode.truncated', offset: 17 })
      expect(wrong(Uint8Array.of(...READ_CLASS_1, 0))).to.include({ code: 'decode.trailing', offset: 18 })
    })
  })

  it('refuses to encode what does not fit', () => {
    const frame = decodeLinkFrame(READ_CLASS_1)
    expect(() => encodeLinkFrame({ ...frame, user: new Uint8Array(251) })).to.throw(UsageError, '250')
    expect(() => encodeLinkFrame({ ...frame, destination: 0x1_0000 })).to.throw(UsageError, 'destination')
    expect(() => encodeLinkFrame({ ...frame, function: 16 })).to.throw(UsageError, 'function')
  })
})

/** The frames of one payload; datagrams and segments hold several. */
function split(bytes: Uint8Array): Uint8Array[] {
  const frames: Uint8Array[] = []
  for (let at = 0; at < bytes.length;) {
    const end = at + linkFrameLength(bytes[at + 2]!)
    frames.push(bytes.subarray(at, end))
    at = end
  }
  return frames
}

function agreesWithVectors(vectors: () => LinkVectors): void {
  it('valid frames decode to their fields, break no rule, and encode to their octets', () => {
    for (const vector of vectors().valid) {
      const frame = decodeLinkFrame(fromHex(vector.hex))
      expect(fieldsOf(frame), vector.name).to.deep.equal(expected(vector))
      expect(checkLinkFrame(frame), vector.name).to.be.undefined
      expect(toHex(encodeLinkFrame(frame)), vector.name).to.equal(vector.hex)
    }
  })

  it('frames with one defect are refused for that defect', () => {
    for (const { name, hex, reason } of vectors().rejected) expect(refusal(fromHex(hex)), name).to.equal(reason)
  })
}

function fieldsOf(frame: LinkFrame): Record<string, unknown> {
  return {
    dir: Number(frame.fromMaster),
    prm: Number(frame.primary),
    fcb: Number(frame.frameCount),
    bit4: Number(frame.countValidOrBusy),
    function: linkFunctionOf(frame.primary, frame.function)?.name,
    dst: frame.destination,
    src: frame.source,
    user: toHex(frame.user),
  }
}

function expected(vector: ValidFrame): Record<string, unknown> {
  const { dir, prm, fcb = 0, dst, src, user } = vector
  return { dir, prm, fcb, bit4: vector.fcv ?? vector.dfc ?? 0, function: vector.function, dst, src, user }
}

/** The reason class of the vectors, whether the decoder finds it or the rules of the link layer. */
function refusal(bytes: Uint8Array): string {
  try {
    return checkLinkFrame(decodeLinkFrame(bytes), 'outstation') ?? checkLinkFrame(decodeLinkFrame(bytes)) ?? 'accepted'
  } catch (error) {
    const { code } = error as DecodeError
    return { 'dnp3.link.block-crc': 'body-crc' }[code] ?? code.replace('dnp3.link.', '')
  }
}
