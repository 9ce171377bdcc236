import { closeSync, openSync, writeSync } from 'node:fs'
import { parseDuration } from '@gridseal/bridge'
import type { Lane, Place, SequencedEntry } from '@gridseal/envelope'
import {
  JournalHistory,
  JournalKey,
  Marks,
  STREAM_CLASSES,
  decodeBatch,
  isCheckpoint,
  isKeyChangeLeaf,
  isNote,
  laneName,
  readEntryLeaf,
  readJournal,
  readJournalKeys,
  verifyJournal,
} from '@gridseal/envelope'
import { PcapngWriter } from '@gridseal/pcap'
import { readPublicKeyFile } from '@gridseal/pqc'
import { DecodeError, UsageError, describeError, toHex } from '@gridseal/wire'
import { PacketMaker } from '../journal/packets.ts'
import { EXIT, bytesText, complain, countText, print, toJson, untilStopped } from '../output.ts'

export interface JournalCommandOptions {
  /** File of the key that the journal is encrypted with. */
  readonly journalKey?: string
  readonly json: boolean
}

export interface JournalTailOptions extends JournalCommandOptions {
  readonly count: number
  readonly follow: boolean
  readonly for?: string
}

export interface JournalExportOptions extends JournalCommandOptions {
  readonly format: 'ndjson' | 'pcap'
  readonly output?: string
  readonly link?: string
  readonly key: readonly string[]
}

const journalKey = async (file: string | undefined): Promise<JournalKey | undefined> =>
  file === undefined ? undefined : JournalKey.read(file)

/** The segments of a journal and the logs they hold, by their indexes; nothing is verified. */
export async function journalLs(directory: string, options: JournalCommandOptions): Promise<void> {
  const history = await JournalHistory.load(directory, await journalKey(options.journalKey))
  for (const { segment, end, batches, firstTime, lastTime, streams } of history.segments) {
    if (options.json) {
      print(toJson({ segment, bytes: end, batches, from: timeOf(firstTime), to: timeOf(lastTime), streams }))
      continue
    }
    const when = firstTime === 0 ? '' : `  ${timeOf(firstTime)} – ${timeOf(lastTime)}`
    print(`${String(segment).padStart(10, '0')}  ${bytesText(end).padStart(9)}  ${countText(batches)} batches${when}`)
    for (const { stream, lane, first, last, treeSize } of streams) {
      const name = lane === undefined ? '' : `  ${lane.site} ${lane.direction} ${lane.class}`
      print(`            log ${stream.slice(0, 8)}${name}  batches ${first}–${last}, ${countText(treeSize)} leaves`)
    }
  }
}

/** What a journal holds for each stream, and what still waits there. */
export async function journalStats(directory: string, options: JournalCommandOptions): Promise<void> {
  const history = await JournalHistory.load(directory, await journalKey(options.journalKey))
  const { segments } = history
  const total = {
    segments: segments.length,
    bytes: segments.reduce((sum, { end }) => sum + end, 0),
    batches: segments.reduce((sum, { batches }) => sum + batches, 0),
    logs: new Set(segments.flatMap(({ streams }) => streams.map(({ stream }) => stream))).size,
  }
  const lanes = await lanesOf(history, directory)
  if (options.json) return print(toJson({ path: directory, ...total, streams: lanes }))
  print(`journal   ${directory}`)
  print(`size      ${bytesText(total.bytes)} in ${total.segments} segments`)
  print(`batches   ${countText(total.batches)} of ${total.logs} logs`)
  for (const { site, direction, class: streamClass, batches, bytes, waiting } of lanes) {
    const backlog = waiting === null ? '' : `, ${countText(waiting)} not acknowledged or delivered`
    print(`stream    ${site} ${direction} ${streamClass}: ${countText(batches)} batches, ${bytesText(bytes)}${backlog}`)
  }
}

interface LaneStats extends Lane {
  readonly batches: number
  readonly bytes: number
  /** Batches that are not acknowledged or not delivered; null where nothing is kept. */
  readonly waiting: number | null
}

async function lanesOf(history: JournalHistory, directory: string): Promise<LaneStats[]> {
  const found = new Map<string, { lane: Lane; batches: number; bytes: number }>()
  const lanesOfLogs = new Map<string, Lane>()
  const all = history.segments.flatMap(({ streams }) => streams)
  for (const { stream, lane } of all) if (lane !== undefined) lanesOfLogs.set(stream, lane)
  for (const { stream, batches, bytes } of all) {
    const lane = lanesOfLogs.get(stream)
    if (lane === undefined) continue
    const known = found.get(laneName(lane))
    found.set(laneName(lane), {
      lane,
      batches: (known?.batches ?? 0) + batches,
      bytes: (known?.bytes ?? 0) + bytes,
    })
  }
  const marks = Marks.peek(directory)
  const stats: LaneStats[] = []
  for (const { lane, batches, bytes } of found.values()) {
    const mark = ['sent', 'delivered']
      .map((queue) => marks.get(Marks.key(`${queue} ${JSON.stringify(lane)}`)))
      .find(Boolean)
    const waiting = mark === undefined ? null : (await history.behind(lane, mark.place)).batches
    stats.push({ ...lane, batches, bytes, waiting })
  }
  const order = (lane: Lane): string => `${lane.site} ${lane.direction} ${STREAM_CLASSES.indexOf(lane.class)}`
  return stats.sort((a, b) => (order(a) < order(b) ? -1 : 1))
}

