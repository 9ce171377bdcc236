import { expect } from 'chai'
import { encodeSample, encodeSvFrame, iec61850Adapters, svAdapter } from '@gridseal/iec61850'
import type { SampledValue, SvFrame } from '@gridseal/iec61850'
import { svFrame } from '../support/frames.ts'

const GOOD = { validity: 'good', flags: [], derived: false } as const
const value = (steps: number, quality: SampledValue['quality'] = GOOD): SampledValue => ({ steps, quality })

function readingsOf(frame: SvFrame) {
  return svAdapter.readings().push({
    link: 'l',
    connection: 0,
    direction: 'to-master',
    time: 5n,
    bytes: encodeSvFrame(frame),
  })
}

describe('the adapter of sampled values', () => {
  it('describes a frame: identities and counts of all its ASDUs', () => {
    const { pdu, ...rest } = svFrame(8)
    const asdu = pdu.asdus[0]!
    const frame = { ...rest, pdu: { noAsdu: 2, asdus: [asdu, { ...asdu, svId: 'MU02', smpCnt: 9 }] } }
    const { fields, summary } = svAdapter.describe(encodeSvFrame(frame), 'to-master')
    expect(fields).to.deep.include({ appId: 0x4000, svId: ['MU01', 'MU02'], smpCnt: [8, 9], asdus: 2, violation: null })
    expect(summary).to.equal('appId 0x4000 to 01:0c:cd:01:00:01 MU01 #8, MU02 #9')
  })

  it('is an event for policy, which moves nothing by itself', () => {
    const operation = svAdapter.operation(encodeSvFrame(svFrame(0)), 'to-master')
    expect(operation).to.deep.equal({
      kind: 'event',
      critical: false,
      target: 'appId 0x4000 to 01:0c:cd:01:00:01 MU01',
    })
  })

  it('reads samples of 9-2LE in amperes and volts', () => {
    const invalid = { ...GOOD, validity: 'invalid' as const }
    const sample = encodeSample(
      [1500, -1500, 0, 0, 2_300_000, 0, 0].map((steps) => value(steps)).concat(value(1, invalid)),
    )
    const readings = readingsOf(svFrame(0, sample))
    expect(readings).to.have.length(8)
    expect(readings[0]).to.deep.equal({
      link: 'l',
      time: 5n,
      point: 'MU01/IaTCTR1',
      value: 1.5,
      unit: 'A',
      quality: 'good',
    })
    expect(readings[4]).to.include({ point: 'MU01/UaTVTR1', value: 23_000, unit: 'V' })
    expect(readings[7]).to.include({ quality: 'bad' })
  })

  it('reads no samples whose data set it cannot know', () => {
    expect(readingsOf(svFrame(0, new Uint8Array(60)))).to.deep.equal([])
  })

  it('both adapters say where they are found', () => {
    const found = iec61850Adapters.map(({ protocol, recognition }) => [protocol, recognition.etherTypes])
    expect(found).to.deep.equal([
      ['goose', [0x88b8]],
      ['sv', [0x88ba]],
    ])
  })
})
