import { UsageError } from '@gridseal/wire'
import { HASH_LENGTH, leafHashInto, mergeInPlace, nodeHash, sha256Into } from './hash.ts'

const MAX_LEVELS = 53

/**
 * The right edge of a growing Merkle tree (RFC 9162 2.1): the roots of its complete subtrees, largest first. Enough to
 * append leaves and to compute the root, in memory that grows with the logarithm of the tree.
 */
export class Frontier {
  #size = 0
  #depth = 0
  readonly #stack: Buffer = Buffer.alloc(MAX_LEVELS * HASH_LENGTH)

  /** Leaves in the tree. */
  get size(): number {
    return this.#size
  }

  /** Appends the leaf of an entry. */
  append(entry: Uint8Array): void {
    leafHashInto(this.#stack, this.#depth * HASH_LENGTH, entry)
    this.#settle()
  }

  /** {@link append} of an entry that has its {@link LEAF_PREFIX} before it already, which spares a copy. */
  appendPrefixed(prefixed: Uint8Array): void {
    sha256Into(this.#stack, this.#depth * HASH_LENGTH, prefixed)
    this.#settle()
  }

  #settle(): void {
    this.#depth++
    // One merge for each complete pair that the new leaf closes: as many as the old size has low one-bits.
    for (let size = this.#size; size % 2 === 1; size = (size - 1) / 2) {
      this.#depth--
      mergeInPlace(this.#stack, (this.#depth - 1) * HASH_LENGTH)
    }
    this.#size++
  }

  #at(level: number): Buffer {
    return this.#stack.subarray(level * HASH_LENGTH, (level + 1) * HASH_LENGTH)
  }

  /** The Merkle tree hash, 32 bytes. Throws `UsageError` for the empty tree, which a log never has. */
  root(): Uint8Array {
    if (this.#depth === 0) throw new UsageError('merkle.empty', 'an empty tree has no root here')
    let root = Buffer.from(this.#at(this.#depth - 1))
    for (let level = this.#depth - 2; level >= 0; level--) root = nodeHash(this.#at(level), root) as Buffer<ArrayBuffer>
    return root
  }

  /** The subtree roots, largest first: with the size, all that is needed to go on elsewhere. */
  hashes(): Uint8Array[] {
    return Array.from({ length: this.#depth }, (_, level) => Uint8Array.from(this.#at(level)))
  }

  copy(): Frontier {
    const copy = new Frontier()
    copy.#size = this.#size
    copy.#depth = this.#depth
    this.#stack.copy(copy.#stack, 0, 0, this.#depth * HASH_LENGTH)
    return copy
  }

  /** A frontier of `size` leaves from its subtree roots. Throws `UsageError` if their number does not fit the size. */
  static from(size: number, hashes: readonly Uint8Array[]): Frontier {
    const due = Array.from(size.toString(2)).filter((digit) => digit === '1').length
    if (!Number.isSafeInteger(size) || size < 0 || hashes.length !== (size === 0 ? 0 : due)) {
      throw new UsageError('merkle.frontier', `${hashes.length} hashes do not make a frontier of ${size} leaves`)
    }
    const frontier = new Frontier()
    frontier.#size = size
    for (const hash of hashes) frontier.#stack.set(hash, frontier.#depth++ * HASH_LENGTH)
    return frontier
  }
}
