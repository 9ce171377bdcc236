import type { ObjectHeader } from '../../codec/object-walk.ts'
import type { RequestContext } from './context.ts'
import { OBJECT_UNKNOWN, PARAMETER_ERROR } from './context.ts'
import type { PointEvent } from './event-buffer.ts'
import type { FragmentWriter, StaticPart } from './fragment-writer.ts'
import { POINT_KINDS, kindOfEvent, kindOfStatic } from './point-kinds.ts'
import { pointsOf } from './named-points.ts'
import { readSpecial } from './read-special.ts'

/** What a READ still has to send: events first, in order of occurrence, then everything else in the order of the request. */
export class ReadResponse {
  readonly #events: readonly PointEvent[]
  readonly #parts: (StaticPart | Uint8Array)[]
  #event = 0
  #part = 0

  constructor(events: readonly PointEvent[], parts: (StaticPart | Uint8Array)[]) {
    this.#events = events
    this.#parts = parts
  }

  get done(): boolean {
    return this.#event >= this.#events.length && this.#part >= this.#parts.length
  }

  /** Fills one fragment; `written` is told of each event in it. Returns how many events. */
  write(writer: FragmentWriter, written: (event: PointEvent) => void): number {
    const fits = writer.events(this.#events, this.#event)
    // An event that does not fit an empty fragment fits none: it counts as sent, or nothing would ever come behind it.
    const count = fits === 0 && writer.isEmpty && this.#event < this.#events.length ? 1 : fits
    for (let i = 0; i < count; i++) written(this.#events[this.#event++]!)
    if (this.#event < this.#events.length) return count
    for (; this.#part < this.#parts.length; this.#part++) {
      const part = this.#parts[this.#part]!
      const whole = part instanceof Uint8Array ? writer.octets(part) : writer.statics(part)
      // What does not fit an empty fragment fits none.
      if (!whole && !writer.isEmpty) break
    }
    return count
  }
}

/** Selects what the headers of a READ ask for. Errors of one header do not keep the others from being answered. */
export function startRead(context: RequestContext): { readonly iin: number; readonly response: ReadResponse } {
  const { headers, session } = context
  let iin = 0
  const parts: (StaticPart | Uint8Array)[] = []
  for (const header of headers) iin |= readHeader(context, header, parts)
  return { iin, response: new ReadResponse(session.events.selected(), parts) }
}

function readHeader(context: RequestContext, header: ObjectHeader, parts: (StaticPart | Uint8Array)[]): number {
  const { group, variation } = header
  if (group === 60) return readClass(context, header, parts)
  const event = kindOfEvent(group)
  if (event !== undefined) {
    const known = variation === 0 || (event.octets ? true : event.events.includes(variation))
    if (!known) return OBJECT_UNKNOWN
    if (!isCount(header) && header.range.kind !== 'all') return PARAMETER_ERROR
    context.session.events.selectKind(event.kind, variation, limitOf(header))
    return 0
  }
  const spec = kindOfStatic(group)
  if (spec === undefined) return readSpecial(context, header, parts)
  if (variation !== 0 && !spec.octets && !spec.statics.includes(variation)) return OBJECT_UNKNOWN
  const table = context.session.database.table(spec.kind)
  if (table === undefined) return 0
  const { iin, points } = pointsOf(table, header)
  if (points.length > 0) parts.push({ spec, points, variation: spec.octets ? 0 : variation, at: 0 })
  return iin
}

function readClass(context: RequestContext, header: ObjectHeader, parts: (StaticPart | Uint8Array)[]): number {
  const { variation } = header
  if (variation < 1 || variation > 4) return OBJECT_UNKNOWN
  if (variation > 1) {
    if (!isCount(header) && header.range.kind !== 'all') return PARAMETER_ERROR
    context.session.events.selectClasses([(variation - 1) as 1 | 2 | 3], limitOf(header))
    return 0
  }
  if (header.range.kind !== 'all') return PARAMETER_ERROR
  for (const { kind, group } of POINT_KINDS) {
    const table = group === undefined ? undefined : context.session.database.table(kind)
    if (table === undefined) continue
    const points = table.points.filter((point) => point.class0)
    if (points.length > 0) parts.push({ spec: table.spec, points, variation: 0, at: 0 })
  }
  return 0
}

/** Whether a header says how many objects it wants, without naming them. */
function isCount(header: ObjectHeader): boolean {
  return header.range.kind === 'count' && header.qualifier >> 4 === 0
}

function limitOf({ range }: ObjectHeader): number {
  return range.kind === 'count' ? range.count : Infinity
}
