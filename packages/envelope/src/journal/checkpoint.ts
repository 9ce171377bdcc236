import { CborReader } from '../cbor/reader.ts'
import { CborWriter } from '../cbor/writer.ts'
import type { LogPosition } from '../entry.ts'
import { STREAM_CLASSES } from '../entry.ts'
import { DIRECTIONS, STREAM_ID_LENGTH, oneOf } from '../leaf.ts'
import { HASH_LENGTH } from '../merkle/hash.ts'

// A checkpoint tells where a log stood when this journal joined it in the middle:
//   ["checkpoint", stream, next, treeSize, root, created, [* hash], site, direction, class]
const NAME = 'checkpoint'
const FIRST_OCTET = 0x8a

/** Whether a journal record (or message) is a checkpoint; anything else is a sealed batch. */
export function isCheckpoint(bytes: Uint8Array): boolean {
  return bytes[0] === FIRST_OCTET
}

export function encodeCheckpoint(position: LogPosition): Uint8Array {
  const w = new CborWriter(1024)
  w.array(10).text(NAME).bytes(position.stream).uint(position.next).uint(position.treeSize)
  w.bytes(position.root).uint(position.created).array(position.frontier.length)
  for (const hash of position.frontier) w.bytes(hash)
  w.text(position.site).uint(DIRECTIONS.indexOf(position.direction)).uint(STREAM_CLASSES.indexOf(position.class))
  return w.finish()
}

/** Throws `DecodeError`. */
export function decodeCheckpoint(bytes: Uint8Array): LogPosition {
  const r = new CborReader(bytes)
  r.fixedArray(10, 'checkpoint')
  if (r.text('name') !== NAME) throw r.error('envelope.checkpoint', 'name', 'not a checkpoint')
  const stream = r.fixedBytes(STREAM_ID_LENGTH, 'stream')
  const next = r.uint('next')
  const treeSize = r.uint('treeSize')
  const root = r.fixedBytes(HASH_LENGTH, 'root')
  const created = r.uint64('created')
  const frontier: Uint8Array[] = []
  for (let left = r.array('frontier'); left > 0; left--) frontier.push(r.fixedBytes(HASH_LENGTH, 'frontier'))
  const site = r.text('site')
  const direction = oneOf(r, DIRECTIONS, 'direction')
  const streamClass = oneOf(r, STREAM_CLASSES, 'class')
  r.expectEnd('end')
  return { site, direction, class: streamClass, stream, next, treeSize, root, created, frontier }
}
