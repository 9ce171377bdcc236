import { open, readdir } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { UsageError, crc32c } from '@gridseal/wire'
import type { JournalKey, SegmentCipher } from './cipher.ts'
import { ENCRYPTED_START, KEY_ID_LENGTH, SALT_LENGTH } from './cipher.ts'

// A segment file:  header 16: "GSJRNL" ‖ u16 version ‖ u32 segment number ‖ u32 CRC-32C of the 12 octets before
//   then records:  u32 length ‖ u32 CRC-32C of the payload ‖ payload            (integers big-endian)
// A payload is one CBOR item: a sealed batch, a checkpoint (checkpoint.ts) or a note (note.ts).
// Version 2, encrypted at rest: behind the header id of the key 8 ‖ salt 16 ‖ u32 CRC-32C of these 24; see cipher.ts.
export const SEGMENT_HEADER_LENGTH = 16
const CIPHER_HEADER_LENGTH: number = KEY_ID_LENGTH + SALT_LENGTH + 4
export const RECORD_HEADER_LENGTH = 8
export const MAX_RECORD_LENGTH: number = 64 << 20
const MAGIC = Buffer.from('GSJRNL', 'latin1')
const VERSION = 1
const VERSION_ENCRYPTED = 2

export function segmentName(number: number): string {
  return `${String(number).padStart(10, '0')}.gsj`
}

/** Numbers of the segments in a journal directory, ascending. */
export async function listSegments(directory: string): Promise<number[]> {
  const numbers: number[] = []
  for (const name of await readdir(directory)) {
    const match = /^(\d{10})\.gsj$/.exec(name)
    if (match?.[1] !== undefined) numbers.push(Number(match[1]))
  }
  return numbers.sort((a, b) => a - b)
}

/** How a segment file begins. */
export interface SegmentHead {
  readonly number: number
  /** Encrypted at rest: which key, and the salt of this file. */
  readonly cipher?: { readonly keyId: Uint8Array; readonly salt: Uint8Array }
}

export function segmentHeader({ number, cipher }: SegmentHead): Buffer {
  const header = fixedHeader(number, cipher === undefined ? VERSION : VERSION_ENCRYPTED)
  if (cipher === undefined) return header
  const more = Buffer.alloc(CIPHER_HEADER_LENGTH)
  more.set(cipher.keyId, 0)
  more.set(cipher.salt, KEY_ID_LENGTH)
  more.writeUInt32BE(crc32c(more, 0, more.length - 4), more.length - 4)
  return Buffer.concat([header, more])
}

/** Bytes before the first record. */
export function headLength(head: SegmentHead): number {
  return SEGMENT_HEADER_LENGTH + (head.cipher === undefined ? 0 : CIPHER_HEADER_LENGTH)
}

/** The head of a segment file, or undefined if it is damaged or of another segment. */
async function readHead(source: FileWindow, number: number): Promise<SegmentHead | undefined> {
  const header = await source.read(0, SEGMENT_HEADER_LENGTH)
  if (header === undefined) return undefined
  if (header.equals(fixedHeader(number, VERSION))) return { number }
  if (!header.equals(fixedHeader(number, VERSION_ENCRYPTED))) return undefined
  const more = await source.read(SEGMENT_HEADER_LENGTH, CIPHER_HEADER_LENGTH)
  if (more === undefined || crc32c(more, 0, more.length - 4) !== more.readUInt32BE(more.length - 4)) return undefined
  const keyId = Uint8Array.from(more.subarray(0, KEY_ID_LENGTH))
  return { number, cipher: { keyId, salt: Uint8Array.from(more.subarray(KEY_ID_LENGTH, KEY_ID_LENGTH + SALT_LENGTH)) } }
}

/** The head of a segment file, or undefined if it is damaged. */
export async function readSegmentHead(path: string, number: number): Promise<SegmentHead | undefined> {
  const file = await open(path, 'r')
  try {
    return await readHead(new FileWindow(file, (await file.stat()).size), number)
  } finally {
    await file.close()
  }
}

