import type { Description, FieldValue, Frame, Operation, ProtocolAdapter, Reading } from '@gridseal/adapter'
import { describeError } from '@gridseal/wire'
import { APDU_TAG, ETHER_TYPE_SV } from '../codec/process-bus/header.ts'
import { PHS_MEAS_1, PHS_MEAS_1_OCTETS, decodeSample } from '../codec/process-bus/sample.ts'
import type { Asdu } from '../codec/process-bus/sampled-values.ts'
import { examineSv } from '../codec/process-bus/sampled-values.ts'
import type { SampleQuality } from '../codec/quality.ts'
import { timeQualityOf, utcNanoseconds } from '../codec/utc-time.ts'
import { FrameDescription, commonFields, targetOf } from './description.ts'
import { EthernetFramer, checkFraming } from './framer.ts'

const PROTOCOL = 'sv'

/** Sampled values for the bridge (IEC 61850-9-2): one Ethernet frame is one frame, whatever ASDUs are in it. */
export const svAdapter: ProtocolAdapter = {
  protocol: PROTOCOL,
  recognition: { tcpPorts: [], udpPorts: [], etherTypes: [ETHER_TYPE_SV], looksLike: () => false },
  framings: [],
  framer: (options) => {
    checkFraming(PROTOCOL, options.framing)
    return new EthernetFramer(ETHER_TYPE_SV, APDU_TAG.sv, options)
  },
  describe: (frame, _direction, framing) => {
    checkFraming(PROTOCOL, framing)
    return describe(frame)
  },
  inspector: (framing) => {
    checkFraming(PROTOCOL, framing)
    return { push: describe }
  },
  operation: (frame, _direction, framing) => {
    checkFraming(PROTOCOL, framing)
    return operationOf(frame)
  },
  readings: (framing) => {
    checkFraming(PROTOCOL, framing)
    return { push: readingsOf }
  },
}

function describe(bytes: Uint8Array): Description {
  const { frame, noAsdu, asdus, malformed, violation } = examineSv(bytes)
  const listed = (field: 'svId' | 'smpCnt' | 'confRev' | 'smpSynch'): FieldValue[] =>
    asdus.flatMap((asdu) => asdu[field] ?? [])
  const fields: Record<string, FieldValue> = {
    appId: frame.header?.appId ?? null,
    svId: listed('svId'),
    smpCnt: listed('smpCnt'),
    asdus: noAsdu ?? null,
    confRev: listed('confRev'),
    smpSynch: listed('smpSynch'),
    ...commonFields(frame),
    violation: violation === undefined ? null : describeError(violation),
  }
  return new FrameDescription(PROTOCOL, malformed, fields, () => {
    const streams = asdus.map(({ svId, smpCnt, smpSynch }) => `${svId} #${smpCnt}${smpSynch === 0 ? ' (free)' : ''}`)
    const flaw = violation === undefined ? '' : ` (against the standard: ${describeError(violation)})`
    return `${targetOf(frame.ethernet, frame.header?.appId)} ${streams.join(', ')}${flaw}`
  })
}

function operationOf(bytes: Uint8Array): Operation {
  const { frame, asdus, malformed, violation } = examineSv(bytes)
  if (malformed !== undefined || violation !== undefined) return { kind: 'unknown', critical: true }
  const streams = [...new Set(asdus.map(({ svId }) => svId))].join(' ')
  return { kind: 'event', critical: true, target: `${targetOf(frame.ethernet, frame.header?.appId)} ${streams}` }
}

/**
 * Samples of the data set of 9-2LE as readings `svID/IaTCTR1`, in amperes and volts. Other data sets can only be read
 * with their SCL and bring none.
 */
function readingsOf({ link, time, bytes }: Frame): Reading[] {
  const { frame, asdus, malformed, violation } = examineSv(bytes)
  if (malformed !== undefined || violation !== undefined) return []
  const simulated = frame.header?.simulated === true
  return asdus.flatMap((asdu) => sampleReadings(asdu as Asdu, link, time, simulated))
}

function sampleReadings(
  { svId, refrTm, sample, smpSynch }: Asdu,
  link: string,
  arrived: bigint,
  simulated: boolean,
): Reading[] {
  if (sample.length !== PHS_MEAS_1_OCTETS) return []
  const timed = refrTm !== undefined && !timeQualityOf(refrTm.quality).clockFailure
  const time = timed ? utcNanoseconds(refrTm) : arrived
  return decodeSample(sample).map(({ steps, quality }, index) => {
    const { name, unit, scale } = PHS_MEAS_1[index]!
    const given = readingQuality(quality)
    const doubtful = given === 'good' && (simulated || smpSynch === 0)
    return { link, time, point: `${svId}/${name}`, value: steps * scale, unit, quality: doubtful ? 'uncertain' : given }
  })
}

function readingQuality({ validity, flags }: SampleQuality): Reading['quality'] {
  if (validity === 'good') return flags.includes('test') || flags.includes('operatorBlocked') ? 'uncertain' : 'good'
  return validity === 'questionable' ? 'uncertain' : 'bad'
}
