import type { Journal, LogPosition, SealedBatch } from '@gridseal/envelope'
import { cutSuccession } from '@gridseal/envelope'
import type { VerifyingKey } from '@gridseal/pqc'
import type { BatchKeys } from '../signing/batch-keys.ts'
import type { PeerSigners } from './peer-signers.ts'

/**
 * The changes of signing keys of both sides of a site. Their receipts stay beside the journal: a restart must not forget
 * whom to trust, nor how the far side is led to our key.
 */
export class KeyChanges {
  readonly #keys: BatchKeys
  readonly #signers: PeerSigners
  readonly #journal: Journal | undefined
  readonly #failed: (error: unknown) => void

  constructor(keys: BatchKeys, signers: PeerSigners, journal: Journal | undefined, failed: (error: unknown) => void) {
    this.#keys = keys
    this.#signers = signers
    this.#journal = journal
    this.#failed = failed
  }

  /** One of our streams has let its key sign for the next. */
  sealed({ bytes, before, successor }: SealedBatch): void {
    const receipt = cutSuccession(bytes, before)
    if (receipt !== undefined && successor !== undefined && this.#keys.changed(receipt)) {
      this.#note({ receipt, key: successor })
    }
  }

  /** A verified batch of the far side ends with a change of keys. */
  opened(bytes: Uint8Array, before: LogPosition | undefined): void {
    this.#note(this.#signers.changed(bytes, before))
  }

  /** The far side leads us to a key that it has signed for earlier. */
  told(receipt: Uint8Array): void {
    this.#note(this.#signers.take(receipt))
  }

  #note(taken: { readonly receipt: Uint8Array; readonly key: VerifyingKey } | undefined): void {
    if (taken !== undefined) this.#journal?.addSuccession(taken.receipt, taken.key).catch(this.#failed)
  }
}
