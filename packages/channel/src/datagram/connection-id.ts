import { randomBytes } from '@gridseal/pqc'

/** A connection id that is not 0 and that nobody can guess. */
export function newConnectionId(): number {
  const bytes = randomBytes(4)
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) || 1
}

/** The connection id of a record; -1 where it is too short to have one. */
export function idOf(record: Uint8Array): number {
  if (record.length < 6) return -1
  return new DataView(record.buffer, record.byteOffset).getUint32(2)
}
