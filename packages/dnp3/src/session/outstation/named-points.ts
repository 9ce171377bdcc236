import { Reader } from '@gridseal/wire'
import type { ObjectHeader } from '../../codec/object-walk.ts'
import { prefixOf, readNumber } from '../../codec/qualifier.ts'
import { PARAMETER_ERROR } from './context.ts'
import type { PointTable } from './database.ts'
import type { Point } from './point.ts'

/**
 * The points that a header names: all, a range, a list of indexes, or the first so many. Those that are missing are left out;
 * PARAMETER_ERROR if the header names one that is not there at either end, or in its list.
 */
export function pointsOf(table: PointTable, header: ObjectHeader): { iin: number; points: readonly Point[] } {
  const { range, qualifier, data } = header
  if (range.kind === 'all') return { iin: 0, points: table.points }
  if (range.kind !== 'count') {
    // Indexes are 16 bits wide, whatever the qualifier.
    if (range.kind === 'virtual' || range.stop > 0xffff) return { iin: PARAMETER_ERROR, points: [] }
    const points = table.points.slice(table.firstFrom(range.start), table.firstFrom(range.stop + 1))
    const whole = table.get(range.start) !== undefined && table.get(range.stop) !== undefined
    return { iin: whole ? 0 : PARAMETER_ERROR, points }
  }
  const prefix = prefixOf(qualifier)
  if (prefix === undefined || prefix.kind === 'size') return { iin: PARAMETER_ERROR, points: [] }
  if (prefix.kind === 'none') return { iin: 0, points: table.points.slice(0, range.count) }
  const r = new Reader(data)
  let iin = 0
  const points: Point[] = []
  for (let i = range.count; i > 0; i--) {
    const point = table.get(readNumber(r, prefix.width, 'index'))
    if (point === undefined) iin = PARAMETER_ERROR
    else points.push(point)
  }
  return { iin, points }
}
