import type { Journal, OpenedBatch, StreamDirection } from '@gridseal/envelope'
import { Opener, decodeCheckpoint } from '@gridseal/envelope'
import type { VerifyingKey } from '@gridseal/pqc'
import { ProtocolError } from '@gridseal/wire'
import type { StreamPosition } from './control.ts'

export interface IncomingOptions {
  readonly peer: VerifyingKey
  readonly site: string
  readonly direction: StreamDirection
  readonly journal: Journal | undefined
  /** A batch is safe: acknowledge it. */
  readonly onSafe: (stream: Uint8Array, number: number) => void
  /** The journal failed: nothing more may be carried. */
  readonly onFault: (what: string, error: unknown) => void
}

export interface IncomingStats {
  batches: number
  entries: number
  bytes: number
  /** Batches refused; nothing of them was delivered. */
  refused: number
}

/** One stream that arrives at this bridge: verifies, journals, acknowledges. */
export class IncomingStream {
  readonly stats: IncomingStats = { batches: 0, entries: 0, bytes: 0, refused: 0 }
  readonly #options: IncomingOptions
  readonly #opener: Opener
  /** The journal's last word on what has been opened. */
  #kept: Promise<void> = Promise.resolve()

  constructor(options: IncomingOptions) {
    const { peer, site, direction } = options
    this.#options = options
    this.#opener = new Opener({
      key: (fingerprint) => (Buffer.compare(fingerprint, peer.fingerprint) === 0 ? peer : undefined),
      site,
      direction,
    })
  }

  /** What this side has of the stream, for the peer's hello. */
  get position(): StreamPosition | undefined {
    const position = this.#opener.position
    return position && { stream: position.stream, next: position.next, created: position.created }
  }

  /** Resolves when all that has been opened is in the journal: what a hello claims must be safe. */
  settled(): Promise<void> {
    return this.#kept
  }

  /**
   * The sender tells where its log stands. Only a receiver that knows nothing takes it; the next batch's signature
   * proves it right or wrong. Throws `ProtocolError` `bridge.position` otherwise.
   */
  resume(checkpoint: Uint8Array): void {
    if (this.#opener.position !== undefined)
      throw new ProtocolError('bridge.position', 'a position that was not asked for')
    const position = decodeCheckpoint(checkpoint)
    this.#opener.resume(position)
    const { journal } = this.#options
    if (journal !== undefined) this.#keep(journal.appendCheckpoint(position))
  }

  #keep(append: Promise<void>, then?: () => void): void {
    this.#kept = append.then(then, (error: unknown) => this.#options.onFault('the journal', error))
  }

  /** Verifies a batch. Throws what `Opener.open` throws; then nothing of the batch may be used. */
  open(bytes: Uint8Array): OpenedBatch {
    let batch: OpenedBatch
    try {
      batch = this.#opener.open(bytes)
    } catch (error) {
      this.stats.refused++
      throw error
    }
    this.stats.batches++
    this.stats.entries += batch.entries.length
    this.stats.bytes += bytes.length
    const { journal, onSafe } = this.#options
    const { stream, number } = batch
    if (journal === undefined) onSafe(stream, number)
    else this.#keep(journal.append(bytes), () => onSafe(stream, number))
    return batch
  }
}