/** The last frames of a journal, and those that come; nothing is verified. */
export async function journalTail(directory: string, options: JournalTailOptions): Promise<void> {
  const key = await journalKey(options.journalKey)
  const history = await JournalHistory.load(directory, key)
  const last = history.segments.at(-1)
  const before = history.segments.at(-2)
  const from: Place = { segment: before?.segment ?? last?.segment ?? 1, offset: 0 }
  const recent: string[] = []
  let end = await readOn(directory, key, from, (stream, entry) => {
    recent.push(frameLine(stream, entry, options.json))
    if (recent.length > options.count) recent.shift()
  })
  for (const line of recent) print(line)
  if (!options.follow) return
  const stopped = untilStopped(options.for === undefined ? undefined : parseDuration(options.for))
  let running = true
  void stopped.then(() => {
    running = false
  })
  while (running) {
    await Promise.race([stopped, new Promise((resolve) => setTimeout(resolve, 250))])
    end = await readOn(directory, key, end, (stream, entry) => print(frameLine(stream, entry, options.json)))
  }
}

/** Reads frames from a place on, and returns the place behind the last whole record. */
async function readOn(
  directory: string,
  key: JournalKey | undefined,
  from: Place,
  visit: (stream: string, entry: SequencedEntry) => void,
): Promise<Place> {
  let end = from
  for await (const item of readJournal(directory, { key, from })) {
    if (item.kind === 'damage') {
      // The end of the segment that is being written may be half there.
      if (item.code !== 'journal.torn') complain(`segment ${item.segment}, offset ${item.offset}: ${item.reason}`)
      continue
    }
    end = { segment: item.segment, offset: item.end }
    if (isCheckpoint(item.bytes) || isNote(item.bytes)) continue
    try {
      const { header, leaves } = decodeBatch(item.bytes)
      const stream = toHex(header.stream)
      for (const leaf of leaves.slice(header.number === 0 ? 1 : 0)) {
        if (isKeyChangeLeaf(leaf)) continue
        const entry = readEntryLeaf(leaf)
        if (entry.kind === 'frame') visit(stream, entry)
      }
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      complain(`segment ${item.segment}, offset ${item.offset}: ${describeError(error)}`)
    }
  }
  return end
}

function frameLine(stream: string, entry: SequencedEntry, json: boolean): string {
  const { link, connection, direction, sequence, time } = entry
  const content =
    entry.kind === 'frame'
      ? { protocol: entry.protocol, bytes: entry.bytes }
      : { event: entry.event, detail: entry.detail }
  if (json) return toJson({ stream, sequence, time: String(time), link, connection, direction, ...content })
  const at = new Date(Number(time / 1_000_000n)).toISOString()
  const what = entry.kind === 'frame' ? `${entry.protocol}  ${toHex(entry.bytes)}` : `${entry.event} ${entry.detail}`
  return `${at}  ${stream.slice(0, 8)}/${sequence}  ${link}#${connection} ${direction}  ${what}`
}

/** Writes the verified frames and events of a journal as NDJSON or as a capture. Exit code 1 if anything is refused. */
export async function journalExport(directory: string, options: JournalExportOptions): Promise<number> {
  const given = await Promise.all(options.key.map((file) => readPublicKeyFile(file)))
  const keys = given.length > 0 ? given : await readJournalKeys(directory)
  const { format, output, link } = options
  if (format === 'pcap' && output === undefined) throw new UsageError('export.output', 'a capture needs -o FILE')
  const sink = new Sink(output)
  const packets = new PacketMaker()
  const capture = new PcapngWriter()
  let frames = 0
  let refused = 0
  try {
    await verifyJournal(directory, {
      keys,
      key: await journalKey(options.journalKey),
      onBatch: ({ batch }) => {
        const stream = toHex(batch.stream)
        for (const entry of batch.entries) {
          if (link !== undefined && entry.link !== link) continue
          if (entry.kind === 'frame') frames++
          if (format === 'ndjson') sink.write(`${frameLine(stream, entry, true)}\n`)
          else for (const packet of packets.push(entry)) capture.add(packet)
        }
        if (capture.pending > 1 << 18) sink.write(capture.take())
      },
      onFailure: ({ segment, offset, code, message }) => {
        refused++
        complain(`left out: segment ${segment}, offset ${offset}: ${code}: ${message}`)
      },
    })
    if (format === 'pcap') sink.write(capture.take())
  } finally {
    sink.close()
  }
  if (output !== undefined) {
    if (options.json) print(toJson({ path: directory, output, format, frames, refused }))
    else print(`${output}: ${countText(frames)} verified frames`)
  }
  return refused === 0 ? EXIT.ok : EXIT.failed
}

/** A file, or standard output. */
class Sink {
  readonly #fd: number | undefined

  constructor(file: string | undefined) {
    try {
      this.#fd = file === undefined ? undefined : openSync(file, 'wx')
    } catch (error) {
      throw new UsageError('export.output', `cannot write ${file}: ${describeError(error)}`, {}, error)
    }
  }

  write(data: string | Uint8Array): void {
    if (this.#fd === undefined) process.stdout.write(data)
    else if (typeof data === 'string') writeSync(this.#fd, data)
    else writeSync(this.#fd, data)
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd)
  }
}

function timeOf(milliseconds: number): string | null {
  return milliseconds === 0 ? null : new Date(milliseconds).toISOString()
}
