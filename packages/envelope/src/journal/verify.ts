import type { VerifyingKey } from '@gridseal/pqc'
import { GridsealError, ProtocolError, toHex } from '@gridseal/wire'
import { decodeBatch } from '../batch.ts'
import { laneName } from '../entry.ts'
import { readHeaderLeaf } from '../leaf.ts'
import type { OpenedBatch } from '../opener.ts'
import { Opener } from '../opener.ts'
import { decodeCheckpoint, isCheckpoint } from './checkpoint.ts'
import type { JournalKey } from './cipher.ts'
import { decodeNote, isNote } from './note.ts'
import { followSuccessions } from '../succession.ts'
import { readSuccessions } from './key-files.ts'
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
  /** New logs that do not continue the log before them, e.g. after a restart of the sender. */
  unjoined: number
  /** Logs whose beginning is not in this journal: it joined them in the middle. */
  partial: number
  /** Logs that continue an older state than the journal holds: their sender was set back. */
  behind: number
  /** Segments that retention has removed, as the journal says. */
  removed: number
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
  /** For journals that are encrypted at rest. */
  readonly key?: JournalKey | undefined
  readonly onBatch?: (batch: VerifiedBatch) => void
  readonly onFailure?: (failure: JournalFailure) => void
}

/**
 * Verifies every batch of a journal: check sums, the chain of each log, every signature. A journal can hold several
 * streams (both directions, several sites); each is verified on its own. After a refused batch the later ones of its
 * log cannot be verified and are refused, too (`envelope.gap`). A key that a trusted one has signed for is trusted as
 * well, be it in the stream or by a receipt beside the segments. Time is linear in the journal, memory bounded by the
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
    partial: 0,
    behind: 0,
    removed: 0,
    firstFailure: null,
  }
  const successors = followSuccessions(await readSuccessions(directory), options.keys)
  const streams = new Streams([...options.keys, ...successors.map(({ succession }) => succession.key)])
  for await (const item of readJournal(directory, { key: options.key })) {
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
      if (attempt(() => streams.resume(item.bytes), fail) === 'new') report.partial++
      continue
    }
    if (isNote(item.bytes)) {
      const note = attempt(() => decodeNote(item.bytes), fail)
      if (note?.kind === 'removed') report.removed += note.to - note.from + 1
      continue
    }
    report.batches++
    const batch = attempt(() => streams.open(item.bytes), fail)
    if (batch === undefined) continue
    report.verified++
    report.frames += streams.newFrames(batch)
    if (batch.log !== undefined) report.logs++
    if (!batch.joined) report.unjoined++
    if (batch.behind) report.behind++
    options.onBatch?.({ segment: item.segment, offset: item.offset, batch })
  }
  return report
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
    fail(error.code, error.message, {
      ...(typeof stream === 'string' ? { stream } : {}),
      ...(typeof batch === 'number' ? { batch } : {}),
    })
    return undefined
  }
}

/** Logs that are remembered of which there is nothing but a checkpoint. */
const MOST_UNPROVEN = 4096

/** One opener for each stream (site and direction) that a journal holds. */
class Streams {
  readonly #key: (fingerprint: Uint8Array) => VerifyingKey | undefined
  /** Keys that are trusted, and those that they have signed for. */
  readonly #keys: Map<string, VerifyingKey>
  readonly #openers = new Map<string, Opener>()
  readonly #byLog = new Map<string, Opener>()
  /** Lanes of logs that only a checkpoint speaks of, by log; the oldest first. */
  readonly #unproven = new Map<string, string>()
  /** Openers that have verified something. */
  readonly #proven = new Set<Opener>()
  /** How far each log has been verified. */
  readonly #furthest = new Map<
    string,
    { readonly next: number; readonly treeSize: number; readonly root: Uint8Array }
  >()

