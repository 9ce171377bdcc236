import { join } from 'node:path'
import { expect } from 'chai'
import fc from 'fast-check'
import type { Framer, FramerOptions, Medium } from '@gridseal/adapter'
import { createFramer } from '@gridseal/dnp3'
import { UsageError, fromHex, toHex } from '@gridseal/wire'
import { encodeLinkFrame, decodeLinkFrame } from '#src/codec/link-frame.ts'
import { SHARED_VECTORS, needFolder } from '../../../../test/support/requirements.ts'
import { fixtureFrames, linkVectors, readJson } from '../support/fixtures.ts'
import type { LinkVectors } from '../support/fixtures.ts'

/** 10 <- 1, READ class 0 */
const POLL = '05640bc40a000100acd1c1c1013c01061ec6'
/** 10 <- 1, REQUEST_LINK_STATUS */
const STATUS = '056405c90a000100feda'
/** The poll with a wrong check sum of its block */
const DAMAGED = '05640bc40a000100acd1c1c1013c01061ec7'
/** The poll with a wrong check sum of its header */
const BAD_HEADER = '05640bc40a000100acd2c1c1013c01061ec6'

function framer(options: Partial<FramerOptions> = {}): Framer {
  return createFramer({ medium: 'stream', direction: 'to-device', ...options })
}

/** Frames, then counters, as one chunk or cut into pieces of `size` octets. */
function cut(hex: string, options: Partial<FramerOptions> = {}, size = Infinity): string[] {
  const target = framer(options)
  const bytes = fromHex(hex)
  const frames: string[] = []
  for (let at = 0; at < bytes.length; at += size) {
    frames.push(...target.push(bytes.slice(at, at + size)).map((frame) => toHex(frame)))
  }
  return [...frames, `discarded ${target.discarded}`, `invalid ${target.invalid}`, `pending ${target.pending}`]
}

/** A stream with noise, damage and every golden frame. */
function longStream(): Uint8Array {
  const frames = fixtureFrames().filter((frame) => frame.length <= 292)
  const noise = [fromHex('00 ff 05 05 64 05'), fromHex(DAMAGED), fromHex(BAD_HEADER), fromHex(POLL).slice(0, 12)]
  return Buffer.concat(frames.flatMap((frame, i) => (i % 4 === 0 ? [noise[(i / 4) % 4]!, frame] : [frame])))
}

