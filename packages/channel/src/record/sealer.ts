import type { AeadAlgorithm } from '@gridseal/pqc'
import { CONTENT, DATA_HEADER, PADDED_HEADER, TIMED_HEADER, encodeRekey, writeData, writeTimedData } from './content.ts'
import { Epoch } from './epoch.ts'
import { writeU32 } from './frame.ts'
import { LongSealing } from './long-sealing.ts'
import { RECORD_HEADER, RECORD_OVERHEAD, newRecord, sealRecord } from './record.ts'

/** How much one key may protect before the next epoch begins. */
export interface EpochLimits {
  readonly records: number
  /** Bytes of content. */
  readonly bytes: number
}

/** How contents are made longer, so that their lengths say less. */
export interface Padding {
  /** Contents are padded to a multiple of so many bytes; 0 for not at all. */
  readonly multiple: number
  /** But never beyond so many bytes, which is all that the peer takes. */
  readonly limit: number
}

const UNPADDED: Padding = { multiple: 0, limit: 0 }

/** The sending half of the record layer: numbers and seals contents, and moves to the next epoch's key. */
export class RecordSealer {
  readonly #epoch: Epoch
  #sequence = 0
  #epochRecords = 0
  #epochBytes = 0
  readonly #limits: EpochLimits
  readonly #padding: Padding

  /** Takes over `secret`, which is overwritten when the epoch ends. */
  constructor(secret: Uint8Array, cipher: AeadAlgorithm, limits: EpochLimits, padding: Padding = UNPADDED) {
    this.#epoch = new Epoch(secret, cipher)
    this.#limits = limits
    this.#padding = padding
  }

  /** Whether contents are padded, so that their lengths must be known before they are sealed. */
  get pads(): boolean {
    return this.#padding.multiple > 0
  }

  /** Whether the epoch is used up: {@link rekey} must come before the next content. */
  get due(): boolean {
    return this.reached(this.#limits)
  }

  /** Whether the epoch has protected as much as this. */
  reached({ records, bytes }: EpochLimits): boolean {
    return this.#epochRecords >= records || this.#epochBytes >= bytes
  }

  /** A content as the next record. */
  seal(content: Uint8Array): Uint8Array {
    const record = this.#room(content.length)
    record.set(content, this.#start)
    return this.#seal(record)
  }

  /** A message as the next record; worthless after `validUntil` (ms of the session) where that is given. */
  sealMessage(port: number, message: Uint8Array, validUntil?: number): Uint8Array {
    const header = validUntil === undefined ? DATA_HEADER : TIMED_HEADER
    const record = this.#room(header + message.length)
    const target = record.subarray(this.#start)
    if (validUntil === undefined) writeData(port, message, target)
    else writeTimedData(validUntil, port, message, target)
    return this.#seal(record)
  }

  /** Begins a long record as the next one; no other may be sealed before it is finished. It is never padded. */
  begin(): LongSealing {
    return new LongSealing(this.#epoch.keys, this.#sequence++, (length) => this.#count(length))
  }

  /** The record that tells the peer of the next epoch; what is sealed after it uses the new key. */
  rekey(): Uint8Array {
    const record = this.seal(encodeRekey())
    this.#epoch.next()
    this.#begin()
    return record
  }

  /** Goes on with a secret that both ends have agreed on; the old one is overwritten. */
  replace(secret: Uint8Array): void {
    this.#epoch.replace(secret)
    this.#begin()
  }

  /** Overwrites the secret; nothing can be sealed from here on. */
  wipe(): void {
    this.#epoch.wipe()
  }

  #begin(): void {
    this.#epochRecords = 0
    this.#epochBytes = 0
  }

  /** Where the content begins in a record. */
  get #start(): number {
    return this.#padding.multiple === 0 ? RECORD_HEADER : RECORD_HEADER + PADDED_HEADER
  }

  /** An empty record for a content of `length` bytes, with its padding. */
  #room(length: number): Uint8Array {
    const { multiple, limit } = this.#padding
    if (multiple === 0) return newRecord(length)
    const least = PADDED_HEADER + length
    const padded = Math.max(least, Math.min(Math.ceil(least / multiple) * multiple, limit))
    const record = newRecord(padded)
    record[RECORD_HEADER] = CONTENT.padded
    writeU32(record, RECORD_HEADER + 1, length)
    record.fill(0, RECORD_HEADER + least, RECORD_HEADER + padded)
    return record
  }

  #seal(record: Uint8Array): Uint8Array {
    sealRecord(this.#epoch.keys, this.#sequence, record)
    this.#sequence++
    this.#count(record.length - RECORD_OVERHEAD)
    return record
  }

  #count(bytes: number): void {
    this.#epochRecords++
    this.#epochBytes += bytes
  }
}
