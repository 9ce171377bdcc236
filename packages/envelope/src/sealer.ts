import { randomBytes } from 'node:crypto'
import type { VerifyingKey } from '@gridseal/pqc'
import { InternalError, UsageError } from '@gridseal/wire'
import type { SealedBatch } from './batch.ts'
import { encodeBatch } from './batch.ts'
import { CborWriter } from './cbor/writer.ts'
import { encodeRootHeader, toBeSigned } from './cose.ts'
import type { Entry, LogEnd, LogPosition, StreamClass, StreamDirection } from './entry.ts'
import {
  LOG_VERSION,
  STREAM_ID_LENGTH,
  checkEntry,
  writeEntryLeaf,
  writeHeaderLeaf,
  writeKeyChangeLeaf,
} from './leaf.ts'
import { Frontier } from './merkle/frontier.ts'
import { LEAF_PREFIX } from './merkle/hash.ts'

export interface SealerLimits {
  /** Most entries of one batch. */
  readonly maxEntries: number
  /** Frame bytes after which a batch takes no more entries. */
  readonly maxBytes: number
  /** Frame bytes waiting to be sealed above which {@link Sealer.add} asks the caller to stop. */
  readonly maxPending: number
  /** Milliseconds that a frame may wait for company before it is signed; 0 signs at once when idle. */
  readonly maxDelay: number
  /** Leaves after which a new log begins. */
  readonly maxLogEntries: number
  /** Milliseconds after which a new log begins. */
  readonly maxLogAge: number
}

export const SEALER_LIMITS: SealerLimits = {
  maxEntries: 1024,
  maxBytes: 1 << 20,
  maxPending: 4 << 20,
  maxDelay: 0,
  maxLogEntries: 1 << 22,
  maxLogAge: 24 * 3600 * 1000,
}

/** What signs batches: a `SigningKey` of this process, or a key that lies in a token. */
export interface BatchSigner {
  readonly publicKey: VerifyingKey
  /** The message does not change until the promise settles. */
  sign(message: Uint8Array): Promise<Uint8Array>
}

export interface SealerOptions {
  readonly key: BatchSigner
  readonly site: string
  readonly direction: StreamDirection
  /** Default `live`. */
  readonly class?: StreamClass
  /** End of this stream's last log, to join the new one to it. */
  readonly previous?: LogEnd
  readonly limits?: Partial<SealerLimits>
  /** Nanoseconds since 1970-01-01 UTC. */
  readonly now?: () => bigint
  readonly random?: (length: number) => Uint8Array
  /** Batches in order. */
  readonly onBatch: (batch: SealedBatch) => void
  /** After {@link Sealer.add} returned false: there is room again. */
  readonly onRelief?: () => void
  /** Signing failed; nothing is sealed from then on. */
  readonly onError: (error: unknown) => void
}

/** What a sealer has done, for metrics. */
export interface SealerStats {
  /** Batches sealed; each is one signature. */
  batches: number
  /** Entries sealed. */
  entries: number
  /** Bytes of sealed batches. */
  bytes: number
  /** Logs begun. */
  logs: number
}

/**
 * Puts entries into signed batches of one growing log. Group commit: with no signature under way a batch is signed at
 * once; entries that arrive meanwhile form the next one. A lone frame waits for one signature, a flood pays one
 * signature per thousand frames. Signing runs off the main thread.
 */
export class Sealer {
  readonly stats: SealerStats = { batches: 0, entries: 0, bytes: 0, logs: 0 }
  readonly #options: SealerOptions
  readonly #limits: SealerLimits
  readonly #now: () => bigint
  readonly #random: (length: number) => Uint8Array
  readonly #class: StreamClass
  readonly #leaves = new CborWriter(64 * 1024)
  readonly #leaf = new CborWriter(512)

