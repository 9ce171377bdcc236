import { UsageError } from '@gridseal/wire'
import type { DeviceClock } from './clock.ts'
import type { EventBuffer } from './event-buffer.ts'
import { POINT_KINDS, kindOf } from './point-kinds.ts'
import type { PointKind, PointKindSpec } from './point-kinds.ts'
import type { EventClass, Point } from './point.ts'
import { isEvent } from './point.ts'

/** One point as it is configured; what is left out has the default of its kind. */
export interface PointOptions {
  readonly kind: PointKind
  readonly index: number
  readonly name?: string
  /** Class of its events; 0: it gives none. Default 1. */
  readonly class?: EventClass
  /** Whether it is part of class 0. Default: by its kind; all but octet strings, BCD and unsigned integers. */
  readonly class0?: boolean
  readonly staticVariation?: number
  readonly eventVariation?: number
  readonly deadband?: number
  readonly value?: number | Uint8Array
  /** Default ONLINE where a value is given, else RESTART. */
  readonly flags?: number
}

/** What may change of a point. */
export interface PointChange {
  readonly value?: number | Uint8Array
  readonly flags?: number
  /** When it changed, milliseconds since 1970-01-01 UTC. Default: now, by the outstation's clock. */
  readonly time?: number
}

/** The points of one kind, by index. */
export class PointTable {
  readonly spec: PointKindSpec
  /** By ascending index. */
  readonly points: Point[] = []
  readonly #byIndex = new Map<number, Point>()

  constructor(spec: PointKindSpec) {
    this.spec = spec
  }

  get(index: number): Point | undefined {
    return this.#byIndex.get(index)
  }

  add(point: Point): void {
    if (this.#byIndex.has(point.index)) {
      throw new UsageError('dnp3.point.twice', `${this.spec.kind} ${point.index} is there twice`)
    }
    this.#byIndex.set(point.index, point)
    const last = this.points.at(-1)
    this.points.push(point)
    if (last !== undefined && last.index > point.index) this.points.sort((a, b) => a.index - b.index)
  }

  /** Position of the first point whose index is not below `index`. */
  firstFrom(index: number): number {
    let [low, high] = [0, this.points.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.points[middle]!.index < index) low = middle + 1
      else high = middle
    }
    return low
  }
}

/**
 * The points of an outstation and what they are worth. Changes go to every event buffer that listens: each master has its own.
 */
export class Database {
  readonly clock: DeviceClock
  readonly #tables = new Map<PointKind, PointTable>()
  readonly #buffers = new Set<EventBuffer>()
  readonly #changed = new Set<(now: number) => void>()

  /** Throws {@link UsageError} `dnp3.point.…` for points that cannot be. */
  constructor(points: readonly PointOptions[], clock: DeviceClock) {
    this.clock = clock
    for (const options of points) this.#add(options)
  }

  table(kind: PointKind): PointTable | undefined {
    return this.#tables.get(kind)
  }

  point(kind: PointKind, index: number): Point | undefined {
    return this.#tables.get(kind)?.get(index)
  }

  /** All tables that have points, in the order of {@link POINT_KINDS}. */
  tables(): PointTable[] {
    return POINT_KINDS.flatMap(({ kind }) => this.#tables.get(kind) ?? [])
  }

  /** Events go to this buffer from now on; `changed` is called after each. */
  attach(buffer: EventBuffer, changed: (now: number) => void): void {
    this.#buffers.add(buffer)
    this.#changed.add(changed)
  }

  detach(buffer: EventBuffer, changed: (now: number) => void): void {
    this.#buffers.delete(buffer)
    this.#changed.delete(changed)
  }

  /**
   * Sets what a point is worth. `events`: by the rules of deadband and flags (`detect`), in any case (`force`), never
   * (`suppress`). Throws {@link UsageError} `dnp3.point.unknown` if there is no such point.
   */
  update(
    kind: PointKind,
    index: number,
    change: PointChange,
    now: number,
    events: 'detect' | 'force' | 'suppress' = 'detect',
  ): void {
    const point = this.point(kind, index)
    if (point === undefined) throw new UsageError('dnp3.point.unknown', `there is no ${kind} ${index}`)
    this.updatePoint(point, change, now, events)
  }

  updatePoint(
    point: Point,
    change: PointChange,
    now: number,
    events: 'detect' | 'force' | 'suppress' = 'detect',
  ): void {
    const { value = point.value, flags = point.flags, time = this.clock.utc(now) } = change
    point.value = value
    point.flags = flags
    point.time = time
    if (events === 'suppress' || (events === 'detect' && !isEvent(point, value, flags))) return
    this.report(point, now)
  }

  /** An event with the present value of a point, in whatever class it is. */
  report(point: Point, now: number): void {
    point.reportedValue = point.value
    point.reportedFlags = point.flags
    if (point.eventClass === 0 || point.spec.eventGroup === undefined) return
    for (const buffer of this.#buffers) buffer.add(point, point, this.clock.synchronised)
    for (const changed of this.#changed) changed(now)
  }

  /** A point that is made at run time, e.g. a statistic. */
  add(options: PointOptions): Point {
    return this.#add(options)
  }

  #add(options: PointOptions): Point {
    const point = newPoint(options)
    let table = this.#tables.get(options.kind)
    if (table === undefined) this.#tables.set(options.kind, (table = new PointTable(point.spec)))
    table.add(point)
    return point
  }
}

function newPoint(options: PointOptions): Point {
  const spec = kindOf(options.kind)
  const { index, name, class: eventClass = 1, deadband = 0 } = options
  const value = options.value ?? (spec.octets || spec.sized ? new Uint8Array([0]) : spec.state === 2 ? 3 : 0)
  const flags = options.flags ?? (options.value === undefined ? 0x02 : 0x01)
  const staticVariation = options.staticVariation ?? spec.staticVariation
  const eventVariation = options.eventVariation ?? spec.eventVariation
  const wrong = (what: string): UsageError => new UsageError('dnp3.point.option', `${spec.kind} ${index}: ${what}`)
  if (!Number.isInteger(index) || index < 0 || index > 0xffff) throw wrong('an index is a number from 0 to 65535')
  if (!spec.octets && spec.group !== undefined && !spec.statics.includes(staticVariation)) {
    throw wrong(`static variation ${staticVariation} is not one of ${spec.statics.join(', ')}`)
  }
  if (!spec.octets && spec.eventGroup !== undefined && !spec.events.includes(eventVariation)) {
    throw wrong(`event variation ${eventVariation} is not one of ${spec.events.join(', ')}`)
  }
  if (!(deadband >= 0)) throw wrong('a deadband is a number from 0 up')
  const isOctets = spec.octets || spec.sized
  if (isOctets !== value instanceof Uint8Array) throw wrong(isOctets ? 'its value is octets' : 'its value is a number')
  if (spec.octets && value instanceof Uint8Array && (value.length < 1 || value.length > 255)) {
    throw wrong('octets are 1 to 255')
  }
  return {
    spec,
    index,
    name,
    value,
    flags,
    time: 0,
    extra: 0,
    eventClass,
    class0: options.class0 ?? spec.class0,
    staticVariation,
    eventVariation,
    deadband,
    reportedValue: value,
    reportedFlags: flags,
  }
}
