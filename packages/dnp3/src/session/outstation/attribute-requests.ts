import { DecodeError } from '@gridseal/wire'
import { ALL_ATTRIBUTES, decodeAttribute, encodeAttribute } from '../../codec/attributes.ts'
import { decodeObjects } from '../../codec/objects.ts'
import type { ObjectHeader } from '../../codec/object-walk.ts'
import type { RequestContext } from './context.ts'
import { OBJECT_UNKNOWN, PARAMETER_ERROR } from './context.ts'
import type { StaticPart } from './fragment-writer.ts'
import { headerOctets } from '../../codec/header-octets.ts'

/** READ of g0: the range names the set; v254 all attributes, v255 the list of those there are. */
export function readAttributes(
  { session }: RequestContext,
  { variation, range }: ObjectHeader,
  parts: (StaticPart | Uint8Array)[],
): number {
  if (variation === 0) return OBJECT_UNKNOWN
  const set = range.kind === 'start-stop' ? range.start : 0
  if (range.kind === 'count' || range.kind === 'virtual' || (range.kind === 'start-stop' && range.stop !== set)) {
    return PARAMETER_ERROR
  }
  if (set > 255) return PARAMETER_ERROR
  const wanted =
    variation === ALL_ATTRIBUTES ? session.attributes.list(set).map((entry) => entry.variation) : [variation]
  let found = false
  for (const one of wanted) {
    const value = session.attributes.get(set, one)
    if (value === undefined) continue
    found = true
    parts.push(headerOctets(0, one, 0x00, [{ index: set, value: encodeAttribute(value) }]))
  }
  return found ? 0 : OBJECT_UNKNOWN
}

/** WRITE of g0. */
export function writeAttribute({ session }: RequestContext, header: ObjectHeader): number {
  for (const { index, value } of decodeObjects(header)) {
    if (!(value instanceof Uint8Array)) return PARAMETER_ERROR
    try {
      if (!session.attributes.write(index, header.variation, decodeAttribute(value))) return PARAMETER_ERROR
    } catch (error) {
      if (error instanceof DecodeError) return PARAMETER_ERROR
      throw error
    }
  }
  return header.carriesObjects ? 0 : PARAMETER_ERROR
}
