import { expect } from 'chai'
import { encodeGooseFrame, gooseAdapter, utcNanoseconds } from '@gridseal/iec61850'
import type { Data, GooseFrame } from '@gridseal/iec61850'
import { UsageError } from '@gridseal/wire'
import { gooseFrame } from '../support/frames.ts'

const describe_ = (frame: GooseFrame) => gooseAdapter.describe(encodeGooseFrame(frame), 'to-master')
const NOW = 1_800_000_000_000_000_000n

function readingsOf(...frames: readonly GooseFrame[]) {
  const extractor = gooseAdapter.readings()
  return frames.map((frame) =>
    extractor.push({ link: 'l', connection: 0, direction: 'to-master', time: NOW, bytes: encodeGooseFrame(frame) }),
  )
}

const boolean = (value: boolean): Data => ({ kind: 'boolean', value })
const quality = (a: number, b: number): Data => ({
  kind: 'bitString',
  value: { bytes: Uint8Array.of(a, b), unusedBits: 3 },
})

describe('the GOOSE adapter', () => {
  it('describes a frame under the names that records have', () => {
    const { fields, malformed, summary, members } = describe_(gooseFrame({ stNum: 7, sqNum: 3 }))
    expect(malformed).to.equal(null)
    expect(fields).to.include({ appId: 0x1001, gocbRef: 'IED1LD0/LLN0$GO$gcb1', stNum: 7, sqNum: 3, entries: 4 })
    expect(fields['values']).to.deep.equal([true, '0000000000000', -7, 50.5])
    expect(fields['vlan']).to.deep.equal({ id: 5, priority: 4 })
    expect(summary).to.equal('appId 0x1001 to 01:0c:cd:01:00:01 IED1LD0/LLN0$GO$gcb1 state 7/3, 4 entries')
    expect(JSON.parse(`{${members}}`)).to.deep.equal(fields)
  })

  it('says malformed with what could be read, and a violation apart from it', () => {
    const bytes = encodeGooseFrame(gooseFrame())
    const cut = gooseAdapter.describe(bytes.subarray(0, 60), 'to-master')
    expect(cut.malformed).to.contain('decode.truncated')
    expect(cut.fields).to.include({ appId: 0x1001, gocbRef: 'IED1LD0/LLN0$GO$gcb1', stNum: null })
    const wrong = describe_(gooseFrame({ numDatSetEntries: 9 }))
    expect(wrong.malformed).to.equal(null)
    expect(wrong.fields['violation']).to.contain('goose.entries')
  })

  it('is a critical event for policy; what breaks the standard is unknown', () => {
    const operation = (frame: GooseFrame) => gooseAdapter.operation(encodeGooseFrame(frame), 'to-master')
    expect(operation(gooseFrame())).to.deep.equal({
      kind: 'event',
      critical: true,
      target: 'appId 0x1001 to 01:0c:cd:01:00:01 IED1LD0/LLN0$GO$gcb1',
    })
    expect(operation(gooseFrame({ numDatSetEntries: 3 }))).to.deep.equal({ kind: 'unknown', critical: true })
    expect(gooseAdapter.operation(new Uint8Array(9), 'to-master')).to.deep.equal({ kind: 'unknown', critical: true })
  })

  it('carries a frame as one, padding and all; another EtherType, or no APDU, is noise', () => {
    const framer = gooseAdapter.framer({ medium: 'datagram', direction: 'to-master' })
    const bytes = encodeGooseFrame({ ...gooseFrame(), padding: new Uint8Array(20) })
    expect(framer.push(bytes)).to.deep.equal([bytes])
    const other = bytes.slice()
    other[17] = 0xba
    expect(framer.push(other)).to.deep.equal([])
    expect(framer).to.include({ discarded: bytes.length, invalid: 1, pending: 0 })
  })

  it('has no framings', () => {
    expect(() => gooseAdapter.describe(new Uint8Array(0), 'to-master', 'tcp')).to.throw(UsageError)
    expect(() => gooseAdapter.framer({ medium: 'datagram', direction: 'to-master', framing: 'x' })).to.throw(UsageError)
  })
})

describe('readings of GOOSE', () => {
  it('are the entries of a new state, at its time, each with the quality that follows it', () => {
    const allData = [boolean(true), quality(0, 0), boolean(false), quality(0x40, 0), boolean(true), quality(0xc0, 0)]
    const frame = gooseFrame({ allData })
    const [readings = []] = readingsOf(frame)
    expect(readings.map(({ point, value, quality: q }) => [point.slice(-2), value, q])).to.deep.equal([
      ['/1', true, 'good'],
      ['/2', '0000000000000', 'good'],
      ['/3', false, 'bad'],
      ['/4', '0100000000000', 'good'],
      ['/5', true, 'uncertain'],
      ['/6', '1100000000000', 'good'],
    ])
    expect(readings[0]).to.include({ point: 'IED1LD0/LLN0$GO$gcb1/1', time: utcNanoseconds(frame.pdu.t) })
  })

  it('of structures name the member, with the quality beside it', () => {
    const allData: Data[] = [{ kind: 'structure', elements: [boolean(true), quality(0x40, 0)] }]
    const [readings = []] = readingsOf(gooseFrame({ allData }))
    expect(readings.map(({ point, quality: q }) => [point.slice(-4), q])).to.deep.equal([
      ['/1.1', 'bad'],
      ['/1.2', 'good'],
    ])
  })

  it('come once for a state, however often it is repeated', () => {
    const t = gooseFrame().pdu.t
    const counts = readingsOf(
      gooseFrame({ stNum: 1, sqNum: 0 }),
      gooseFrame({ stNum: 1, sqNum: 1 }),
      gooseFrame({ stNum: 2, sqNum: 0, t: { ...t, seconds: t.seconds + 1 } }),
      gooseFrame({ stNum: 2, sqNum: 1, t: { ...t, seconds: t.seconds + 1 } }),
    ).map((readings) => readings.length)
    expect(counts).to.deep.equal([4, 0, 4, 0])
  })

  it('are uncertain where the publisher is simulated, and timed by us where its clock has failed', () => {
    const t = { ...gooseFrame().pdu.t, quality: 0x40 }
    const [readings = []] = readingsOf(gooseFrame({ t }, { simulated: true }))
    expect(readings.every((reading) => reading.quality === 'uncertain' && reading.time === NOW)).to.equal(true)
  })
})
