import { expect } from 'chai'
import type { Description } from '@gridseal/adapter'
import { LINK, dnp3Adapter, encodeLinkFrame, segmentFragment } from '@gridseal/dnp3'
import { TextWriter, fromHex } from '@gridseal/wire'
import { conversations, fixtureFrames, linkVectors } from '../support/fixtures.ts'

const inspect = (hex: string): Description => dnp3Adapter.describe(fromHex(hex), 'to-device')

describe('describing DNP3', () => {
  it('a request', () => {
    const { protocol, malformed, summary, fields } = inspect('05640bc40a000100acd1c1c1013c01061ec6')
    expect({ protocol, malformed, summary }).to.deep.equal({
      protocol: 'dnp3',
      malformed: null,
      summary: '1 -> 10 READ #1 g60v1',
    })
    expect(fields).to.deep.equal({
      linkSource: 1,
      linkDestination: 10,
      linkFunction: 4,
      linkFunctionName: 'UNCONFIRMED_USER_DATA',
      primary: true,
      direction: 'to-device',
      violation: null,
      transport: { first: true, final: true, sequence: 1 },
      function: 1,
      functionName: 'READ',
      sequence: 1,
      control: { first: true, final: true, confirm: false, unsolicited: false },
      iin: null,
      objects: [[60, 1]],
    })
  })

  it('a response, with its internal indications by name', () => {
    const { summary, fields } = inspect('05640a44030004007caed4c2818000901d')
    expect(fields).to.include({ function: 129, functionName: 'RESPONSE', iin: 0x8000 })
    expect(fields['iinNames']).to.deep.equal(['DEVICE_RESTART'])
    expect(summary).to.equal('4 -> 3 RESPONSE #2 [DEVICE_RESTART]')
  })

  it('a frame of the link layer alone: no function', () => {
    const { malformed, summary, fields } = inspect('056405c90a000100feda')
    expect(malformed).to.be.null
    expect(fields).to.include({ linkFunction: 9, linkFunctionName: 'REQUEST_LINK_STATUS' })
    expect(fields).to.not.have.any.keys('function', 'transport')
    expect(summary).to.equal('1 -> 10 REQUEST_LINK_STATUS')
  })

  it('JSON has what the record promises', () => {
    expect(JSON.parse(JSON.stringify(inspect('056405c90a000100feda')))).to.have.keys(
      'protocol',
      'malformed',
      'summary',
      'fields',
    )
  })

  describe('malformed', () => {
    it('check sums, and what the header says for what it is worth', () => {
      const header = inspect('05640bc40a000100acd2c1c1013c01061ec6')
      expect(header.malformed).to.match(/^dnp3.link.header-crc/)
      expect(header.fields).to.include({ linkSource: 1, linkDestination: 10, linkFunction: 4 })
      const block = inspect('05640bc40a000100acd1c1c1013c01061ec7')
      expect(block.malformed).to.match(/^dnp3.link.block-crc/)
      expect(block.fields).to.not.have.property('function')
    })
    it('no frame at all', () => {
      for (const hex of ['', 'ff', '0564', 'ffffffffffffffffffff']) {
        const { malformed, fields, summary } = inspect(hex)
        expect(malformed).to.be.a('string')
        expect(fields).to.include({ linkSource: null, linkFunction: null })
        expect(summary).to.match(/^malformed/)
      }
    })
    it('user data that must be there, or must not', () => {
      for (const { name, hex, reason } of linkVectors().rejected) {
        const short = reason === 'length' && Number.parseInt(hex.slice(4, 6), 16) >= 5
        if (short) expect(inspect(hex).malformed, name).to.match(/^dnp3.link.length/)
      }
    })
    it('objects cut short: those before are told', () => {
      const { malformed, fields } = frameOf('c0 03 0c01 28 0100 0100 03 01 64000000 64000000 00 0c01 28 0200 0100')
      expect(malformed).to.match(/^decode.truncated/)
      expect(fields['objects']).to.deep.equal([
        [12, 1],
        [12, 1],
      ])
      expect(fields['undecoded']).to.equal(7)
    })
    it('a fragment without a whole header', () => {
      expect(frameOf('c0').malformed).to.match(/^decode.truncated/)
      expect(frameOf('c0 81 00').malformed).to.match(/^decode.truncated/)
    })
  })

  describe('what a receiver must refuse is not malformed, but a violation', () => {
    it('on the link layer', () => {
      for (const { name, hex, reason } of linkVectors().rejected) {
        if (!['function', 'fcv', 'source', 'destination', 'broadcast-function'].includes(reason)) continue
        expect(inspect(hex).malformed, name).to.be.null
        expect(inspect(hex).fields['violation'], name).to.equal(`link: ${reason}`)
      }
    })
    it('reserved functions and objects of unknown length', () => {
      expect(frameOf('c0 70 3c0106').fields).to.deep.include({ function: 112, functionName: null, objects: [] })
      const unknown = frameOf('c0 81 0000 0102 00 00 00 81 5501 00 00 00 0401')
      expect(unknown.malformed).to.be.null
      expect(unknown.fields['violation']).to.match(/^dnp3.object.unknown/)
      expect(unknown.fields['objects']).to.deep.equal([
        [1, 2],
        [85, 1],
      ])
      expect(unknown.fields['undecoded']).to.equal(7)
    })
    it('segments out of place', () => {
      const inspector = dnp3Adapter.inspector()
      const [first, second] = segmentsOf(new Uint8Array(400))
      expect(inspector.push(second!, 'to-master').fields['violation']).to.equal('transport: stray')
      expect(inspector.push(first!, 'to-master').fields['violation']).to.be.null
      const [, , third] = segmentsOf(new Uint8Array(600))
      expect(inspector.push(third!, 'to-master').fields['violation']).to.equal('transport: sequence')
    })
  })

  it('a fragment in several frames is told with the last', () => {
    const objects = Array.from({ length: 100 }, () => '1e0100000001' + '00000000').join('')
    const frames = segmentsOf(fromHex(`c08100 00${objects}`))
    expect(frames.length).to.be.above(3)
    const inspector = dnp3Adapter.inspector()
    const records = frames.map((frame) => inspector.push(frame, 'to-master'))
    expect(records.map(({ fields }) => 'function' in fields)).to.deep.equal(
      frames.map((_, i) => i === frames.length - 1),
    )
    expect(records.at(-1)!.fields['objects']).to.have.length(100)
    expect(records.at(-1)!.summary).to.match(/and 92 more/)
  })

  it('without descriptions between: the same members and faults, whether frames are sound, cut short or spoilt', () => {
    const pushed = dnp3Adapter.inspector()
    const written = dnp3Adapter.inspector()
    for (const frame of fixtureFrames()) {
      const spoilt = frame.map((octet, i) => (i === frame.length - 1 ? octet ^ 1 : octet))
      for (const [bytes, isSound] of [
        [frame, true],
        [frame.subarray(0, 9), false],
        [spoilt, false],
      ] as const) {
        const { members, malformed } = pushed.push(bytes, 'to-device')
        const [text, why] = [new TextWriter().text('{'), new TextWriter().text('[')]
        written.write?.(bytes, 'to-device', isSound, text, why)
        expect(text.toString()).to.equal(`{${members}`)
        expect(why.toString()).to.equal(malformed === null ? '[' : `[${JSON.stringify(malformed)}`)
      }
    }
  })

  it('is at rest until a fragment comes in several frames', () => {
    const inspector = dnp3Adapter.inspector()
    for (const frame of fixtureFrames().slice(0, 3)) inspector.push(frame, 'to-device')
    expect(inspector.atRest).to.equal(true)
    const objects = Array.from({ length: 100 }, () => '1e0100000001' + '00000000').join('')
    inspector.push(segmentsOf(fromHex(`c08100 00${objects}`))[0]!, 'to-master')
    expect(inspector.atRest).to.equal(false)
  })

  describe('captured conversations', () => {
    for (const { name, meaning, packets } of conversations()) {
      it(`${name}: ${meaning}`, () => {
        const inspector = dnp3Adapter.inspector()
        for (const { packet, hex, toDevice, ...expected } of packets) {
          const { malformed, fields } = inspector.push(fromHex(hex), toDevice ? 'to-device' : 'to-master')
          const ours = {
            source: fields['linkSource'],
            destination: fields['linkDestination'],
            primary: fields['primary'],
            linkFunction: fields['linkFunction'],
            ...('function' in fields
              ? {
                  function: fields['function'],
                  sequence: fields['sequence'],
                  iin: fields['iin'],
                  objects: fields['objects'],
                }
              : {}),
            malformed: malformed !== null,
          }
          expect(ours, `packet ${packet}`).to.deep.equal(expected)
        }
      })
    }
  })
})

