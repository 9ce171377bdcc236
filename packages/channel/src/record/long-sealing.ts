import type { EpochKeys } from './epoch.ts'
import { AT_SEQUENCE, RECORD_HEADER, RECORD_OVERHEAD, nonceOf, writeHeader } from './record.ts'
import { STEP } from './record-cipher.ts'
import type { Sealing } from './record-cipher.ts'
import { unzeroed } from './unzeroed.ts'

/** A record in pieces, to be sent one after the other. Each may have a buffer of its own. */
export interface SealedPieces {
  readonly pieces: readonly Uint8Array[]
  /** Bytes of all of them. */
  readonly length: number
}

/**
 * A long record that is encrypted while its content comes in: nothing is copied into one buffer, and the cipher is made
 * once for many messages. How long it becomes need not be known before.
 */
export class LongSealing {
  readonly #sealing: Sealing
  readonly #sequence: number
  readonly #header = unzeroed(RECORD_HEADER)
  readonly #pieces: Uint8Array[] = [this.#header]
  readonly #sealed: (length: number) => void
  #length = 0

  /** Begins the record with this sequence number; `sealed` is told the length of its content at the end. */
  constructor({ cipher, iv }: EpochKeys, sequence: number, sealed: (length: number) => void) {
    writeHeader(this.#header, RECORD_OVERHEAD, sequence)
    this.#sealing = cipher.sealing(nonceOf(iv, sequence), this.#header.subarray(AT_SEQUENCE))
    this.#sequence = sequence
    this.#sealed = sealed
  }

  /** Encrypts the next bytes of the content, which may change afterwards. */
  append(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += STEP) {
      this.#pieces.push(this.#sealing.piece(bytes.length <= STEP ? bytes : bytes.subarray(at, at + STEP)))
    }
    this.#length += bytes.length
  }

  /** The whole record. */
  finish(): SealedPieces {
    const length = RECORD_OVERHEAD + this.#length
    writeHeader(this.#header, length, this.#sequence)
    this.#pieces.push(this.#sealing.tag())
    this.#sealed(this.#length)
    return { pieces: this.#pieces, length }
  }
}
