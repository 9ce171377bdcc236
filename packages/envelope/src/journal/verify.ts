import type { VerifyingKey } from '@gridseal/pqc'
import { GridsealError, ProtocolError, describeError, toHex } from '@gridseal/wire'
import { decodeBatch } from '../batch.ts'
import type { SequencedEntry } from '../entry.ts'
import { readHeaderLeaf } from '../leaf.ts'
import type { OpenedBatch } from '../opener.ts'
import { Opener } from '../opener.ts'
import { decodeCheckpoint, isCheckpoint } from './checkpoint.ts'
import { readJournal } from './read.ts'

/** Where and why verification failed. */
export interface JournalFailure {
  readonly segment: number
  /** Byte offset of the record in its segment file. */
  readonly offset: number
  /** 16-byte log id in hex, and the batch's number, where they could be read. */
  readonly stream?: string
  readonly batch?: number
  readonly code: string
  readonly message: string
}

export interface VerifyReport {
  /** Records that should be batches, damaged ones included. */
  batches: number
  /** Frames in verified batches. */
  frames: number
  /** Batches verified. */
  verified: number
  /** Batches refused and places damaged. */
  failed: number
  /** Logs (streams) seen. */
  logs: number
  /** New logs that do not continue the log before them, e.g. after a restart without a journal. */
  unjoined: number
  firstFailure: JournalFailure | null
}

export interface VerifiedBatch {
  readonly segment: number
  readonly offset: number
  readonly batch: OpenedBatch
}

export interface VerifyOptions {
  /** The keys that are trusted. */
  readonly keys: readonly VerifyingKey[]
  readonly onBatch?: (batch: VerifiedBatch) => void
  readonly onFailure?: (failure: JournalFailure) => void
}

/**
 * Verifies every batch of a journal: check sums, the chain of each log, every signature. A journal can hold several
 * streams (both directions, several sites); each is verified on its own. After a refused batch the later ones of its
 * log cannot be verified and are refused, too (`envelope.gap`). Time is linear in the journal, memory bounded by the
 * largest batch. Throws `UsageError` if there is no journal.
 */
export async function verifyJournal(directory: string, options: VerifyOptions): Promise<VerifyReport> {
  const report: VerifyReport = {
    batches: 0,
    frames: 0,
    verified: 0,
    failed: 0,
    logs: 0,
    unjoined: 0,
    firstFailure: null,
  }
  const streams = new Streams(options.keys)
  for await (const item of readJournal(directory)) {
    const fail = (code: string, message: string, where: Partial<JournalFailure> = {}): void => {
      const failure: JournalFailure = { segment: item.segment, offset: item.offset, ...where, code, message }
      report.failed++
      report.firstFailure ??= failure
      options.onFailure?.(failure)
    }
    if (item.kind === 'damage') {
      if (item.code === 'journal.checksum') report.batches++
      fail(item.code, item.reason)
      continue
    }
    if (isCheckpoint(item.bytes)) {
      attempt(() => streams.resume(item.bytes), fail)
      continue
    }
    report.batches++
    const batch = attempt(() => streams.open(item.bytes), fail)
    if (batch === undefined) continue
    report.verified++
    report.frames += batch.entries.filter(isFrame).length
    if (batch.log !== undefined) report.logs++
    if (!batch.joined) report.unjoined++
    options.onBatch?.({ segment: item.segment, offset: item.offset, batch })
  }
  return report
}

function isFrame(entry: SequencedEntry): boolean {
  return entry.kind === 'frame'
}

function attempt<T>(
  work: () => T,
  fail: (code: string, message: string, where?: Partial<JournalFailure>) => void,
): T | undefined {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof GridsealError)) throw error
    const { stream, batch } = error.details
    fail(error.code, describeError(error), {
      ...(typeof stream === 'string' ? { stream } : {}),
      ...(typeof batch === 'number' ? { batch } : {}),
    })
    return undefined
  }
}

/** One opener for each stream (site and direction) that a journal holds. */
class Streams {
  readonly #key: (fingerprint: Uint8Array) => VerifyingKey | undefined
  readonly #openers = new Map<string, Opener>()
  readonly #byLog = new Map<string, Opener>()

  constructor(keys: readonly VerifyingKey[]) {
    const byFingerprint = new Map(keys.map((key) => [toHex(key.fingerprint), key]))
    this.#key = (fingerprint) => byFingerprint.get(toHex(fingerprint))
  }

  resume(checkpoint: Uint8Array): void {
    const position = decodeCheckpoint(checkpoint)
    const opener = this.#byLog.get(toHex(position.stream)) ?? new Opener({ key: this.#key })
    opener.resume(position)
    this.#byLog.set(toHex(position.stream), opener)
  }

  open(bytes: Uint8Array): OpenedBatch {
    const raw = decodeBatch(bytes)
    const log = toHex(raw.header.stream)
    const known = this.#byLog.get(log)
    if (known !== undefined) return known.open(bytes)
    const first = raw.leaves[0]
    if (raw.header.number !== 0 || first === undefined) {
      throw new ProtocolError('envelope.gap', `batch ${raw.header.number} of a log whose beginning is not here`, {
        stream: log,
        batch: raw.header.number,
      })
    }
    const header = readHeaderLeaf(first)
    const lane = JSON.stringify([header.site, header.direction])
    const before = header.previous === undefined ? undefined : this.#byLog.get(toHex(header.previous.stream))
    const opener = before ?? this.#openers.get(lane) ?? new Opener({ key: this.#key })
    const opened = opener.open(bytes)
    this.#openers.set(lane, opener)
    this.#byLog.set(log, opener)
    return opened
  }
}
