import type { AeadAlgorithm } from '@gridseal/pqc'
import { DATA_HEADER, encodeRekey, writeData } from './content.ts'
import { epochKeys, nextSecret } from './epoch.ts'
import type { EpochKeys } from './epoch.ts'
import { RECORD_HEADER, newRecord, sealRecord } from './record.ts'

/** How much one key may protect before the next epoch begins. */
export interface EpochLimits {
  readonly records: number
  /** Bytes of content. */
  readonly bytes: number
}

/** The sending half of the record layer: numbers and seals contents, and moves to the next epoch's key. */
export class RecordSealer {
  readonly #cipher: AeadAlgorithm
  #secret: Uint8Array
  #keys: EpochKeys
  #sequence = 0
  #epochRecords = 0
  #epochBytes = 0
  readonly #limits: EpochLimits

  /** Takes over `secret`, which is overwritten when the epoch ends. */
  constructor(secret: Uint8Array, cipher: AeadAlgorithm, limits: EpochLimits) {
    this.#secret = secret
    this.#cipher = cipher
    this.#keys = epochKeys(secret, cipher)
    this.#limits = limits
  }

  /** Whether the epoch is used up: {@link rekey} must come before the next content. */
  get due(): boolean {
    return this.#epochRecords >= this.#limits.records || this.#epochBytes >= this.#limits.bytes
  }

  /** A content as the next record. */
  seal(content: Uint8Array): Uint8Array {
    const record = newRecord(content.length)
    record.set(content, RECORD_HEADER)
    return this.#seal(record, content.length)
  }

  /** A message as the next record. */
  sealMessage(port: number, message: Uint8Array): Uint8Array {
    const length = DATA_HEADER + message.length
    const record = newRecord(length)
    writeData(port, message, record.subarray(RECORD_HEADER))
    return this.#seal(record, length)
  }

  #seal(record: Uint8Array, contentLength: number): Uint8Array {
    sealRecord(this.#keys, this.#sequence, record)
    this.#sequence++
    this.#epochRecords++
    this.#epochBytes += contentLength
    return record
  }

  /** The record that tells the peer of the next epoch; what is sealed after it uses the new key. */
  rekey(): Uint8Array {
    const record = this.seal(encodeRekey())
    this.#secret = nextSecret(this.#secret)
    this.#keys = epochKeys(this.#secret, this.#cipher)
    this.#epochRecords = 0
    this.#epochBytes = 0
    return record
  }

  /** Overwrites the secret; nothing can be sealed in a later epoch. */
  wipe(): void {
    this.#secret.fill(0)
  }
}
