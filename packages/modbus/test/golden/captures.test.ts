import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { functionByCode, modbusAdapter } from '@gridseal/modbus'
import { SHARED_PCAPS, needFolder } from '../../../../test/support/requirements.ts'
import { inspectCapture } from '../support/captures.ts'
import { readDigest, recordsOf } from '../support/digest.ts'
import { fixtureFrames } from '../support/fixtures.ts'
import { DISAGREEMENTS } from './disagreements.ts'

const FOLDER = join(SHARED_PCAPS, 'modbus-tcp')
const captures = existsSync(FOLDER) ? readdirSync(FOLDER).filter((name) => /\.pcap(ng)?$/.test(name)) : []

/** Bytes in the captures that are no part of any frame. */
const STRAY: Readonly<Record<string, number>> = {
  'iti_fuzz_72.pcap': 37,
  'iti_quickdraw_part1.pcap': 943,
  'zeek_modbus-and-non-modbus-p502.pcap': 475,
}

describe('Modbus captures against TShark digests', () => {
  it('are there', function () {
    needFolder(this, FOLDER)
    expect(captures).to.not.have.length(0)
  })

  for (const capture of captures) {
    it(`${capture}: agrees packet by packet, except where explained`, () => {
      const { frames, discarded } = inspectCapture(join(FOLDER, capture))
      const ours = recordsOf(frames)
      const theirs = readDigest(join(FOLDER, capture.replace(/\.pcap(ng)?$/, '.expect.tsv')))
      const explained = DISAGREEMENTS.filter((disagreement) => disagreement.capture === capture)
      for (const { packet, ours: expected, theirs: digest } of explained) {
        expect([ours.get(packet)?.functions ?? '', theirs.get(packet)?.functions ?? '']).to.deep.equal([
          expected,
          digest,
        ])
        ours.delete(packet)
        theirs.delete(packet)
      }
      expect(Object.fromEntries(ours)).to.deep.equal(Object.fromEntries(theirs))
      if (STRAY[capture] !== undefined) expect(discarded).to.equal(STRAY[capture])
    })
  }
})

describe('Modbus golden frames against TShark', () => {
  for (const { capture, packet, direction, bytes, tshark } of fixtureFrames()) {
    const kind = direction === 'to-device' ? 'request' : 'response'
    it(`${capture} ${packet}: ${kind}, function ${tshark.function}`, () => {
      const { fields, malformed } = modbusAdapter.describe(bytes, direction)
      const table = functionByCode(tshark.function)?.table
      const { words, bits, malformed: isMalformed, ...same } = tshark
      expect(fields).to.include({ ...same, quantity: table === 'co' || table === 'di' ? bits : words })
      expect(malformed !== null).to.equal(isMalformed)
    })
  }
})
