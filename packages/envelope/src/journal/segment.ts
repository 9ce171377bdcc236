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
    }

const CHUNK = 1 << 20

/**
 * Reads the records of one segment in order, in memory bounded by its largest record. A record with a wrong check sum
 * is reported and stepped over; one that runs past the end of the file ends the segment (`journal.torn`).
 */
export async function* readSegment(path: string, segment: number): AsyncGenerator<SegmentItem, void, undefined> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    const source = new FileWindow(file, size)
    const damage = (offset: number, code: string, reason: string): SegmentItem => ({
      kind: 'damage',
      segment,
      offset,
      code,
      reason,
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
        yield damage(start, 'journal.torn', `${size - start} bytes at the end are no whole record`)
        return
      }
      const crc = head.readUInt32BE(4)
      const payload = await source.read(start + RECORD_HEADER_LENGTH, length)
      if (payload === undefined) return
      offset = start + RECORD_HEADER_LENGTH + length
      if (crc32c(payload) !== crc) yield damage(start, 'journal.checksum', 'the check sum of the record is wrong')
      else yield { kind: 'record', segment, offset: start, bytes: payload }
    }
  } finally {
    await file.close()
  }
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
