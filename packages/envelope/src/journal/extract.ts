import { UsageError, toHex } from '@gridseal/wire'
import { decodeBatch } from '../batch.ts'
import { leafHash } from '../merkle/hash.ts'
import { inclusionProof } from '../merkle/proof.ts'
import { encodeReceipt } from '../receipt.ts'
import { isCheckpoint } from './checkpoint.ts'
import { readJournal } from './read.ts'

export interface LeafSelector {
  /** Log id in hex, or its first characters. */
  readonly stream: string
  /** Index of the leaf in its log; 0 is the log's header. */
  readonly sequence: number
}

/**
 * Cuts a receipt for one leaf out of a journal: the leaf, the signed root of its batch, and the path between them.
 * Nothing is verified here; see `verifyReceipt`. Throws `UsageError` `journal.extract` if the journal does not hold the
 * whole log up to that leaf.
 */
export async function extractReceipt(directory: string, selector: LeafSelector): Promise<Uint8Array> {
  const hashes: Uint8Array[] = []
  let log: string | undefined
  for await (const item of readJournal(directory)) {
    if (item.kind === 'damage' || isCheckpoint(item.bytes)) continue
    const batch = decodeBatch(item.bytes)
    const stream = toHex(batch.header.stream)
    if (!stream.startsWith(selector.stream.toLowerCase())) continue
    if (log !== undefined && log !== stream) {
      throw new UsageError('journal.extract', `more than one log begins with ${selector.stream}`)
    }
    log = stream
    const first = batch.header.treeSize - batch.leaves.length
    // Batches that were sent again after a restart lie in the journal twice.
    if (first < hashes.length) hashes.length = first
    if (first !== hashes.length) {
      throw new UsageError(
        'journal.extract',
        `log ${stream} is not whole: leaves ${hashes.length} to ${first} are missing`,
      )
    }
    for (const leaf of batch.leaves) hashes.push(leafHash(leaf))
    if (selector.sequence < batch.header.treeSize) {
      const leaf = batch.leaves[selector.sequence - first]
      if (leaf === undefined) throw new UsageError('journal.extract', `no leaf ${selector.sequence}`)
      const path = inclusionProof(hashes, selector.sequence)
      return encodeReceipt(leaf, batch, batch.header.treeSize, selector.sequence, path)
    }
  }
  throw new UsageError('journal.extract', `no leaf ${selector.sequence} of log ${selector.stream} in ${directory}`)
}
