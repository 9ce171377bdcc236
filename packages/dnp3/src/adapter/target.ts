import type { Fragment } from '../codec/application.ts'
import type { ObjectHeader } from '../codec/object-walk.ts'
import { countOf, prefixOf, readNumber } from '../codec/qualifier.ts'
import { Reader } from '@gridseal/wire'

/** A target names so many places and counts the rest. */
const MOST = 8

/**
 * What a request acts on, e.g. `g12/1, g12/3..5`: group and indexes, or `g60v2` where it names none.
 */
export function targetOf(fragment: Fragment): string {
  const places: string[] = []
  let more = 0
  const add = (place: () => string): void => {
    if (places.length < MOST) places.push(place())
    else more++
  }
  for (const header of fragment.headers) addPlaces(header, add)
  const { stop } = fragment
  if (stop?.group !== undefined) add(() => `g${stop.group}v${stop.variation}`)
  return more === 0 ? places.join(', ') : `${places.join(', ')} and ${more} more`
}

function addPlaces(header: ObjectHeader, add: (place: () => string) => void): void {
  const { group, variation, range } = header
  const prefix = prefixOf(header.qualifier)
  if (range.kind === 'start-stop') {
    add(() => (range.start === range.stop ? `g${group}/${range.start}` : `g${group}/${range.start}..${range.stop}`))
    return
  }
  const count = countOf(range)
  if (prefix?.kind !== 'index' || count === 0) {
    add(() => `g${group}v${variation}`)
    return
  }
  const r = new Reader(header.data)
  const step = header.data.length / count - prefix.width
  for (let i = 0; i < count; i++) {
    const index = readNumber(r, prefix.width, 'index')
    add(() => `g${group}/${index}`)
    r.skip(step, 'object')
  }
}
