import { MAX_PDU } from '../codec/limits.ts'
import type { DeviceObject, ReadDeviceIdentificationRequest, ReadDeviceIdentificationResponse } from '../codec/pdu.ts'

/** Highest object id of each read code (6.21): basic, regular, extended. */
const LAST_OBJECT = [0, 0x02, 0x7f, 0xff] as const
const ONE_OBJECT = 4
/** Function, MEI type, code, conformity, more, next object, number of objects. */
const HEADER = 7
const INDIVIDUAL_ACCESS = 0x80

/**
 * Answers a read of device identification: as many objects as fit, in order, and where to go on. Returns undefined for
 * an object that is not there (exception 02 when it was asked for alone).
 */
export function readIdentification(
  objects: ReadonlyMap<number, Uint8Array>,
  request: ReadDeviceIdentificationRequest,
): ReadDeviceIdentificationResponse | undefined {
  const { code, objectId } = request
  const kind = 'readDeviceIdentification'
  const conformity = INDIVIDUAL_ACCESS | conformityOf(objects)
  if (code === ONE_OBJECT) {
    const value = objects.get(objectId)
    if (value === undefined) return undefined
    return { kind, code, conformity, more: false, nextObjectId: 0, objects: [{ id: objectId, value }] }
  }
  const last = LAST_OBJECT[code]!
  const all = [...objects].filter(([id]) => id <= last)
  // An unknown object restarts at the first.
  const start = Math.max(
    0,
    all.findIndex(([id]) => id === objectId),
  )
  const answered: DeviceObject[] = []
  let room = MAX_PDU - HEADER
  let next = start
  for (; next < all.length; next++) {
    const [id, value] = all[next]!
    if (value.length + 2 > room) break
    room -= value.length + 2
    answered.push({ id, value })
  }
  const following = all[next]
  return {
    kind,
    code,
    conformity,
    more: following !== undefined,
    nextObjectId: following?.[0] ?? 0,
    objects: answered,
  }
}

function conformityOf(objects: ReadonlyMap<number, Uint8Array>): number {
  const highest = Math.max(...objects.keys())
  return highest <= LAST_OBJECT[1] ? 1 : highest <= LAST_OBJECT[2] ? 2 : 3
}
