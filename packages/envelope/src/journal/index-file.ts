import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DecodeError, UsageError, crc32c, fromHex, toHex } from '@gridseal/wire'
import { CborReader } from '../cbor/reader.ts'
import { CborWriter } from '../cbor/writer.ts'
import type { Lane } from '../entry.ts'
import { STREAM_CLASSES } from '../entry.ts'
import { DIRECTIONS, STREAM_ID_LENGTH, oneOf } from '../leaf.ts'
import { decodeCheckpoint, encodeCheckpoint } from './checkpoint.ts'
import type { SegmentCipher } from './cipher.ts'
import type { IndexEntry, SegmentSummary, StreamSummary } from './segment-index.ts'

// Beside each segment lies its index, which can be made anew from it at any time:
//   "GSJIDX" ‖ u16 version ‖ u32 segment number        then chunks:  u32 length ‖ u32 CRC-32C ‖ CBOR
// A chunk is an array of entries; the last one of a finished segment is its summary, and behind it stands
//   u32 offset of the summary ‖ "GSIE"
const MAGIC = Buffer.from('GSJIDX', 'latin1')
const END = Buffer.from('GSIE', 'latin1')
const VERSION = 1
const HEADER_LENGTH = 12
const CHUNK_HEADER_LENGTH = 8
/** Chunks are encrypted as records are, at places where no record lies. */
const PLACE = 2 ** 40
const MAX_CHUNK = 64 << 20

export function indexName(segment: number): string {
  return `${String(segment).padStart(10, '0')}.gsi`
}

export function indexHeader(segment: number): Buffer {
  const header = Buffer.alloc(HEADER_LENGTH)
  MAGIC.copy(header)
  header.writeUInt16BE(VERSION, 6)
  header.writeUInt32BE(segment, 8)
  return header
}

/** A chunk of entries that is to stand at `offset` of the index file. */
export function entryChunk(
  segment: number,
  offset: number,
  entries: readonly IndexEntry[],
  cipher: SegmentCipher | undefined,
): Buffer {
  const w = new CborWriter(entries.length * 96 + 16).array(entries.length)
  for (const { offset: at, end, stream, number, treeSize, leaves, time, origin } of entries) {
    w.array(8).uint(at).uint(end).bytes(fromHex(stream)).uint(number).uint(treeSize).uint(leaves).uint(time)
    if (origin === undefined) w.null()
    else w.bytes(encodeCheckpoint(origin))
  }
  return chunk(segment, offset, w.view(), cipher)
}

/** The summary of a finished segment, to stand at `offset`, and the end of the file. */
export function summaryChunk(offset: number, summary: SegmentSummary, cipher: SegmentCipher | undefined): Buffer {
  const { segment, end, batches, firstTime, lastTime, opened, streams } = summary
  const w = new CborWriter(1024).array(6).uint(end).uint(batches).uint(firstTime).uint(lastTime)
  if (opened === undefined) w.null()
  else w.array(2).bytes(fromHex(opened.journal)).uint(opened.epoch)
  w.array(streams.length)
  for (const s of streams) {
    w.array(9).bytes(fromHex(s.stream))
    if (s.lane === undefined) w.null()
    else
      w.array(3).text(s.lane.site).uint(DIRECTIONS.indexOf(s.lane.direction)).uint(STREAM_CLASSES.indexOf(s.lane.class))
    w.uint(s.first).uint(s.last).uint(s.treeSize).uint(s.batches).uint(s.bytes).uint(s.firstOffset).uint(s.lastOffset)
  }
  const trailer = Buffer.alloc(8)
  trailer.writeUInt32BE(offset, 0)
  END.copy(trailer, 4)
  return Buffer.concat([chunk(segment, offset, w.view(), cipher), trailer])
}

function chunk(segment: number, offset: number, plain: Uint8Array, cipher: SegmentCipher | undefined): Buffer {
  const payload = cipher === undefined ? plain : cipher.seal(segment, PLACE + offset, plain)
  const header = Buffer.alloc(CHUNK_HEADER_LENGTH)
  header.writeUInt32BE(payload.length, 0)
  header.writeUInt32BE(crc32c(payload), 4)
  return Buffer.concat([header, payload])
}

/** The entries of a segment's index, as many as are whole. An index that is missing or damaged has none. */
export async function readIndexEntries(
  directory: string,
  segment: number,
  cipher: SegmentCipher | undefined,
): Promise<IndexEntry[]> {
  const bytes = await readFile(join(directory, indexName(segment))).catch(() => undefined)
  if (bytes === undefined || !bytes.subarray(0, HEADER_LENGTH).equals(indexHeader(segment))) return []
  const summaryAt = summaryOffset(bytes.subarray(-8), bytes.length)
  const entries: IndexEntry[] = []
  for (let at = HEADER_LENGTH; at !== summaryAt;) {
    const found = openChunk(bytes, at, segment, cipher)
    const read = found && attempt(() => decodeEntries(found.payload))
    if (found === undefined || read === undefined) break
    entries.push(...read)
    at = found.end
  }
  return entries
}

