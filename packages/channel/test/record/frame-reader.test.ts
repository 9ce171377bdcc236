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

describe('channel frame reader: long records', () => {
  /** Counts what is handed on. */
  class Taker {
    readonly header: string
    readonly parts: number[] = []
    bytes = Buffer.alloc(0)

    constructor(header: Uint8Array) {
      this.header = toHex(header)
    }

    part(bytes: Uint8Array): void {
      this.parts.push(bytes.length)
      this.bytes = Buffer.concat([this.bytes, bytes])
    }
  }

  const LENGTH = 200_000
  const frame = encodeFrame(
    FRAME.record,
    Uint8Array.from({ length: LENGTH }, (_, index) => index % 251),
  )

  function reader(limit = 2 ** 20): FrameReader<Taker> {
    const made = new FrameReader<Taker>(limit)
    made.begin = (header) => new Taker(header)
    return made
  }

  it('are handed on while they arrive, in parts of 16 KiB at least, however small the chunks', () => {
    for (const size of [1, 7, 1_448, 16_383, 16_384, 65_536, 150_000]) {
      const made = reader()
      const done: (Uint8Array | Taker)[] = []
      const stream = Buffer.concat([encodeFrame(FRAME.record, new Uint8Array(30)), frame, frame, frame.subarray(0, 9)])
      for (let at = 0; at < stream.length; at += size) {
        made.push(Uint8Array.from(stream.subarray(at, at + size)))
        for (let next = made.next(); next !== undefined; next = made.next()) done.push(next)
      }
      expect(done.map((what) => what instanceof Taker)).to.deep.equal([false, true, true])
      for (const long of done.slice(1) as Taker[]) {
        expect(long.header).to.equal(toHex(frame.subarray(0, 13)))
        expect(Buffer.compare(long.bytes, frame.subarray(13))).to.equal(0)
        expect(Math.min(...long.parts.slice(0, -1)), `chunks of ${size}`).to.be.at.least(16_384)
      }
    }
  })

  it('inside one chunk, short ones, and frames of other types are frames as ever', () => {
    const made = reader()
    made.push(frame)
    expect(Buffer.compare(made.next() as Uint8Array, frame)).to.equal(0)
    for (const other of [encodeFrame(FRAME.record, new Uint8Array(16_379)), encodeFrame(FRAME.alert, frame)]) {
      made.push(other.subarray(0, 100))
      expect(made.next()).to.equal(undefined)
      made.push(other.subarray(100))
      expect(toHex(made.next() as Uint8Array)).to.equal(toHex(other))
    }
  })

  it('over the limit are refused with their header', () => {
    const made = reader(LENGTH - 1)
    made.push(frame.subarray(0, 5))
    expect(codeOf(() => made.next())).to.equal('channel.frame.length')
  })

  it('give their chunks back to the system, where it may be done, and only those that are nobody else’s', () => {
    const made = reader()
    made.releases = true
    const own = [frame.slice(0, 70_000), frame.slice(70_000, 140_000), frame.slice(140_000)]
    const shared = Buffer.concat([frame])
    own.forEach((chunk) => made.push(chunk))
    expect(made.next()).to.be.instanceOf(Taker)
    expect(own.map(({ length }) => length)).to.deep.equal([0, 0, 0])
    for (const at of [0, 70_000, 140_000]) made.push(shared.subarray(at, at + 70_000))
    expect(made.next()).to.be.instanceOf(Taker)
    expect(shared.length).to.equal(frame.length)
  })

  it('leave a chunk as it is while a frame in it is being handled', () => {
    const made = reader()
    made.releases = true
    const chunk = frame.slice()
    made.push(chunk)
    const whole = made.next() as Uint8Array
    expect(Buffer.compare(whole, frame)).to.equal(0)
    expect(made.next()).to.equal(undefined)
    expect(chunk.length).to.equal(0)
  })
})
