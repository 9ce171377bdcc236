import type { SignatureAlgorithm, VerifyingKey } from '@gridseal/pqc'
import { AuthError, ProtocolError, toHex } from '@gridseal/wire'
import type { RawBatch } from './batch.ts'
import { decodeBatch } from './batch.ts'
import { toBeSigned } from './cose.ts'
import type { Lane, LogHeader, LogPosition, SequencedEntry, StreamClass, StreamDirection } from './entry.ts'
import { isKeyChangeLeaf, readEntryLeaf, readHeaderLeaf, readKeyChangeLeaf } from './leaf.ts'
import { Frontier } from './merkle/frontier.ts'

export interface OpenerOptions {
  /**
   * The public key of a fingerprint, or undefined for a key that is not trusted for this stream. `began`: when the log
   * began that it signs, ns since 1970-01-01 UTC, as its header says.
   */
  readonly key: (fingerprint: Uint8Array, began: bigint) => VerifyingKey | undefined
  /** Whether a key that a trusted one has signed for may sign the log that continues the one which named it; default yes. */
  readonly follow?: (key: VerifyingKey) => boolean
  /** Refuse logs of another site. */
  readonly site?: string
  /** Refuse logs of another direction. */
  readonly direction?: StreamDirection
  /** Refuse logs of another class. */
  readonly class?: StreamClass
  /** Signature algorithms allowed on this stream; default all. */
  readonly algorithms?: readonly SignatureAlgorithm[]
  /** Refuse what is too old or comes from the future; default: times are not looked at, as suits archives. */
  readonly freshness?: Freshness
}

/** How far the times of a batch may lie from ours. */
export interface Freshness {
  /** Nanoseconds since 1970-01-01 UTC. */
  readonly now: () => bigint
  /** Milliseconds that the sender's clock may be ahead of ours. */
  readonly maxAhead: number
  /** Milliseconds that an entry may be old; default any. */
  readonly maxAge?: number
  /**
   * What happens to a batch that is right but for its times: `refuse` it, so that nothing can follow it, or `withhold` its
   * entries and go on, so that it stays evidence. Default `refuse`.
   */
  readonly otherwise?: 'refuse' | 'withhold'
}

/** Entries of a batch that is right but for its times: not to be acted upon. */
export interface Withheld {
  readonly code: 'envelope.future' | 'envelope.stale'
  readonly message: string
  readonly entries: readonly SequencedEntry[]
}

export interface OpenedBatch {
  readonly stream: Uint8Array
  readonly number: number
  readonly treeSize: number
  readonly root: Uint8Array
  readonly signer: VerifyingKey
  /** In order; frame bytes are views of the batch. Empty where they are withheld. */
  readonly entries: readonly SequencedEntry[]
  /** What must not be released because of its times: see {@link Freshness.otherwise}. */
  readonly withheld: Withheld | undefined
  /** The header, in a log's first batch. */
  readonly log: LogHeader | undefined
  /** Whether a new log names the end of the log before it as this opener knew it; true within a log. */
  readonly joined: boolean
  /** A new log that continues an older state of the stream than this opener has seen: its sender was set back. */
  readonly behind: boolean
  /** Where the log stood before this batch; undefined for its first. */
  readonly before: LogPosition | undefined
  /** The key that signs the next log, where this batch ends its log with a change of keys. */
  readonly successor: VerifyingKey | undefined
}

/** Earlier logs that are remembered, to know an older state again. */
const MOST_PAST = 64

/**
 * Verifies the sealed batches of one stream in order and releases their entries: all of a batch or nothing. Keeps the
 * log's frontier, so that one signature check covers everything the log has ever held. A refused batch leaves the
 * opener as it was.
 *
 * {@link Opener.open} throws `DecodeError` for bytes that are no batch, `AuthError` (`envelope.key.unknown`,
 * `envelope.algorithm`, `envelope.signature`, `envelope.site`) and `ProtocolError` (`envelope.replay`, `envelope.gap`,
 * `envelope.previous-root`, `envelope.tree-size`, `envelope.log-ended`,
 * `envelope.future`, `envelope.stale`, `envelope.log-order`, `envelope.sequence`, `envelope.direction`).
 */
export class Opener {
  readonly #options: OpenerOptions
  #frontier = new Frontier()
  #stream: Uint8Array | undefined
  #root: Uint8Array | undefined
  #next = 0
  #created = 0n
  /** What the log is of. Every entry must have its direction: policy trusts it. */
  #lane: Lane | undefined
  /** The log has ended with a change to this key. */
  #successor: VerifyingKey | undefined
  /** Whose signature the log bears: trusted for all of it. */
  #signerOfLog: VerifyingKey | undefined
  /** The logs before this one, the latest last. */
  readonly #past: string[] = []

  constructor(options: OpenerOptions) {
    this.#options = options
  }

