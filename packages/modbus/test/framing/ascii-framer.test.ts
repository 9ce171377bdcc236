import { expect } from 'chai'
import fc from 'fast-check'
import type { Framer } from '@gridseal/adapter'
import { ADU_CODECS, modbusAdapter } from '@gridseal/modbus'
import { pieces } from '../support/chunking.ts'
import { usageError } from '../support/errors.ts'

const ascii = (keepInvalid = false): Framer =>
  modbusAdapter.framer({ medium: 'serial', direction: 'to-device', framing: 'ascii', keepInvalid })
const bytes = (line: string): Uint8Array => new TextEncoder().encode(line)
const lines = (framer: Framer, chunks: readonly Uint8Array[]): string[] =>
  chunks.flatMap((chunk) => framer.push(chunk)).map((frame) => Buffer.from(frame).toString())

const READ = ':1103006B00037E\r\n'
const REFUSED = ':1183026A\r\n'

describe('Modbus ASCII framer', () => {
  it('gives lines as they came, however they are cut', () => {
    for (const size of [1, 3, 17, 100]) {
      const framer = ascii()
      expect(lines(framer, pieces(bytes(READ + REFUSED + READ), size))).to.deep.equal([READ, REFUSED, READ])
      expect([framer.discarded, framer.invalid, framer.pending]).to.deep.equal([0, 0, 0])
    }
  })

  it('starts anew at a second colon (Serial Line 2.5.2.1)', () => {
    const framer = ascii()
    expect(lines(framer, [bytes(`:110300${READ}`)])).to.deep.equal([READ])
    expect([framer.discarded, framer.invalid]).to.deep.equal([7, 1])
  })

  for (const [title, line] of [
    ['a wrong LRC', ':1103006B00037F\r\n'],
    ['half a byte', ':1103006B0003E\r\n'],
    ['no CR', ':1103006B00037E\n'],
    ['something that is no digit', ':1103006B0003 7E\r\n'],
  ] as const) {
    it(`counts ${title} and does not deliver it`, () => {
      const framer = ascii()
      expect(lines(framer, pieces(bytes(line + READ), 4))).to.deep.equal([READ])
      expect([framer.discarded, framer.invalid]).to.deep.equal([line.length, 1])
      expect(lines(ascii(true), [bytes(line)])).to.deep.equal([line])
    })
  }

  it('gives up a line of more than 513 characters', () => {
    const framer = ascii()
    const longest = Buffer.from(
      ADU_CODECS.ascii.encode({ transaction: null, unit: 1, pdu: new Uint8Array(253) }),
    ).toString()
    expect(longest).to.have.length(513)
    expect(lines(framer, pieces(bytes(longest), 100))).to.deep.equal([longest])
    expect(lines(framer, pieces(bytes(`:${'00'.repeat(600)}\r\n${READ}`), 100))).to.deep.equal([READ])
    expect(framer.invalid).to.equal(1)
  })

  it('accounts for every byte, whatever comes, and stays bounded', () => {
    const part = fc.oneof(fc.uint8Array({ maxLength: 700 }), fc.constantFrom(bytes(READ), bytes(':'), bytes(':1103')))
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), (chunks) => {
        const framer = ascii()
        let [taken, delivered] = [0, 0]
        for (const chunk of chunks) {
          taken += chunk.length
          for (const frame of framer.push(chunk)) delivered += frame.length
          expect(framer.pending).to.be.lessThan(514)
          expect(delivered + framer.discarded + framer.pending).to.equal(taken)
        }
      }),
    )
  })
})

describe('Modbus framers', () => {
  it('refuse a framing that is not theirs', () => {
    const error = usageError(() => modbusAdapter.framer({ medium: 'stream', direction: 'to-device', framing: 'x25' }))
    expect(error.code).to.equal('adapter.framing')
    expect(error.message).to.contain('tcp, rtu, ascii')
  })
})
