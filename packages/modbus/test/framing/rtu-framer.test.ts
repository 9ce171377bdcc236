import { expect } from 'chai'
import fc from 'fast-check'
import type { Direction, Framer, Medium } from '@gridseal/adapter'
import { ADU_CODECS, encodeRequest, encodeResponse, modbusAdapter } from '@gridseal/modbus'
import { fromHex, toHex } from '@gridseal/wire'
import { cutAt, framed, hex, joined, pieces, places } from '../support/chunking.ts'
import { anyRequest, anyResponse } from '../support/arbitraries.ts'
import { VECTORS } from '../support/vectors.ts'

interface Setup {
  readonly medium?: Medium
  readonly direction?: Direction
  readonly keepInvalid?: boolean
}

const rtu = ({ medium = 'stream', direction = 'to-device', keepInvalid = false }: Setup = {}): Framer =>
  modbusAdapter.framer({ medium, direction, framing: 'rtu', keepInvalid })

const frameOf = (pdu: Uint8Array, unit = 17): Uint8Array => ADU_CODECS.rtu.encode({ transaction: null, unit, pdu })

const READ = '11 03 006B 0003 7687'
const WRITE = '01 10 0001 0002 04 000A 0102 9230'
const MASK = '01 16 0004 00F2 0025 67EE'
/** User-defined function 65 with five bytes of its own. */
const OWN = toHex(frameOf(fromHex('41 0102030405')))

/** FC 8 sub-function 0 may be longer than it looks; every other length follows from the first bytes. */
const predictable = (code: number): boolean => code !== 8

describe('Modbus RTU framer', () => {
  const frames = (side: 'request' | 'response'): Uint8Array[] =>
    VECTORS.map((vector) => frameOf(fromHex(vector[side].pdu)))

  for (const medium of ['stream', 'serial'] as const) {
    it(`frames every example by its length, however it is cut (${medium})`, () => {
      for (const [side, direction] of [
        ['request', 'to-device'],
        ['response', 'to-master'],
      ] as const) {
        // Functions whose length is unknown need silence behind them on a line: they have tests of their own.
        const known = frames(side).filter((frame) => frame[1] !== 0x41 && !(frame[1] === 0x2b && frame[2] === 0x0d))
        const bytes = joined(known)
        const expected = known.map((frame) => toHex(frame))
        for (const size of [1, 2, 3, 7, 64, 10_000]) {
          const framer = rtu({ medium, direction })
          expect(framed(framer, pieces(bytes, size))).to.deep.equal(expected)
          expect([framer.discarded, framer.invalid, framer.pending]).to.deep.equal([0, 0, 0])
        }
      }
    })
  }

  it('frames any sequence of requests and responses, cut anywhere', () => {
    const requests = fc.array(anyRequest.map(encodeRequest), { minLength: 1, maxLength: 8 })
    const responses = fc.array(anyResponse.map(encodeResponse), { minLength: 1, maxLength: 8 })
    const check = (direction: Direction) => (pdus: Uint8Array[], at: number[]) => {
      const known = pdus.filter((pdu) => predictable(pdu[0]!) && isPublic(pdu))
      const all = known.map((pdu) => frameOf(pdu))
      const framer = rtu({ direction })
      expect(framed(framer, cutAt(joined(all), at))).to.deep.equal(all.map((frame) => toHex(frame)))
    }
    fc.assert(fc.property(requests, places, check('to-device')), { numRuns: 200 })
    fc.assert(fc.property(responses, places, check('to-master')), { numRuns: 200 })
  })

  it('gives views of the chunk', () => {
    const chunk = fromHex(READ + MASK)
    expect(
      rtu()
        .push(chunk)
        .every((frame) => frame.buffer === chunk.buffer),
    ).to.equal(true)
  })

  it('takes one frame in as many chunks as it has bytes, up to 256', () => {
    const frame = frameOf(new Uint8Array([0x10, 0, 0, 0, 123, 246, ...new Uint8Array(246)]))
    expect(frame).to.have.length(255)
    expect(framed(rtu({ medium: 'serial' }), pieces(frame, 1))).to.deep.equal([toHex(frame)])
  })
})

describe('Modbus RTU framer, functions of unknown length', () => {
  it('ends them by silence on a serial line', () => {
    const framer = rtu({ medium: 'serial' })
    expect(framed(framer, pieces(fromHex(OWN), 1))).to.deep.equal([])
    expect(framer.quiet().map((frame) => toHex(frame))).to.deep.equal([OWN])
    expect([framer.pending, framer.discarded, framer.invalid]).to.deep.equal([0, 0, 0])
  })

  it('parts them from a frame that followed too soon to tell', () => {
    const framer = rtu({ medium: 'serial' })
    expect(framed(framer, [fromHex(OWN + READ)], true)).to.deep.equal([OWN, hex(READ)])
    expect(framer.discarded).to.equal(0)
  })

  it('ends them over TCP by the first length whose CRC fits', () => {
    for (const size of [1, 4, 100]) {
      expect(framed(rtu(), pieces(fromHex(OWN + READ + OWN), size))).to.deep.equal([OWN, hex(READ), OWN])
    }
  })

  it('takes a long echo of function 8, sub-function 0', () => {
    const echo = toHex(frameOf(fromHex('08 0000 0102 0304 0506')))
    expect(framed(rtu({ medium: 'serial' }), [fromHex(echo)], true)).to.deep.equal([echo])
    expect(framed(rtu(), [fromHex(echo + READ)])).to.deep.equal([echo, hex(READ)])
    const usual = toHex(frameOf(fromHex('08 0000 A537')))
    expect(framed(rtu({ medium: 'serial' }), [fromHex(usual)])).to.deep.equal([usual])
  })

  it('counts one whose CRC is wrong when silence ends it, and delivers it only where the link says so', () => {
    for (const whole of [OWN, toHex(frameOf(fromHex('08 0000 A537')))]) {
      const damaged = fromHex(whole)
      damaged[4]! ^= 1
      for (const keepInvalid of [false, true]) {
        const framer = rtu({ medium: 'serial', keepInvalid })
        expect(framed(framer, [damaged], true)).to.deep.equal(keepInvalid ? [toHex(damaged)] : [])
        expect([framer.invalid, framer.discarded]).to.deep.equal([1, keepInvalid ? 0 : damaged.length])
        expect(framed(framer, [fromHex(READ)])).to.deep.equal([hex(READ)])
      }
    }
  })

  it('does not wait for identification objects that cannot fit a frame', () => {
    const framer = rtu({ direction: 'to-master' })
    framed(framer, [fromHex('01 2B 0E 01 81 00 00 02 00 FF'), new Uint8Array(254)])
    expect([framer.invalid, framer.pending < 257]).to.deep.equal([1, true])
  })

  it('gives up on 256 bytes that fit no CRC', () => {
    const framer = rtu()
    const frames = framed(framer, [new Uint8Array([1, 0x41, ...new Uint8Array(300).fill(0x55)])])
    expect(frames).to.deep.equal([])
    expect(framer.invalid).to.equal(1)
    expect(framer.pending).to.be.lessThan(256)
  })
})

