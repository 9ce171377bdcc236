import { allocate } from '@gridseal/wire'
import type { ObjectLayout } from '../../codec/object-layout.ts'
import { encodeSample, flagsOf, putTime, sampleSize } from './encode-sample.ts'
import { eventVariation, isRelative } from './event-buffer.ts'
import type { PointEvent } from './event-buffer.ts'
import { knownLayout } from './point-kinds.ts'
import type { PointKindSpec } from './point-kinds.ts'
import type { Point } from './point.ts'
import { FLAGS } from './point.ts'

/** Octets of a response header. */
export const RESPONSE_HEADER = 4
const COMMON_TIME = 51
const CTO_OCTETS = 10
/** Of an index, and of a size. */
const PREFIX_OCTETS = 2
const MOST_RELATIVE = 0xffff

/** Points of one kind that a response shall report, from `at` on. */
export interface StaticPart {
  readonly spec: PointKindSpec
  readonly points: readonly Point[]
  /** 0: each point in its own. */
  readonly variation: number
  at: number
}

/** One response fragment under construction; its first {@link RESPONSE_HEADER} octets are set last. */
export class FragmentWriter {
  readonly #bytes: Uint8Array
  #length = RESPONSE_HEADER

  constructor(limit: number) {
    this.#bytes = allocate(limit)
  }

  get isEmpty(): boolean {
    return this.#length === RESPONSE_HEADER
  }

  /** The fragment with its header in place. */
  finish(control: number, code: number, iin: number): Uint8Array {
    const bytes = this.#bytes
    bytes[0] = control
    bytes[1] = code
    bytes[2] = iin >> 8
    bytes[3] = iin
    return bytes.subarray(0, this.#length)
  }

  /** Headers with their objects, ready to send. False, and nothing written, if they do not fit. */
  octets(octets: Uint8Array): boolean {
    if (this.#length + octets.length > this.#bytes.length) return false
    this.#bytes.set(octets, this.#length)
    this.#length += octets.length
    return true
  }

  /**
   * Writes events in order from `from` on, as many as fit; returns how many. One header per run of events of one variation;
   * a common time of occurrence goes before relative times, and again where they run too far from it. Objects behind a size
   * prefix name their point themselves.
   */
  events(events: readonly PointEvent[], from: number): number {
    const bytes = this.#bytes
    let i = from
    while (i < events.length) {
      const { spec } = events[i]!
      const group = spec.eventGroup!
      const variation = eventVariation(events[i]!)
      const layout = knownLayout(group, variation)
      const relative = isRelative(group, variation)
      const { time: commonTime, synchronised } = events[i]!
      const { sized } = spec
      const start = this.#length
      const headerAt = start + (relative ? CTO_OCTETS : 0)
      const most = sized ? 0xff : 0xffff
      let at = headerAt + (sized ? 4 : 5)
      let count = 0
      for (; i < events.length && count < most; i++) {
        const event = events[i]!
        if (event.spec !== spec || eventVariation(event) !== variation) break
        if (relative && !fitsCommonTime(event, commonTime, synchronised)) break
        const size = sampleSize(layout, event)
        if (at + PREFIX_OCTETS + size > bytes.length) break
        const prefix = sized ? size : event.index
        bytes[at] = prefix
        bytes[at + 1] = prefix >> 8
        at = encodeSample(spec, layout, event, commonTime, bytes, at + PREFIX_OCTETS)
        count++
      }
      if (count === 0) break
      if (relative) putCommonTime(commonTime, synchronised, bytes, start)
      bytes[headerAt] = group
      bytes[headerAt + 1] = variation
      bytes[headerAt + 2] = sized ? 0x5b : 0x28
      bytes[headerAt + 3] = count
      if (!sized) bytes[headerAt + 4] = count >> 8
      this.#length = at
    }
    return i - from
  }

  /** Writes points from `part.at` on, as many as fit, and moves it on; false if some are left. */
  statics(part: StaticPart): boolean {
    const { points } = part
    while (part.at < points.length) {
      const taken = this.#run(part)
      if (taken === 0) return false
      part.at += taken
    }
    return true
  }

  /** One header: points of consecutive indexes in one variation. Returns how many. */
  #run({ spec, points, variation: asked, at: from }: StaticPart): number {
    const first = points[from]!
    const variation = staticVariation(spec, first, asked)
    const layout = knownLayout(spec.group!, variation)
    const free = this.#bytes.length - this.#length - 7
    const most = mostObjects(layout, first, free)
    let end = from
    while (end < points.length && end - from < most) {
      const point = points[end]!
      if (point.index !== first.index + end - from) break
      if (staticVariation(spec, point, asked) !== variation) break
      end++
    }
    const count = end - from
    if (count > 0) this.#range(spec, variation, layout, points, from, end)
    return count
  }

  #range(
    spec: PointKindSpec,
    variation: number,
    layout: ObjectLayout,
    points: readonly Point[],
    from: number,
    end: number,
  ): void {
    const bytes = this.#bytes
    const start = points[from]!.index
    const stop = points[end - 1]!.index
    const wide = stop > 0xff
    let at = this.#length
    bytes[at] = spec.group!
    bytes[at + 1] = variation
    bytes[at + 2] = wide ? 0x01 : 0x00
    if (wide) {
      bytes[at + 3] = start
      bytes[at + 4] = start >> 8
      bytes[at + 5] = stop
      bytes[at + 6] = stop >> 8
    } else {
      bytes[at + 3] = start
      bytes[at + 4] = stop
    }
    at += wide ? 7 : 5
    if (layout.kind === 'packed') {
      for (let i = from; i < end; i++) {
        const bit = (i - from) * layout.bits
        bytes[at + (bit >> 3)]! |= Number(points[i]!.value) << (bit & 7)
      }
      at += Math.ceil(((end - from) * layout.bits) / 8)
    } else for (let i = from; i < end; i++) at = encodeSample(spec, layout, points[i]!, 0, bytes, at)
    this.#length = at
  }
}

function mostObjects(layout: ObjectLayout, first: Point, free: number): number {
  if (layout.kind === 'packed') return Math.max(0, Math.floor((free * 8) / layout.bits))
  return Math.max(0, Math.floor(free / sampleSize(layout, first)))
}

/** The variation in which a point is reported: one with flags where its flags say more than ONLINE. */
function staticVariation(spec: PointKindSpec, point: Point, asked: number): number {
  if (spec.octets) return (point.value as Uint8Array).length
  const variation = asked === 0 ? point.staticVariation : asked
  const flagged = spec.withFlags[variation]
  if (flagged === undefined) return variation
  if (spec.state !== 0) return point.flags === FLAGS.ONLINE ? variation : flagged
  return flagsOf(spec, knownLayout(spec.group!, flagged), point) === FLAGS.ONLINE ? variation : flagged
}

function fitsCommonTime(event: PointEvent, commonTime: number, synchronised: boolean): boolean {
  const relative = event.time - commonTime
  return relative >= 0 && relative <= MOST_RELATIVE && event.synchronised === synchronised
}

function putCommonTime(time: number, synchronised: boolean, bytes: Uint8Array, at: number): void {
  bytes[at] = COMMON_TIME
  bytes[at + 1] = synchronised ? 1 : 2
  bytes[at + 2] = 0x07
  bytes[at + 3] = 1
  putTime(time, bytes, at + 4)
}