  /** Undefined: here the key changes. */
  #queue: (Entry | undefined)[] = []
  #queueStart = 0
  #pendingBytes = 0
  #sealingBytes = 0
  #asked = false
  #busy = false
  #held = false
  #ended: 'closed' | 'failed' | undefined
  #timer: NodeJS.Timeout | undefined
  #idle: (() => void)[] = []
  /** Counts abandonments: a batch that was being signed during one is thrown away. */
  #generation = 0
  #key: BatchSigner
  /** The key that comes next; its change is in the queue or in the batch that is being signed. */
  #nextKey: BatchSigner | undefined
  /** The next log must be younger than this. */
  #floor = 0n

  #frontier = new Frontier()
  /** Root and size after the last batch handed out. */
  #root: Uint8Array | undefined
  #treeSize = 0
  #stream: Uint8Array | undefined
  #number = 0
  #created = 0n
  #previous: LogEnd | undefined
  #nextLog: string | undefined = 'start'

  constructor(options: SealerOptions) {
    this.#options = options
    this.#key = options.key
    this.#limits = { ...SEALER_LIMITS, ...options.limits }
    this.#now = options.now ?? (() => BigInt(Date.now()) * 1_000_000n)
    this.#random = options.random ?? ((length) => randomBytes(length))
    this.#class = options.class ?? 'live'
    this.#previous = options.previous
    if (this.#limits.maxEntries < 1) throw new UsageError('envelope.limits', 'maxEntries is at least 1')
  }

  /** Entries that are not in a sealed batch yet. */
  get pending(): number {
    return this.#queue.length - this.#queueStart
  }

  /** Bytes of these, those of the batch that is being signed included. */
  get pendingBytes(): number {
    return this.#pendingBytes + this.#sealingBytes
  }

  /** Where the current log stands after the last batch handed out, or undefined before the first. */
  get logEnd(): LogEnd | undefined {
    if (this.#stream === undefined || this.#root === undefined) return this.#previous
    return { stream: this.#stream, treeSize: this.#treeSize, root: this.#root }
  }

  /**
   * Takes entries. They are always accepted; false means that more wait than `maxPending` and the caller must stop
   * until `onRelief`. Throws `UsageError` after {@link close} or a failure, and for an impossible entry.
   */
  add(entries: readonly Entry[]): boolean {
    if (this.#ended !== undefined) throw new UsageError('envelope.sealer.ended', `the sealer has ${this.#ended}`)
    for (const entry of entries) {
      checkEntry(entry)
      this.#queue.push(entry)
      this.#pendingBytes += weight(entry)
    }
    this.#kick()
    if (this.#pendingBytes <= this.#limits.maxPending) return true
    this.#asked = true
    return false
  }

  /**
   * From now on entries are signed with another key. The current log ends with a leaf that names it, signed with the
   * old key; the next log is signed with the new one and joined to the old. Throws `UsageError` while a change is under
   * way.
   */
  rotate(key: BatchSigner): void {
    if (this.#ended !== undefined) throw new UsageError('envelope.sealer.ended', `the sealer has ${this.#ended}`)
    if (this.#nextKey !== undefined) throw new UsageError('envelope.rotate', 'a change of keys is under way')
    this.#nextKey = key
    this.#queue.push(undefined)
    this.#kick()
  }

  /** When the current log began, nanoseconds since 1970-01-01 UTC; 0 before the first. */
  get created(): bigint {
    return this.#created
  }

  /** Whether a change of keys is under way. */
  get rotating(): boolean {
    return this.#nextKey !== undefined
  }

  /** The key that signs now. */
  get key(): BatchSigner {
    return this.#key
  }

  /** Whether nothing waits and nothing is being signed. */
  get idle(): boolean {
    return !this.#busy && this.pending === 0
  }

  /**
   * Nothing is sealed until {@link release}, e.g. because the far side is out of reach and its window is full. Whoever
   * waits in {@link flush} or {@link close} goes on.
   */
  hold(): void {
    this.#held = true
    if (!this.#busy) this.#wake()
  }

  release(): void {
    this.#held = false
    this.#kick()
  }

  /** The first log of this sealer is joined to the one that was there before it, and dated later. */
  continueFrom(previous: LogEnd, created: bigint): void {
    if (this.#stream !== undefined) throw new UsageError('envelope.sealer.begun', 'the sealer has begun a log already')
    this.#previous = previous
    this.datedAfter(created)
  }

  /** The next batch opens a new log that is joined to the current one. */
  startLog(reason: string): void {
    this.#nextLog = reason
  }

  /** Logs from now on are dated later than `created`: the opener knows a log of that date already. */
  datedAfter(created: bigint): void {
    if (created > this.#floor) this.#floor = created
  }

  /** Drops what is not handed out yet, the batch that is being signed included, and begins a new log. */
  abandon(reason: string): void {
    this.#generation++
    this.#queue = this.#nextKey === undefined ? [] : [undefined]
    this.#queueStart = 0
    this.#pendingBytes = 0
    this.#nextLog = reason
    this.#relieve()
    if (!this.#busy) this.#wake()
  }

  /** Resolves when everything added so far is sealed, or when sealing is held. */
  async flush(): Promise<void> {
    if (this.#ended !== undefined || this.idle) return
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (!this.#busy && this.#held) return
    if (!this.#busy) this.#seal()
    await new Promise<void>((resolve) => this.#idle.push(resolve))
  }

  /** Seals what waits, then refuses further entries. */
  async close(): Promise<void> {
    await this.flush()
    clearTimeout(this.#timer)
    this.#ended ??= 'closed'
  }

  #kick(): void {
    if (this.#busy || this.#held || this.pending === 0 || this.#ended === 'failed') return
    if (this.#limits.maxDelay === 0 || this.pending >= this.#limits.maxEntries) this.#seal()
    else this.#timer ??= setTimeout(() => this.#delayed(), this.#limits.maxDelay)
  }

  #delayed(): void {
    this.#timer = undefined
    if (!this.#busy && !this.#held && this.pending > 0 && this.#ended === undefined) this.#seal()
  }

  #seal(): void {
    this.#busy = true
    clearTimeout(this.#timer)
    this.#timer = undefined
    void this.#sealBatch().then(
      () => this.#settle(),
      (error: unknown) => this.#fail(error),
    )
  }

  #settle(): void {
    this.#busy = false
    this.#sealingBytes = 0
    this.#relieve()
    this.#kick()
    if (!this.#busy && (this.pending === 0 || this.#held)) this.#wake()
  }

  #relieve(): void {
    if (!this.#asked || this.#pendingBytes > this.#limits.maxPending / 2) return
    this.#asked = false
    this.#options.onRelief?.()
  }

  #wake(): void {
    const waiting = this.#idle
    this.#idle = []
    for (const resolve of waiting) resolve()
  }

  #fail(error: unknown): void {
    this.#busy = false
    this.#ended = 'failed'
    this.#wake()
    this.#options.onError(error)
  }

  async #sealBatch(): Promise<void> {
    const key = this.#key
    const generation = this.#generation
    this.#leaves.reset()
    let count = 0
    if (this.#nextLog !== undefined || this.#logIsFull()) {
      this.#beginLog(this.#nextLog ?? (this.#frontier.size >= this.#limits.maxLogEntries ? 'size' : 'age'))
      count++
    }
    const stream = this.#stream
    if (stream === undefined) throw new InternalError('envelope.sealer', 'no log')
    const before = this.#position(stream)
    const { entries, changes } = this.#takeEntries()
    count += entries + (changes ? 1 : 0)

    const root = this.#frontier.root()
    const number = this.#number++
    const treeSize = this.#frontier.size
    const protectedHeader = encodeRootHeader({
      algorithm: key.publicKey.algorithm,
      keyId: key.publicKey.fingerprint,
      stream,
      number,
      treeSize,
      previousRoot: number === 0 ? undefined : this.#root,
    })
    const signature = await key.sign(toBeSigned(protectedHeader, root))
    if (generation !== this.#generation) return
    const bytes = encodeBatch(protectedHeader, signature, this.#leaves.view(), count)
    this.#root = root
    this.#treeSize = treeSize
    const successor = changes ? this.#nextKey?.publicKey : undefined
    if (changes) this.#changeKey()
    this.stats.batches++
    this.stats.entries += entries
    this.stats.bytes += bytes.length
    this.#options.onBatch({ bytes, stream, number, treeSize, entries, before, successor })
  }

  /** The old key has signed for the new one. The log that the new one signs begins at once, with nothing but its header. */
  #changeKey(): void {
    if (this.#nextKey === undefined) return
    this.#key = this.#nextKey
    this.#nextKey = undefined
    this.#nextLog ??= 'key'
  }

  #position(stream: Uint8Array): LogPosition | undefined {
    if (this.#root === undefined) return undefined
    const treeSize = this.#frontier.size
    const frontier = this.#frontier.hashes()
    const { site, direction } = this.#options
    const lane = { site, direction, class: this.#class }
    return { ...lane, stream, treeSize, root: this.#root, next: this.#number, created: this.#created, frontier }
  }

  #logIsFull(): boolean {
    const age = Number((this.#now() - this.#created) / 1_000_000n)
    return this.#frontier.size >= this.#limits.maxLogEntries || age >= this.#limits.maxLogAge
  }

  #beginLog(reason: string): void {
    const { site, direction } = this.#options
    const key = this.#key
    this.#previous = this.logEnd
    this.#nextLog = undefined
    this.#frontier = new Frontier()
    this.#root = undefined
    this.#number = 0
    const stream = Uint8Array.from(this.#random(STREAM_ID_LENGTH))
    this.#stream = stream
    // Later than the last log whatever the clock does: an opener refuses a log that is not.
    const now = this.#now()
    const last = this.#created > this.#floor ? this.#created : this.#floor
    this.#created = now > last ? now : last + 1n
    const keyId = key.publicKey.fingerprint
    writeHeaderLeaf(this.#beginLeaf(), {
      version: LOG_VERSION,
      site,
      direction,
      class: this.#class,
      stream,
      keyId,
      created: this.#created,
      reason,
      previous: this.#previous,
    })
    this.#appendLeaf()
    this.stats.logs++
  }

  /** Moves entries from the queue into the leaves of this batch, up to a change of keys. */
  #takeEntries(): { entries: number; changes: boolean } {
    const { maxEntries, maxBytes } = this.#limits
    let taken = 0
    let bytes = 0
    let changes = false
    // A batch must fit a message, also where leaves are longer than what they count for.
    const fits = (): boolean => taken === 0 || (bytes < maxBytes && this.#leaves.length < MOST_LEAVES * maxBytes)
    while (taken < maxEntries && fits() && this.#queueStart < this.#queue.length) {
      const entry = this.#queue[this.#queueStart++]
      if (entry === undefined) {
        changes = this.#appendKeyChange()
        break
      }
      writeEntryLeaf(this.#beginLeaf(), entry, this.#frontier.size)
      this.#appendLeaf()
      bytes += weight(entry)
      taken++
    }
    this.#pendingBytes -= bytes
    this.#sealingBytes = bytes
    if (this.#queueStart === this.#queue.length) {
      this.#queue = []
      this.#queueStart = 0
    } else if (this.#queueStart > 65536) {
      this.#queue = this.#queue.slice(this.#queueStart)
      this.#queueStart = 0
    }
    return { entries: taken, changes }
  }

  #appendKeyChange(): boolean {
    if (this.#nextKey === undefined) return false
    const change = { sequence: this.#frontier.size, time: this.#now(), key: this.#nextKey.publicKey }
    writeKeyChangeLeaf(this.#beginLeaf(), change)
    this.#appendLeaf()
    return true
  }

  /** The leaf lies behind its prefix: it is hashed as it is. */
  #appendLeaf(): void {
    this.#frontier.appendPrefixed(this.#leaf.view())
    this.#leaves.bytes(this.#leaf.view(1))
  }

  #beginLeaf(): CborWriter {
    return this.#leaf.reset().raw(LEAF_PREFIX)
  }
}

/** Bytes of leaves in a batch, as a multiple of the frame bytes that one may hold. */
const MOST_LEAVES = 1.5

/** What an entry counts against byte limits: its frame and about what its leaf adds. */
function weight(entry: Entry): number {
  return (entry.kind === 'frame' ? entry.bytes.length : entry.detail.length) + 64
}
