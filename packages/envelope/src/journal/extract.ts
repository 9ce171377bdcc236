import { UsageError } from '@gridseal/wire'
import { decodeBatch } from '../batch.ts'
import { encodeConsistency } from '../consistency.ts'
import { leafHash } from '../merkle/hash.ts'
import { PartialTree, consistencyPath, inclusionPath } from '../merkle/proof.ts'
import { encodeReceipt } from '../receipt.ts'
import type { JournalKey } from './cipher.ts'
import type { Found } from './history.ts'
import { JournalHistory, frontierOf } from './history.ts'

export interface LeafSelector {
  /** Log id in hex, or its first characters. */
  readonly stream: string
  /** Index of the leaf in its log; 0 is the log's header. */
  readonly sequence: number
}

export interface ExtractOptions {
  /** For journals that are encrypted at rest. */
  readonly key?: JournalKey | undefined
}

/**
 * Cuts a receipt for one leaf out of a journal: the leaf, the signed root of its batch, and the path between them.
 * Nothing is verified here; see `verifyReceipt`. The segment's index tells where the log stood shortly before, so that
 * no more than some thousand leaves are read. Throws `UsageError` `journal.extract` if the journal does not hold the
 * leaf, or not what its path needs.
 */
export async function extractReceipt(
  directory: string,
  selector: LeafSelector,
  options: ExtractOptions = {},
): Promise<Uint8Array> {
  const history = await JournalHistory.load(directory, options.key)
  const stream = streamOf(history, selector.stream)
  const found = await batchWith(history, stream, selector.sequence)
  if (found === undefined) {
    throw new UsageError('journal.extract', `no leaf ${selector.sequence} of log ${selector.stream} in ${directory}`)
  }
  const batch = await readBatch(history, found)
  const first = batch.header.treeSize - batch.leaves.length
  const origin = first === 0 ? undefined : await history.origin(stream, batch.header.number)
  if (origin?.treeSize !== (first === 0 ? undefined : first)) throw notWhole(stream, batch.header.number)
  const tree = new PartialTree(first, frontierOf(origin).hashes(), batch.leaves.map(leafHash))
  const leaf = batch.leaves[selector.sequence - first]
  if (leaf === undefined) throw notWhole(stream, batch.header.number)
  const path = inclusionPath(tree, selector.sequence)
  return encodeReceipt(leaf, batch, batch.header.treeSize, selector.sequence, path)
}

export interface BatchSelector {
  /** Log id in hex, or its first characters. */
  readonly stream: string
  /** Number of the older batch. */
  readonly from: number
  /** Number of the newer batch; default the last one here. */
  readonly to?: number
}

/**
 * Cuts a proof out of a journal that the log at a later batch extends what it was at an earlier one: see
 * `verifyConsistencyReceipt`. Reads the log between the two. Throws `UsageError` `journal.extract`.
 */
export async function extractConsistency(
  directory: string,
  selector: BatchSelector,
  options: ExtractOptions = {},
): Promise<Uint8Array> {
  const history = await JournalHistory.load(directory, options.key)
  const stream = streamOf(history, selector.stream)
  const last = Math.max(
    ...history.segments.flatMap((s) => s.streams.filter((l) => l.stream === stream).map((l) => l.last)),
  )
  const to = selector.to ?? last
  if (selector.from >= to) throw new UsageError('journal.extract', `batch ${selector.from} is not before batch ${to}`)
  const found = await history.find(stream, selector.from)
  const start = await history.origin(stream, selector.from + 1)
  if (found === undefined || start === undefined) throw notWhole(stream, selector.from)
  const older = await readBatch(history, found)
  const hashes: Uint8Array[] = []
  let newer = older
  for (let number = selector.from + 1; number <= to; number++) {
    const next = await history.find(stream, number)
    if (next === undefined) throw notWhole(stream, number)
    newer = await readBatch(history, next)
    hashes.push(...newer.leaves.map(leafHash))
  }
  const tree = new PartialTree(start.treeSize, start.frontier, hashes)
  if (older.header.treeSize !== start.treeSize || newer.header.treeSize !== tree.size) throw notWhole(stream, to)
  const root = tree.hash(0, tree.size)
  return encodeConsistency({ ...older, root: start.root }, { ...newer, root }, consistencyPath(tree, start.treeSize))
}

function streamOf(history: JournalHistory, prefix: string): string {
  const wanted = prefix.toLowerCase()
  const all = new Set(history.segments.flatMap(({ streams }) => streams.map(({ stream }) => stream)))
  const matching = [...all].filter((stream) => stream.startsWith(wanted))
  const [stream] = matching
  if (stream === undefined) throw new UsageError('journal.extract', `no log ${prefix} in ${history.directory}`)
  if (matching.length > 1) throw new UsageError('journal.extract', `more than one log begins with ${prefix}`)
  return stream
}

/** The batch that holds a leaf. */
async function batchWith(history: JournalHistory, stream: string, sequence: number): Promise<Found | undefined> {
  for (const { segment, streams } of history.segments) {
    if (!streams.some((s) => s.stream === stream && s.treeSize > sequence)) continue
    const entry = (await history.entries(segment)).find(
      (e) => e.stream === stream && sequence < e.treeSize && sequence >= e.treeSize - e.leaves,
    )
    if (entry !== undefined) return { segment, entry }
  }
  return undefined
}

async function readBatch(history: JournalHistory, found: Found): Promise<ReturnType<typeof decodeBatch>> {
  const bytes = await history.read(found)
  if (bytes === undefined) throw new UsageError('journal.extract', `batch ${found.entry.number} is damaged`)
  return decodeBatch(bytes)
}

function notWhole(stream: string, number: number): UsageError {
  return new UsageError('journal.extract', `log ${stream} is not whole around batch ${number}`)
}