describe('Modbus RTU framer, noise and damage', () => {
  const damaged = '11 03 006B 0003 7688'

  for (const medium of ['stream', 'serial'] as const) {
    it(`counts a wrong CRC, does not deliver it and finds the next frame (${medium})`, () => {
      for (const size of [1, 5, 100]) {
        const framer = rtu({ medium })
        expect(framed(framer, pieces(fromHex(damaged + READ), size))).to.deep.equal([hex(READ)])
        expect([framer.invalid, framer.discarded]).to.deep.equal([1, 8])
      }
    })
  }

  it('delivers it where the link says so, and counts it all the same', () => {
    const framer = rtu({ medium: 'serial', keepInvalid: true })
    expect(framed(framer, [fromHex(damaged)], true)).to.deep.equal([hex(damaged)])
    expect(framed(framer, [fromHex(damaged)], true)).to.deep.equal([hex(damaged)])
    expect(framed(framer, [fromHex(READ)], true)).to.deep.equal([hex(READ)])
    expect([framer.invalid, framer.discarded]).to.deep.equal([2, 0])
  })

  it('skips noise before a frame and counts every byte', () => {
    const framer = rtu({ medium: 'serial' })
    expect(framed(framer, [fromHex('FF 00 FF'), fromHex(READ), fromHex(MASK)], true)).to.deep.equal(
      [READ, MASK].map(hex),
    )
    expect([framer.discarded, framer.pending]).to.deep.equal([3, 0])
  })

  it('gives up half a frame when the line is quiet', () => {
    const framer = rtu({ medium: 'serial' })
    expect(framed(framer, [fromHex('11 03 006B')], true)).to.deep.equal([])
    expect([framer.discarded, framer.pending, framer.invalid]).to.deep.equal([4, 0, 0])
    expect(framed(framer, [fromHex(READ)])).to.deep.equal([hex(READ)])
  })

  it('finds a whole frame behind one that lost a byte', () => {
    const lost = fromHex(WRITE).slice(0, -1)
    const framer = rtu({ medium: 'serial' })
    expect(framed(framer, [joined([lost, fromHex(READ)])], true)).to.deep.equal([hex(READ)])
    expect(framer.discarded).to.equal(lost.length)
  })

  it('does not cut a frame out of the registers of another (smuggling)', () => {
    // Registers written carry a whole frame: write single coil, CRC and all.
    const inner = frameOf(fromHex('05 0000 FF00'))
    const outer = frameOf(new Uint8Array([0x10, 0, 0, 0, 4, 8, ...inner]))
    expect(framed(rtu(), pieces(outer, 1))).to.deep.equal([toHex(outer)])
  })

  it('accounts for every byte, whatever comes, and stays bounded', () => {
    const part = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.constantFrom(fromHex(READ), fromHex(WRITE), fromHex(damaged), fromHex(OWN)),
    )
    fc.assert(
      fc.property(
        fc.array(part, { maxLength: 12 }),
        fc.constantFrom<Medium>('stream', 'serial', 'datagram'),
        fc.constantFrom<Direction>('to-device', 'to-master'),
        fc.boolean(),
        (chunks, medium, direction, keepInvalid) => {
          const framer = rtu({ medium, direction, keepInvalid })
          let [taken, delivered] = [0, 0]
          for (const chunk of chunks) {
            taken += chunk.length
            for (const frame of framer.push(chunk)) delivered += frame.length
            expect(framer.pending).to.be.lessThan(257)
            expect(delivered + framer.discarded + framer.pending).to.equal(taken)
          }
          for (const frame of framer.quiet()) delivered += frame.length
          expect(delivered + framer.discarded).to.equal(taken)
          expect(framer.pending).to.equal(0)
        },
      ),
      { numRuns: 500 },
    )
  })

  it('delivers only frames whose CRC fits, unless told otherwise', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 10 }), (chunks) => {
        const framer = rtu()
        for (const chunk of chunks) {
          for (const frame of framer.push(chunk)) expect(() => ADU_CODECS.rtu.decode(frame)).to.not.throw()
        }
      }),
    )
  })
})

function isPublic(pdu: Uint8Array): boolean {
  const described = modbusAdapter.describe(frameOf(pdu), 'to-device', 'rtu')
  const isException = pdu[0]! >= 0x80
  return isException || (described.fields['functionName'] !== null && !(pdu[0] === 0x2b && pdu[1] !== 0x0e))
}
