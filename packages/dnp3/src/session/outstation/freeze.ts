import { decodeObjects } from '../../codec/objects.ts'
import type { ObjectHeader } from '../../codec/object-walk.ts'
import type { Answer, FreezeSchedule, RequestContext } from './context.ts'
import { OBJECT_UNKNOWN, OK, PARAMETER_ERROR } from './context.ts'
import type { Database } from './database.ts'
import { kindOf, kindOfStatic } from './point-kinds.ts'
import type { Point } from './point.ts'
import { pointsOf } from './named-points.ts'

const MOST_SCHEDULES = 16

/** IMMED_FREEZE and FREEZE_CLEAR: the present values become the frozen ones; clearing sets counters to 0. */
export function freeze(context: RequestContext, clear: boolean): Answer {
  const { headers, session, now } = context
  const { iin, points } = freezePoints(context, headers)
  if (points === undefined) return { iin }
  freezeNow(session.database, points, clear, now)
  return { iin }
}

/** FREEZE_AT_TIME: a time and interval (g50v2), then what it is for; as often as there are times. */
export function freezeAtTime(context: RequestContext): Answer {
  const { headers, session, now } = context
  const schedules: FreezeSchedule[] = []
  let iin = 0
  let when: { readonly time: number; readonly interval: number } | undefined
  let pending: ObjectHeader[] = []
  const finish = (): boolean => {
    if (when === undefined) return pending.length === 0
    const { iin: bits, points } = freezePoints(context, pending)
    iin |= bits
    if (points === undefined) return false
    const { time, interval } = when
    schedules.push({ at: time === 0 ? session.database.clock.utc(now) : time, interval, points })
    return true
  }
  for (const header of headers) {
    if (header.group !== 50) {
      pending.push(header)
      continue
    }
    if (!finish()) return { iin: iin | PARAMETER_ERROR }
    const [object, ...more] = decodeObjects(header)
    if (header.variation !== 2) return { iin: OBJECT_UNKNOWN }
    if (more.length > 0 || object?.time === undefined) return { iin: PARAMETER_ERROR }
    when = { time: object.time, interval: object.interval ?? 0 }
    pending = []
  }
  if (when === undefined || pending.length === 0 || !finish()) return { iin: iin | PARAMETER_ERROR }
  if (session.freezes.length + schedules.length > MOST_SCHEDULES) return { iin: PARAMETER_ERROR }
  session.freezes.push(...schedules)
  return iin === 0 ? OK : { iin }
}

/** Freezes what is due; returns what is left to do. */
export function runFreezes(schedules: readonly FreezeSchedule[], database: Database, now: number): FreezeSchedule[] {
  const utc = database.clock.utc(now)
  return schedules.filter((schedule) => {
    if (schedule.at > utc) return true
    freezeNow(database, schedule.points, false, now)
    const { interval } = schedule
    if (interval === 0) return false
    // After a long pause, or a clock that was set ahead, one freeze is enough.
    schedule.at += Math.ceil((utc - schedule.at + 1) / interval) * interval
    return true
  })
}

/** The points that headers name; undefined where nothing shall be done. */
function freezePoints(
  { session }: RequestContext,
  headers: readonly ObjectHeader[],
): { readonly iin: number; readonly points: readonly Point[] | undefined } {
  if (headers.length === 0) return { iin: PARAMETER_ERROR, points: undefined }
  const points: Point[] = []
  let iin = 0
  for (const header of headers) {
    const spec = kindOfStatic(header.group)
    if (spec?.frozen === undefined || header.variation !== 0) return { iin: OBJECT_UNKNOWN, points: undefined }
    const table = session.database.table(spec.kind)
    if (table === undefined) continue
    const named = pointsOf(table, header)
    iin |= named.iin
    points.push(...named.points)
  }
  return { iin, points }
}

function freezeNow(database: Database, points: readonly Point[], clear: boolean, now: number): void {
  for (const point of points) {
    const { spec, index, value, flags } = point
    const twin = database.point(kindOf(spec.frozen!).kind, index)
    if (twin !== undefined) database.updatePoint(twin, { value, flags }, now, 'force')
    if (!clear || !spec.wraps) continue
    database.updatePoint(point, { value: 0 }, now, 'suppress')
    point.reportedValue = 0
  }
}
