import { BUNDLED_LENGTH, BUNDLE_HEADER, CONTENT, TIMED_HEADER, writeMessageHeader } from './content.ts'
import { writeU32 } from './frame.ts'
import type { LongSealing, SealedPieces } from './long-sealing.ts'
import { borrow, giveBack } from './scratch.ts'

/*
 * Messages that share a record: 1a || (length u32 || data or timedData)…. To seal a small record costs fifty times as
 * much as to encrypt what is in it, and a record of 64 KiB still as much as half of it.
 */

/** Bytes in which small messages are gathered. Beyond, more of them save nothing, and they leave the fastest cache. */
const GATHERED = 2 ** 14
/** Longest content in bytes that is gathered; a longer message is encrypted where it lies. */
const SMALL = 2 ** 12
/** A record that has come to so many bytes is sent. More would save little, and no longer be in the caches on its way. */
const ENOUGH = 2 ** 17
/** Longest message in bytes that shares a record. A longer one has its own. */
export const LONGEST_SHARED: number = ENOUGH

/** What a bundle came to: one content, which is valid until {@link Bundle.clear}, or a record that is sealed already. */
export type Bundled = { readonly content: Uint8Array } | { readonly record: SealedPieces }

/**
 * Gathers messages into one record. Small ones are copied into a buffer, which is borrowed while there is something in
 * it; from the first longer one on they are encrypted as they come.
 */
export class Bundle {
  readonly #limit: number
  readonly #begin: (() => LongSealing) | undefined
  #buffer: Uint8Array | undefined
  /** Bytes in the buffer. */
  #gathered = BUNDLE_HEADER
  /** Bytes of all. */
  #length = BUNDLE_HEADER
  #count = 0
  #long: LongSealing | undefined

  /**
   * The peer takes contents of at most `limit` bytes. `begin` begins a long record; where there is none, only small
   * messages are admitted.
   */
  constructor(limit: number, begin?: () => LongSealing) {
    this.#limit = limit
    this.#begin = begin
  }

  get empty(): boolean {
    return this.#count === 0
  }

  /** Whether it should be sent now. */
  get full(): boolean {
    return this.#length >= ENOUGH
  }

  /** Whether a message may share a record at all. */
  admits(message: Uint8Array): boolean {
    if (BUNDLE_HEADER + needed(message) > this.#limit) return false
    return isSmall(message) || (this.#begin !== undefined && message.length <= LONGEST_SHARED)
  }

  /** Whether an admitted message finds room beside what is there. */
  hasRoom(message: Uint8Array): boolean {
    if (this.#length + needed(message) > this.#limit) return false
    return this.#long !== undefined || !isSmall(message) || this.#gathered + needed(message) <= GATHERED
  }

  /** Takes a message that is admitted and has room; it may change afterwards. */
  add(port: number, message: Uint8Array, validUntil: number | undefined): void {
    const small = isSmall(message)
    if (!small) this.#long ??= this.#begin?.()
    const buffer = this.#open()
    if (this.#long !== undefined && this.#gathered + needed(small ? message : NOTHING) > GATHERED) {
      this.#encrypt(this.#long)
    }
    const start = this.#gathered + BUNDLED_LENGTH
    const header = writeMessageHeader(validUntil, port, buffer, start)
    writeU32(buffer, start - BUNDLED_LENGTH, header + message.length)
    this.#gathered = start + header
    if (small) {
      buffer.set(message, this.#gathered)
      this.#gathered += message.length
    } else if (this.#long !== undefined) {
      this.#encrypt(this.#long)
      this.#long.append(message)
    }
    this.#length += BUNDLED_LENGTH + header + message.length
    this.#count++
  }

  /** What has been gathered: a single small message is by itself. Valid until {@link clear}. */
  finish(): Bundled {
    if (this.#long !== undefined) {
      this.#encrypt(this.#long)
      return { record: this.#long.finish() }
    }
    const start = this.#count === 1 ? BUNDLE_HEADER + BUNDLED_LENGTH : 0
    return { content: this.#open().subarray(start, this.#gathered) }
  }

  /** Forgets everything. */
  clear(): void {
    if (this.#buffer !== undefined) giveBack(this.#buffer)
    this.#buffer = undefined
    this.#gathered = BUNDLE_HEADER
    this.#length = BUNDLE_HEADER
    this.#count = 0
    this.#long = undefined
  }

  #open(): Uint8Array {
    if (this.#buffer !== undefined) return this.#buffer
    this.#buffer = borrow(GATHERED)
    this.#buffer[0] = CONTENT.bundle
    return this.#buffer
  }

  /** Encrypts what is in the buffer. */
  #encrypt(long: LongSealing): void {
    long.append(this.#open().subarray(0, this.#gathered))
    this.#gathered = 0
  }
}

const NOTHING = new Uint8Array(0)

/** Bytes that a message takes in a bundle, at most. */
function needed(message: Uint8Array): number {
  return BUNDLED_LENGTH + TIMED_HEADER + message.length
}

function isSmall(message: Uint8Array): boolean {
  return TIMED_HEADER + message.length <= SMALL
}