  /** Where the log stands, or undefined before the first batch. */
  get position(): LogPosition | undefined {
    if (this.#stream === undefined || this.#root === undefined || this.#lane === undefined) return undefined
    return {
      ...this.#lane,
      stream: this.#stream,
      treeSize: this.#frontier.size,
      root: this.#root,
      next: this.#next,
      created: this.#created,
      frontier: this.#frontier.hashes(),
      ...(this.#successor === undefined ? {} : { successor: this.#successor }),
    }
  }

  /**
   * Goes on from a position that the sender or an earlier run gave. It need not be trusted: the next batch's signature
   * covers a root that fits no other position. Throws `UsageError` for a frontier of the wrong shape and `AuthError`
   * `envelope.site` for another lane.
   */
  resume(position: LogPosition): void {
    this.#checkLane(position)
    const sameLog = this.#stream !== undefined && same(this.#stream, position.stream)
    const stays = sameLog && position.next === this.#next
    if (!sameLog) this.#signerOfLog = undefined
    this.#frontier = Frontier.from(position.treeSize, position.frontier)
    this.#stream = position.stream
    this.#root = position.root
    this.#next = position.next
    this.#created = position.created
    if (!stays) this.#successor = position.successor
    const { site, direction, class: streamClass } = position
    this.#lane = { site, direction, class: streamClass }
  }

  open(bytes: Uint8Array): OpenedBatch {
    const batch = decodeBatch(bytes)
    const { header } = batch
    const sameLog = this.#stream !== undefined && Buffer.compare(this.#stream, header.stream) === 0
    const signer = this.#signer(batch, sameLog)
    const log = sameLog ? undefined : this.#newLog(batch)
    if (sameLog) this.#checkContinues(batch)

    const frontier = sameLog ? this.#frontier.copy() : new Frontier()
    if (header.treeSize !== frontier.size + batch.leaves.length) {
      throw new ProtocolError(
        'envelope.tree-size',
        `the header says ${header.treeSize} leaves, the log would have ${frontier.size + batch.leaves.length}`,
        where(batch),
      )
    }
    for (const leaf of batch.leaves) frontier.append(leaf)
    const root = frontier.root()
    if (!signer.verify(toBeSigned(batch.protectedHeader, root), batch.signature)) {
      throw new AuthError('envelope.signature', 'the signature does not cover these leaves', where(batch))
    }
    const lane = log ?? this.#lane
    const { entries, successor } = readEntries(batch, log === undefined ? 0 : 1, lane?.direction)
    const withheld = this.#withheld(log, entries)
    if (withheld !== undefined && this.#options.freshness?.otherwise !== 'withhold') {
      throw new ProtocolError(withheld.code, withheld.message, where(batch))
    }
    const joined = log === undefined || this.#joins(log)
    const behind = !joined && this.#isBehind(log)
    const before = sameLog ? this.position : undefined

    if (!sameLog && this.#stream !== undefined) {
      this.#past.push(toHex(this.#stream))
      if (this.#past.length > MOST_PAST) this.#past.shift()
    }
    this.#frontier = frontier
    this.#stream = Uint8Array.from(header.stream)
    this.#root = root
    this.#next = header.number + 1
    this.#successor = successor
    this.#signerOfLog = signer
    if (log !== undefined) {
      this.#created = log.created
      this.#lane = { site: log.site, direction: log.direction, class: log.class }
    }
    return {
      stream: this.#stream,
      number: header.number,
      treeSize: header.treeSize,
      root,
      signer,
      entries: withheld === undefined ? entries : [],
      withheld,
      log,
      joined,
      behind,
      before,
      successor,
    }
  }

  #signer(batch: RawBatch, sameLog: boolean): VerifyingKey {
    const { algorithm, keyId } = batch.header
    const signer = this.#options.key(keyId, this.#began(batch, sameLog)) ?? this.#succeeded(batch, sameLog)
    if (signer === undefined) {
      throw new AuthError('envelope.key.unknown', `no trusted key ${toHex(keyId)}`, where(batch))
    }
    const { algorithms } = this.#options
    if (signer.algorithm !== algorithm || (algorithms !== undefined && !algorithms.includes(algorithm))) {
      throw new AuthError('envelope.algorithm', `${algorithm} is not allowed here`, where(batch))
    }
    return signer
  }

  #began(batch: RawBatch, sameLog: boolean): bigint {
    const first = batch.leaves[0]
    return sameLog || first === undefined || batch.header.number !== 0 ? this.#created : readHeaderLeaf(first).created
  }

  /** A key that a trusted one has signed for: it signs exactly the log that continues the one which named it. */
  #succeeded(batch: RawBatch, sameLog: boolean): VerifyingKey | undefined {
    const { keyId, number } = batch.header
    if (sameLog)
      return this.#signerOfLog !== undefined && same(this.#signerOfLog.fingerprint, keyId)
        ? this.#signerOfLog
        : undefined
    const first = batch.leaves[0]
    const key = this.#successor
    if (key === undefined || first === undefined || number !== 0 || !same(key.fingerprint, keyId)) return undefined
    return this.#options.follow?.(key) !== false && this.#joins(readHeaderLeaf(first)) ? key : undefined
  }

