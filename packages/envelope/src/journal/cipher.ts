import { readFile } from 'node:fs/promises'
import { AeadKey, hkdfSha256, randomBytes, sha256 } from '@gridseal/pqc'
import { AuthError, UsageError, describeError } from '@gridseal/wire'

// At rest each record is   "GSRE" ‖ nonce 12 ‖ AES-256-GCM(payload)   under a key of its segment file:
// HKDF-SHA-256(key, salt of the segment, "gridseal journal v1"), the place of the record authenticated with it.
const MARK = Buffer.from('GSRE', 'latin1')
const NONCE_LENGTH = 12
const TAG_LENGTH = 16
const INFO = Buffer.from('gridseal journal v1', 'latin1')
const KEY_LENGTH = 32

export const SALT_LENGTH = 16
export const KEY_ID_LENGTH = 8
/** How an encrypted record begins, for whoever looks for the next one behind damage. */
export const ENCRYPTED_START: Buffer = MARK

/** The secret that encrypts a journal at rest: 32 bytes. */
export class JournalKey {
  /** Tells keys apart without telling them: the first 8 bytes of their SHA-256. */
  readonly id: Uint8Array
  readonly #secret: Uint8Array

  /** Throws `UsageError` `journal.key` unless there are 32 bytes, which are copied. */
  constructor(secret: Uint8Array) {
    if (secret.length !== KEY_LENGTH) throw new UsageError('journal.key', `a journal key has ${KEY_LENGTH} bytes`)
    this.#secret = Uint8Array.from(secret)
    this.id = sha256(secret).slice(0, KEY_ID_LENGTH)
  }

  static generate(): JournalKey {
    return new JournalKey(randomBytes(KEY_LENGTH))
  }

  /** A file of 32 bytes, or of 64 hex digits. Throws `UsageError` `journal.key`. */
  static async read(file: string): Promise<JournalKey> {
    const bytes = await readFile(file).catch((error: unknown) => {
      throw new UsageError('journal.key', `cannot read ${file}: ${describeError(error)}`, {}, error)
    })
    if (bytes.length === KEY_LENGTH) return new JournalKey(bytes)
    const text = bytes.toString('latin1').trim()
    if (!/^[0-9a-f]{64}$/i.test(text))
      throw new UsageError('journal.key', `${file} holds no key of ${KEY_LENGTH} bytes`)
    return new JournalKey(Buffer.from(text, 'hex'))
  }

  /** The cipher of a segment file. */
  segment(salt: Uint8Array): SegmentCipher {
    return new SegmentCipher(new AeadKey('AES-256-GCM', hkdfSha256(this.#secret, salt, INFO, KEY_LENGTH)))
  }

  toString(): string {
    return 'JournalKey'
  }

  toJSON(): string {
    return this.toString()
  }
}

/** Encrypts the records of one segment file. Nonces are random: a file stays far below 2^32 records. */
export class SegmentCipher {
  readonly #key: AeadKey

  constructor(key: AeadKey) {
    this.#key = key
  }

  seal(segment: number, offset: number, payload: Uint8Array): Uint8Array {
    const nonce = randomBytes(NONCE_LENGTH)
    return Buffer.concat([MARK, nonce, this.#key.seal(nonce, payload, place(segment, offset))])
  }

  /** Undefined for what this key has not sealed for this place. */
  open(segment: number, offset: number, sealed: Uint8Array): Uint8Array | undefined {
    const start = MARK.length + NONCE_LENGTH
    if (sealed.length < start + TAG_LENGTH || MARK.compare(sealed, 0, MARK.length) !== 0) return undefined
    try {
      return this.#key.open(sealed.subarray(MARK.length, start), sealed.subarray(start), place(segment, offset))
    } catch (error) {
      if (error instanceof AuthError) return undefined
      throw error
    }
  }
}

function place(segment: number, offset: number): Uint8Array {
  const aad = Buffer.alloc(12)
  aad.writeUInt32BE(segment, 0)
  aad.writeBigUInt64BE(BigInt(offset), 4)
  return aad
}
