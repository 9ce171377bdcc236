import { DecodeError, InternalError, Reader, Writer } from '@gridseal/wire'
import {
  CONTENT,
  DATA_HEADER,
  TIMED_HEADER,
  decodeContent,
  unpad,
  writeData,
  writeTimedData,
} from '../record/content.ts'
import type { Content } from '../record/content.ts'
import type { Range } from './ack-ranges.ts'

/*
 * What a record of a datagram session holds, besides data, timedData, close, alert and padded as on a stream:
 *
 *   segment    20 || stream u8 || offset u48 || bytes
 *   ack        21 || limit u48 || newest u48 || received u16 || count u8 || count x (missing u16 || received u16)
 *   ping       22
 *   challenge  23 || value (8)
 *   response   24 || value (8)
 *   closed     25
 *
 * A stream is bytes in order: frames of type 10 whose bodies are contents. Stream 0 carries what the two ends have to
 * settle between them (rekeyRequest, rekeyAnswer, ticket), stream 1 messages (data, timedData).
 */

/** Kinds of content that occur in datagram sessions only. */
export const DATAGRAM_CONTENT: {
  readonly segment: 0x20
  readonly ack: 0x21
  readonly ping: 0x22
  readonly challenge: 0x23
  readonly response: 0x24
  readonly closed: 0x25
} = { segment: 0x20, ack: 0x21, ping: 0x22, challenge: 0x23, response: 0x24, closed: 0x25 }

export const CONTROL_STREAM = 0
export const MESSAGE_STREAM = 1

/** Bytes before the piece of a stream in `segment`. */
export const SEGMENT_HEADER = 8
/** Bytes of a challenge's value. */
export const CHALLENGE_LENGTH = 8
/** Bytes of an ack without further ranges, and of each further range. */
const ACK_HEADER = 16
const ACK_RANGE = 4
const MAX_U16 = 0xffff

/** A piece of a stream. */
export interface Segment {
  readonly stream: number
  readonly offset: number
  readonly bytes: Uint8Array
}

/** Which records have come, and how far the message stream may go. */
export interface Ack {
  /** Bytes of the message stream that may be sent in all. */
  readonly limit: number
  /** Sequence numbers that have come, newest first. */
  readonly ranges: readonly Range[]
}

export type DatagramContent =
  | Extract<Content, { kind: 'data' | 'close' | 'alert' }>
  | ({ readonly kind: 'segment' } & Segment)
  | ({ readonly kind: 'ack' } & Ack)
  | { readonly kind: 'ping' | 'closed' }
  | { readonly kind: 'challenge' | 'response'; readonly value: Uint8Array }

/** Bytes of a message's content. */
export function messageLength(message: Uint8Array, validUntil: number | undefined): number {
  return (validUntil === undefined ? DATA_HEADER : TIMED_HEADER) + message.length
}

/** Writes `data`, or `timedData` where there is an end to its worth, to `target` of {@link messageLength}. */
export function writeMessage(
  port: number,
  message: Uint8Array,
  validUntil: number | undefined,
  target: Uint8Array,
): void {
  if (validUntil === undefined) writeData(port, message, target)
  else writeTimedData(validUntil, port, message, target)
}

export function encodeSegment({ stream, offset, bytes }: Segment): Uint8Array {
  const w = new Writer(SEGMENT_HEADER + bytes.length)
  return w.u8(DATAGRAM_CONTENT.segment).u8(stream).u48be(offset).bytes(bytes).finish()
}

/** As many ranges as go into `room` bytes, at least the newest; what is left out is told by a later ack. */
export function encodeAck({ limit, ranges }: Ack, room: number): Uint8Array {
  const [first, ...others] = ranges
  if (first === undefined) throw new InternalError('channel.internal', 'an ack of nothing')
  const { low, high } = first
  const w = new Writer(ACK_HEADER + others.length * ACK_RANGE)
  const start = Math.max(low, high - MAX_U16)
  const told: { readonly missing: number; readonly received: number }[] = []
  let below = start
  for (const range of others) {
    const missing = below - range.high - 1
    const full = ACK_HEADER + (told.length + 1) * ACK_RANGE > room
    if (full || missing > MAX_U16 || told.length === 0xff) break
    below = Math.max(range.low, range.high - MAX_U16 + 1)
    told.push({ missing, received: range.high - below + 1 })
  }
  w.u8(DATAGRAM_CONTENT.ack)
    .u48be(limit)
    .u48be(high)
    .u16be(high - start)
    .u8(told.length)
  for (const { missing, received } of told) w.u16be(missing).u16be(received)
  return w.finish()
}

export function encodePing(): Uint8Array {
  return Uint8Array.of(DATAGRAM_CONTENT.ping)
}

/** This end has closed, and knows that the peer has. */
export function encodeClosed(): Uint8Array {
  return Uint8Array.of(DATAGRAM_CONTENT.closed)
}

export function encodeProbe(kind: 'challenge' | 'response', value: Uint8Array): Uint8Array {
  const content = new Uint8Array(1 + CHALLENGE_LENGTH)
  content[0] = DATAGRAM_CONTENT[kind]
  content.set(value, 1)
  return content
}

/** Reads what a record held, out of its padding. Throws {@link DecodeError}. */
export function decodeDatagramContent(padded: Uint8Array): DatagramContent {
  const content = padded[0] === CONTENT.padded ? unpad(padded) : padded
  const r = new Reader(content, 1)
  switch (content[0]) {
    case DATAGRAM_CONTENT.segment:
      return { kind: 'segment', stream: readStream(r), offset: r.u48be('offset'), bytes: r.rest() }
    case DATAGRAM_CONTENT.ack:
      return { kind: 'ack', ...readAck(r) }
    case DATAGRAM_CONTENT.ping:
    case DATAGRAM_CONTENT.closed: {
      const kind = content[0] === DATAGRAM_CONTENT.ping ? 'ping' : 'closed'
      r.expectEnd(kind)
      return { kind }
    }
    case DATAGRAM_CONTENT.challenge:
    case DATAGRAM_CONTENT.response: {
      const value = r.take(CHALLENGE_LENGTH, 'value')
      r.expectEnd('probe')
      return { kind: content[0] === DATAGRAM_CONTENT.challenge ? 'challenge' : 'response', value }
    }
    default: {
      const plain = decodeContent(content)
      if (plain.kind === 'data' || plain.kind === 'close' || plain.kind === 'alert') return plain
      throw new DecodeError('channel.content', 0, 'kind', `${plain.kind} belongs in a stream`)
    }
  }
}

function readStream(r: Reader): number {
  const at = r.offset
  const stream = r.u8('stream')
  if (stream > MESSAGE_STREAM) throw new DecodeError('channel.content', at, 'stream', `there is no stream ${stream}`)
  return stream
}

function readAck(r: Reader): Ack {
  const limit = r.u48be('limit')
  const newest = r.u48be('newest')
  let low = newest - r.u16be('received')
  const ranges = [{ low, high: newest }]
  for (let count = r.u8('count'); count > 0; count--) {
    const high = low - r.u16be('missing') - 1
    low = high - r.u16be('received') + 1
    ranges.push({ low, high })
  }
  if (low < 0) throw new DecodeError('channel.content', r.offset, 'ack', 'records before the first one')
  r.expectEnd('ack')
  return { limit, ranges }
}
