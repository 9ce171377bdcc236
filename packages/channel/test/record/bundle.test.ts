import { expect } from 'chai'
import fc from 'fast-check'
import { toHex } from '@gridseal/wire'
import { Bundle } from '#src/record/bundle.ts'
import { decodeContent } from '#src/record/content.ts'
import { codeOf } from '../support/code-of.ts'

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'))

/** What a bundle of small messages came to. */
function contentOf(bundle: Bundle): Uint8Array {
  const bundled = bundle.finish()
  return 'content' in bundled ? bundled.content : new Uint8Array(0)
}

/** A bundle of two messages, one of them with a time to live. */
const BUNDLE = bytes('1a  00000005 10 0007 6869  0000000a 19 000000001388 0008 21')

describe('channel records: bundles', () => {
  it('hold messages with their lengths, with or without a time to live', () => {
    const bundle = new Bundle(1000)
    bundle.add(7, bytes('6869'), undefined)
    bundle.add(8, bytes('21'), 5000)
    expect(toHex(contentOf(bundle))).to.equal(toHex(BUNDLE))
    expect(decodeContent(BUNDLE)).to.deep.equal({
      kind: 'bundle',
      messages: [
        { kind: 'data', port: 7, bytes: bytes('6869') },
        { kind: 'data', port: 8, bytes: bytes('21'), validUntil: 5000 },
      ],
    })
  })

  it('of one message are that message by itself', () => {
    const bundle = new Bundle(1000)
    bundle.add(7, bytes('6869'), undefined)
    expect(toHex(contentOf(bundle))).to.equal('1000076869')
    bundle.clear()
    bundle.add(0xffff, bytes(''), 2 ** 48 - 1)
    expect(toHex(contentOf(bundle))).to.equal('19ffffffffffffffff')
  })

  it('give back every list of messages that they admit and have room for', () => {
    const message = fc.tuple(fc.nat(0xffff), fc.uint8Array({ maxLength: 300 }), fc.option(fc.maxSafeNat(), { nil: 1 }))
    fc.assert(
      fc.property(
        fc.array(message, { minLength: 2, maxLength: 20 }),
        fc.integer({ min: 400, max: 3000 }),
        (all, limit) => {
          const bundle = new Bundle(limit)
          const kept = all.filter(([port, text, time]) => {
            if (!bundle.admits(text) || !bundle.hasRoom(text)) return false
            bundle.add(port, text, time % 2 ** 48)
            return true
          })
          expect(contentOf(bundle).length).to.be.at.most(limit)
          const content = decodeContent(contentOf(bundle))
          const got = content.kind === 'bundle' ? content.messages : [content]
          expect(got).to.deep.equal(
            kept.map(([port, text, time]) => ({ kind: 'data', port, bytes: text, validUntil: time % 2 ** 48 })),
          )
          bundle.clear()
          expect(bundle.empty).to.equal(true)
        },
      ),
    )
  })

  it('do not admit what is better alone, or what the peer would not take', () => {
    expect(new Bundle(100_000).admits(new Uint8Array(4096 - 9))).to.equal(true)
    expect(new Bundle(100_000).admits(new Uint8Array(4096 - 8))).to.equal(false)
    expect(new Bundle(114).admits(new Uint8Array(100))).to.equal(true)
    expect(new Bundle(113).admits(new Uint8Array(100))).to.equal(false)
  })

  it('are refused when cut short anywhere, and when bytes are left over', () => {
    const whole = new Set([BUNDLE.length, 10])
    for (let length = 1; length <= BUNDLE.length; length++) {
      const code = codeOf(() => decodeContent(BUNDLE.subarray(0, length)))
      expect(code, `${length} bytes`).to.equal(whole.has(length) ? 'nothing thrown' : 'channel.content')
    }
    expect(codeOf(() => decodeContent(Uint8Array.of(...BUNDLE, 0)))).to.equal('channel.content')
  })

  it('hold nothing but messages: no control content, no padding, no bundle', () => {
    for (const inner of [
      '11',
      '12',
      '1302',
      '17',
      '1500',
      '1800000001 12',
      '1a 00000003 100007',
      '',
      '10',
      '1000',
      '1900',
    ]) {
      const content = bytes(inner)
      const bundle = Uint8Array.of(...bytes('1a 00000003 100007 000000'), content.length, ...content)
      expect(
        codeOf(() => decodeContent(bundle)),
        inner,
      ).to.equal('channel.content')
    }
  })
})
