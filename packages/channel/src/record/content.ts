import { DecodeError, Reader, Writer } from '@gridseal/wire'
import { readU32, writeU32 } from './frame.ts'

/*
 * What a record holds once it is opened: kind u8 || fields. The kind is inside the encryption, so that a closing, a
 * rekey and a short message look alike on the wire.
 */

/** Kinds of content. `auth`, `confirm` and `certifiedAuth` occur in the handshake only, the others only after it. */
export const CONTENT: {
  readonly auth: 0x01
  readonly confirm: 0x02
  readonly certifiedAuth: 0x03
  readonly data: 0x10
  readonly rekey: 0x11
  readonly close: 0x12
  readonly alert: 0x13
  readonly ticket: 0x14
  readonly rekeyRequest: 0x15
  readonly rekeyAnswer: 0x16
  readonly rekeyDone: 0x17
  readonly padded: 0x18
  readonly timedData: 0x19
  readonly bundle: 0x1a
} = {
  auth: 0x01,
  confirm: 0x02,
  certifiedAuth: 0x03,
  data: 0x10,
  rekey: 0x11,
  close: 0x12,
  alert: 0x13,
  ticket: 0x14,
  rekeyRequest: 0x15,
  rekeyAnswer: 0x16,
  rekeyDone: 0x17,
  padded: 0x18,
  timedData: 0x19,
  bundle: 0x1a,
}

/** Bytes before the message in `data`: kind and port. */
export const DATA_HEADER = 3
/** Bytes before the message in `timedData`: kind, time and port. */
export const TIMED_HEADER = 9
/** Bytes before the content in `padded`: kind and length. */
export const PADDED_HEADER = 5
/** Bytes before the first length in `bundle`: kind. */
export const BUNDLE_HEADER = 1
/** Bytes before each content in `bundle`: its length. */
export const BUNDLED_LENGTH = 4
/** The content of a record is at most this much longer than a message in it, padded or in a bundle. */
export const CONTENT_OVERHEAD: number = TIMED_HEADER + Math.max(PADDED_HEADER, BUNDLE_HEADER + BUNDLED_LENGTH)

/** A message; `bytes` are a view of what was opened. */
export interface DataContent {
  readonly kind: 'data'
  readonly port: number
  readonly bytes: Uint8Array
  /** Worthless afterwards: ms since the beginning of the session. */
  readonly validUntil?: number
}

/** A record's content after the handshake. */
export type Content =
  | DataContent
  /** Several messages, in order; there is at least one. */
  | { readonly kind: 'bundle'; readonly messages: readonly DataContent[] }
  | { readonly kind: 'rekey' }
  | { readonly kind: 'close' }
  | { readonly kind: 'alert'; readonly code: number }
  /** Good for `life` seconds. */
  | { readonly kind: 'ticket'; readonly life: number; readonly ticket: Uint8Array }
  | { readonly kind: 'rekeyRequest'; readonly share: Uint8Array }
  | { readonly kind: 'rekeyAnswer'; readonly ciphertext: Uint8Array }
  | { readonly kind: 'rekeyDone' }

/** Writes `data` (kind || port u16 || message) to `target` at `at`. The port must be 0 to 65535. */
export function writeData(port: number, message: Uint8Array, target: Uint8Array, at = 0): void {
  writeMessageHeader(undefined, port, target, at)
  target.set(message, at + DATA_HEADER)
}

/** Writes what comes before the message in `data` or, where `validUntil` is given, in `timedData`. Returns its length. */
export function writeMessageHeader(
  validUntil: number | undefined,
  port: number,
  target: Uint8Array,
  at: number,
): number {
  if (validUntil !== undefined) {
    writeTimedHeader(validUntil, port, target, at)
    return TIMED_HEADER
  }
  target[at] = CONTENT.data
  target[at + 1] = port >>> 8
  target[at + 2] = port
  return DATA_HEADER
}

/** Writes `timedData` (kind || validUntil u48 || port u16 || message) to `target` at `at`. */
export function writeTimedData(
  validUntil: number,
  port: number,
  message: Uint8Array,
  target: Uint8Array,
  at = 0,
): void {
  writeTimedHeader(validUntil, port, target, at)
  target.set(message, at + TIMED_HEADER)
}

function writeTimedHeader(validUntil: number, port: number, target: Uint8Array, at: number): void {
  const high = Math.floor(validUntil / 0x1_0000_0000)
  target[at] = CONTENT.timedData
  target[at + 1] = high >>> 8
  target[at + 2] = high
  writeU32(target, at + 3, validUntil % 0x1_0000_0000)
  target[at + 7] = port >>> 8
  target[at + 8] = port
}

