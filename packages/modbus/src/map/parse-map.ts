import { UsageError } from '@gridseal/wire'
import { LineCounter, isMap, isNode, isSeq, parseDocument } from 'yaml'
import type { Node } from 'yaml'
import { MAX_READ_BITS, MAX_READ_WORDS } from '../codec/limits.ts'
import type { ReadLimits } from '../session/merge.ts'
import { readCsv } from './csv.ts'
import type { DeviceMap, MapPoint } from './device-map.ts'
import { cellsOf, overlap } from './device-map.ts'
import type { MapRow, RowDefaults } from './map-row.ts'
import { pointOf } from './map-row.ts'
import type { Order } from './value-types.ts'
import { ORDERS } from './value-types.ts'

/** One thing wrong with a map. */
export interface MapProblem {
  /** 1-based. */
  readonly line: number
  /** What is wrong and what is allowed. */
  readonly message: string
}

const DEFAULT_CLASSES: Readonly<Record<string, number>> = { normal: 10_000 }
const DEFAULTS: RowDefaults = { base: 0, order: 'ABCD', classes: DEFAULT_CLASSES }
const HEAD_KEYS = ['name', 'base', 'order', 'limits', 'classes', 'points'] as const
const LIMIT_KEYS = ['words', 'bits', 'gap'] as const
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/**
 * Reads a device map: CSV where the file name ends so, else YAML. Throws {@link UsageError} `modbus.map` that names
 * file, line and what is allowed, for every problem at once (`details.problems`).
 */
export function parseDeviceMap(source: string, file: string): DeviceMap {
  const problems: MapProblem[] = []
  const map = /\.csv$/i.test(file) ? mapOfCsv(source, file, problems) : mapOfYaml(source, file, problems)
  const warnings = check(map.points, problems)
  if (problems.length === 0) return { ...map, warnings: warnings.map((text) => `${file}:${text}`) }
  problems.sort((a, b) => a.line - b.line)
  const text = problems.map(({ line, message }) => `${file}:${line}: ${message}`).join('\n')
  throw new UsageError('modbus.map', text, { file, problems })
}

type Parsed = Omit<DeviceMap, 'warnings'>

/** One point a row; the first row names the columns. */
function mapOfCsv(source: string, file: string, problems: MapProblem[]): Parsed {
  const rows = readCsv(source)
  const columns = (rows[0]?.cells ?? []).map((cell) => cell.trim().toLowerCase())
  if (!columns.includes('name')) problems.push({ line: 1, message: 'the first row names the columns; name is missing' })
  const classes: Record<string, number> = {}
  const points = rows.slice(1).map(({ cells, line }): [MapRow, number] => {
    const row = Object.fromEntries(cells.map((cell, i) => [columns[i] ?? `column ${i + 1}`, cell]))
    return [row, line]
  })
  // A CSV file has no place for periods: classes are those it names, all with the usual one.
  for (const [row] of points) {
    const name = String(row['class'] ?? '').trim()
    if (name !== '') classes[name] = DEFAULT_CLASSES['normal']!
  }
  const defaults = { ...DEFAULTS, classes: { ...DEFAULT_CLASSES, ...classes } }
  return { name: file, limits: {}, classes: defaults.classes, points: pointsOf(points, defaults, problems) }
}

function mapOfYaml(source: string, file: string, problems: MapProblem[]): Parsed {
  const lines = new LineCounter()
  const document = parseDocument(source, { lineCounter: lines, uniqueKeys: true })
  const lineOf = (node: unknown): number =>
    isNode(node) && node.range ? lines.linePos((node as Node).range![0]).line : 1
  for (const error of document.errors) {
    problems.push({ line: error.linePos?.[0].line ?? 1, message: error.message.split('\n')[0] ?? error.message })
  }
  const empty: Parsed = { name: file, limits: {}, classes: DEFAULT_CLASSES, points: [] }
  if (problems.length > 0) return empty
  const { contents } = document
  if (!isMap(contents)) {
    problems.push({ line: 1, message: 'a map with the key points is expected' })
    return empty
  }
  const head = document.toJS({ maxAliasCount: 100 }) as Readonly<Record<string, unknown>>
  const keyLine = (key: string): number => lineOf(contents.items.find((item) => String(item.key) === key)?.key)
  const wrong = (key: string, message: string): unknown =>
    problems.push({ line: keyLine(key), message: `${key}: ${message}` })
  for (const key of Object.keys(head)) {
    if (!HEAD_KEYS.some((known) => known === key)) wrong(key, `unknown key; there are ${HEAD_KEYS.join(', ')}`)
  }
  const { base = 0, order = 'ABCD', name = file } = head
  if (base !== 0 && base !== 1) wrong('base', 'allowed: 0 (addresses as on the wire), 1 (as in most manuals)')
  if (!ORDERS.some((known) => known === order)) wrong('order', `allowed: ${ORDERS.join(', ')}`)
  const classes = classesOf(head['classes'], wrong)
  const limits = limitsOf(head['limits'], wrong)
  const list = contents.get('points')
  const rows = (Array.isArray(head['points']) ? head['points'] : []) as MapRow[]
  if (rows.length === 0) wrong('points', 'a list of points is missing')
  const defaults = { base: base === 1 ? 1 : 0, order: order as Order, classes }
  const located = rows.map((row, i): [MapRow, number] => [row, isSeq(list) ? lineOf(list.items[i]) : 1])
  return { name: String(name), limits, classes, points: pointsOf(located, defaults, problems) }
}

