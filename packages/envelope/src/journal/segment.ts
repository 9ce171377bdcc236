import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { readdir } from 'node:fs/promises'
import { crc32c } from '@gridseal/wire'

// A segment file:  header 16: "GSJRNL" ‖ u16 version ‖ u32 segment number ‖ u32 CRC-32C of the 12 octets before
//   then records:  u32 length ‖ u32 CRC-32C of the payload ‖ payload            (integers big-endian)
// A payload is one CBOR item: a sealed batch, or a checkpoint (checkpoint.ts).
export const SEGMENT_HEADER_LENGTH = 16
export const RECORD_HEADER_LENGTH = 8
export const MAX_RECORD_LENGTH: number = 64 << 20
const MAGIC = Buffer.from('GSJRNL', 'latin1')
const VERSION = 1

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

export function segmentHeader(number: number): Buffer {
  const header = Buffer.alloc(SEGMENT_HEADER_LENGTH)
  MAGIC.copy(header)
  header.writeUInt16BE(VERSION, 6)
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
  | { readonly kind: 'record'; readonly segment: number; readonly offset: number; readonly bytes: Uint8Array }
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

/**
 * Reads the records of one segment in order, in memory bounded by its largest record. A record with a wrong check sum
 * is reported and stepped over. Behind bytes that are no record the next whole one is looked for (`journal.damaged`);
 * if there is none they are the torn end of the segment (`journal.torn`).
 */
export async function* readSegment(path: string, segment: number): AsyncGenerator<SegmentItem, void, undefined> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    const source = new FileWindow(file, size)
    const damage = (offset: number, code: string, reason: string, end?: number): SegmentItem => ({
      kind: 'damage',
      segment,
      offset,
      code,
      reason,
      ...(end === undefined ? {} : { end }),
    })
    const header = await source.read(0, SEGMENT_HEADER_LENGTH)
    if (header === undefined || Buffer.compare(header, segmentHeader(segment)) !== 0) {
      yield damage(0, 'journal.segment-header', 'the segment header is damaged or of another segment')
      if (header === undefined) return
    }
    let offset = SEGMENT_HEADER_LENGTH
    while (offset < size) {
      const start = offset
      const head = await source.read(start, RECORD_HEADER_LENGTH)
      const length = head?.readUInt32BE(0) ?? 0
      if (
        head === undefined ||
        length === 0 ||
        length > MAX_RECORD_LENGTH ||
        start + RECORD_HEADER_LENGTH + length > size
      ) {
        const next = await nextRecord(source, start + 1, size)
        if (next === undefined) {
          yield damage(start, 'journal.torn', `${size - start} bytes at the end are no whole record`)
          return
        }
        yield damage(start, 'journal.damaged', `${next - start} bytes are no record; the next one begins at ${next}`)
        offset = next
        continue
      }
      const crc = head.readUInt32BE(4)
      const payload = await source.read(start + RECORD_HEADER_LENGTH, length)
      if (payload === undefined) return
      offset = start + RECORD_HEADER_LENGTH + length
      if (crc32c(payload) !== crc) {
        yield damage(start, 'journal.checksum', 'the check sum of the record is wrong', offset)
      } else yield { kind: 'record', segment, offset: start, bytes: payload }
    }
  } finally {
    await file.close()
  }
}

/** How the payloads of batches and checkpoints begin: where to look for the next record behind damage. */
const PAYLOAD_STARTS: readonly Buffer[] = [Buffer.from([0x82, 0xd2, 0x84]), Buffer.from([0x87, 0x6a])]

/** Offset of the first whole record, its check sum right, at or behind `from`. */
async function nextRecord(source: FileWindow, from: number, size: number): Promise<number | undefined> {
  for (let at = from; at < size; at += CHUNK - 16) {
    const window = await source.read(at, Math.min(CHUNK, size - at))
    if (window === undefined) return undefined
    const found = PAYLOAD_STARTS.flatMap((start) => occurrences(window, start)).sort((a, b) => a - b)
    for (const index of found) {
      const offset = at + index - RECORD_HEADER_LENGTH
      if (offset >= from && (await isRecord(source, offset, size))) return offset
    }
  }
  return undefined
}

function occurrences(window: Buffer, pattern: Buffer): number[] {
  const found: number[] = []
  for (let at = window.indexOf(pattern); at >= 0; at = window.indexOf(pattern, at + 1)) found.push(at)
  return found
}

async function isRecord(source: FileWindow, offset: number, size: number): Promise<boolean> {
  const head = await source.read(offset, RECORD_HEADER_LENGTH)
  const length = head?.readUInt32BE(0) ?? 0
  if (
    head === undefined ||
    length === 0 ||
    length > MAX_RECORD_LENGTH ||
    offset + RECORD_HEADER_LENGTH + length > size
  ) {
    return false
  }
  const crc = head.readUInt32BE(4)
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