/** A fragment from 10 to 1 in link frames. */
function segmentsOf(fragment: Uint8Array): Uint8Array[] {
  return segmentFragment(fragment, 0).map((user) =>
    encodeLinkFrame({
      fromMaster: false,
      primary: true,
      frameCount: false,
      countValidOrBusy: false,
      function: LINK.UNCONFIRMED_USER_DATA,
      destination: 1,
      source: 10,
      user,
    }),
  )
}

function frameOf(fragment: string): Description {
  return dnp3Adapter.describe(segmentsOf(fromHex(fragment))[0]!, 'to-master')
}

describe('recognising DNP3', () => {
  const { recognition } = dnp3Adapter

  it('by port 20000', () => {
    expect([recognition.tcpPorts, recognition.udpPorts]).to.deep.equal([[20_000], [20_000]])
  })
  it('by a header whose check sum is right', () => {
    for (const { hex } of linkVectors().valid) expect(recognition.looksLike(fromHex(hex))).to.be.true
    expect(recognition.looksLike(fromHex('05640bc40a000100acd1'))).to.be.true
  })
  it('and by nothing less', () => {
    for (const hex of [
      '',
      '0564',
      '05640bc40a000100ac',
      '05640bc40a000100acd2',
      '056404c40a0001004e95',
      '00'.repeat(20),
    ]) {
      expect(recognition.looksLike(fromHex(hex)), hex).to.be.false
    }
  })
})
