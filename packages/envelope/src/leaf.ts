import { UsageError } from '@gridseal/wire'
import type { VerifyingKey } from '@gridseal/pqc'
import { CborReader } from './cbor/reader.ts'
import type { CborWriter } from './cbor/writer.ts'
import { decodeCoseKey, encodeCoseKey } from './cose-key.ts'
import type { Entry, LinkEvent, LogEnd, LogHeader, SequencedEntry, StreamDirection } from './entry.ts'
import { STREAM_CLASSES } from './entry.ts'
import { HASH_LENGTH } from './merkle/hash.ts'

// A leaf is a CBOR array whose first item says what it is (docs/envelope.cddl):
//   header = [0, version, site, direction, class, stream, key-id, created, reason, previous / null]
//   frame  = [1, link, connection, direction, sequence, time, protocol, bytes]
//   event  = [2, link, connection, direction, sequence, time, event, detail]
//   key    = [3, sequence, time, COSE_Key]      the last leaf of its log
const HEADER = 0
const FRAME = 1
const EVENT = 2
const KEY_CHANGE = 3

export const LOG_VERSION = 2
/** Octets of a stream (log) id. */
export const STREAM_ID_LENGTH = 16

export const DIRECTIONS: readonly StreamDirection[] = ['to-device', 'to-master']
const EVENTS: readonly LinkEvent[] = ['opened', 'closed', 'failed', 'reset']

export function writeHeaderLeaf(w: CborWriter, header: LogHeader): void {
  w.array(10).uint(HEADER).uint(header.version).text(header.site)
  w.uint(DIRECTIONS.indexOf(header.direction)).uint(STREAM_CLASSES.indexOf(header.class))
  w.bytes(header.stream).bytes(header.keyId).uint(header.created).text(header.reason)
  const { previous } = header
  if (previous === undefined) w.null()
  else w.array(3).bytes(previous.stream).uint(previous.treeSize).bytes(previous.root)
}

export function writeEntryLeaf(w: CborWriter, entry: Entry, sequence: number): void {
  w.array(8)
    .uint(entry.kind === 'frame' ? FRAME : EVENT)
    .text(entry.link)
    .uint(entry.connection)
    .uint(DIRECTIONS.indexOf(entry.direction))
    .uint(sequence)
    .uint(entry.time)
  if (entry.kind === 'frame') w.text(entry.protocol).bytes(entry.bytes)
  else w.uint(EVENTS.indexOf(entry.event)).text(entry.detail)
}

/** Header of a log from its leaf 0. Throws `DecodeError`. */
export function readHeaderLeaf(leaf: Uint8Array): LogHeader {
  const r = new CborReader(leaf)
  const items = r.array('leaf')
  if (r.uint('type') !== HEADER) throw r.error('leaf.type', 'type', 'leaf 0 is not a log header')
  const version = r.uint('version')
  if (version !== LOG_VERSION) throw r.error('leaf.version', 'version', `version ${version} is unknown`)
  if (items !== 10) throw r.error('cbor.length', 'leaf', `${items} items where 10 are due`)
  const site = r.text('site')
  const direction = oneOf(r, DIRECTIONS, 'direction')
  const streamClass = oneOf(r, STREAM_CLASSES, 'class')
  const stream = r.fixedBytes(STREAM_ID_LENGTH, 'stream')
  const keyId = r.fixedBytes(HASH_LENGTH, 'keyId')
  const created = r.uint64('created')
  const reason = r.text('reason')
  const previous = r.tryNull('previous') ? undefined : readLogEnd(r)
  r.expectEnd('end')
  return { version, site, direction, class: streamClass, stream, keyId, created, reason, previous }
}

function readLogEnd(r: CborReader): LogEnd {
  r.fixedArray(3, 'previous')
  return {
    stream: r.fixedBytes(STREAM_ID_LENGTH, 'previous.stream'),
    treeSize: r.uint('previous.treeSize'),
    root: r.fixedBytes(HASH_LENGTH, 'previous.root'),
  }
}

/** The last leaf of a log: the next log of the stream is signed with this key. The old key signs for it. */
export interface KeyChange {
  readonly sequence: number
  /** Nanoseconds since 1970-01-01 UTC. */
  readonly time: bigint
  readonly key: VerifyingKey
}

export function writeKeyChangeLeaf(w: CborWriter, change: KeyChange): void {
  w.array(4).uint(KEY_CHANGE).uint(change.sequence).uint(change.time).bytes(encodeCoseKey(change.key))
}

/** Whether a leaf is a change of keys, as its first two octets say. */
export function isKeyChangeLeaf(leaf: Uint8Array): boolean {
  return leaf[0] === 0x84 && leaf[1] === KEY_CHANGE
}

/** Throws `DecodeError`. */
export function readKeyChangeLeaf(leaf: Uint8Array): KeyChange {
  const r = new CborReader(leaf)
  r.fixedArray(4, 'leaf')
  if (r.uint('type') !== KEY_CHANGE) throw r.error('leaf.type', 'type', 'not a change of keys')
  const sequence = r.uint('sequence')
  const time = r.uint64('time')
  const key = decodeCoseKey(r.bytes('key'))
  r.expectEnd('end')
  return { sequence, time, key }
}

/** Entry of a leaf other than leaf 0. Throws `DecodeError`. `bytes` is a view of the leaf. */
export function readEntryLeaf(leaf: Uint8Array): SequencedEntry {
  const r = new CborReader(leaf)
  r.fixedArray(8, 'leaf')
  const type = r.uint('type')
  if (type !== FRAME && type !== EVENT) throw r.error('leaf.type', 'type', `leaf type ${type} is unknown`)
  const link = r.text('link')
  const connection = r.uint('connection')
  const direction = oneOf(r, DIRECTIONS, 'direction')
  const sequence = r.uint('sequence')
  const time = r.uint64('time')
  let entry: SequencedEntry
  if (type === FRAME) {
    const protocol = r.text('protocol')
    entry = { kind: 'frame', link, connection, direction, sequence, time, protocol, bytes: r.bytes('bytes') }
  } else {
    const event = oneOf(r, EVENTS, 'event')
    entry = { kind: 'event', link, connection, direction, sequence, time, event, detail: r.text('detail') }
  }
  r.expectEnd('end')
  return entry
}

export function oneOf<T>(r: CborReader, values: readonly T[], field: string): T {
  const value = values[r.uint(field)]
  if (value === undefined) throw r.error('leaf.value', field, 'unknown value')
  return value
}

/** Throws `UsageError` for an entry that no leaf can carry. */
export function checkEntry(entry: Entry): void {
  if (entry.link === '' || entry.link.length > 200)
    throw new UsageError('envelope.link', `bad link name "${entry.link}"`)
  if (!Number.isSafeInteger(entry.connection) || entry.connection < 0) {
    throw new UsageError('envelope.connection', `bad connection number ${entry.connection}`)
  }
}
