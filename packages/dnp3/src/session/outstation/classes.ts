import type { ObjectHeader } from '../../codec/object-walk.ts'
import type { Answer, RequestContext } from './context.ts'
import { OBJECT_UNKNOWN, PARAMETER_ERROR } from './context.ts'
import { kindOf, kindOfStatic } from './point-kinds.ts'
import type { PointKindSpec } from './point-kinds.ts'
import type { EventClass, Point } from './point.ts'
import { pointsOf } from './named-points.ts'

/** ENABLE_UNSOLICITED and DISABLE_UNSOLICITED: g60v2 to v4. */
export function unsolicitedClasses({ headers, session }: RequestContext, enabled: boolean): Answer {
  if (headers.length === 0) return { iin: PARAMETER_ERROR }
  const classes: EventClass[] = []
  for (const { group, variation, range } of headers) {
    if (group !== 60 || variation < 2 || variation > 4) return { iin: OBJECT_UNKNOWN }
    if (range.kind !== 'all') return { iin: PARAMETER_ERROR }
    classes.push((variation - 1) as EventClass)
  }
  session.enableUnsolicited(classes, enabled)
  return { iin: 0 }
}

/** ASSIGN_CLASS: a class (g60), then the points that shall be in it; as often as there are classes. */
export function assignClass({ headers, session }: RequestContext): Answer {
  let iin = 0
  let eventClass: EventClass | undefined
  const changes: { readonly points: readonly Point[]; readonly eventClass: EventClass }[] = []
  let used = true
  for (const header of headers) {
    const { group, variation, range } = header
    if (group === 60) {
      if (variation < 1 || variation > 4 || range.kind !== 'all' || !used) return { iin: PARAMETER_ERROR }
      eventClass = (variation - 1) as EventClass
      used = false
      continue
    }
    if (eventClass === undefined) return { iin: PARAMETER_ERROR }
    used = true
    const spec = assignable(header)
    if (spec === undefined) {
      iin |= OBJECT_UNKNOWN
      continue
    }
    const table = session.database.table(spec.kind)
    if (table === undefined) continue
    const named = pointsOf(table, header)
    iin |= named.iin
    changes.push({ points: named.points, eventClass })
  }
  if (changes.length === 0 && iin === 0 && !used) iin = PARAMETER_ERROR
  for (const { points, eventClass: assigned } of changes) {
    for (const point of points) {
      point.eventClass = assigned
      point.class0 ||= point.spec.class0
    }
  }
  return { iin }
}

/** Outputs can be named by their commands, too (g12 and g41), data sets by their descriptors (g86). */
function assignable({ group, variation }: ObjectHeader): PointKindSpec | undefined {
  const spec = group === 86 ? kindOf('data-set') : kindOfStatic(group === 12 ? 10 : group === 41 ? 40 : group)
  return spec !== undefined && spec.eventGroup !== undefined && (variation === 0 || spec.octets) ? spec : undefined
}
