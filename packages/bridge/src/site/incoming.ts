import type { Freshness, LogPosition, OpenedBatch, StreamClass, StreamDirection } from '@gridseal/envelope'
import { Opener, decodeCheckpoint } from '@gridseal/envelope'
import type { SignatureAlgorithm } from '@gridseal/pqc'
import { ProtocolError } from '@gridseal/wire'
import type { AcceptConfig } from '../config/model.ts'
import type { StreamPosition } from './control.ts'
import type { PeerSigners } from './peer-signers.ts'

export interface IncomingOptions {
  readonly signers: Pick<PeerSigners, 'key' | 'takes'>
  /** Undefined: all that policy allows. */
  readonly algorithms?: readonly SignatureAlgorithm[] | undefined
  /** Undefined: times are not looked at. */
  readonly freshness?: Freshness | undefined
  /** Nanoseconds since 1970-01-01 UTC. */
  readonly now: () => bigint
  readonly site: string
  readonly direction: StreamDirection
  readonly class: StreamClass
  /** Puts a batch into the journal; resolves when it is safe there. Undefined: without a journal. */
  readonly keep: ((batch: OpenedBatch, bytes: Uint8Array) => Promise<unknown>) | undefined
  /** Notes in the journal that the log is joined in the middle. */
  readonly note: ((position: LogPosition) => Promise<unknown>) | undefined
  /** So many more (or fewer) bytes of what came wait for the journal. */
  readonly onWaiting?: ((bytes: number) => void) | undefined
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
    const { signers, algorithms, freshness, now, site, direction, class: streamClass } = options
    this.#options = options
    this.#opener = new Opener({
      key: (fingerprint, began) => signers.key(fingerprint, began),
      follow: (key) => signers.takes(key, now()),
      ...(algorithms === undefined ? {} : { algorithms }),
      ...(freshness === undefined ? {} : { freshness }),
      site,
      direction,
      class: streamClass,
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

  /** Goes on where the journal ends. */
  recover(position: LogPosition): void {
    this.#opener.resume(position)
  }

  /**
   * The sender tells where its log stands: what lies between is not there any more. The next batch's signature proves it
   * right or wrong. Throws `ProtocolError` `bridge.position` for one that does not lead onward.
   */
  resume(checkpoint: Uint8Array): void {
    const position = decodeCheckpoint(checkpoint)
    const known = this.#opener.position
    if (known !== undefined) {
      const sameLog = Buffer.compare(known.stream, position.stream) === 0
      const onward = sameLog ? position.next > known.next : position.created > known.created
      if (!onward) throw new ProtocolError('bridge.position', 'a position that was not asked for')
    }
    this.#opener.resume(position)
    const { note } = this.#options
    if (note !== undefined) this.#keep(note(position))
  }

  #keep(append: Promise<unknown>, then?: () => void): void {
    this.#kept = append.then(
      () => then?.(),
      (error: unknown) => this.#options.onFault('the journal', error),
    )
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
    const { keep, onSafe, onWaiting } = this.#options
    const { stream, number } = batch
    const { length } = bytes
    if (keep === undefined) onSafe(stream, number)
    else {
      onWaiting?.(length)
      this.#keep(keep(batch, bytes), () => {
        onWaiting?.(-length)
        onSafe(stream, number)
      })
    }
    return batch
  }
}

/** Live traffic is worth nothing later; what is too old is kept as evidence, or the stream could not go on. */
export function freshnessOf({ clockSkew, maxAge }: AcceptConfig, now: () => bigint): Freshness | undefined {
  if (clockSkew === undefined) return undefined
  return { now, maxAhead: clockSkew, otherwise: 'withhold', ...(maxAge === undefined ? {} : { maxAge }) }
}