function pointsOf(rows: readonly [MapRow, number][], defaults: RowDefaults, problems: MapProblem[]): MapPoint[] {
  const points: MapPoint[] = []
  for (const [row, line] of rows) {
    if (typeof row !== 'object' || row === null) {
      problems.push({ line, message: 'a point is a map with name, address and type' })
      continue
    }
    const point = pointOf(row, defaults, line, (key, message) => problems.push({ line, message: `${key}: ${message}` }))
    if (point !== undefined) points.push(point)
  }
  return points
}

function classesOf(value: unknown, wrong: (key: string, message: string) => unknown): Readonly<Record<string, number>> {
  if (value === undefined) return DEFAULT_CLASSES
  if (typeof value !== 'object' || value === null || Object.keys(value).length === 0) {
    wrong('classes', 'names and periods, e.g. fast: 1s')
    return DEFAULT_CLASSES
  }
  const classes: Record<string, number> = {}
  for (const [name, period] of Object.entries(value)) {
    const [, digits, unit] = /^(\d+)\s*(ms|s|m|h)$/.exec(String(period)) ?? []
    classes[name] = Number(digits ?? 0) * (UNITS[unit ?? ''] ?? 0)
    if (classes[name] === 0) wrong('classes', `${name}: "${String(period)}" is no period such as 500ms, 10s, 1m`)
  }
  return classes
}

function limitsOf(value: unknown, wrong: (key: string, message: string) => unknown): ReadLimits {
  if (value === undefined) return {}
  if (typeof value !== 'object' || value === null) {
    wrong('limits', `allowed: ${LIMIT_KEYS.join(', ')}`)
    return {}
  }
  const most: Readonly<Record<string, number>> = { words: MAX_READ_WORDS, bits: MAX_READ_BITS, gap: MAX_READ_WORDS }
  for (const [key, limit] of Object.entries(value)) {
    const largest = most[key]
    if (largest === undefined) wrong('limits', `${key}: unknown key; there are ${LIMIT_KEYS.join(', ')}`)
    else if (!Number.isInteger(limit) || Number(limit) < (key === 'gap' ? 0 : 1) || Number(limit) > largest) {
      wrong('limits', `${key}: a whole number up to ${largest}`)
    }
  }
  return value
}

/** What only shows when all points are there. Returns what is allowed and still worth a look. */
function check(points: readonly MapPoint[], problems: MapProblem[]): string[] {
  const warnings: string[] = []
  const names = new Map<string, MapPoint>()
  for (const point of points) {
    const { name, line, initial } = point
    const same = names.get(name)
    if (same !== undefined) problems.push({ line, message: `name: "${name}" is in line ${same.line} already` })
    names.set(name, point)
    if (initial === undefined) continue
    try {
      cellsOf(point, initial)
    } catch (error) {
      if (!(error instanceof UsageError)) throw error
      problems.push({ line, message: `initial: ${error.message}` })
    }
  }
  const sorted = [...points].sort((a, b) => a.table.localeCompare(b.table) || a.address - b.address)
  for (const [i, point] of sorted.entries()) {
    for (let j = i + 1; j < sorted.length && sorted[j]!.address < point.address + point.quantity; j++) {
      const other = sorted[j]!
      if (other.table !== point.table) break
      if (overlap(point, other)) warnings.push(`${other.line}: "${other.name}" lies on "${point.name}"`)
    }
  }
  return warnings
}
