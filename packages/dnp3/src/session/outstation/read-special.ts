import type { ObjectValue } from '../../codec/objects.ts'
import type { ObjectHeader } from '../../codec/object-walk.ts'
import { readAttributes } from './attribute-requests.ts'
import type { RequestContext } from './context.ts'
import { OBJECT_UNKNOWN, PARAMETER_ERROR } from './context.ts'
import { readDataSets } from './data-set-requests.ts'
import { readFile } from './file-requests.ts'
import type { StaticPart } from './fragment-writer.ts'
import { headerOctets } from '../../codec/header-octets.ts'
import { pointsOf } from './named-points.ts'

type Parts = (StaticPart | Uint8Array)[]

/** READ of what is no point: attributes, deadbands, time, indications, files, data sets. Returns the error bits. */
export function readSpecial(context: RequestContext, header: ObjectHeader, parts: Parts): number {
  switch (header.group) {
    case 0:
      return readAttributes(context, header, parts)
    case 34:
      return readDeadbands(context, header, parts)
    case 50:
      return readTime(context, header, parts)
    case 70:
      return readFile(context, header, parts)
    case 80:
      return readIndications(context, header, parts)
    case 85:
    case 86:
    case 87:
      return readDataSets(context, header, parts)
    default:
      return OBJECT_UNKNOWN
  }
}

function readDeadbands(context: RequestContext, header: ObjectHeader, parts: Parts): number {
  const { variation } = header
  if (variation > 3) return OBJECT_UNKNOWN
  const table = context.session.database.table('analog-input')
  if (table === undefined) return 0
  const { iin, points } = pointsOf(table, header)
  // One header per run of indexes; a deadband that is no whole number, or too large, needs the floating-point variation.
  let run: ObjectValue[] = []
  let runVariation = 0
  const flush = (): void => {
    if (run.length > 0) parts.push(headerOctets(34, runVariation, 0x01, run))
    run = []
  }
  for (const { index, deadband } of points) {
    const fits = Number.isInteger(deadband) && deadband <= (variation === 1 ? 0xffff : 0xffff_ffff)
    const used = variation === 0 ? (fits ? 2 : 3) : variation !== 3 && !fits ? 3 : variation
    if (used !== runVariation || (run.length > 0 && run.at(-1)!.index + 1 !== index) || run.length >= 200) flush()
    runVariation = used
    run.push({ index, value: deadband })
  }
  flush()
  return iin
}

function readTime(context: RequestContext, header: ObjectHeader, parts: Parts): number {
  if (header.variation === 4) return readSchedules(context, header, parts)
  const { session, now } = context
  if (header.variation > 1) return OBJECT_UNKNOWN
  parts.push(headerOctets(50, 1, 0x07, [{ index: 0, time: session.database.clock.utc(now) }]))
  return 0
}

/** g50v4: all schedules, or a range that must be there. */
function readSchedules({ session }: RequestContext, { range }: ObjectHeader, parts: Parts): number {
  const { schedules } = session
  const [start, stop] = range.kind === 'start-stop' ? [range.start, range.stop] : [0, schedules.length - 1]
  if (range.kind === 'count' || range.kind === 'virtual' || stop >= schedules.length) return PARAMETER_ERROR
  for (let first = start; first <= stop; first += MOST_SCHEDULES) {
    const length = Math.min(MOST_SCHEDULES, stop - first + 1)
    const run = Array.from({ length }, (_, i): ObjectValue => ({ index: first + i, ...schedules.get(first + i) }))
    parts.push(headerOctets(50, 4, 0x01, run))
  }
  return 0
}

/** Of one header: they fit the smallest fragment. */
const MOST_SCHEDULES = 20

function readIndications({ session, now }: RequestContext, header: ObjectHeader, parts: Parts): number {
  if (header.variation > 1) return OBJECT_UNKNOWN
  const { range } = header
  const [start, stop] = range.kind === 'start-stop' ? [range.start, range.stop] : [0, 15]
  if (range.kind === 'count' || range.kind === 'virtual' || stop > 15) return PARAMETER_ERROR
  const iin = session.indications(now)
  const states: ObjectValue[] = []
  for (let index = start; index <= stop; index++) {
    states.push({ index, state: (index < 8 ? iin >> (8 + index) : iin >> (index - 8)) & 1 })
  }
  parts.push(headerOctets(80, 1, 0x00, states))
  return 0
}