/** The cipher of a segment; undefined where it is not encrypted. Throws `UsageError` `journal.key`. */
export function cipherOf({ number, cipher }: SegmentHead, key: JournalKey | undefined): SegmentCipher | undefined {
  if (cipher === undefined) return undefined
  if (key === undefined) throw new UsageError('journal.key', `segment ${number} is encrypted: its key is needed`)
  if (Buffer.compare(key.id, cipher.keyId) !== 0) {
    throw new UsageError('journal.key', `segment ${number} is encrypted with another key`)
  }
  return key.segment(cipher.salt)
}

function fixedHeader(number: number, version: number): Buffer {
  const header = Buffer.alloc(SEGMENT_HEADER_LENGTH)
  MAGIC.copy(header)
  header.writeUInt16BE(version, 6)
  header.writeUInt32BE(number, 8)
  header.writeUInt32BE(crc32c(header, 0, 12), 12)
  return header
}

export function recordHeader(payload: Uint8Array): Buffer {
  const header = Buffer.allocUnsafe(RECORD_HEADER_LENGTH)
  header.writeUInt32BE(payload.length, 0)
  header.writeUInt32BE(crc32c(payload), 4)
  return header
}

/** A record, or why there is none at this place. */
export type SegmentItem =
  | {
      readonly kind: 'record'
      readonly segment: number
      readonly offset: number
      /** Where the next record begins. */
      readonly end: number
      readonly bytes: Uint8Array
    }
  | {
      readonly kind: 'damage'
      readonly segment: number
      readonly offset: number
      readonly code: string
      readonly reason: string
      /** Where the damaged record ends, if its length can be believed. */
      readonly end?: number
    }

const CHUNK = 1 << 20

export interface ReadOptions {
  /** For journals that are encrypted at rest. */
  readonly key?: JournalKey | undefined
  /** Offset of the record to begin with; default the first. */
  readonly from?: number
  /** Offset to stop at: what lies behind is being written. */
  readonly until?: number
}

/**
 * Reads the records of one segment in order, in memory bounded by its largest record. A record with a wrong check sum
 * is reported and stepped over. Behind bytes that are no record the next whole one is looked for (`journal.damaged`);
 * if there is none they are the torn end of the segment (`journal.torn`). Throws `UsageError` `journal.key`.
 */
export async function* readSegment(
  path: string,
  segment: number,
  options: ReadOptions = {},
): AsyncGenerator<SegmentItem, void, undefined> {
  const file = await open(path, 'r')
  try {
    const size = Math.min((await file.stat()).size, options.until ?? Number.POSITIVE_INFINITY)
    const source = new FileWindow(file, size)
    const damage = (offset: number, code: string, reason: string, end?: number): SegmentItem => ({
      kind: 'damage',
      segment,
      offset,
      code,
      reason,
      ...(end === undefined ? {} : { end }),
    })
    const head = await readHead(source, segment)
    if (head === undefined) {
      yield damage(0, 'journal.segment-header', 'the segment header is damaged or of another segment')
      if (size < SEGMENT_HEADER_LENGTH) return
    }
    const cipher = head && cipherOf(head, options.key)
    let offset = Math.max(options.from ?? 0, headLength(head ?? { number: segment }))
    const tries = { left: LEAST_TRIED + MOST_TRIED * size }
    while (offset < size) {
      const start = offset
      const prefix = await source.read(start, RECORD_HEADER_LENGTH)
      const length = prefix?.readUInt32BE(0) ?? 0
      if (
        prefix === undefined ||
        length === 0 ||
        length > MAX_RECORD_LENGTH ||
        start + RECORD_HEADER_LENGTH + length > size
      ) {
        const next = await nextRecord(source, start + 1, size, tries)
        if (next === 'unknown') {
          yield damage(start, 'journal.damaged', `${size - start} bytes hold too many beginnings of records to try`)
          return
        }
        if (next === undefined) {
          yield damage(start, 'journal.torn', `${size - start} bytes at the end are no whole record`)
          return
        }
        yield damage(start, 'journal.damaged', `${next - start} bytes are no record; the next one begins at ${next}`)
        offset = next
        continue
      }
      const crc = prefix.readUInt32BE(4)
      const payload = await source.read(start + RECORD_HEADER_LENGTH, length)
      if (payload === undefined) return
      offset = start + RECORD_HEADER_LENGTH + length
      if (crc32c(payload) !== crc) {
        yield damage(start, 'journal.checksum', 'the check sum of the record is wrong', offset)
        continue
      }
      const bytes = cipher === undefined ? payload : cipher.open(segment, start, payload)
      if (bytes === undefined)
        yield damage(start, 'journal.sealed', 'the record was not encrypted for this place', offset)
      else yield { kind: 'record', segment, offset: start, end: offset, bytes }
    }
  } finally {
    await file.close()
  }
}

