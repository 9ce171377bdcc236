import { expect } from 'chai'
import fc from 'fast-check'
import { DecodeError, fromHex, toHex } from '@gridseal/wire'
import {
  decodeClientHello,
  decodeRetryRequest,
  decodeServerHello,
  encodeClientHello,
  encodeRetryRequest,
  encodeServerHello,
} from '#src/handshake/hello.ts'
import { mutations } from '../../../../test/support/mutate.ts'
import { codeOf } from '../support/code-of.ts'

const bytes = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length })
const u16 = fc.integer({ min: 0, max: 0xffff })
const u32 = fc.integer({ min: 0, max: 0xffff_ffff })

const CLIENT_HELLO = `
  01 00000093                          ClientHello, 147 bytes
  03                                   version 3
  ${'a0'.repeat(32)}                   random
  ${'b1'.repeat(32)}                   initiator
  ${'c2'.repeat(32)}                   responder
  00400000                             maxMessage 4 MiB
  02 0001 0102                         suites 0x0001, 0x0102
  0001 0008 d3d3d3d3d3d3d3d3           share for suite 0x0001, 8 bytes
  06                                   six extensions
  01 0002 aa11                         cookie
  02 0003 6b6579                       pre-shared key "key"
  03 0001 bb                           ticket
  04 0002 cc22                         for the responder's static key
  05 0001 02                           ordering: greater than last
  06 0001 03                           certificates: shows and asks`

const SERVER_HELLO = `
  02 0000003d                          ServerHello, 61 bytes
  03                                   version 3
  ${'e4'.repeat(32)}                   random
  00100000                             maxMessage 1 MiB
  0001 0006 f5f5f5f5f5f5               suite 0x0001, ciphertext of 6 bytes
  03                                   three extensions
  03 0000                              the ticket is taken
  04 0003 dd3344                       for the initiator's static key
  06 0001 02                           certificates: asks`

/** Hex with remarks: everything after two spaces that follow the bytes is a remark. */
function frameOf(text: string): Uint8Array {
  return fromHex(
    text
      .trim()
      .split('\n')
      .map((line) => line.trim().split(/ {2,}/)[0])
      .join(''),
  )
}

