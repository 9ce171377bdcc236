import { AuthError, toHex } from '@gridseal/wire'
import type { VerifyingKey } from '@gridseal/pqc'
import { decodeBatch } from './batch.ts'
import type { LogPosition } from './entry.ts'
import type { KeyChange } from './leaf.ts'
import { isKeyChangeLeaf } from './leaf.ts'
import { leafHash } from './merkle/hash.ts'
import { PartialTree, inclusionPath } from './merkle/proof.ts'
import { encodeReceipt, verifyReceipt } from './receipt.ts'

/** A change of keys that the old key has signed. */
export interface Succession extends KeyChange {
  /** The key that signed for the new one. */
  readonly signer: VerifyingKey
}

/**
 * The receipt of the change of keys that a batch ends with, or undefined where it ends with something else: with the
 * old key it proves the new one, without the log. `before` is where the log stood before the batch.
 */
export function cutSuccession(batch: Uint8Array, before: LogPosition | undefined): Uint8Array | undefined {
  const raw = decodeBatch(batch)
  const leaf = raw.leaves.at(-1)
  if (leaf === undefined || !isKeyChangeLeaf(leaf)) return undefined
  const { treeSize } = raw.header
  const first = treeSize - raw.leaves.length
  const tree = new PartialTree(first, before?.frontier ?? [], raw.leaves.map(leafHash))
  return encodeReceipt(leaf, raw, treeSize, treeSize - 1, inclusionPath(tree, treeSize - 1))
}

/** Verifies the receipt of a change of keys. Throws as `verifyReceipt`, and `AuthError` `envelope.succession`. */
export function verifySuccession(
  receipt: Uint8Array,
  key: (fingerprint: Uint8Array) => VerifyingKey | undefined,
): Succession {
  const { change, signer } = verifyReceipt(receipt, key)
  if (change === undefined) throw new AuthError('envelope.succession', 'the receipt is not of a change of keys')
  return { ...change, signer }
}

/**
 * Of the receipts those that lead from trusted keys to others, in an order in which each can be verified with what came
 * before it. The rest (damaged, or of keys that nobody trusted has signed for) is left out.
 */
export function followSuccessions(
  receipts: readonly Uint8Array[],
  trusted: readonly VerifyingKey[],
): { readonly receipt: Uint8Array; readonly succession: Succession }[] {
  const known = new Map(trusted.map((key) => [toHex(key.fingerprint), key]))
  const followed: { receipt: Uint8Array; succession: Succession }[] = []
  let left = [...receipts]
  for (let before = -1; before !== left.length;) {
    before = left.length
    left = left.filter((receipt) => {
      try {
        const succession = verifySuccession(receipt, (fingerprint) => known.get(toHex(fingerprint)))
        known.set(toHex(succession.key.fingerprint), succession.key)
        followed.push({ receipt, succession })
        return false
      } catch {
        return true
      }
    })
  }
  return followed
}