  /** The first thing that is wrong with the times of a batch. */
  #withheld(log: LogHeader | undefined, entries: readonly SequencedEntry[]): Withheld | undefined {
    const { freshness } = this.#options
    if (freshness === undefined) return undefined
    const now = freshness.now()
    const latest = now + BigInt(Math.round(freshness.maxAhead * 1e6))
    const earliest = freshness.maxAge === undefined ? 0n : now - BigInt(Math.round(freshness.maxAge * 1e6))
    if (log !== undefined && log.created > latest) {
      return { code: 'envelope.future', message: 'the log is dated ahead of our clock', entries }
    }
    for (const { time, sequence } of entries) {
      const leaf = `leaf ${sequence} is`
      if (time > latest) return { code: 'envelope.future', message: `${leaf} dated ahead of our clock`, entries }
      if (time < earliest) return { code: 'envelope.stale', message: `${leaf} too old`, entries }
    }
    return undefined
  }

  #checkContinues(batch: RawBatch): void {
    if (this.#successor !== undefined) {
      throw new ProtocolError('envelope.log-ended', 'the log has ended with a change of keys', where(batch))
    }
    const { number, previousRoot } = batch.header
    if (number < this.#next) {
      throw new ProtocolError('envelope.replay', `batch ${number} was here before`, where(batch))
    }
    if (number > this.#next) {
      throw new ProtocolError('envelope.gap', `batch ${number} came, ${this.#next} is due`, where(batch))
    }
    if (previousRoot === undefined || this.#root === undefined || Buffer.compare(previousRoot, this.#root) !== 0) {
      throw new ProtocolError('envelope.previous-root', 'it continues another history', where(batch))
    }
  }

  /** Checks the header of a log that begins with this batch. */
  #newLog(batch: RawBatch): LogHeader {
    if (batch.header.number !== 0) {
      throw new ProtocolError('envelope.gap', `batch ${batch.header.number} of an unknown log`, where(batch))
    }
    const first = batch.leaves[0]
    const header = readHeaderLeaf(first ?? new Uint8Array(0))
    if (
      Buffer.compare(header.stream, batch.header.stream) !== 0 ||
      Buffer.compare(header.keyId, batch.header.keyId) !== 0
    ) {
      throw new ProtocolError('envelope.log-header', 'the log header names another log or key', where(batch))
    }
    this.#checkLane(header, where(batch))
    if (header.created <= this.#created) {
      throw new ProtocolError('envelope.log-order', 'an older log came after a newer one', where(batch))
    }
    return header
  }

  #checkLane(lane: Lane, details: Record<string, unknown> = {}): void {
    const { site, direction, class: streamClass } = this.#options
    const fits =
      (site === undefined || lane.site === site) &&
      (direction === undefined || lane.direction === direction) &&
      (streamClass === undefined || lane.class === streamClass)
    if (!fits) {
      throw new AuthError('envelope.site', `a log of ${lane.site} ${lane.direction} ${lane.class}`, details)
    }
  }

  /** Whether a log continues a state of this stream that is older than what has been seen. */
  #isBehind(log: LogHeader | undefined): boolean {
    const previous = log?.previous
    if (this.#stream === undefined || log === undefined) return false
    if (previous === undefined) return false
    const sameLog = same(previous.stream, this.#stream)
    return sameLog ? previous.treeSize < this.#frontier.size : this.#past.includes(toHex(previous.stream))
  }

  #joins(log: LogHeader): boolean {
    const { previous } = log
    if (this.#stream === undefined || this.#root === undefined) return previous === undefined
    return (
      previous !== undefined &&
      previous.treeSize === this.#frontier.size &&
      same(previous.stream, this.#stream) &&
      same(previous.root, this.#root)
    )
  }
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

function readEntries(
  batch: RawBatch,
  from: number,
  direction: StreamDirection | undefined,
): { entries: SequencedEntry[]; successor: VerifyingKey | undefined } {
  const first = batch.header.treeSize - batch.leaves.length
  const entries: SequencedEntry[] = []
  let successor: VerifyingKey | undefined
  for (let i = from; i < batch.leaves.length; i++) {
    const leaf = batch.leaves[i]
    if (leaf === undefined) break
    if (successor !== undefined) {
      throw new ProtocolError('envelope.log-ended', 'leaves follow the change of keys', where(batch))
    }
    if (isKeyChangeLeaf(leaf)) {
      const change = readKeyChangeLeaf(leaf)
      if (change.sequence !== first + i) {
        throw new ProtocolError('envelope.sequence', `leaf ${first + i} says it is ${change.sequence}`, where(batch))
      }
      successor = change.key
      continue
    }
    const entry = readEntryLeaf(leaf)
    if (entry.sequence !== first + i) {
      throw new ProtocolError('envelope.sequence', `leaf ${first + i} says it is ${entry.sequence}`, where(batch))
    }
    if (direction !== undefined && entry.direction !== direction) {
      throw new ProtocolError('envelope.direction', `leaf ${first + i} says it goes ${entry.direction}`, where(batch))
    }
    entries.push(entry)
  }
  return { entries, successor }
}

function where(batch: RawBatch): Record<string, unknown> {
  return { stream: toHex(batch.header.stream), batch: batch.header.number }
}