/** How payloads begin (batch, checkpoint, note, anything encrypted): where to look for the next record behind damage. */
const PAYLOAD_STARTS: readonly Buffer[] = [
  Buffer.from([0x82, 0xd2, 0x84]),
  Buffer.from([0x8a, 0x6a]),
  Buffer.from([0x84, 0x64]),
  ENCRYPTED_START,
]

/** How often over a segment's bytes may be tried behind damage, all told: a hostile file must not cost more. */
const MOST_TRIED = 8
/** Bytes that may be tried besides, for small segments. */
const LEAST_TRIED = 1 << 20

/**
 * Offset of the first whole record, its check sum right, at or behind `from`; `unknown` where there are more candidates
 * than may be tried. `tries`: bytes that may still be tried in this segment.
 */
async function nextRecord(
  source: FileWindow,
  from: number,
  size: number,
  tries: { left: number },
): Promise<number | 'unknown' | undefined> {
  for (let at = from; at < size; at += CHUNK - 16) {
    const window = await source.read(at, Math.min(CHUNK, size - at))
    if (window === undefined) return undefined
    const found = PAYLOAD_STARTS.flatMap((start) => occurrences(window, start)).sort((a, b) => a - b)
    for (const index of found) {
      const offset = at + index - RECORD_HEADER_LENGTH
      if (offset < from) continue
      const length = await lengthOfRecord(source, offset, size)
      if (length === undefined) continue
      tries.left -= Math.max(length, 4096)
      if (tries.left < 0) return 'unknown'
      if (await isRecord(source, offset, length)) return offset
    }
  }
  return undefined
}

function occurrences(window: Buffer, pattern: Buffer): number[] {
  const found: number[] = []
  for (let at = window.indexOf(pattern); at >= 0; at = window.indexOf(pattern, at + 1)) found.push(at)
  return found
}

/** Length of the payload if a record may begin at `offset`. */
async function lengthOfRecord(source: FileWindow, offset: number, size: number): Promise<number | undefined> {
  const head = await source.read(offset, RECORD_HEADER_LENGTH)
  const length = head?.readUInt32BE(0) ?? 0
  const fits = length > 0 && length <= MAX_RECORD_LENGTH && offset + RECORD_HEADER_LENGTH + length <= size
  return fits ? length : undefined
}

async function isRecord(source: FileWindow, offset: number, length: number): Promise<boolean> {
  const head = await source.read(offset, RECORD_HEADER_LENGTH)
  const crc = head?.readUInt32BE(4)
  const payload = await source.read(offset + RECORD_HEADER_LENGTH, length)
  return payload !== undefined && crc32c(payload) === crc
}

/** Sequential reads of a file through a window of at least {@link CHUNK} bytes. */
class FileWindow {
  readonly #file: FileHandle
  readonly #size: number
  #window: Buffer = Buffer.alloc(0)
  #start = 0

  constructor(file: FileHandle, size: number) {
    this.#file = file
    this.#size = size
  }

  /** `length` bytes at `offset`, valid for as long as the caller keeps them; undefined past the end of the file. */
  async read(offset: number, length: number): Promise<Buffer | undefined> {
    if (offset + length > this.#size) return undefined
    if (offset < this.#start || offset + length > this.#start + this.#window.length) {
      const count = Math.min(Math.max(length, CHUNK), this.#size - offset)
      const window = Buffer.allocUnsafe(count)
      let filled = 0
      while (filled < count) {
        const { bytesRead } = await this.#file.read(window, filled, count - filled, offset + filled)
        if (bytesRead === 0) return undefined
        filled += bytesRead
      }
      this.#window = window
      this.#start = offset
    }
    return this.#window.subarray(offset - this.#start, offset - this.#start + length)
  }
}
