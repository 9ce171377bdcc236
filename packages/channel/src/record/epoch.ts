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

const LABEL_KEYS = 'gridseal-channel-2 record keys'
const LABEL_NEXT = 'gridseal-channel-2 next secret'

/** The cipher with its key, made once per epoch, and the IV that is XORed with the sequence number. */
export interface EpochKeys {
  readonly cipher: RecordCipher
  readonly iv: Uint8Array
}

/** Key and IV of an epoch. */
export function epochKeys(secret: Uint8Array, algorithm: AeadAlgorithm): EpochKeys {
  return importKeys(chKemKdf(LABEL_KEYS, [secret], KEY_AND_IV_LENGTH), algorithm)
}

/** Key || IV (44 bytes), which is overwritten. */
export function importKeys(material: Uint8Array, algorithm: AeadAlgorithm): EpochKeys {
  const cipher = new RecordCipher(material.subarray(0, KEY_LENGTH), algorithm)
  const iv = material.slice(KEY_LENGTH)
  material.fill(0)
  return { cipher, iv }
}

/** The secret of the next epoch; the given one is overwritten, so that what was sent under it stays closed. */
export function nextSecret(secret: Uint8Array): Uint8Array {
  const next = chKemKdf(LABEL_NEXT, [secret], SECRET_LENGTH)
  secret.fill(0)
  return next
}
