import type {
  Description,
  FieldValue,
  Frame,
  Operation,
  ProtocolAdapter,
  Reading,
  ReadingExtractor,
} from '@gridseal/adapter'
import { describeError } from '@gridseal/wire'
import { bitCount, bitText } from '../codec/bits.ts'
import type { Data } from '../codec/mms/data.ts'
import type { ExaminedGoose, GoosePdu } from '../codec/process-bus/goose.ts'
import { examineGoose, examineRoutableGoose } from '../codec/process-bus/goose.ts'
import { ETHER_TYPE_GOOSE } from '../codec/process-bus/header.ts'
import { QUALITY_BITS, qualityOf } from '../codec/quality.ts'
import { timeQualityOf, utcNanoseconds, utcText } from '../codec/utc-time.ts'
import { FrameDescription, commonFields, dataValue, readingQuality, targetOf } from './description.ts'
import { busAdapter } from './bus-adapter.ts'

const PROTOCOL = 'goose'

/** GOOSE for the bridge (IEC 61850-8-1), and R-GOOSE (90-5) as the framing `routable`. */
export const gooseAdapter: ProtocolAdapter = busAdapter<ExaminedGoose>({
  protocol: PROTOCOL,
  etherType: ETHER_TYPE_GOOSE,
  examine: examineGoose,
  examineRoutable: examineRoutableGoose,
  describe,
  operation: operationOf,
  readings: (examine) => new GooseReadings(examine),
})

function describe({ frame, pdu, malformed, violation }: ExaminedGoose): Description {
  const fields: Record<string, FieldValue> = {
    appId: frame.header?.appId ?? null,
    gocbRef: pdu.gocbRef ?? null,
    stNum: pdu.stNum ?? null,
    sqNum: pdu.sqNum ?? null,
    entries: pdu.numDatSetEntries ?? null,
    timeAllowedToLive: pdu.timeAllowedToLive ?? null,
    datSet: pdu.datSet ?? null,
    goId: pdu.goId ?? null,
    t: pdu.t === undefined ? null : utcText(pdu.t),
    timeQuality: pdu.t?.quality ?? null,
    simulation: pdu.simulation ?? null,
    confRev: pdu.confRev ?? null,
    ndsCom: pdu.ndsCom ?? null,
    values: pdu.allData === undefined ? null : pdu.allData.map(dataValue),
    ...commonFields(frame),
    violation: violation === undefined ? null : describeError(violation),
  }
  return new FrameDescription(PROTOCOL, malformed, fields, () => {
    const { gocbRef, stNum, sqNum, numDatSetEntries } = pdu
    if (gocbRef === undefined) return targetOf(frame)
    const test = frame.header?.simulated === true || pdu.simulation === true ? ' (simulated)' : ''
    const flaw = violation === undefined ? '' : ` (against the standard: ${describeError(violation)})`
    return `${targetOf(frame)} ${gocbRef} state ${stNum}/${sqNum}, ${numDatSetEntries} entries${test}${flaw}`
  })
}

/** A GOOSE message tells of an event, and protection acts on it. */
function operationOf({ frame, pdu, malformed, violation }: ExaminedGoose): Operation {
  const isSound = malformed === undefined && violation === undefined && pdu.gocbRef !== undefined
  if (!isSound) return { kind: 'unknown', critical: true }
  return { kind: 'event', critical: true, target: `${targetOf(frame)} ${pdu.gocbRef}` }
}

/** Control blocks whose last state is remembered. */
const MOST_BLOCKS = 4096

/**
 * The entries of each new state as readings `gocbRef/1`, and `gocbRef/2.1` for the first member of a structure. What is
 * repeated brings none. An entry that is followed by a quality (13 bits, as in data sets of value and quality) has that
 * quality; what is simulated or needs commissioning is uncertain at best.
 */
class GooseReadings implements ReadingExtractor {
  /** The last state by link and control block. */
  readonly #states = new Map<string, string>()
  readonly #examine: (frame: Uint8Array) => ExaminedGoose

  constructor(examine: (frame: Uint8Array) => ExaminedGoose) {
    this.#examine = examine
  }

  push({ link, time, bytes }: Frame): Reading[] {
    const { frame, pdu, malformed, violation } = this.#examine(bytes)
    if (malformed !== undefined || violation !== undefined || pdu.gocbRef === undefined) return []
    const { gocbRef, stNum, t, allData, simulation, ndsCom } = pdu as GoosePdu
    const state = `${stNum} ${t.seconds} ${t.fraction} ${simulation}`
    const block = `${link} ${gocbRef}`
    if (this.#states.get(block) === state) return []
    if (this.#states.size >= MOST_BLOCKS) this.#states.clear()
    this.#states.set(block, state)
    const { clockFailure } = timeQualityOf(t.quality)
    const doubtful = simulation === true || ndsCom === true || frame.header?.simulated === true
    const common = { link, time: clockFailure ? time : utcNanoseconds(t) }
    const readings: Reading[] = []
    readInto(readings, allData, gocbRef, '/', common, doubtful ? 'uncertain' : 'good')
    return readings
  }
}

type ReadingQuality = Reading['quality']

function readInto(
  readings: Reading[],
  all: readonly Data[],
  prefix: string,
  separator: string,
  common: Pick<Reading, 'link' | 'time'>,
  most: ReadingQuality,
): void {
  all.forEach((data, index) => {
    const point = `${prefix}${separator}${index + 1}`
    const own = isQuality(data) ? undefined : all.slice(index + 1).find(isQuality)
    const quality = own === undefined ? most : worse(most, readingQuality(qualityOf(own.value)))
    if ('elements' in data) {
      readInto(readings, data.elements, point, '.', common, quality)
    } else readings.push({ ...common, point, value: scalarOf(data), quality })
  })
}

type QualityData = Extract<Data, { readonly kind: 'bitString' | 'booleanArray' }>

function isQuality(data: Data): data is QualityData {
  return data.kind === 'bitString' && bitCount(data.value) === QUALITY_BITS
}

const ORDER: readonly ReadingQuality[] = ['good', 'uncertain', 'bad']
const worse = (a: ReadingQuality, b: ReadingQuality): ReadingQuality => (ORDER.indexOf(a) > ORDER.indexOf(b) ? a : b)

function scalarOf(data: Exclude<Data, { readonly elements: unknown }>): Reading['value'] {
  switch (data.kind) {
    case 'boolean':
    case 'integer':
    case 'unsigned':
    case 'bcd':
    case 'floatingPoint':
    case 'visibleString':
    case 'mmsString':
    case 'generalizedTime':
      return data.value
    case 'bitString':
    case 'booleanArray':
      return bitText(data.value)
    default:
      return String(dataValue(data))
  }
}
