import { UsageError } from '@gridseal/wire'
import { parse } from 'yaml'
import type { PointOptions } from '../session/outstation/database.ts'
import { POINT_KINDS, kindOf } from '../session/outstation/point-kinds.ts'
import type { PointKind } from '../session/outstation/point-kinds.ts'
import type { EventClass } from '../session/outstation/point.ts'

/** A change that a simulated outstation makes by itself. */
export interface ScriptedChange {
  readonly kind: PointKind
  readonly index: number
  /** Milliseconds after the start of the script, or of its next round. */
  readonly at: number
  readonly value?: number
  readonly flags?: number
}

/** A simulated outstation, or the names of the points of a real one. */
export interface OutstationModel {
  readonly points: readonly PointOptions[]
  readonly script: readonly ScriptedChange[]
  /** Milliseconds after which the script begins anew; 0: it runs once. */
  readonly repeat: number
  /** Device attributes of set 0: texts by variation. */
  readonly attributes: Readonly<Record<number, string>>
}

/** The names that a model gives to its points, by group of the present value and index: `g30/12`. */
export function pointNames({ points }: OutstationModel): ReadonlyMap<string, string> {
  return new Map(
    points.flatMap(({ kind, index, name }) =>
      name === undefined ? [] : [[`g${kindOf(kind).group}/${index}`, name] as const],
    ),
  )
}

type Row = Readonly<Record<string, unknown>>

const POINT_KEYS = ['kind', 'index', 'name', 'value', 'class', 'deadband', 'static', 'event', 'flags']
const CHANGE_KEYS = ['at', 'point', 'value', 'flags']
const MODEL_KEYS = ['points', 'script', 'repeat', 'attributes']
const MOST_POINTS = 65_536

/**
 * Reads a model: YAML with `points`, and maybe `script`, `repeat` and `attributes`; or CSV, a point a line under a line of names.
 * Throws {@link UsageError} `dnp3.model` that names the file and the place.
 *
 * @example
 * points:
 *   - { kind: analog-input, index: 0, name: Voltage, value: 230.1, class: 2, deadband: 0.5, static: 5 }
 *   - { kind: binary-input, index: 0..9 }
 * script:
 *   - { at: 500ms, point: Voltage, value: 231.4 }
 *   - { at: 1s, point: binary-input/3, value: 1 }
 * repeat: 2s
 */
export function parseOutstationModel(source: string, file: string): OutstationModel {
  const wrong = (where: string, why: string): UsageError =>
    new UsageError('dnp3.model', `${file}: ${where === '' ? '' : `${where}: `}${why}`, { file, where })
  const document = /\.csv$/i.test(file) ? { points: csvRows(source, wrong) } : parseYaml(source, wrong)
  known(document, MODEL_KEYS, '', wrong)
  const rows = document['points']
  if (!Array.isArray(rows)) throw wrong('points', 'a list of points is needed')
  const points = rows.flatMap((row: unknown, i) => pointsOf(asRow(row, `points[${i}]`, wrong), `points[${i}]`, wrong))
  if (points.length > MOST_POINTS) throw wrong('points', `more than ${MOST_POINTS}`)
  const script = document['script'] ?? []
  if (!Array.isArray(script)) throw wrong('script', 'it is a list of changes')
  const changes = script.map((row: unknown, i) =>
    changeOf(asRow(row, `script[${i}]`, wrong), points, `script[${i}]`, wrong),
  )
  const attributes = asRow(document['attributes'] ?? {}, 'attributes', wrong)
  return {
    points,
    script: changes.sort((a, b) => a.at - b.at),
    repeat: duration(document['repeat'] ?? 0, 'repeat', wrong),
    attributes: Object.fromEntries(
      Object.entries(attributes).map(([variation, text]) => [Number(variation), String(text)]),
    ),
  }
}

type Wrong = (where: string, why: string) => UsageError

function parseYaml(source: string, wrong: Wrong): Row {
  let document: unknown
  try {
    document = parse(source)
  } catch (error) {
    throw wrong('', error instanceof Error ? error.message : String(error))
  }
  return asRow(document, '', wrong)
}

