import type { Entry, QueuedBatch } from '@gridseal/envelope'
import { decodeBatch, isKeyChangeLeaf, readEntryLeaf } from '@gridseal/envelope'
import { toHex } from '@gridseal/wire'

/** Batches that are under way at a time. */
const MOST = 16

/** A batch that was sealed again: it is done with once so many entries in all are in the journal. */
interface Pending {
  readonly stream: Uint8Array
  readonly number: number
  readonly dueAt: number
}

/**
 * Batches of logs that the peer does not take any more, whose entries are sealed into the current one. The old batch
 * counts as settled when its entries are in the journal anew, so a crash between the two loses nothing; it may make
 * them come twice.
 */
export class SealedAgain {
  readonly #settle: (stream: Uint8Array, number: number) => void
  readonly #dueAt = new Map<string, number>()
  #pending: Pending[] = []
  /** Entries given to the sealer, and those of them that are in the journal. */
  #given = 0
  #kept = 0

  /** `settle`: all up to this batch needs no more work. */
  constructor(settle: (stream: Uint8Array, number: number) => void) {
    this.#settle = settle
  }

  /** Whether everything that was sealed again is safe. */
  get done(): boolean {
    return this.#pending.length === 0
  }

  /** Whether so much is under way that no more should be taken from the journal. */
  get full(): boolean {
    return this.#pending.length >= MOST
  }

  /** Entries have gone to the sealer. */
  given(entries: number): void {
    this.#given += entries
  }

  /** So many more of them are in the journal. Whether that settled something. */
  kept(entries: number): boolean {
    this.#kept += entries
    return this.#settleDue()
  }

  /** Takes a batch; `seal` gets its entries, unless they are on their way from an earlier time. */
  take({ bytes, stream, number }: QueuedBatch, seal: (entries: readonly Entry[]) => void): void {
    const id = `${toHex(stream)} ${number}`
    if (!this.#dueAt.has(id)) {
      const { header, leaves } = decodeBatch(bytes)
      const entries = leaves.slice(header.number === 0 ? 1 : 0).filter((leaf) => !isKeyChangeLeaf(leaf))
      seal(entries.map((leaf) => readEntryLeaf(leaf)))
      this.#dueAt.set(id, this.#given)
    }
    this.#pending.push({ stream, number, dueAt: this.#dueAt.get(id) ?? 0 })
    this.#settleDue()
  }

  /** The queue begins anew: what is not settled comes again. */
  rewind(): void {
    this.#pending = []
  }

  #settleDue(): boolean {
    const due = this.#pending.findLastIndex(({ dueAt }) => dueAt <= this.#kept)
    const last = this.#pending[due]
    if (last === undefined) return false
    this.#pending.splice(0, due + 1)
    this.#settle(last.stream, last.number)
    return true
  }
}
