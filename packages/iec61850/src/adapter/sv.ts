import type { Description, FieldValue, Frame, Operation, ProtocolAdapter, Reading } from '@gridseal/adapter'
import { describeError } from '@gridseal/wire'
import { ETHER_TYPE_SV } from '../codec/process-bus/header.ts'
import { PHS_MEAS_1, PHS_MEAS_1_OCTETS, decodeSample } from '../codec/process-bus/sample.ts'
import type { Asdu, ExaminedSv } from '../codec/process-bus/sampled-values.ts'
import { examineRoutableSv, examineSv } from '../codec/process-bus/sampled-values.ts'
import { timeQualityOf, utcNanoseconds } from '../codec/utc-time.ts'
import { FrameDescription, commonFields, readingQuality, targetOf } from './description.ts'
import { busAdapter } from './bus-adapter.ts'

const PROTOCOL = 'sv'

/** Sampled values for the bridge (IEC 61850-9-2), and R-SV (90-5) as the framing `routable`. */
export const svAdapter: ProtocolAdapter = busAdapter<ExaminedSv>({
  protocol: PROTOCOL,
  etherType: ETHER_TYPE_SV,
  examine: examineSv,
  examineRoutable: examineRoutableSv,
  describe,
  operation: operationOf,
  readings: (examine) => ({ push: (frame) => readingsOf(frame, examine(frame.bytes)) }),
})

function describe({ frame, noAsdu, asdus, malformed, violation }: ExaminedSv): Description {
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
    return `${targetOf(frame)} ${streams.join(', ')}${flaw}`.trimEnd()
  })
}

/** Samples tell what is measured; what is to be done about it, others decide. */
function operationOf({ frame, asdus, malformed, violation }: ExaminedSv): Operation {
  const isSound = malformed === undefined && violation === undefined && frame.contents !== undefined
  if (!isSound) return { kind: 'unknown', critical: true }
  const streams = [...new Set(asdus.map(({ svId }) => svId))].join(' ')
  return { kind: 'event', critical: false, target: `${targetOf(frame)} ${streams}` }
}

/**
 * Samples of the data set of 9-2LE as readings `svID/IaTCTR1`, in amperes and volts. Other data sets can only be read
 * with their SCL and bring none.
 */
function readingsOf({ link, time }: Frame, { frame, asdus, malformed, violation }: ExaminedSv): Reading[] {
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
