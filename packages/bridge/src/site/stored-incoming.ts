import type { Journal, Lane, OpenedBatch, QueuedBatch, SequencedEntry } from '@gridseal/envelope'
import { JournalQueue, decodeBatch, isKeyChangeLeaf, readEntryLeaf } from '@gridseal/envelope'
import type { SignatureAlgorithm } from '@gridseal/pqc'
import type { StreamPosition } from './control.ts'
import type { IncomingOptions, IncomingStats } from './incoming.ts'
import { IncomingStream } from './incoming.ts'

export interface StoredIncomingOptions {
  readonly signers: IncomingOptions['signers']
  readonly algorithms?: readonly SignatureAlgorithm[] | undefined
  /** Nanoseconds since 1970-01-01 UTC. */
  readonly now: () => bigint
  readonly lane: Lane
  readonly journal: Journal
  readonly onWaiting?: IncomingOptions['onWaiting']
  /** A batch is safe: acknowledge it. */
  readonly onSafe: (stream: Uint8Array, number: number) => void
  /** Takes an entry, or returns false: there is no room for it now. */
  readonly deliver: (entry: SequencedEntry) => boolean
  readonly onFault: (what: string, error: unknown) => void
}

/** A batch that is being delivered: entries up to `at` are. */
interface Delivery {
  readonly batch: QueuedBatch
  readonly entries: readonly SequencedEntry[]
  at: number
}

/** How long what has no room waits before it is tried again, ms. */
const RETRY_MS = 10

/**
 * A class of kept traffic that arrives: verified, put into the journal, acknowledged, and only then delivered, at the
 * pace of those who take it. What is not delivered yet survives a restart; what is delivered is not delivered again.
 */
export class StoredIncoming {
  readonly #options: StoredIncomingOptions
  readonly #stream: IncomingStream
  #queue!: JournalQueue
  #current: Delivery | undefined
  #timer: NodeJS.Timeout | undefined
  /** Entries of the first batch that were delivered before a restart. */
  #resumeAt = 0
  #ended = false

  private constructor(options: StoredIncomingOptions) {
    const { signers, algorithms, now, lane, onWaiting, onSafe, onFault } = options
    this.#options = options
    this.#stream = new IncomingStream({
      signers,
      algorithms,
      now,
      ...lane,
      keep: ({ stream, number, before }, bytes) => this.#queue.push(bytes, stream, number, before),
      note: (position) => options.journal.appendCheckpoint(position),
      onWaiting,
      onSafe,
      onFault,
    })
  }

  /** Goes on where the journal ends. */
  static async open(options: StoredIncomingOptions): Promise<StoredIncoming> {
    const incoming = new StoredIncoming(options)
    const { journal, lane, onFault } = options
    const end = await journal.history.end(lane)
    if (end !== undefined) incoming.#stream.recover(end)
    incoming.#queue = await JournalQueue.open(journal, {
      name: `delivered ${JSON.stringify(lane)}`,
      lane,
      unmarked: 'none',
      onReady: () => incoming.#pump(),
      onError: (error) => onFault('the journal', error),
    })
    incoming.#resumeAt = incoming.#queue.part
    return incoming
  }

  get stats(): IncomingStats {
    return this.#stream.stats
  }

  /** Batches that are not delivered yet. */
  get backlog(): number {
    return this.#queue.backlog.batches
  }

  get position(): StreamPosition | undefined {
    return this.#stream.position
  }

  settled(): Promise<void> {
    return this.#stream.settled()
  }

  resume(checkpoint: Uint8Array): void {
    this.#stream.resume(checkpoint)
  }

  /** Verifies a batch. Throws what `Opener.open` throws; then nothing of the batch is used. */
  open(bytes: Uint8Array): OpenedBatch {
    return this.#stream.open(Uint8Array.from(bytes))
  }

  /** The ends are there: delivers what is left from before. */
  start(): void {
    this.#pump()
  }

  close(): void {
    this.#ended = true
    clearTimeout(this.#timer)
    this.#queue.end()
  }

  /** A datagram leaves in the tick after it was given to the socket: before that it must not count as delivered. */
  #mark(mark: () => void): void {
    process.nextTick(mark)
  }

  #pump(): void {
    clearTimeout(this.#timer)
    while (!this.#ended) {
      const current = (this.#current ??= this.#take())
      if (current === undefined) return
      const { batch, entries } = current
      for (let entry = entries[current.at]; entry !== undefined; entry = entries[current.at]) {
        if (!this.#options.deliver(entry)) {
          this.#timer = setTimeout(() => this.#pump(), RETRY_MS)
          return
        }
        const part = ++current.at
        if (part < entries.length) this.#mark(() => this.#queue.settlePart(part))
      }
      this.#mark(() => this.#queue.settle(batch.stream, batch.number))
      this.#current = undefined
    }
  }

  #take(): Delivery | undefined {
    const batch = this.#queue.next()
    if (batch === undefined) return undefined
    const at = this.#resumeAt
    this.#resumeAt = 0
    const { header, leaves } = decodeBatch(batch.bytes)
    const own = leaves.slice(header.number === 0 ? 1 : 0).filter((leaf) => !isKeyChangeLeaf(leaf))
    return { batch, entries: own.map((leaf) => readEntryLeaf(leaf)), at }
  }
}
