import { createCipheriv, createDecipheriv, createSecretKey } from 'node:crypto'
import type { DecipherGCM, KeyObject } from 'node:crypto'
import { AuthError } from '@gridseal/wire'
import type { AeadAlgorithm } from '@gridseal/pqc'

/** Bytes of the authentication tag. */
export const TAG_LENGTH = 16

/**
 * Most bytes that are encrypted at a time. The output of each step is a buffer of its own; small ones are used again by
 * the allocator, those of a whole large record would come from the system and go back to it with every record.
 */
export const STEP: number = 2 ** 16

const OPTIONS = { authTagLength: TAG_LENGTH } as const

/** Both modes have the interface of GCM; the declarations have one overload for each. */
const MODES: Readonly<Record<AeadAlgorithm, 'aes-256-gcm'>> = {
  'AES-256-GCM': 'aes-256-gcm',
  'ChaCha20-Poly1305': 'chacha20-poly1305' as 'aes-256-gcm',
}

/**
 * AES-256-GCM (SP 800-38D) or ChaCha20-Poly1305 (RFC 8439) for records: small ones in place, in the buffer in which they are
 * sent, long ones piece by piece. The key becomes a key object once: a raw key at every call costs five times as much.
 */
export class RecordCipher {
  readonly #key: KeyObject
  readonly #mode: 'aes-256-gcm'

  /** A key of 32 bytes, which is copied. */
  constructor(key: Uint8Array, algorithm: AeadAlgorithm) {
    this.#key = createSecretKey(key)
    this.#mode = MODES[algorithm]
  }

  /**
   * Encrypts what lies between the first `start` bytes and the last 16, which become the tag. `additional` is
   * authenticated with it. A nonce (12 bytes) must never be used twice with one key.
   */
  seal(nonce: Uint8Array, record: Uint8Array, start: number, additional: Uint8Array): void {
    const cipher = createCipheriv(this.#mode, this.#key, nonce, OPTIONS)
    cipher.setAAD(additional)
    const end = record.length - TAG_LENGTH
    for (let at = start; at < end; at += STEP) {
      record.set(cipher.update(record.subarray(at, Math.min(at + STEP, end))), at)
    }
    cipher.final()
    record.set(cipher.getAuthTag(), end)
  }

  /** What {@link seal} encrypted, in a new buffer. Throws {@link AuthError} `channel.record.auth`. */
  open(nonce: Uint8Array, record: Uint8Array, start: number, additional: Uint8Array): Uint8Array {
    const end = record.length - TAG_LENGTH
    const decipher = createDecipheriv(this.#mode, this.#key, nonce, OPTIONS)
    decipher.setAAD(additional)
    decipher.setAuthTag(record.subarray(end))
    const content = decipher.update(record.subarray(start, end))
    finish(decipher)
    return new Uint8Array(content.buffer, content.byteOffset, content.length)
  }

  /** Begins to encrypt what comes piece by piece; the rules of {@link seal} hold. */
  sealing(nonce: Uint8Array, additional: Uint8Array): Sealing {
    const cipher = createCipheriv(this.#mode, this.#key, nonce, OPTIONS)
    cipher.setAAD(additional)
    return {
      piece: (bytes) => cipher.update(bytes),
      tag: () => {
        cipher.final()
        return cipher.getAuthTag()
      },
    }
  }

  /** Begins to decrypt what comes piece by piece. */
  opening(nonce: Uint8Array, additional: Uint8Array): Opening {
    const decipher = createDecipheriv(this.#mode, this.#key, nonce, OPTIONS)
    decipher.setAAD(additional)
    return {
      piece: (bytes) => decipher.update(bytes),
      check: (tag) => {
        decipher.setAuthTag(tag)
        finish(decipher)
      },
    }
  }
}

/** A record that is being encrypted. */
export interface Sealing {
  /** At most {@link STEP} bytes, encrypted, in a buffer of their own. */
  piece(bytes: Uint8Array): Uint8Array
  /** The last step. */
  tag(): Uint8Array
}

/** A record that is being decrypted. */
export interface Opening {
  /** Decrypted, in a buffer of their own, and worth nothing before {@link check}. */
  piece(bytes: Uint8Array): Uint8Array
  /** The last step. Throws {@link AuthError} `channel.record.auth`: nothing that has been decrypted may be used. */
  check(tag: Uint8Array): void
}

function finish(decipher: DecipherGCM): void {
  try {
    decipher.final()
  } catch (error) {
    throw new AuthError('channel.record.auth', 'the record is not authentic', {}, error)
  }
}