describe('DNP3 framer', () => {
  it('delivers frames as they came', () => {
    expect(cut(POLL + STATUS)).to.deep.equal([POLL, STATUS, 'discarded 0', 'invalid 0', 'pending 0'])
  })

  it('hands out views of the chunk, not copies', () => {
    const chunk = fromHex(POLL + STATUS)
    for (const frame of framer().push(chunk)) expect(frame.buffer).to.equal(chunk.buffer)
  })

  it('waits for the rest of a frame', () => {
    const target = framer()
    expect(target.push(fromHex(POLL).slice(0, 11))).to.be.empty
    expect(target.pending).to.equal(11)
    expect(target.push(fromHex(POLL).slice(11)).map((frame) => toHex(frame))).to.deep.equal([POLL])
    expect(target.pending).to.equal(0)
  })

  it('never writes to what it handed out', () => {
    const target = framer()
    const kept: [Uint8Array, string][] = []
    const bytes = longStream()
    for (let at = 0; at < bytes.length; at += 7) {
      for (const frame of target.push(bytes.slice(at, at + 7))) kept.push([frame, toHex(frame)])
    }
    expect(kept).to.not.be.empty
    for (const [frame, hex] of kept) expect(toHex(frame)).to.equal(hex)
  })

  describe('noise', () => {
    it('before a frame is skipped and counted', () => {
      expect(cut(`00ff05${POLL}`)).to.deep.equal([POLL, 'discarded 3', 'invalid 0', 'pending 0'])
    })
    it('false starts are counted as frames that cannot be', () => {
      expect(cut(`05640564${POLL}`)).to.deep.equal([POLL, 'discarded 4', 'invalid 2', 'pending 0'])
    })
    it('without a start is not held', () => {
      expect(cut('ff'.repeat(1000))).to.deep.equal(['discarded 1000', 'invalid 0', 'pending 0'])
    })
    it('a start octet at the end is held', () => {
      expect(cut('ffff05')).to.deep.equal(['discarded 2', 'invalid 0', 'pending 1'])
    })
    it('a length that cannot be', () => {
      for (const { hex, reason } of linkVectors().rejected) {
        if (reason === 'length' && Number.parseInt(hex.slice(4, 6), 16) < 5) {
          for (const keepInvalid of [false, true]) {
            expect(cut(hex + POLL, { keepInvalid })).to.deep.equal([POLL, 'discarded 10', 'invalid 1', 'pending 0'])
          }
        }
      }
    })
  })

  describe('check sums', () => {
    it('a wrong one of the header: on to the next 05 64', () => {
      expect(cut(BAD_HEADER + STATUS)).to.deep.equal([STATUS, 'discarded 18', 'invalid 1', 'pending 0'])
    })
    it('a wrong one of a block: not delivered', () => {
      expect(cut(DAMAGED + STATUS)).to.deep.equal([STATUS, 'discarded 18', 'invalid 1', 'pending 0'])
    })
    it('are counted and delivered all the same with keepInvalid', () => {
      for (const damaged of [DAMAGED, BAD_HEADER]) {
        const expected = [damaged, STATUS, 'discarded 0', 'invalid 1', 'pending 0']
        expect(cut(damaged + STATUS, { keepInvalid: true })).to.deep.equal(expected)
      }
    })
    it('a frame cut short does not take the next one with it', () => {
      const short = POLL.slice(0, 26)
      expect(cut(short + POLL + STATUS)).to.deep.equal([POLL, STATUS, 'discarded 13', 'invalid 1', 'pending 0'])
      expect(cut(short + POLL + STATUS, { keepInvalid: true })).to.deep.equal([
        short,
        POLL,
        STATUS,
        'discarded 0',
        'invalid 1',
        'pending 0',
      ])
    })
    it('every one of the largest frame is checked', () => {
      const frame = encodeLinkFrame({ ...decodeLinkFrame(fromHex(STATUS)), function: 4, user: new Uint8Array(250) })
      for (let at = 2; at < frame.length; at++) {
        const damaged = frame.slice()
        damaged[at]! ^= 0x10
        const target = framer({ medium: 'datagram' })
        expect(target.push(damaged), `octet ${at}`).to.be.empty
        expect(target.discarded).to.equal(292)
      }
    })
    it("frames of reserved functions pass: what they mean is not the framer's to judge", () => {
      for (const { name, hex, reason } of linkVectors().rejected) {
        if (['header-crc', 'body-crc', 'start', 'length'].includes(reason)) continue
        expect(cut(hex)[0], name).to.equal(hex)
      }
    })
  })

  describe('vectors', () => {
    agreesWithResync(linkVectors)
  })

  describe('the complete vectors', () => {
    const folder = join(SHARED_VECTORS, 'dnp3')
    before(function () {
      needFolder(this, folder)
    })
    agreesWithResync(() => readJson<LinkVectors>('link-frames.json', folder))
  })

  describe('any chunking gives the same frames and counts', () => {
    for (const keepInvalid of [false, true]) {
      it(keepInvalid ? 'with keepInvalid' : 'of a stream with noise and damage', () => {
        const hex = toHex(longStream())
        const whole = cut(hex, { keepInvalid })
        expect(whole.length).to.be.above(100)
        for (let size = 1; size <= 300; size = size < 40 ? size + 1 : size + 23) {
          expect(cut(hex, { keepInvalid }, size), `chunks of ${size}`).to.deep.equal(whole)
        }
      })
    }

    it('of anything, cut anywhere', () => {
      const pieces = fc.array(
        fc.oneof(
          fc.constantFrom(POLL, STATUS, DAMAGED, BAD_HEADER, '05', '0564', '056405', POLL.slice(0, 22)),
          fc.uint8Array({ maxLength: 6 }).map((noise) => toHex(noise)),
        ),
        { maxLength: 12 },
      )
      fc.assert(
        fc.property(
          pieces,
          fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 60 }),
          fc.boolean(),
          (list, cuts, keepInvalid) => {
            const bytes = fromHex(list.join(''))
            const target = framer({ keepInvalid })
            const frames: string[] = []
            let at = 0
            for (const size of [...cuts, bytes.length]) {
              frames.push(...target.push(bytes.slice(at, at + size)).map((frame) => toHex(frame)))
              at += size
            }
            const counts = [`discarded ${target.discarded}`, `invalid ${target.invalid}`, `pending ${target.pending}`]
            expect([...frames, ...counts]).to.deep.equal(cut(list.join(''), { keepInvalid }))
            const delivered = frames.reduce((sum, frame) => sum + frame.length / 2, 0)
            expect(delivered + target.discarded + target.pending).to.equal(bytes.length)
          },
        ),
        { numRuns: 300 },
      )
    })
  })

  describe('datagrams', () => {
    const datagram = { medium: 'datagram' as Medium }
    it('hold one or more whole frames', () => {
      expect(cut(POLL + STATUS, datagram)).to.deep.equal([POLL, STATUS, 'discarded 0', 'invalid 0', 'pending 0'])
    })
    it('never share one: what is cut short is discarded at once', () => {
      expect(cut(STATUS + POLL.slice(0, 30), datagram)).to.deep.equal([
        STATUS,
        'discarded 15',
        'invalid 1',
        'pending 0',
      ])
      expect(cut(POLL, datagram, 9)).to.deep.equal(['discarded 18', 'invalid 1', 'pending 0'])
    })
  })

  describe('silence', () => {
    it('gives up an unfinished frame, but not the frames inside', () => {
      const target = framer({ medium: 'serial' })
      // A header that promises 292 octets, then a whole frame.
      const header = encodeLinkFrame({ ...decodeLinkFrame(fromHex(POLL)), user: new Uint8Array(250) }).slice(0, 12)
      target.push(Buffer.concat([header, fromHex(POLL)]))
      expect(target.quiet().map((frame) => toHex(frame))).to.deep.equal([POLL])
      expect([target.discarded, target.pending]).to.deep.equal([12, 0])
      expect(target.quiet()).to.be.empty
      expect(target.push(fromHex(STATUS)).map((frame) => toHex(frame))).to.deep.equal([STATUS])
    })
    it('delivers a damaged frame whose last octet might have begun the next one', () => {
      const damaged = `${DAMAGED.slice(0, -2)}05`
      const target = framer({ medium: 'serial', keepInvalid: true })
      expect(target.push(fromHex(damaged))).to.be.empty
      expect(target.quiet().map((frame) => toHex(frame))).to.deep.equal([damaged])
      expect([target.discarded, target.invalid]).to.deep.equal([0, 1])
    })
    it('a reset forgets it and keeps the counters', () => {
      const target = framer()
      target.push(fromHex(`ff${POLL.slice(0, 20)}`))
      target.reset()
      expect([target.discarded, target.pending]).to.deep.equal([1, 0])
      expect(target.push(fromHex(POLL)).map((frame) => toHex(frame))).to.deep.equal([POLL])
    })
  })

  it('holds one largest frame at most, and a header that may begin in it', () => {
    const target = framer({ keepInvalid: true })
    let most = 0
    const bytes = fc.sample(fc.uint8Array({ minLength: 20_000, maxLength: 20_000 }), 3)
    for (const noise of bytes) {
      for (let at = 0; at < noise.length; at += 13) {
        // Thick with starts, so that there is always something to wait for.
        target.push(Buffer.concat([fromHex('0564ff'), noise.subarray(at, at + 13)]))
        most = Math.max(most, target.pending)
      }
    }
    expect(most).to.be.within(1, 301)
  })

  it('knows no other framing', () => {
    expect(() => framer({ framing: 'tcp' }))
      .to.throw(UsageError)
      .with.property('code', 'adapter.framing')
    expect(framer({ framing: 'ft3' }).pending).to.equal(0)
  })
})

function agreesWithResync(vectors: () => LinkVectors): void {
  it('find the way back to the frames', () => {
    for (const { name, hex, delivers } of vectors().resync) {
      for (const size of [1, 3, 16, Infinity]) expect(cut(hex, {}, size).slice(0, -3), name).to.deep.equal(delivers)
    }
  })
}
