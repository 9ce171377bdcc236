import { DecodeError, InternalError, ProtocolError } from '@gridseal/wire'
import type { EpochKeys } from './epoch.ts'
import { FRAME, FRAME_HEADER, readU32, writeU32 } from './frame.ts'
import { TAG_LENGTH } from './record-cipher.ts'
import { unzeroed } from './unzeroed.ts'

/*
 * A record: 10 || length u32 || sequence u64 || ciphertext || tag. The sequence number is the additional data; the nonce
 * is the epoch's IV XOR the sequence number. The length is not among the additional data, because a sender begins to
 * encrypt before it knows how long the record will be; the tag depends on how much was encrypted. Every record of a
 * direction has the next sequence number, whatever its key.
 */

/** Bytes before the ciphertext: where the content of a record begins. */
export const RECORD_HEADER = 13
/** A record is this much longer than its content. */
export const RECORD_OVERHEAD: number = RECORD_HEADER + TAG_LENGTH
/** The body of a record frame is this much longer than its content. */
export const BODY_OVERHEAD: number = RECORD_OVERHEAD - FRAME_HEADER

/** Sequence numbers end here: what a JavaScript number counts exactly. At a million records a second, 285 years. */
export const MAX_SEQUENCE: number = Number.MAX_SAFE_INTEGER

/** Where the sequence number begins; it goes on to {@link RECORD_HEADER}. */
export const AT_SEQUENCE: number = FRAME_HEADER
const TWO_32 = 0x1_0000_0000

/** Room for a record with a content of `length` bytes, which goes to offset {@link RECORD_HEADER}. */
export function newRecord(length: number): Uint8Array {
  return unzeroed(RECORD_OVERHEAD + length)
}

/** Makes the record with this sequence number of a {@link newRecord} that holds its content, in place. */
export function sealRecord({ cipher, iv }: EpochKeys, sequence: number, record: Uint8Array): void {
  writeHeader(record, record.length, sequence)
  cipher.seal(nonceOf(iv, sequence), record, RECORD_HEADER, record.subarray(AT_SEQUENCE, RECORD_HEADER))
}

/** A content as the record with this sequence number. */
export function sealContent(keys: EpochKeys, sequence: number, content: Uint8Array): Uint8Array {
  const record = newRecord(content.length)
  record.set(content, RECORD_HEADER)
  sealRecord(keys, sequence, record)
  return record
}

/**
 * Opens a whole record frame that must have this sequence number. Throws {@link ProtocolError}
 * `channel.record.replay` (the number was used), `channel.record.gap` (records are missing), {@link DecodeError}
 * `channel.record.length` and `AuthError` `channel.record.auth`.
 */
export function openRecord({ cipher, iv }: EpochKeys, sequence: number, record: Uint8Array): Uint8Array {
  if (record.length < RECORD_OVERHEAD || readU32(record, 1) !== record.length - FRAME_HEADER) {
    throw new DecodeError('channel.record.length', 1, 'length', `no record has ${record.length} bytes and this header`)
  }
  checkSequence(sequence, record)
  return cipher.open(nonceOf(iv, sequence), record, RECORD_HEADER, record.subarray(AT_SEQUENCE, RECORD_HEADER))
}

/** Writes what is in clear of a record of `length` bytes. Throws {@link InternalError} `channel.record.exhausted`. */
export function writeHeader(target: Uint8Array, length: number, sequence: number): void {
  if (sequence > MAX_SEQUENCE) throw new InternalError('channel.record.exhausted', 'no sequence number is left')
  target[0] = FRAME.record
  writeU32(target, 1, length - FRAME_HEADER)
  writeU32(target, AT_SEQUENCE, Math.floor(sequence / TWO_32))
  writeU32(target, AT_SEQUENCE + 4, sequence % TWO_32)
}

/** Throws {@link ProtocolError} `channel.record.replay` or `.gap` where a record has another number. */
export function checkSequence(sequence: number, header: Uint8Array): void {
  const high = readU32(header, AT_SEQUENCE)
  const low = readU32(header, AT_SEQUENCE + 4)
  if (low !== sequence >>> 0 || high !== Math.floor(sequence / TWO_32)) throw outOfOrder(sequence, high, low)
}

function outOfOrder(expected: number, high: number, low: number): ProtocolError {
  const got = high * TWO_32 + low
  const details = { expected, got }
  return got < expected
    ? new ProtocolError('channel.record.replay', `record ${got} came again, ${expected} is next`, details)
    : new ProtocolError('channel.record.gap', `record ${got} came, ${expected} is next`, details)
}

/** The nonce of a record: the epoch's IV with its last 8 bytes XORed with the sequence number. */
export function nonceOf(iv: Uint8Array, sequence: number): Uint8Array {
  const nonce = iv.slice()
  const high = Math.floor(sequence / TWO_32)
  const low = sequence >>> 0
  nonce[4]! ^= high >>> 24
  nonce[5]! ^= high >>> 16
  nonce[6]! ^= high >>> 8
  nonce[7]! ^= high
  nonce[8]! ^= low >>> 24
  nonce[9]! ^= low >>> 16
  nonce[10]! ^= low >>> 8
  nonce[11]! ^= low
  return nonce
}
