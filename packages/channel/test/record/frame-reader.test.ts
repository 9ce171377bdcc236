import { expect } from 'chai'
import fc from 'fast-check'
import { fromHex, toHex } from '@gridseal/wire'
import { FrameReader } from '#src/record/frame-reader.ts'
import { FRAME, encodeFrame } from '#src/record/frame.ts'
import { codeOf } from '../support/code-of.ts'

function drain(reader: FrameReader): Uint8Array[] {
  const frames: Uint8Array[] = []
  for (let frame = reader.next(); frame !== undefined; frame = reader.next()) frames.push(frame)
  return frames
}

describe('channel frame reader', () => {
  it('hands out whole frames with their header', () => {
    const reader = new FrameReader(100)
    reader.push(fromHex('7f 00000001 01 10 00000003 aabbcc 01 0000'))
    expect(drain(reader).map((frame) => toHex(frame))).to.deep.equal(['7f0000000101', '1000000003aabbcc'])
    reader.push(fromHex('0000'))
    expect(drain(reader).map((frame) => toHex(frame))).to.deep.equal(['0100000000'])
  })

  it('reads the same frames however they are cut into chunks', () => {
    const frame = fc
      .tuple(
        fc.constantFrom(...Object.values(FRAME)),
        fc.oneof(fc.uint8Array({ maxLength: 2 }), fc.uint8Array({ maxLength: 300 })),
      )
      .map(([type, body]) => encodeFrame(type, body))
    fc.assert(
      fc.property(
        fc.array(frame, { maxLength: 8 }),
        fc.array(fc.oneof(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 120 }))),
        (frames, cuts) => {
          const stream = Buffer.concat(frames)
          const reader = new FrameReader(300)
          const got: string[] = []
          let at = 0
          for (const cut of [...cuts, stream.length]) {
            reader.push(stream.subarray(at, at + cut))
            at = Math.min(stream.length, at + cut)
            got.push(...drain(reader).map((bytes) => toHex(bytes)))
          }
          expect(got).to.deep.equal(frames.map((bytes) => toHex(bytes)))
        },
      ),
    )
  })

  it('hands out views of a chunk, and uses one buffer for all large frames that span chunks', () => {
    const reader = new FrameReader(300_000)
    const small = encodeFrame(FRAME.record, new Uint8Array(10))
    reader.push(small)
    expect(reader.next()!.buffer).to.equal(small.buffer)

    const large = encodeFrame(FRAME.record, new Uint8Array(300_000).fill(7))
    const buffers = new Set<ArrayBufferLike>()
    for (let round = 0; round < 5; round++) {
      for (let at = 0; at < large.length; at += 65_536) {
        expect(reader.next()).to.equal(undefined)
        reader.push(large.subarray(at, at + 65_536))
      }
      const gathered = reader.next()!
      expect(Buffer.compare(gathered, large)).to.equal(0)
      buffers.add(gathered.buffer)
    }
    expect(buffers.size).to.equal(1)
  })

  it('works in time proportional to the bytes: a large frame a few bytes at a time', () => {
    const reader = new FrameReader(4 * 2 ** 20)
    const frame = encodeFrame(FRAME.record, new Uint8Array(4 * 2 ** 20).fill(1))
    const start = process.cpuUsage()
    for (let at = 0; at < frame.length; at += 64) {
      reader.push(frame.subarray(at, at + 64))
      const next = reader.next()
      if (next !== undefined) expect(next).to.have.length(frame.length)
    }
    // Joining what has come so far with every chunk would copy 137 GB.
    expect(process.cpuUsage(start).user / 1e6).to.be.lessThan(5)
  })

  it('refuses an unknown type and a length over the limit as soon as the header is there', () => {
    for (const [header, code] of [
      ['00 00000000', 'channel.frame.type'],
      ['47 45542f20', 'channel.frame.type'],
      ['10 00000065', 'channel.frame.length'],
      ['10 ffffffff', 'channel.frame.length'],
      ['01 7fffffff', 'channel.frame.length'],
    ] as const) {
      const whole = new FrameReader(100)
      whole.push(fromHex(header))
      expect(codeOf(() => whole.next())).to.equal(code)

      const inPieces = new FrameReader(100)
      const pieces = [...fromHex(header)].map((byte) => Uint8Array.of(byte))
      for (const piece of pieces) inPieces.push(piece)
      expect(codeOf(() => inPieces.next())).to.equal(code)
    }
  })

  it('names the offset in the stream', () => {
    const reader = new FrameReader(100)
    reader.push(fromHex('7f 00000001 01  7f 00000001 01  33 00000000'))
    drainTwo(reader)
    expect(() => reader.next()).to.throw(/type at offset 12/)
  })

  it('takes a new limit between frames', () => {
    const reader = new FrameReader(1)
    reader.push(fromHex('7f 00000001 01  10 00000003 aabbcc'))
    reader.next()
    reader.limit = 3
    expect(toHex(reader.next()!)).to.equal('1000000003aabbcc')
  })
})

function drainTwo(reader: FrameReader): void {
  reader.next()
  reader.next()
}
