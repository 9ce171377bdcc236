import type { FunctionSpec } from './functions.ts'
import { ObjectCursor } from './object-cursor.ts'
import type { ObjectRange } from './qualifier.ts'
import type { WalkStop } from './walk-stop.ts'

/** One object header and what follows it. */
export interface ObjectHeader {
  readonly group: number
  readonly variation: number
  readonly qualifier: number
  readonly range: ObjectRange
  /** Prefixes and objects, a view: exactly the octets that belong to this header. */
  readonly data: Uint8Array
  /** Whether `data` holds objects: neither nothing nor the bare indexes of those meant. */
  readonly carriesObjects: boolean
}

/** What was found in the octets behind an application header. */
export interface ObjectWalk {
  /** The headers whose octets are all there, in wire order. */
  readonly headers: readonly ObjectHeader[]
  /** Where the walk ended early. */
  readonly stop: WalkStop | undefined
  /** The octets from the header on at which it ended; empty without a stop. */
  readonly rest: Uint8Array
}

const NOTHING = new Uint8Array(0)
const ALL: ObjectRange = { kind: 'all' }

/**
 * Walks the object headers of `fragment` from `offset` on. Ends at the first header whose objects cannot be told or are
 * not all there, and keeps those before it. Never throws; nothing is allocated by a count.
 */
export function walkObjects(fragment: Uint8Array, offset: number, spec: FunctionSpec | undefined): ObjectWalk {
  const headers: ObjectHeader[] = []
  const cursor = new ObjectCursor()
  cursor.load(fragment, offset, fragment.length, spec)
  while (cursor.next()) headers.push(headerAt(cursor, fragment))
  const stop = cursor.ended()
  return { headers, stop, rest: stop === undefined ? NOTHING : fragment.subarray(cursor.headerAt) }
}

function headerAt(cursor: ObjectCursor, fragment: Uint8Array): ObjectHeader {
  const { group, variation, qualifier, dataAt, at, carriesObjects } = cursor
  const data = at === dataAt ? NOTHING : fragment.subarray(dataAt, at)
  return { group, variation, qualifier, range: rangeAt(cursor), data, carriesObjects }
}

function rangeAt({ rangeKind, start, stop, count }: ObjectCursor): ObjectRange {
  if (rangeKind === 'all') return ALL
  return rangeKind === 'count' ? { kind: rangeKind, count } : { kind: rangeKind, start, stop }
}
