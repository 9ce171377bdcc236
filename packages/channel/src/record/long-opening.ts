import type { EpochKeys } from './epoch.ts'
import { FRAME_HEADER, readU32 } from './frame.ts'
import { AT_SEQUENCE, RECORD_HEADER, checkSequence, nonceOf } from './record.ts'
import { TAG_LENGTH } from './record-cipher.ts'
import type { Opening } from './record-cipher.ts'

/**
 * A long record that is decrypted while it arrives, from the buffers in which it arrives. Nothing of it comes out before
 * all of it has turned out authentic.
 */
export class LongOpening {
  readonly #opening: Opening
  readonly #pieces: Uint8Array[] = []
  readonly #tag = new Uint8Array(TAG_LENGTH)
  /** Bytes of ciphertext and tag that have not come. */
  #left: number

  /**
   * Begins with the first 13 bytes of the frame of a record, which must have this sequence number. Throws
   * {@link ProtocolError} `channel.record.replay` and `.gap`.
   */
  constructor({ cipher, iv }: EpochKeys, sequence: number, header: Uint8Array) {
    checkSequence(sequence, header)
    const additional = header.slice(AT_SEQUENCE, RECORD_HEADER)
    this.#opening = cipher.opening(nonceOf(iv, sequence), additional)
    this.#left = readU32(header, 1) + FRAME_HEADER - RECORD_HEADER
  }

  /** The next bytes of the frame, which may change afterwards. */
  part(bytes: Uint8Array): void {
    const ciphertext = Math.min(bytes.length, Math.max(0, this.#left - TAG_LENGTH))
    if (ciphertext === bytes.length) this.#pieces.push(this.#opening.piece(bytes))
    else {
      if (ciphertext > 0) this.#pieces.push(this.#opening.piece(bytes.subarray(0, ciphertext)))
      this.#tag.set(bytes.subarray(ciphertext), TAG_LENGTH - (this.#left - ciphertext))
    }
    this.#left -= bytes.length
  }

  /** The content in pieces, once all has come. Throws `AuthError` `channel.record.auth`. */
  finish(): readonly Uint8Array[] {
    this.#opening.check(this.#tag)
    return this.#pieces
  }
}
