import { DecodeError } from '@gridseal/wire'
import { decodeDataSet, decodeDescriptor, encodeDescriptor } from '../../codec/data-sets.ts'
import { decodeObjects } from '../../codec/objects.ts'
import type { ObjectHeader } from '../../codec/object-walk.ts'
import type { RequestContext } from './context.ts'
import { OBJECT_UNKNOWN, PARAMETER_ERROR } from './context.ts'
import { DATA_SET, snapshot } from './data-set-store.ts'
import type { StaticPart } from './fragment-writer.ts'
import { headerOctets, sizedOctets } from '../../codec/header-octets.ts'

/** READ of g85v1 prototypes, g86v1 descriptors, g86v2 characteristics, g87v1 present values; by index. */
export function readDataSets(
  { session }: RequestContext,
  { group, variation, range }: ObjectHeader,
  parts: (StaticPart | Uint8Array)[],
): number {
  const { prototypes, sets } = session.dataSets
  const count = group === 85 ? prototypes.length : sets.length
  if (variation > (group === 86 ? 2 : 1)) return OBJECT_UNKNOWN
  const [start, stop] = range.kind === 'start-stop' ? [range.start, range.stop] : [0, count - 1]
  if (range.kind !== 'all' && (range.kind !== 'start-stop' || stop >= count)) return PARAMETER_ERROR
  for (let i = start; i <= stop; i++) {
    if (group === 85) parts.push(sizedOctets(85, 1, encodeDescriptor(prototypes[i]!)))
    else if (group === 87) {
      parts.push(sizedOctets(87, 1, snapshot(sets[i]!, i)))
    } else if (variation === 2) {
      parts.push(headerOctets(86, 2, 0x01, [{ index: i, characteristics: sets[i]!.characteristics }]))
    } else parts.push(sizedOctets(86, 1, encodeDescriptor(sets[i]!.descriptor)))
  }
  return 0
}

/** WRITE of g85v1 and g86v1 (definitions) and g87v1 (values). */
export function writeDataSets({ session, now }: RequestContext, header: ObjectHeader): number {
  const { group, variation } = header
  if (variation !== 1) return OBJECT_UNKNOWN
  for (const { value } of decodeObjects(header)) {
    if (!(value instanceof Uint8Array)) return PARAMETER_ERROR
    try {
      if (group === 87) {
        const { id, time, values } = decodeDataSet(value.slice())
        const set = session.dataSets.byId(id)
        if (set === undefined || (set.characteristics & DATA_SET.WRITABLE) === 0) return PARAMETER_ERROR
        session.dataSets.update(id, values, session.database, now, time)
      } else if (!session.dataSets.define(group === 85 ? 85 : 86, decodeDescriptor(value.slice())))
        return PARAMETER_ERROR
    } catch (error) {
      if (error instanceof DecodeError) return PARAMETER_ERROR
      throw error
    }
  }
  return header.carriesObjects ? 0 : PARAMETER_ERROR
}
