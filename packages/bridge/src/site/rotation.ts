import type { BatchSigner, Sealer } from '@gridseal/envelope'

/** Lets a sealer change to the key that is wanted, one change after the other. */
export class Rotation {
  readonly #sealer: Sealer
  #wanted: BatchSigner | undefined

  constructor(sealer: Sealer) {
    this.#sealer = sealer
  }

  want(key: BatchSigner): void {
    this.#wanted = key
    this.next()
  }

  /** A batch was sealed: a change that waited may go on. */
  next(): void {
    const wanted = this.#wanted
    if (wanted === undefined || this.#sealer.rotating) return
    this.#wanted = undefined
    const same = Buffer.compare(wanted.publicKey.fingerprint, this.#sealer.key.publicKey.fingerprint) === 0
    if (!same) this.#sealer.rotate(wanted)
  }
}
