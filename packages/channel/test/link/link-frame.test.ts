import { expect } from 'chai'
import fc from 'fast-check'
import { fromHex, toHex } from '@gridseal/wire'
import { LINK_OVERHEAD, LinkFrameReader, MAX_PAYLOAD, encodeLinkFrame } from '#src/link/link-frame.ts'
import { codeOf } from '../support/code-of.ts'

const PAYLOAD = fromHex('dddddddddddd')
const FRAME = encodeLinkFrame({ destination: 1, source: 2, payload: PAYLOAD })

describe('channel on a line: link frames', () => {
  it('are those of SSP21', () => {
    expect(toHex(FRAME)).to.equal('07aa00010002000611fbe340dddddddddddd510d376b')
    expect(new LinkFrameReader().push(FRAME)).to.deep.equal([{ destination: 1, source: 2, payload: PAYLOAD }])
  })

  it('hold 0 to 4,092 bytes', () => {
    for (const length of [0, MAX_PAYLOAD]) {
      const frame = encodeLinkFrame({ destination: 0xffff, source: 0xfffe, payload: new Uint8Array(length).fill(7) })
      expect(new LinkFrameReader().push(frame)[0]!.payload.length).to.equal(length)
      expect(frame.length).to.equal(LINK_OVERHEAD + length)
    }
    const payload = new Uint8Array(MAX_PAYLOAD + 1)
    expect(codeOf(() => encodeLinkFrame({ destination: 1, source: 2, payload }))).to.equal('channel.link.length')
  })

  it('come out whole however the line cuts them', () => {
    const stream = Buffer.concat([FRAME, FRAME, FRAME])
    for (let size = 1; size <= stream.length; size++) {
      const reader = new LinkFrameReader()
      let frames = 0
      for (let at = 0; at < stream.length; at += size) frames += reader.push(stream.subarray(at, at + size)).length
      expect([frames, reader.counters.discarded, reader.held]).to.deep.equal([3, 0, 0])
    }
  })

  it('any noise before, between and behind is counted, every byte of it, and costs no frame', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 40 }), (before, between) => {
        // What looks like a header by chance has a check sum that fits once in four thousand million.
        const reader = new LinkFrameReader()
        const frames = [before, FRAME, between, FRAME, new Uint8Array(LINK_OVERHEAD)].flatMap((each) =>
          reader.push(each),
        )
        expect(frames.length).to.equal(2)
        const { discarded } = reader.counters
        expect(discarded + reader.held).to.equal(before.length + between.length + LINK_OVERHEAD)
      }),
    )
  })

  it('of which any byte was changed or lost are none, and the next one comes through', () => {
    for (let at = 0; at < FRAME.length; at++) {
      const changed = FRAME.slice()
      changed[at]! ^= 0x10
      const cut = Buffer.concat([FRAME.subarray(0, at), FRAME.subarray(at + 1)])
      for (const bad of [changed, cut]) {
        const reader = new LinkFrameReader()
        // Where the length grew, as much must follow before the check sum can tell.
        const frames = [bad, FRAME, FRAME, FRAME].flatMap((each) => reader.push(each))
        expect(frames.length, `byte ${at}`).to.equal(3)
        expect(reader.counters.discarded).to.equal(bad.length)
      }
    }
  })

  it('a length beyond the limit is noise at once: nothing is waited for', () => {
    const reader = new LinkFrameReader()
    const header = FRAME.slice(0, 12)
    header[6] = 0xff
    expect(reader.push(header)).to.deep.equal([])
    expect([reader.counters.broken, reader.held]).to.deep.equal([1, 0])
  })
})
