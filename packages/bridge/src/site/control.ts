import type { CborValue, Recipient, StreamClass } from '@gridseal/envelope'
import { STREAM_CLASSES, decodeCbor, encodeCbor } from '@gridseal/envelope'
import { DecodeError } from '@gridseal/wire'

/** Channel ports of the bridge protocol. */
export const PORT_CONTROL = 0
/** Batches of the first stream class; those of the others on the ports behind it. */
export const PORT_BATCH = 1

/** Real-time messages, behind the ports of all stream classes. */
export const PORT_REALTIME = 5

export const BRIDGE_PROTOCOL_VERSION = 4

/** Where a receiver stands in a stream: the next batch of a log that it takes. */
export interface StreamPosition {
  readonly stream: Uint8Array
  readonly next: number
  /** When the log began: the sender's next log must be younger. */
  readonly created: bigint
}

/** {@link StreamPosition} of one of a site's streams. */
export interface ClassPosition extends StreamPosition {
  readonly class: StreamClass
}

const KEMS: readonly Recipient['kem'][] = ['ML-KEM-768', 'ML-KEM-1024']

/** What bridges tell each other beside sealed batches. */
export type ControlMessage =
  /** First message both ways. */
  | {
      readonly kind: 'hello'
      readonly version: number
      readonly site: string
      /** Random, drawn at the start of the process: another one means that the peer has restarted. */
      readonly incarnation: Uint8Array
      /** The sender's clock, nanoseconds since 1970-01-01 UTC. */
      readonly now: bigint
      /** What the sender has of the receiver's streams, one for each class that it knows anything of. */
      readonly positions: readonly ClassPosition[]
    }
  /** Every batch of the log up to `number` is in the receiver's journal. */
  | { readonly kind: 'ack'; readonly stream: Uint8Array; readonly number: number }
  /** The sender's journal holds its live log up to so many leaves: what is sent beyond, a kill may cost. */
  | { readonly kind: 'kept'; readonly stream: Uint8Array; readonly treeSize: number }
  /** So many frame bytes of a link's connection have been taken in all. */
  | { readonly kind: 'credit'; readonly link: string; readonly connection: number; readonly total: number }
  /** What time is it? `now` is the asker's clock. */
  | { readonly kind: 'ask'; readonly now: bigint }
  /** The answer to an `ask` or `hello` of the time `asked`: the answerer's clock. */
  | { readonly kind: 'clock'; readonly asked: bigint; readonly now: bigint }
  /** Where the log stands, for a receiver that has lost track: an encoded checkpoint. */
  | { readonly kind: 'position'; readonly checkpoint: Uint8Array }
  /** A stream has a gap: it is to go again from `position`, or from its beginning where nothing is known of it. */
  | { readonly kind: 'again'; readonly class: StreamClass; readonly position: StreamPosition | undefined }
  /** The receipt of a change of the sender's signing keys, before what the new key has signed. */
  | { readonly kind: 'succession'; readonly receipt: Uint8Array }
  /** The sender wants the key of a group sealed for this KEM key. */
  | {
      readonly kind: 'join'
      readonly group: Uint8Array
      readonly kem: Recipient['kem']
      readonly publicKey: Uint8Array
    }
  /** The key of a group's epoch, sealed for the receiver and signed by the group's owner. */
  | { readonly kind: 'group-key'; readonly delivery: Uint8Array }

export function encodeControl(message: ControlMessage): Uint8Array {
  return encodeCbor(toCbor(message))
}

function toCbor(m: ControlMessage): CborValue {
  switch (m.kind) {
    case 'hello': {
      const positions = m.positions.map((p) => [STREAM_CLASSES.indexOf(p.class), p.stream, p.next, p.created])
      return ['hello', m.version, m.site, m.incarnation, m.now, positions]
    }
    case 'ack':
      return ['ack', m.stream, m.number]
    case 'kept':
      return ['kept', m.stream, m.treeSize]
    case 'credit':
      return ['credit', m.link, m.connection, m.total]
    case 'ask':
      return ['ask', m.now]
    case 'clock':
      return ['clock', m.asked, m.now]
    case 'position':
      return ['position', m.checkpoint]
    case 'again': {
      const { position } = m
      const at = position === undefined ? null : [position.stream, position.next, position.created]
      return ['again', STREAM_CLASSES.indexOf(m.class), at]
    }
    case 'succession':
      return ['succession', m.receipt]
    case 'join':
      return ['join', m.group, KEMS.indexOf(m.kem), m.publicKey]
    case 'group-key':
      return ['group-key', m.delivery]
  }
}