/** `rekey`: kind alone. Records after it are sealed under the next epoch's key. */
export function encodeRekey(): Uint8Array {
  return Uint8Array.of(CONTENT.rekey)
}

/** `close`: kind alone. Nothing follows it. */
export function encodeClose(): Uint8Array {
  return Uint8Array.of(CONTENT.close)
}

/** `alert`: kind || code u8. Nothing follows it. */
export function encodeAlert(code: number): Uint8Array {
  return Uint8Array.of(CONTENT.alert, code)
}

/** `rekeyRequest`: kind || key share. */
export function encodeRekeyRequest(share: Uint8Array): Uint8Array {
  return new Writer(1 + share.length).u8(CONTENT.rekeyRequest).bytes(share).finish()
}

/** `rekeyAnswer`: kind || ciphertext. */
export function encodeRekeyAnswer(ciphertext: Uint8Array): Uint8Array {
  return new Writer(1 + ciphertext.length).u8(CONTENT.rekeyAnswer).bytes(ciphertext).finish()
}

/** `rekeyDone`: kind alone. Records after it are sealed under the secrets of the exchange. */
export function encodeRekeyDone(): Uint8Array {
  return Uint8Array.of(CONTENT.rekeyDone)
}

/** Reads what a record held, out of its padding. Throws {@link DecodeError} `channel.content`. */
export function decodeContent(content: Uint8Array): Content {
  return decodePlain(content[0] === CONTENT.padded ? unpad(content) : content)
}

/** `padded`: kind || length u32 || content || zeros. Never in itself. */
export function unpad(content: Uint8Array): Uint8Array {
  if (content.length < PADDED_HEADER) throw wrong(content)
  const length = new Reader(content, 1).u32be('length')
  if (length > content.length - PADDED_HEADER) throw wrong(content)
  return content.subarray(PADDED_HEADER, PADDED_HEADER + length)
}

function decodePlain(content: Uint8Array): Content {
  const { length } = content
  switch (content[0]) {
    case CONTENT.data:
    case CONTENT.timedData:
      return decodeMessage(content)
    case CONTENT.bundle:
      return { kind: 'bundle', messages: decodeBundle(content) }
    case CONTENT.rekey:
      if (length === 1) return { kind: 'rekey' }
      break
    case CONTENT.close:
      if (length === 1) return { kind: 'close' }
      break
    case CONTENT.alert:
      if (length === 2) return { kind: 'alert', code: content[1]! }
      break
    case CONTENT.ticket:
      if (length < 6) break
      return { kind: 'ticket', life: new Reader(content, 1).u32be('life'), ticket: content.slice(5) }
    case CONTENT.rekeyRequest:
      return { kind: 'rekeyRequest', share: content.subarray(1) }
    case CONTENT.rekeyAnswer:
      return { kind: 'rekeyAnswer', ciphertext: content.subarray(1) }
    case CONTENT.rekeyDone:
      if (length === 1) return { kind: 'rekeyDone' }
      break
    default:
      break
  }
  throw wrong(content)
}

/** `data` or `timedData`, and nothing else. Throws {@link DecodeError} `channel.content`. */
export function decodeMessage(content: Uint8Array): DataContent {
  const { length } = content
  if (content[0] === CONTENT.data && length >= DATA_HEADER) {
    return { kind: 'data', port: (content[1]! << 8) | content[2]!, bytes: content.subarray(DATA_HEADER) }
  }
  if (content[0] === CONTENT.timedData && length >= TIMED_HEADER) {
    const validUntil = ((content[1]! << 8) | content[2]!) * 0x1_0000_0000 + readU32(content, 3)
    const port = (content[7]! << 8) | content[8]!
    return { kind: 'data', validUntil, port, bytes: content.subarray(TIMED_HEADER) }
  }
  throw wrong(content)
}

/** `bundle`: kind || (length u32 || data or timedData)…, one of them at least. */
function decodeBundle(content: Uint8Array): DataContent[] {
  const { length } = content
  const messages: DataContent[] = []
  let at = 1
  do {
    const start = at + BUNDLED_LENGTH
    if (start > length) throw wrong(content)
    at = start + readU32(content, at)
    if (at > length) throw wrong(content)
    messages.push(decodeMessage(content.subarray(start, at)))
  } while (at < length)
  return messages
}

function wrong(content: Uint8Array): DecodeError {
  const kind = content[0] ?? 'nothing'
  const message = `${kind} in ${content.length} bytes does not belong in a session`
  return new DecodeError('channel.content', 0, 'kind', message)
}
