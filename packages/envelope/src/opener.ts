import type { SignatureAlgorithm, VerifyingKey } from '@gridseal/pqc'
import { AuthError, ProtocolError, toHex } from '@gridseal/wire'
import type { RawBatch } from './batch.ts'
import { decodeBatch } from './batch.ts'
import { toBeSigned } from './cose.ts'
import type { LogHeader, LogPosition, SequencedEntry, StreamDirection } from './entry.ts'
import { readEntryLeaf, readHeaderLeaf } from './leaf.ts'
import { Frontier } from './merkle/frontier.ts'

export interface OpenerOptions {
  /** The public key of a fingerprint, or undefined for a key that is not trusted for this stream. */
  readonly key: (fingerprint: Uint8Array) => VerifyingKey | undefined
  /** Refuse logs of another site. */
  readonly site?: string
  /** Refuse logs of another direction. */
  readonly direction?: StreamDirection
  /** Signature algorithms allowed on this stream; default all. */
  readonly algorithms?: readonly SignatureAlgorithm[]
}

export interface OpenedBatch {
  readonly stream: Uint8Array
  readonly number: number
  readonly treeSize: number
  readonly root: Uint8Array
  readonly signer: VerifyingKey
  /** In order; frame bytes are views of the batch. */
  readonly entries: readonly SequencedEntry[]
  /** The header, in a log's first batch. */
  readonly log: LogHeader | undefined
  /** Whether a new log names the end of the log before it as this opener knew it; true within a log. */
  readonly joined: boolean
}

/**
 * Verifies the sealed batches of one stream in order and releases their entries: all of a batch or nothing. Keeps the
 * log's frontier, so that one signature check covers everything the log has ever held. A refused batch leaves the
 * opener as it was.
 *
 * {@link Opener.open} throws `DecodeError` for bytes that are no batch, `AuthError` (`envelope.key.unknown`,
 * `envelope.algorithm`, `envelope.signature`, `envelope.site`) and `ProtocolError` (`envelope.replay`, `envelope.gap`,
 * `envelope.previous-root`, `envelope.tree-size`, `envelope.log-order`, `envelope.sequence`, `envelope.direction`).
 */
export class Opener {
  readonly #options: OpenerOptions
  #frontier = new Frontier()
  #stream: Uint8Array | undefined
  #root: Uint8Array | undefined
  #next = 0
  #created = 0n
  /** The direction of the log, which every entry must have: policy trusts it. */
  #direction: StreamDirection | undefined

  constructor(options: OpenerOptions) {
    this.#options = options
    this.#direction = options.direction
  }

  /** Where the log stands, or undefined before the first batch. */
  get position(): LogPosition | undefined {
    if (this.#stream === undefined || this.#root === undefined) return undefined
    return {
      stream: this.#stream,
      treeSize: this.#frontier.size,
      root: this.#root,
      next: this.#next,
      created: this.#created,
      frontier: this.#frontier.hashes(),
    }
  }

  /**
   * Goes on from a position that the sender or an earlier run gave. It need not be trusted: the next batch's signature
   * covers a root that fits no other position. Throws `UsageError` for a frontier of the wrong shape.
   */
  resume(position: LogPosition): void {
    this.#frontier = Frontier.from(position.treeSize, position.frontier)
    this.#stream = position.stream
    this.#root = position.root
    this.#next = position.next
    this.#created = position.created
    this.#direction = this.#options.direction
  }

  open(bytes: Uint8Array): OpenedBatch {
    const batch = decodeBatch(bytes)
    const { header } = batch
    const signer = this.#signer(batch)
    const sameLog = this.#stream !== undefined && Buffer.compare(this.#stream, header.stream) === 0
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
    const direction = log?.direction ?? this.#direction
    const entries = readEntries(batch, log === undefined ? 0 : 1, direction)
    const joined = log === undefined || this.#joins(log)

    this.#frontier = frontier
    this.#stream = Uint8Array.from(header.stream)
    this.#root = root
    this.#next = header.number + 1
    this.#direction = direction
    if (log !== undefined) this.#created = log.created
    return {
      stream: this.#stream,
      number: header.number,
      treeSize: header.treeSize,
      root,
      signer,
      entries,
      log,
      joined,
    }
  }

  #signer(batch: RawBatch): VerifyingKey {
    const { algorithm, keyId } = batch.header
    const signer = this.#options.key(keyId)
    if (signer === undefined) {
      throw new AuthError('envelope.key.unknown', `no trusted key ${toHex(keyId)}`, where(batch))
    }
    const { algorithms } = this.#options
    if (signer.algorithm !== algorithm || (algorithms !== undefined && !algorithms.includes(algorithm))) {
      throw new AuthError('envelope.algorithm', `${algorithm} is not allowed here`, where(batch))
    }
    return signer
  }

  #checkContinues(batch: RawBatch): void {
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
    const { site, direction } = this.#options
    if ((site !== undefined && header.site !== site) || (direction !== undefined && header.direction !== direction)) {
      throw new AuthError('envelope.site', `a log of ${header.site} ${header.direction}`, where(batch))
    }
    if (header.created <= this.#created) {
      throw new ProtocolError('envelope.log-order', 'an older log came after a newer one', where(batch))
    }
    return header
  }

  #joins(log: LogHeader): boolean {
    const { previous } = log
    if (this.#stream === undefined || this.#root === undefined) return previous === undefined
    return (
      previous !== undefined &&
      previous.treeSize === this.#frontier.size &&
      Buffer.compare(previous.stream, this.#stream) === 0 &&
      Buffer.compare(previous.root, this.#root) === 0
    )
  }
}

function readEntries(batch: RawBatch, from: number, direction: StreamDirection | undefined): SequencedEntry[] {
  const first = batch.header.treeSize - batch.leaves.length
  const entries: SequencedEntry[] = []
  for (let i = from; i < batch.leaves.length; i++) {
    const leaf = batch.leaves[i]
    if (leaf === undefined) break
    const entry = readEntryLeaf(leaf)
    if (entry.sequence !== first + i) {
      throw new ProtocolError('envelope.sequence', `leaf ${first + i} says it is ${entry.sequence}`, where(batch))
    }
    if (direction !== undefined && entry.direction !== direction) {
      throw new ProtocolError('envelope.direction', `leaf ${first + i} says it goes ${entry.direction}`, where(batch))
    }
    entries.push(entry)
  }
  return entries
}

function where(batch: RawBatch): Record<string, unknown> {
  return { stream: toHex(batch.header.stream), batch: batch.header.number }
}