function csvRows(source: string, wrong: Wrong): Row[] {
  const [head, ...lines] = source.split(/\r?\n/).filter((line) => line.trim() !== '' && !line.startsWith('#'))
  if (head === undefined) throw wrong('line 1', 'a line with the names of the columns is needed')
  const names = head.split(',').map((name) => name.trim())
  return lines.map((line, i) => {
    const cells = line.split(',').map((cell) => cell.trim())
    if (cells.length > names.length) throw wrong(`row ${i + 1}`, `${cells.length} cells under ${names.length} names`)
    return Object.fromEntries(cells.flatMap((cell, k) => (cell === '' ? [] : [[names[k] ?? '', plain(cell)]])))
  })
}

function plain(cell: string): string | number {
  return /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(cell) ? Number(cell) : cell
}

function asRow(value: unknown, where: string, wrong: Wrong): Row {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Row
  throw wrong(where, 'names with values are needed')
}

function known(row: Row, keys: readonly string[], where: string, wrong: Wrong): void {
  const unknown = Object.keys(row).find((name) => !keys.includes(name))
  if (unknown !== undefined) throw wrong(where, `there is no "${unknown}", only ${keys.join(', ')}`)
}

function pointsOf(row: Row, where: string, wrong: Wrong): PointOptions[] {
  known(row, POINT_KEYS, where, wrong)
  const kind = kindNamed(row['kind'], where, wrong)
  const [, first, last] = /^(\d+)(?:\.\.(\d+))?$/.exec(String(row['index'] ?? '')) ?? []
  if (first === undefined) throw wrong(where, 'index is a number, or a range like 0..9')
  const [start, stop] = [Number(first), Number(last ?? first)]
  if (stop < start || stop > 0xffff) throw wrong(where, `no range of indexes: ${start}..${stop}`)
  const number = (name: string): number | undefined => {
    const value = row[name]
    if (value === undefined || typeof value === 'number') return value
    if (typeof value === 'boolean') return value ? 1 : 0
    throw wrong(where, `${name} is a number`)
  }
  const { octets } = kindOf(kind)
  const value = octets ? new TextEncoder().encode(String(row['value'] ?? ' ')) : (number('value') ?? 0)
  const eventClass = number('class')
  if (eventClass !== undefined && ![0, 1, 2, 3].includes(eventClass)) throw wrong(where, 'a class is 0, 1, 2 or 3')
  const name = row['name'] === undefined ? undefined : String(row['name'])
  const optional = {
    class: eventClass as EventClass | undefined,
    deadband: number('deadband'),
    staticVariation: number('static'),
    eventVariation: number('event'),
    flags: number('flags'),
  }
  const given = Object.fromEntries(Object.entries(optional).filter(([, option]) => option !== undefined))
  return Array.from({ length: stop - start + 1 }, (_, i) => ({
    kind,
    index: start + i,
    value,
    ...(name !== undefined && { name: stop === start ? name : `${name} ${start + i}` }),
    ...given,
  }))
}

function kindNamed(name: unknown, where: string, wrong: Wrong): PointKind {
  const spec = POINT_KINDS.find(({ kind }) => kind === name)
  if (spec?.group === undefined) {
    const names = POINT_KINDS.filter(({ group }) => group !== undefined).map(({ kind }) => kind)
    throw wrong(where, `kind is one of ${names.join(', ')}`)
  }
  return spec.kind
}

function changeOf(row: Row, points: readonly PointOptions[], where: string, wrong: Wrong): ScriptedChange {
  known(row, CHANGE_KEYS, where, wrong)
  const named = String(row['point'] ?? '')
  const point = points.find(({ kind, index, name }) => name === named || `${kind}/${index}` === named)
  if (point === undefined) throw wrong(where, `there is no point "${named}"; write its name, or analog-input/0`)
  const { value, flags } = row
  for (const one of [value, flags]) {
    if (one !== undefined && typeof one !== 'number' && typeof one !== 'boolean')
      throw wrong(where, 'value and flags are numbers')
  }
  if (value === undefined && flags === undefined) throw wrong(where, 'it changes nothing: value or flags are needed')
  return {
    kind: point.kind,
    index: point.index,
    at: duration(row['at'] ?? 0, where, wrong),
    ...(value !== undefined && { value: Number(value) }),
    ...(flags !== undefined && { flags: Number(flags) }),
  }
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

function duration(value: unknown, where: string, wrong: Wrong): number {
  const [, digits, unit = 'ms'] = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(String(value)) ?? []
  if (digits === undefined) throw wrong(where, `a duration is written like 500ms, 2s or 1m, not ${String(value)}`)
  return Math.round(Number(digits) * (UNITS[unit] ?? 1))
}
