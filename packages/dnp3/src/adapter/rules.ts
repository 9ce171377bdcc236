import type { Direction, FrameRules } from '@gridseal/adapter'
import { Reader, UsageError } from '@gridseal/wire'
import type { Fragment } from '../codec/application.ts'
import { decodeFragment } from '../codec/application.ts'
import { segmentOf } from '../codec/frame-segment.ts'
import { FUNCTIONS } from '../codec/functions.ts'
import { decodeLinkFrame } from '../codec/link-frame.ts'
import { linkFunctionOf } from '../codec/link-functions.ts'
import type { ObjectHeader } from '../codec/object-walk.ts'
import { countOf, prefixOf, readNumber } from '../codec/qualifier.ts'
import { checkFraming } from '../framing/framer.ts'

/** Objects that a rule allows: of a group, maybe of one variation, maybe points by index. */
interface Objects {
  readonly group: number
  readonly variation: number | undefined
  readonly first: number
  readonly last: number
}

/** One rule; what it leaves out, it does not limit. */
interface Rule {
  readonly stations: ReadonlySet<number> | undefined
  readonly functions: ReadonlySet<number> | undefined
  readonly objects: readonly Objects[] | undefined
}

const KEYS = ['stations', 'functions', 'objects'] as const
const CONFIRM = 0
const AUTHENTICATION = 120
/** g120v3 and g120v9 wrap a request in aggressive mode, whatever it does. */
const WRAPPERS: readonly number[] = [3, 9]
/** Indexes are 16 bits wide. */
const ANY_LAST = Infinity

/**
 * Policy by outstation, function and object. A request passes if one rule allows all of it: the link address it goes to, its
 * function, and every object it names; a header that means all points of a group needs a rule for the whole group. A rule with
 * `objects` allows no function without objects, and no request of more than one frame: its objects are not all in one place.
 * Frames that go on with a request pass where a rule without `objects` could have let its beginning through; if its beginning
 * was held back a device ignores them. CONFIRM, frames of the link layer alone, and what comes from devices pass.
 *
 * Throws {@link UsageError} `adapter.rules` that says what is wrong.
 *
 * @example
 * dnp3Rules([
 *   { functions: [READ] },
 *   { stations: [10], functions: [SELECT, OPERATE], objects: ['g12/0..3', 'g41v3'] },
 *   { functions: [WRITE], objects: ['g50', 'g80/7'] },
 * ])
 */
export function dnp3Rules(raw: unknown): FrameRules {
  if (!Array.isArray(raw)) throw wrong('a list of rules is expected')
  const rules = raw.map((item: unknown, index) => ruleOf(item, index))
  return {
    permits: (bytes: Uint8Array, direction: Direction, framing?: string) => {
      checkFraming(framing)
      if (direction === 'to-master') return true
      try {
        return permits(rules, bytes)
      } catch {
        return false
      }
    },
  }
}

function permits(rules: readonly Rule[], bytes: Uint8Array): boolean {
  const frame = decodeLinkFrame(bytes)
  const segment = segmentOf(frame)
  if (segment === undefined) {
    const spec = linkFunctionOf(frame.primary, frame.function)
    return spec !== undefined && !spec.userData && frame.user.length === 0
  }
  const forStation = rules.filter(({ stations }) => stations?.has(frame.destination) !== false)
  if (!segment.first) return forStation.some(({ objects }) => objects === undefined)
  const fragment = decodeFragment(segment.data)
  if (fragment.function === CONFIRM && segment.final && fragment.headers.length === 0 && fragment.stop === undefined) {
    return true
  }
  return forStation.some((rule) => allows(rule, fragment, segment.final))
}

function allows({ functions, objects }: Rule, { function: code, headers, stop }: Fragment, whole: boolean): boolean {
  if (functions !== undefined && !functions.has(code)) return false
  if (objects === undefined) return true
  if (!whole || stop !== undefined) return false
  const named = headers.filter(({ group, variation }) => group !== AUTHENTICATION || !WRAPPERS.includes(variation))
  return named.length > 0 && named.every((header) => isAllowed(header, objects))
}

function isAllowed(header: ObjectHeader, objects: readonly Objects[]): boolean {
  const { group, variation, range, qualifier, data } = header
  const fitting = objects.filter(
    (one) => one.group === group && (one.variation === undefined || one.variation === variation),
  )
  const covered = (first: number, last: number): boolean =>
    fitting.some((one) => one.first <= first && last <= one.last)
  const prefix = prefixOf(qualifier)
  if (range.kind === 'start-stop') {
    if (!covered(range.start, range.stop)) return false
    // With indexes besides, which no standard request has, it is the device that decides which of them count.
    if (prefix?.kind === 'none') return true
  }
  const count = countOf(range)
  if (prefix?.kind !== 'index' || count === 0) return covered(0, ANY_LAST)
  const r = new Reader(data)
  const step = data.length / count - prefix.width
  for (let i = 0; i < count; i++) {
    const index = readNumber(r, prefix.width, 'index')
    if (!covered(index, index)) return false
    r.skip(step, 'object')
  }
  return true
}

function ruleOf(item: unknown, index: number): Rule {
  if (typeof item !== 'object' || item === null || Array.isArray(item)) throw wrong(`rule ${index + 1} is no map`)
  const unknown = Object.keys(item).find((key) => !KEYS.some((known) => known === key))
  if (unknown !== undefined) throw wrong(`rule ${index + 1}: ${unknown}: unknown key; there are ${KEYS.join(', ')}`)
  const given = item as Readonly<Record<string, unknown>>
  const list = <T>(
    key: (typeof KEYS)[number],
    read: (value: unknown) => T | undefined,
    what: string,
  ): T[] | undefined => {
    const value = given[key]
    if (value === undefined) return undefined
    if (!Array.isArray(value) || value.length === 0) throw wrong(`rule ${index + 1}: ${key}: a list that is not empty`)
    return value.map((one: unknown) => {
      const found = read(one)
      if (found === undefined) throw wrong(`rule ${index + 1}: ${key}: ${String(one)}: ${what}`)
      return found
    })
  }
  const stations = list('stations', stationOf, 'link addresses from 0 to 65535')
  const functions = list('functions', functionCodeOf, 'function codes, or names such as READ and DIRECT_OPERATE')
  const objects = list('objects', objectsOf, 'write g12, g12v1, g12/3 or g12/0..7')
  return { stations: stations && new Set(stations), functions: functions && new Set(functions), objects }
}

function stationOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0xffff ? value : undefined
}

function functionCodeOf(value: unknown): number | undefined {
  return FUNCTIONS.find(({ code, name, response }) => !response && (code === value || name === value))?.code
}

function objectsOf(value: unknown): Objects | undefined {
  const [, group, variation, first, last = first] =
    /^g(\d{1,3})(?:v(\d{1,3}))?(?:\/(\d{1,5})(?:\.\.(\d{1,5}))?)?$/.exec(String(value)) ?? []
  if (group === undefined || Number(group) > 255 || Number(variation ?? 0) > 255) return undefined
  if (Number(first ?? 0) > Number(last ?? 0) || Number(last ?? 0) > 0xffff) return undefined
  return {
    group: Number(group),
    variation: variation === undefined ? undefined : Number(variation),
    first: Number(first ?? 0),
    last: last === undefined ? ANY_LAST : Number(last),
  }
}

function wrong(message: string): UsageError {
  return new UsageError('adapter.rules', message)
}