/** Throws `DecodeError`. */
export function decodeControl(bytes: Uint8Array): ControlMessage {
  const value = decodeCbor(bytes)
  if (!Array.isArray(value)) throw bad('message')
  const [kind, ...rest] = value as readonly CborValue[]
  const [a, b, c, d, e] = rest
  if (kind === 'hello' && rest.length === 5) {
    return {
      kind,
      version: count(a, 'version'),
      site: text(b, 'site'),
      incarnation: octets(c, 'incarnation'),
      now: time(d, 'now'),
      positions: positions(e),
    }
  }
  if (kind === 'ack' && rest.length === 2) return { kind, stream: octets(a, 'stream'), number: count(b, 'number') }
  if (kind === 'kept' && rest.length === 2) return { kind, stream: octets(a, 'stream'), treeSize: count(b, 'treeSize') }
  if (kind === 'credit' && rest.length === 3) {
    return { kind, link: text(a, 'link'), connection: count(b, 'connection'), total: count(c, 'total') }
  }
  if (kind === 'ask' && rest.length === 1) return { kind, now: time(a, 'now') }
  if (kind === 'clock' && rest.length === 2) return { kind, asked: time(a, 'asked'), now: time(b, 'now') }
  if (kind === 'position' && rest.length === 1) return { kind, checkpoint: octets(a, 'checkpoint') }
  if (kind === 'again' && rest.length === 2) return { kind, class: classOf(a), position: optionalPosition(b) }
  if (kind === 'succession' && rest.length === 1) return { kind, receipt: octets(a, 'receipt') }
  if (kind === 'join' && rest.length === 3) {
    const kem = KEMS[count(b, 'kem')]
    if (kem === undefined) throw bad('kem')
    return { kind, group: octets(a, 'group'), kem, publicKey: octets(c, 'publicKey') }
  }
  if (kind === 'group-key' && rest.length === 1) return { kind, delivery: octets(a, 'delivery') }
  throw bad('kind')
}

function positions(value: CborValue | undefined): ClassPosition[] {
  if (!Array.isArray(value) || value.length > STREAM_CLASSES.length) throw bad('positions')
  return (value as readonly CborValue[]).map(position)
}

function position(value: CborValue): ClassPosition {
  if (!Array.isArray(value) || value.length !== 4) throw bad('position')
  const [index, ...where] = value as readonly CborValue[]
  return { class: classOf(index), ...streamPosition(where) }
}

function classOf(value: CborValue | undefined): StreamClass {
  const streamClass = STREAM_CLASSES[count(value, 'class')]
  if (streamClass === undefined) throw bad('class')
  return streamClass
}

function optionalPosition(value: CborValue | undefined): StreamPosition | undefined {
  if (value === null) return undefined
  if (!Array.isArray(value) || value.length !== 3) throw bad('position')
  return streamPosition(value as readonly CborValue[])
}

function streamPosition([stream, next, created]: readonly CborValue[]): StreamPosition {
  return { stream: octets(stream, 'stream'), next: count(next, 'next'), created: time(created, 'created') }
}

/** Nanoseconds since 1970 in the year 2262. */
const LATEST = 2n ** 63n

function time(value: CborValue | undefined, field: string): bigint {
  if (typeof value !== 'bigint') return BigInt(count(value, field))
  if (value < 0n || value >= LATEST) throw bad(field)
  return value
}

function octets(value: CborValue | undefined, field: string): Uint8Array {
  if (!(value instanceof Uint8Array)) throw bad(field)
  return value
}

function text(value: CborValue | undefined, field: string): string {
  if (typeof value !== 'string') throw bad(field)
  return value
}

function count(value: CborValue | undefined, field: string): number {
  if (typeof value !== 'number' || value < 0) throw bad(field)
  return value
}

function bad(field: string): DecodeError {
  return new DecodeError('bridge.control', 0, field, 'not a control message of this protocol')
}