  constructor(keys: readonly VerifyingKey[]) {
    this.#keys = new Map(keys.map((key) => [toHex(key.fingerprint), key]))
    this.#key = (fingerprint) => this.#keys.get(toHex(fingerprint))
  }

  /**
   * Takes a checkpoint, which nobody has signed: it can begin a log that is not known here, and it can go back in one
   * that is (batches are sent again after a restart), but never skip what is missing.
   */
  resume(checkpoint: Uint8Array): 'new' | 'known' {
    const position = decodeCheckpoint(checkpoint)
    const log = toHex(position.stream)
    const known = this.#byLog.get(log)
    const at = this.#furthest.get(log)
    const details = { stream: log, batch: position.next }
    if (at !== undefined && position.next > at.next) {
      throw new ProtocolError('envelope.gap', `batches ${at.next} to ${position.next - 1} are missing`, details)
    }
    if (at !== undefined && position.next === at.next && Buffer.compare(position.root, at.root) !== 0) {
      throw new ProtocolError('envelope.previous-root', 'the checkpoint is of another history', details)
    }
    const lane = laneName(position)
    const { site, direction, class: streamClass } = position
    const opener =
      known ?? this.#openers.get(lane) ?? new Opener({ key: this.#key, site, direction, class: streamClass })
    opener.resume(position)
    this.#openers.set(lane, opener)
    this.#byLog.set(log, opener)
    if (known === undefined) this.#await(log, lane)
    return known === undefined ? 'new' : 'known'
  }

  /** Nobody has signed for what a checkpoint says: what no batch has borne out yet must not pile up. */
  #await(log: string, lane: string): void {
    this.#unproven.set(log, lane)
    const [oldest] = this.#unproven
    if (this.#unproven.size <= MOST_UNPROVEN || oldest === undefined) return
    const [forgotten, of] = oldest
    this.#unproven.delete(forgotten)
    this.#byLog.delete(forgotten)
    const opener = this.#openers.get(of)
    if (opener !== undefined && !this.#proven.has(opener)) this.#openers.delete(of)
  }

  /** Frames of a batch that were not in this journal before. */
  newFrames({ stream, number, treeSize, root, entries }: OpenedBatch): number {
    const log = toHex(stream)
    const seen = this.#furthest.get(log)?.treeSize ?? 0
    if (treeSize > seen) this.#furthest.set(log, { next: number + 1, treeSize, root })
    return entries.filter((entry) => entry.kind === 'frame' && entry.sequence >= seen).length
  }

  open(bytes: Uint8Array): OpenedBatch {
    const opened = this.#open(bytes)
    const { successor } = opened
    // After a restart its sender begins anew with the key that it had changed to.
    if (successor !== undefined) this.#keys.set(toHex(successor.fingerprint), successor)
    return opened
  }

  #open(bytes: Uint8Array): OpenedBatch {
    const raw = decodeBatch(bytes)
    const log = toHex(raw.header.stream)
    const known = this.#byLog.get(log)
    if (known !== undefined) {
      const opened = known.open(bytes)
      this.#unproven.delete(log)
      this.#proven.add(known)
      return opened
    }
    const first = raw.leaves[0]
    if (raw.header.number !== 0 || first === undefined) {
      throw new ProtocolError('envelope.gap', `batch ${raw.header.number} of a log whose beginning is not here`, {
        stream: log,
        batch: raw.header.number,
      })
    }
    const header = readHeaderLeaf(first)
    const lane = laneName(header)
    const { site, direction, class: streamClass } = header
    const opener = this.#openers.get(lane) ?? new Opener({ key: this.#key, site, direction, class: streamClass })
    const opened = opener.open(bytes)
    this.#openers.set(lane, opener)
    this.#byLog.set(log, opener)
    this.#proven.add(opener)
    // A log of which there is nothing but a checkpoint is no log that this one could continue.
    const { previous } = header
    return previous !== undefined && this.#unproven.has(toHex(previous.stream)) ? { ...opened, joined: false } : opened
  }
}
