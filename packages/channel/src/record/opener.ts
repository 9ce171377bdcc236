import type { AeadAlgorithm } from '@gridseal/pqc'
import { Epoch } from './epoch.ts'
import { LongOpening } from './long-opening.ts'
import { openRecord } from './record.ts'

/**
 * The receiving half of the record layer on an ordered stream: every record must have exactly the next sequence
 * number, so a replayed, missing or reordered one ends the session.
 */
export class RecordOpener {
  readonly #epoch: Epoch
  #sequence = 0

  /** Takes over `secret`, which is overwritten when the epoch ends. */
  constructor(secret: Uint8Array, cipher: AeadAlgorithm) {
    this.#epoch = new Epoch(secret, cipher)
  }

  /** Whether any record has been authentic: until then the peer has not shown that it has the traffic keys. */
  get proven(): boolean {
    return this.#sequence > 0
  }

  /** The content of a whole record frame. Throws as `openRecord` does, and the number stays as it was. */
  open(record: Uint8Array): Uint8Array {
    const content = openRecord(this.#epoch.keys, this.#sequence, record)
    this.#sequence++
    return content
  }

  /** Begins a long record with the first 13 bytes of its frame. Throws as {@link LongOpening} does. */
  begin(header: Uint8Array): LongOpening {
    return new LongOpening(this.#epoch.keys, this.#sequence, header)
  }

  /** The content of the record that was begun, in pieces. Throws as `openRecord` does. */
  finish(record: LongOpening): readonly Uint8Array[] {
    const pieces = record.finish()
    this.#sequence++
    return pieces
  }

  /** The peer has announced its next epoch: what follows is under the new key. */
  rekey(): void {
    this.#epoch.next()
  }

  /** The peer goes on with a secret that both ends have agreed on; the old one is overwritten. */
  replace(secret: Uint8Array): void {
    this.#epoch.replace(secret)
  }

  /** Overwrites the secret; nothing can be opened from here on. */
  wipe(): void {
    this.#epoch.wipe()
  }
}
