import { expect } from 'chai'
import fc from 'fast-check'
import { DecodeError, fromHex, toHex } from '@gridseal/wire'
import { decodeClientHello, decodeServerHello, encodeClientHello, encodeServerHello } from '#src/handshake/hello.ts'
import { mutations } from '../../../../test/support/mutate.ts'
import { codeOf } from '../support/code-of.ts'

const bytes = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length })
const u16 = fc.integer({ min: 0, max: 0xffff })
const u32 = fc.integer({ min: 0, max: 0xffff_ffff })

const CLIENT_HELLO = `
  01 00000076                          ClientHello, 118 bytes
  01                                   version 1
  ${'a0'.repeat(32)}                   random
  ${'b1'.repeat(32)}                   initiator
  ${'c2'.repeat(32)}                   responder
  00400000                             maxMessage 4 MiB
  02 0001 0102                         suites 0x0001, 0x0102
  0001 0008 d3d3d3d3d3d3d3d3           share for suite 0x0001, 8 bytes`

const SERVER_HELLO = `
  02 0000002f                          ServerHello, 47 bytes
  01                                   version 1
  ${'e4'.repeat(32)}                   random
  00100000                             maxMessage 1 MiB
  0001 0006 f5f5f5f5f5f5               suite 0x0001, ciphertext of 6 bytes`

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
    const hello = decodeClientHello(frameOf(CLIENT_HELLO))
    expect({ ...hello, random: hello.random[0], initiator: hello.initiator[0], responder: hello.responder[0] }).to.eql({
      random: 0xa0,
      initiator: 0xb1,
      responder: 0xc2,
      maxMessage: 4_194_304,
      suites: [0x0001, 0x0102],
      shareSuite: 0x0001,
      share: new Uint8Array(8).fill(0xd3),
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
    })
    fc.assert(
      fc.property(clientHello, (hello) => {
        expect(decodeClientHello(encodeClientHello(hello))).to.deep.equal(hello)
      }),
    )
    const serverHello = fc.record({ random: bytes(32), maxMessage: u32, suite: u16, ciphertext: fc.uint8Array() })
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

  it('refuses another version before it reads on', () => {
    for (const version of [0, 2, 0xff]) {
      expect(codeOf(() => decodeClientHello(Uint8Array.of(1, 0, 0, 0, 1, version)))).to.equal('channel.version')
      expect(codeOf(() => decodeServerHello(Uint8Array.of(2, 0, 0, 0, 1, version)))).to.equal('channel.version')
    }
  })

  it('returns or throws DecodeError for every mutation', () => {
    for (const [frame, decode] of [
      [frameOf(CLIENT_HELLO), decodeClientHello],
      [frameOf(SERVER_HELLO), decodeServerHello],
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