/** The summary of a finished segment, or undefined: then the index has to be made anew. */
export async function readSummary(
  directory: string,
  segment: number,
  cipher: SegmentCipher | undefined,
): Promise<SegmentSummary | undefined> {
  const file = await open(join(directory, indexName(segment)), 'r').catch(() => undefined)
  if (file === undefined) return undefined
  try {
    const { size } = await file.stat()
    const trailer = Buffer.alloc(8)
    if (size < HEADER_LENGTH + 8) return undefined
    await file.read(trailer, 0, 8, size - 8)
    const at = summaryOffset(trailer, size)
    if (at === undefined || size - at > MAX_CHUNK) return undefined
    const bytes = Buffer.alloc(size - at)
    await file.read(bytes, 0, bytes.length, at)
    const found = openChunk(bytes, 0, segment, cipher, at)
    return found && attempt(() => decodeSummary(segment, found.payload))
  } finally {
    await file.close()
  }
}

function summaryOffset(trailer: Buffer, size: number): number | undefined {
  if (trailer.length < 8 || !trailer.subarray(4).equals(END)) return undefined
  const at = trailer.readUInt32BE(0)
  return at >= HEADER_LENGTH && at < size - 8 ? at : undefined
}

function openChunk(
  bytes: Buffer,
  at: number,
  segment: number,
  cipher: SegmentCipher | undefined,
  place: number = at,
): { payload: Uint8Array; end: number } | undefined {
  if (at + CHUNK_HEADER_LENGTH > bytes.length) return undefined
  const length = bytes.readUInt32BE(at)
  const start = at + CHUNK_HEADER_LENGTH
  if (start + length > bytes.length || crc32c(bytes, start, start + length) !== bytes.readUInt32BE(at + 4))
    return undefined
  const sealed = bytes.subarray(start, start + length)
  const payload = cipher === undefined ? sealed : cipher.open(segment, PLACE + place, sealed)
  return payload && { payload, end: start + length }
}

function decodeEntries(payload: Uint8Array): IndexEntry[] {
  const r = new CborReader(payload)
  const entries: IndexEntry[] = []
  for (let left = r.array('entries'); left > 0; left--) {
    r.fixedArray(8, 'entry')
    const offset = r.uint('offset')
    const end = r.uint('end')
    const stream = toHex(r.fixedBytes(STREAM_ID_LENGTH, 'stream'))
    const [number, treeSize, leaves, time] = [r.uint('number'), r.uint('treeSize'), r.uint('leaves'), r.uint('time')]
    const origin = r.tryNull('origin') ? undefined : decodeCheckpoint(r.bytes('origin'))
    entries.push({ offset, end, stream, number, treeSize, leaves, time, origin })
  }
  r.expectEnd('end')
  return entries
}

function decodeSummary(segment: number, payload: Uint8Array): SegmentSummary {
  const r = new CborReader(payload)
  r.fixedArray(6, 'summary')
  const [end, batches, firstTime, lastTime] = [r.uint('end'), r.uint('batches'), r.uint('time'), r.uint('time')]
  let opened: SegmentSummary['opened']
  if (!r.tryNull('opened')) {
    r.fixedArray(2, 'opened')
    opened = { journal: toHex(r.bytes('journal')), epoch: r.uint('epoch') }
  }
  const streams: StreamSummary[] = []
  for (let left = r.array('streams'); left > 0; left--) {
    r.fixedArray(9, 'stream')
    const stream = toHex(r.fixedBytes(STREAM_ID_LENGTH, 'stream'))
    const lane = r.tryNull('lane') ? undefined : readLane(r)
    const [first, last, treeSize, count] = [r.uint('first'), r.uint('last'), r.uint('treeSize'), r.uint('batches')]
    const [bytes, firstOffset, lastOffset] = [r.uint('bytes'), r.uint('offset'), r.uint('offset')]
    streams.push({ stream, lane, first, last, treeSize, batches: count, bytes, firstOffset, lastOffset })
  }
  r.expectEnd('end')
  return { segment, end, batches, firstTime, lastTime, opened, streams }
}

function readLane(r: CborReader): Lane {
  r.fixedArray(3, 'lane')
  const site = r.text('site')
  return { site, direction: oneOf(r, DIRECTIONS, 'direction'), class: oneOf(r, STREAM_CLASSES, 'class') }
}

/** An index is only a convenience: what cannot be read counts as not there. */
function attempt<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    if (error instanceof DecodeError || error instanceof UsageError) return undefined
    throw error
  }
}
