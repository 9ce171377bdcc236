import { UsageError } from '@gridseal/wire'
import { nodeHash } from './hash.ts'

/** A tree of which only the right part is at hand, leaf by leaf, and the left part as its complete subtrees. */
export class PartialTree {
  /** Leaves in the tree. */
  readonly size: number
  readonly #base: number
  readonly #leaves: readonly Uint8Array[]
  readonly #blocks = new Map<number, { readonly end: number; readonly hash: Uint8Array }>()

  /**
   * `frontier` are the complete subtrees of the first `base` leaves, largest first, `leaves` the hashes of the rest.
   * Throws `UsageError` if the number of subtrees does not fit.
   */
  constructor(base: number, frontier: readonly Uint8Array[], leaves: readonly Uint8Array[]) {
    this.size = base + leaves.length
    this.#base = base
    this.#leaves = leaves
    let start = 0
    for (const hash of frontier) {
      if (start >= base) throw new UsageError('merkle.frontier', `too many hashes for ${base} leaves`)
      const end = start + largestPower(base - start)
      this.#blocks.set(start, { end, hash })
      start = end
    }
    if (start !== base) throw new UsageError('merkle.frontier', `too few hashes for ${base} leaves`)
  }

  /** Hash of the leaves from `start` up to `end`. Throws `UsageError` where they are not at hand. */
  hash(start: number, end: number): Uint8Array {
    const block = this.#blocks.get(start)
    if (block?.end === end) return block.hash
    if (end - start === 1) {
      const leaf = this.#leaves[start - this.#base]
      if (leaf === undefined) throw new UsageError('merkle.index', `leaf ${start} is not at hand`)
      return leaf
    }
    const middle = start + split(end - start)
    return nodeHash(this.hash(start, middle), this.hash(middle, end))
  }
}

/** Merkle tree hash of leaf hashes (RFC 9162 2.1.1). Throws `UsageError` for none. */
export function treeRoot(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) throw new UsageError('merkle.empty', 'an empty tree has no root here')
  return new PartialTree(0, [], leaves).hash(0, leaves.length)
}

/** Path of leaf `index` in the tree of all `leaves` (hashes), from leaf to root (RFC 9162 2.1.3.1). */
export function inclusionProof(leaves: readonly Uint8Array[], index: number): Uint8Array[] {
  return inclusionPath(new PartialTree(0, [], leaves), index)
}

/** {@link inclusionProof} for a leaf of the part that is at hand. */
export function inclusionPath(tree: PartialTree, index: number): Uint8Array[] {
  if (index < 0 || index >= tree.size) throw new UsageError('merkle.index', `no leaf ${index} of ${tree.size}`)
  const path: Uint8Array[] = []
  let start = 0
  let end = tree.size
  while (end - start > 1) {
    const middle = start + split(end - start)
    if (index < middle) {
      path.push(tree.hash(middle, end))
      end = middle
    } else {
      path.push(tree.hash(start, middle))
      start = middle
    }
  }
  return path.reverse()
}

/** Root that a path leads to, or undefined if its length does not fit (RFC 9162 2.1.3.2). */
export function rootFromInclusion(
  leaf: Uint8Array,
  index: number,
  size: number,
  path: readonly Uint8Array[],
): Uint8Array | undefined {
  if (!Number.isSafeInteger(size) || !Number.isSafeInteger(index) || index < 0 || index >= size) return undefined
  let fn = index
  let sn = size - 1
  let root = leaf
  for (const sibling of path) {
    if (sn === 0) return undefined
    if (fn % 2 === 1 || fn === sn) {
      root = nodeHash(sibling, root)
      while (fn % 2 === 0 && fn !== 0) {
        fn /= 2
        sn = Math.floor(sn / 2)
      }
    } else root = nodeHash(root, sibling)
    fn = Math.floor(fn / 2)
    sn = Math.floor(sn / 2)
  }
  return sn === 0 ? root : undefined
}

/** Proof that the tree of all `leaves` extends the one of the first `oldSize` (RFC 9162 2.1.4.1). */
export function consistencyProof(leaves: readonly Uint8Array[], oldSize: number): Uint8Array[] {
  return consistencyPath(new PartialTree(0, [], leaves), oldSize)
}

/** {@link consistencyProof} where the leaves from `oldSize` on are at hand, and the subtrees of those before. */
export function consistencyPath(tree: PartialTree, oldSize: number): Uint8Array[] {
  if (oldSize < 1 || oldSize > tree.size) {
    throw new UsageError('merkle.size', `no tree of ${oldSize} within ${tree.size} leaves`)
  }
  return subproof(tree, oldSize, 0, tree.size, true)
}

function subproof(tree: PartialTree, m: number, start: number, end: number, whole: boolean): Uint8Array[] {
  const n = end - start
  if (m === n) return whole ? [] : [tree.hash(start, end)]
  const k = split(n)
  if (m <= k) return [...subproof(tree, m, start, start + k, whole), tree.hash(start + k, end)]
  return [...subproof(tree, m - k, start + k, end, false), tree.hash(start, start + k)]
}

/** Whether `proof` joins two roots of one log (RFC 9162 2.1.4.2). */
export function verifyConsistency(
  oldSize: number,
  newSize: number,
  proof: readonly Uint8Array[],
  oldRoot: Uint8Array,
  newRoot: Uint8Array,
): boolean {
  if (!Number.isSafeInteger(oldSize) || !Number.isSafeInteger(newSize) || oldSize < 1 || oldSize > newSize) return false
  if (oldSize === newSize) return proof.length === 0 && same(oldRoot, newRoot)
  if (proof.length === 0) return false
  const path = isPowerOfTwo(oldSize) ? [oldRoot, ...proof] : proof
  let fn = oldSize - 1
  let sn = newSize - 1
  while (fn % 2 === 1) {
    fn = (fn - 1) / 2
    sn = Math.floor(sn / 2)
  }
  let fr = path[0]!
  let sr = fr
  for (const hash of path.slice(1)) {
    if (sn === 0) return false
    if (fn % 2 === 1 || fn === sn) {
      fr = nodeHash(hash, fr)
      sr = nodeHash(hash, sr)
      while (fn % 2 === 0 && fn !== 0) {
        fn /= 2
        sn = Math.floor(sn / 2)
      }
    } else sr = nodeHash(sr, hash)
    fn = Math.floor(fn / 2)
    sn = Math.floor(sn / 2)
  }
  return sn === 0 && same(fr, oldRoot) && same(sr, newRoot)
}

/** The largest power of two up to `n`. */
function largestPower(n: number): number {
  return split(n + 1)
}

/** The largest power of two smaller than `n`. */
function split(n: number): number {
  let k = 1
  while (k * 2 < n) k *= 2
  return k
}

function isPowerOfTwo(n: number): boolean {
  return split(n * 2) === n
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
