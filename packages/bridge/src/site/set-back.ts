import type { LogEnd, OpenedBatch } from '@gridseal/envelope'
import { toHex } from '@gridseal/wire'
import type { Level } from '../events.ts'

/** A state of the peer's stream that was verified here, and what the batch that led to it held. */
interface State {
  readonly end: string
  readonly entries: number
  readonly bytes: number
}

/** What is to be said of a log that does not continue what is known. */
export interface Unjoined {
  readonly level: Level
  readonly code: 'envelope.unjoined' | 'envelope.tail-lost' | 'envelope.set-back'
  readonly what: string
  readonly details: Readonly<Record<string, unknown>>
}

/**
 * Tells a sender that was killed from one whose journal was set back. Live batches leave while the sender's journal is
 * still being written, and it says how far that has come. A log that goes on from there, or from any state behind it,
 * lacks only what its sender never claimed to have on disk: the tail that a kill costs. Everything older that is missing
 * was there once, and somebody has put an older copy in its place.
 */
export class SetBackWatch {
  readonly #limit: number
  /** The newest state that the sender has on disk for all that is known, and the ones behind it, oldest first. */
  #base: string | undefined
  #tail: State[] = []
  #tailBytes = 0
  /** The newest state that the sender has claimed, perhaps ahead of its batch. */
  #claimed: string | undefined

  /** `limit`: bytes of batches that a sender may be ahead of its disk; what is older counts as being there. */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** Where the stream stands in our own journal: the sender must not fall back behind it. */
  recover({ stream, treeSize }: LogEnd): void {
    this.#base = stateOf(stream, treeSize)
  }

  /** The sender says that its journal holds the log up to `treeSize` leaves. */
  kept(stream: Uint8Array, treeSize: number): void {
    this.#claimed = stateOf(stream, treeSize)
    this.#settle(this.#tail.findIndex(({ end }) => end === this.#claimed))
  }

  /** A verified batch of `bytes` bytes. Returns what is to be said of it, if it begins a log that does not follow. */
  opened(batch: OpenedBatch, bytes: number): Unjoined | undefined {
    const { log, joined, behind } = batch
    let unjoined: Unjoined | undefined
    if (log !== undefined && !joined) {
      unjoined = behind ? this.#judge(log.previous, log.reason, log.class) : plain(log.reason)
      this.#begin(log.previous)
    }
    const end = stateOf(batch.stream, batch.treeSize)
    this.#tail.push({ end, entries: batch.entries.length + (batch.withheld?.entries.length ?? 0), bytes })
    this.#tailBytes += bytes
    while (this.#tailBytes > this.#limit) this.#settle(0)
    if (end === this.#claimed) this.#settle(this.#tail.length - 1)
    return unjoined
  }

  #judge(previous: LogEnd | undefined, reason: string, streamClass: string): Unjoined {
    const from = previous && stateOf(previous.stream, previous.treeSize)
    const at = this.#tail.findIndex(({ end }) => end === from)
    if (from === undefined || (at < 0 && from !== this.#base)) {
      const what = 'a log that continues an older state than is known here: the peer has been set back'
      return { level: 'error', code: 'envelope.set-back', what, details: { reason, class: streamClass } }
    }
    const lost = this.#tail.slice(at + 1)
    const sum = (of: 'entries' | 'bytes'): number => lost.reduce((total, state) => total + state[of], 0)
    const details = { batches: lost.length, entries: sum('entries'), bytes: sum('bytes') }
    const what =
      `the peer was killed before its journal had the last ${details.batches} batches (${details.entries} entries, ` +
      `${details.bytes} bytes), which are kept here; it had never claimed to have them`
    return { level: 'warn', code: 'envelope.tail-lost', what, details: { ...details, reason, class: streamClass } }
  }

  #begin(previous: LogEnd | undefined): void {
    this.#base = previous && stateOf(previous.stream, previous.treeSize)
    this.#tail = []
    this.#tailBytes = 0
  }

  /** The sender has everything up to and with the state at this place of the tail. */
  #settle(index: number): void {
    const settled = this.#tail.splice(0, index + 1)
    this.#base = settled.at(-1)?.end ?? this.#base
    for (const { bytes } of settled) this.#tailBytes -= bytes
  }
}

function plain(reason: string): Unjoined {
  const what = 'a log that continues no known log'
  return { level: 'info', code: 'envelope.unjoined', what, details: { reason } }
}

function stateOf(stream: Uint8Array, treeSize: number): string {
  return `${toHex(stream)} ${treeSize}`
}
