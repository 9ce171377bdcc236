import { InternalError } from '@gridseal/wire'
import { chKemKdf } from '@gridseal/pqc'
import type { AeadAlgorithm } from '@gridseal/pqc'
import { RecordCipher } from './record-cipher.ts'

/*
 * One direction's keys between two rekeys. Each direction has a secret of its own, from which key and IV of the epoch
 * and the secret of the next one follow.
 */

/** Bytes of a direction's secret. */
export const SECRET_LENGTH = 32
const KEY_LENGTH = 32
/** Bytes of key || IV. */
export const KEY_AND_IV_LENGTH = 44

const LABEL_KEYS = 'gridseal-channel-3 record keys'
const LABEL_NEXT = 'gridseal-channel-3 next secret'

/** The cipher with its key, made once per epoch, and the IV that is XORed with the sequence number. */
export interface EpochKeys {
  readonly cipher: RecordCipher
  readonly iv: Uint8Array
}

/** Key and IV of an epoch. */
export function epochKeys(secret: Uint8Array, algorithm: AeadAlgorithm): EpochKeys {
  const material = chKemKdf(LABEL_KEYS, [secret], KEY_AND_IV_LENGTH)
  const keys = importKeys(material, algorithm)
  material.fill(0)
  return keys
}

/** Copies key || IV (44 bytes). */
export function importKeys(material: Uint8Array, algorithm: AeadAlgorithm): EpochKeys {
  return { cipher: new RecordCipher(material.subarray(0, KEY_LENGTH), algorithm), iv: material.slice(KEY_LENGTH) }
}

/** The secret of the next epoch; the given one is overwritten, so that what was sent under it stays closed. */
export function nextSecret(secret: Uint8Array): Uint8Array {
  const next = chKemKdf(LABEL_NEXT, [secret], SECRET_LENGTH)
  secret.fill(0)
  return next
}

/**
 * The epoch that a direction is in: its secret, and its keys from its first record on. Many a channel is opened long before
 * it says anything.
 */
export class Epoch {
  readonly #cipher: AeadAlgorithm
  /** Undefined when it has been overwritten. */
  #secret: Uint8Array | undefined
  #keys: EpochKeys | undefined

  /** Takes over `secret`, which is overwritten when the epoch ends. */
  constructor(secret: Uint8Array, cipher: AeadAlgorithm) {
    this.#secret = secret
    this.#cipher = cipher
  }

  /** Throws {@link InternalError} `channel.record.wiped` after {@link wipe}. */
  get keys(): EpochKeys {
    return (this.#keys ??= epochKeys(this.#alive(), this.#cipher))
  }

  /** The next one, by the direction itself. */
  next(): void {
    this.replace(nextSecret(this.#alive()))
  }

  /** Goes on with a secret that both ends have agreed on; the old one is overwritten. */
  replace(secret: Uint8Array): void {
    this.wipe()
    this.#secret = secret
  }

  /** Overwrites the secret; nothing can be sealed or opened from here on. */
  wipe(): void {
    this.#secret?.fill(0)
    this.#secret = undefined
    this.#keys = undefined
  }

  #alive(): Uint8Array {
    if (this.#secret !== undefined) return this.#secret
    throw new InternalError('channel.record.wiped', 'the secrets of the session have been overwritten')
  }
}