describe('channel hellos', () => {
  it('ClientHello: bytes and fields', () => {
    const { fixed, ...hello } = decodeClientHello(frameOf(CLIENT_HELLO))
    expect(fixed()).to.have.length(32)
    expect({ ...hello, random: hello.random[0], initiator: hello.initiator[0], responder: hello.responder[0] }).to.eql({
      random: 0xa0,
      initiator: 0xb1,
      responder: 0xc2,
      maxMessage: 4_194_304,
      suites: [0x0001, 0x0102],
      shareSuite: 0x0001,
      share: new Uint8Array(8).fill(0xd3),
      cookie: fromHex('aa11'),
      sharedKey: new TextEncoder().encode('key'),
      ticket: fromHex('bb'),
      staticKey: fromHex('cc22'),
      ordering: 'greater-than-last',
      certificates: { shows: true, asks: true },
    })
    expect(toHex(encodeClientHello(hello))).to.equal(toHex(frameOf(CLIENT_HELLO)))
  })

  it('ServerHello: bytes and fields', () => {
    const hello = decodeServerHello(frameOf(SERVER_HELLO))
    expect({ ...hello, random: hello.random[0] }).to.eql({
      random: 0xe4,
      maxMessage: 1_048_576,
      suite: 0x0001,
      ciphertext: new Uint8Array(6).fill(0xf5),
      sharedKey: false,
      resumed: true,
      staticKey: fromHex('dd3344'),
      certificates: { shows: false, asks: true },
    })
    expect(toHex(encodeServerHello(hello))).to.equal(toHex(frameOf(SERVER_HELLO)))
  })

  it('decodes what it encodes', () => {
    const clientHello = fc.record({
      random: bytes(32),
      initiator: bytes(32),
      responder: bytes(32),
      maxMessage: u32,
      suites: fc.uniqueArray(u16, { minLength: 1, maxLength: 16 }),
      shareSuite: u16,
      share: fc.uint8Array({ maxLength: 2000 }),
      cookie: fc.option(fc.uint8Array(), { nil: undefined }),
      sharedKey: fc.option(fc.uint8Array({ minLength: 1, maxLength: 255 }), { nil: undefined }),
      ticket: fc.option(fc.uint8Array(), { nil: undefined }),
      staticKey: fc.option(fc.uint8Array(), { nil: undefined }),
      ordering: fc.constantFrom('strict' as const, 'window' as const, 'greater-than-last' as const),
      certificates: fc.constantFrom(undefined, { shows: true, asks: false }, { shows: true, asks: true }),
    })
    fc.assert(
      fc.property(clientHello, (hello) => {
        const { fixed, ...decoded } = decodeClientHello(encodeClientHello(hello))
        expect(decoded).to.deep.equal(hello)
        expect(fixed()).to.have.length(32)
      }),
    )
    const serverHello = fc.record({
      random: bytes(32),
      maxMessage: u32,
      suite: u16,
      ciphertext: fc.uint8Array(),
      sharedKey: fc.boolean(),
      resumed: fc.boolean(),
      staticKey: fc.option(fc.uint8Array(), { nil: undefined }),
      certificates: fc.constantFrom(undefined, { shows: false, asks: true }, { shows: true, asks: true }),
    })
    fc.assert(
      fc.property(serverHello, (hello) => {
        expect(decodeServerHello(encodeServerHello(hello))).to.deep.equal(hello)
      }),
    )
  })

  it('refuses an empty, an overlong and a repeating list of suites', () => {
    const withSuites = (list: string): Uint8Array =>
      frameOf(CLIENT_HELLO.replace('02 0001 0102', list.padEnd('02 0001 0102'.length)))
    expect(codeOf(() => decodeClientHello(withSuites('00')))).to.equal('channel.hello.suites')
    expect(codeOf(() => decodeClientHello(withSuites('02 0001 0001')))).to.equal('channel.hello.suites')
    expect(codeOf(() => decodeClientHello(withSuites(`11${'0001'.repeat(17)}`)))).to.equal('channel.hello.suites')
    expect(codeOf(() => decodeClientHello(withSuites('01 0102')))).to.equal('nothing thrown')
  })

  it('HelloRetryRequest: bytes and fields', () => {
    const frame = fromHex('03 00000007 03 0011 0002 c00c')
    expect(decodeRetryRequest(frame)).to.deep.equal({ suite: 0x0011, cookie: fromHex('c00c') })
    expect(encodeRetryRequest({ suite: 0x0011, cookie: fromHex('c00c') })).to.deep.equal(frame)
  })

  it('refuses extensions twice, out of order, and with values that do not exist', () => {
    const head = frameOf(CLIENT_HELLO).subarray(5, 5 + 118)
    const refused = (extensions: string): string => {
      const body = Buffer.concat([head, fromHex(extensions)])
      return codeOf(() => decodeClientHello(Buffer.concat([Uint8Array.of(1, 0, 0, 0, body.length), body])))
    }
    expect(refused('00')).to.equal('nothing thrown')
    expect(refused('01 01 0000')).to.equal('nothing thrown')
    expect(refused('02 01 0000 01 0000')).to.equal('channel.hello.extensions')
    expect(refused('02 03 0000 01 0000')).to.equal('channel.hello.extensions')
    expect(refused('01 02 0000'), 'a key without a name').to.equal('channel.hello.extensions')
    expect(refused(`01 02 0100 ${'61'.repeat(256)}`), 'a name of 256 bytes').to.equal('channel.hello.extensions')
    expect(refused(`01 02 00ff ${'61'.repeat(255)}`), 'a name of 255 bytes').to.equal('nothing thrown')
    expect(refused('01 05 0001 03'), 'an ordering that does not exist').to.equal('channel.hello.extensions')
    expect(refused('01 05 0001 00'), 'strict is said by saying nothing').to.equal('channel.hello.extensions')
    expect(refused('01 77 0002 0102'), 'an unknown one is passed over').to.equal('nothing thrown')
    expect(refused('01 03 0005 aa'), 'longer than what is there').to.equal('decode.truncated')
    expect(refused('00 00')).to.equal('decode.trailing')
  })

  it('refuses certificate flags without a meaning', () => {
    for (const value of ['0000', '000100', '000104', '0001ff', '00020301']) {
      const text = CLIENT_HELLO.replace('06 0001 03', `06 ${value}`)
      const frame = frameOf(text)
      frame[4] = frame.length - 5
      expect(
        codeOf(() => decodeClientHello(frame)),
        value,
      ).to.equal('channel.hello.extensions')
    }
  })

  it('refuses extensions of a ServerHello that nobody asked for', () => {
    const head = frameOf(SERVER_HELLO).subarray(0, 5 + 47)
    const refused = (extensions: string): string =>
      codeOf(() => decodeServerHello(Buffer.concat([head, fromHex(extensions)])))
    expect(refused('00')).to.equal('nothing thrown')
    expect(refused('01 01 0000')).to.equal('channel.hello.extensions')
    expect(refused('01 77 0000')).to.equal('channel.hello.extensions')
    expect(refused('01 02 0001 00'), 'a flag with a value').to.equal('channel.hello.extensions')
  })

  it('refuses another version before it reads on', () => {
    for (const version of [0, 1, 2, 0xff]) {
      expect(codeOf(() => decodeClientHello(Uint8Array.of(1, 0, 0, 0, 1, version)))).to.equal('channel.version')
      expect(codeOf(() => decodeServerHello(Uint8Array.of(2, 0, 0, 0, 1, version)))).to.equal('channel.version')
      expect(codeOf(() => decodeRetryRequest(Uint8Array.of(3, 0, 0, 0, 1, version)))).to.equal('channel.version')
    }
  })

  it('returns or throws DecodeError for every mutation', () => {
    for (const [frame, decode] of [
      [frameOf(CLIENT_HELLO), decodeClientHello],
      [frameOf(SERVER_HELLO), decodeServerHello],
      [encodeRetryRequest({ suite: 1, cookie: new Uint8Array(136) }), decodeRetryRequest],
    ] as const) {
      for (const mutant of mutations(frame)) {
        try {
          decode(mutant)
        } catch (error) {
          expect(error).to.be.instanceOf(DecodeError)
        }
      }
    }
  })
})
