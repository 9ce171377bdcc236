import { randomBytes } from 'node:crypto'
import { AuthError, ProtocolError, UsageError, toHex } from '@gridseal/wire'
import { needLength } from '../check.ts'
import { GCM_PARAMETERS } from './pkcs11-binding.ts'
import type { Attribute, Handle, Mechanism } from './pkcs11-binding.ts'
import { CKA, CKK, CKM, CKO } from './pkcs11-numbers.ts'
import type { Token } from './token.ts'

const KEY_LENGTH = 32
const TAG_LENGTH = 16

/** An AES-256 key in a token that cannot leave it, and what it wraps. */
export class WrappingKey {
  /** CKA_ID in hex. */
  readonly id: string
  readonly #token: Token
  readonly #template: Attribute[]

  private constructor(token: Token, id: Buffer, label: string) {
    this.#token = token
    this.id = toHex(id)
    this.#template = [...keyTemplate(label), { type: CKA.ID, value: id }]
  }

  /**
   * The key of a label, and of an id in hex where there may be several, if it is there. Throws `UsageError`
   * `pqc.hsm.ambiguous` where there are several, and `pqc.hsm.kek` for one that could leave the token.
   */
  static find(token: Token, label: string, wanted?: string): WrappingKey | undefined {
    const which = wanted === undefined ? [] : [{ type: CKA.ID, value: Buffer.from(wanted, 'hex') }]
    const handle = token.findOne([...keyTemplate(label), ...which], label)
    if (handle === undefined) return undefined
    const [id, extractable] = token.run((pkcs11, session) =>
      pkcs11.C_GetAttributeValue(session, handle, [{ type: CKA.ID }, { type: CKA.EXTRACTABLE }]),
    )
    if (extractable!.value[0] !== 0) {
      throw new UsageError('pqc.hsm.kek', `the key "${label}" can be taken out of the token`, { label })
    }
    return new WrappingKey(token, id!.value, label)
  }

  /** A new key. */
  static generate(token: Token, label: string): WrappingKey {
    const id = randomBytes(16)
    token.run((pkcs11, session) =>
      pkcs11.C_GenerateKey(session, { mechanism: CKM.AES_KEY_GEN }, [
        ...keyTemplate(label),
        ...protection,
        { type: CKA.ID, value: id },
        { type: CKA.VALUE_LEN, value: KEY_LENGTH },
      ]),
    )
    return new WrappingKey(token, id, label)
  }

  /**
   * Puts a key that was made outside into the token, where it stays: for escrow and its restoration. The caller
   * overwrites his copy. Throws `UsageError` `pqc.hsm.exists`.
   */
  static install(token: Token, label: string, key: Uint8Array, id: Uint8Array): WrappingKey {
    needLength(key, KEY_LENGTH, 'pqc.key.length', 'key')
    needLength(id, 16, 'pqc.key.length', 'id')
    if (token.find(keyTemplate(label)).length > 0) {
      throw new UsageError('pqc.hsm.exists', `the token has a key "${label}" already`, { label })
    }
    const [value, name] = [Buffer.from(key), Buffer.from(id)]
    try {
      token.run((pkcs11, session) =>
        pkcs11.C_CreateObject(session, [
          ...keyTemplate(label),
          ...protection,
          { type: CKA.ID, value: name },
          { type: CKA.VALUE, value },
        ]),
      )
    } finally {
      value.fill(0)
    }
    return new WrappingKey(token, name, label)
  }

  wrap(secret: Uint8Array, aad: Uint8Array): { readonly nonce: Uint8Array; readonly sealed: Uint8Array } {
    const nonce = randomBytes(12)
    // The binding takes Buffers only: this is no copy, which would be left behind.
    const data = Buffer.from(secret.buffer, secret.byteOffset, secret.byteLength)
    const sealed = this.#token.run((pkcs11, session) => {
      pkcs11.C_EncryptInit(session, gcm(nonce, aad), this.#handle())
      return pkcs11.C_Encrypt(session, data, Buffer.alloc(secret.length + 2 * TAG_LENGTH))
    })
    return { nonce, sealed }
  }

  /** Throws `AuthError` `pqc.hsm.unwrap` for what was not wrapped with this key and this data. */
  unwrap(nonce: Uint8Array, sealed: Uint8Array, aad: Uint8Array): Uint8Array {
    const secret = this.#token.run((pkcs11, session) => {
      pkcs11.C_DecryptInit(session, gcm(Buffer.from(nonce), aad), this.#handle())
      try {
        return pkcs11.C_Decrypt(session, Buffer.from(sealed), Buffer.alloc(sealed.length))
      } catch (error) {
        // ENCRYPTED_DATA_INVALID, GENERAL_ERROR and the like: tokens differ in how they say it.
        const code = (error as { code?: number }).code
        if (code === 0x40 || code === 0x41 || code === 5) return undefined
        throw error
      }
    })
    if (secret !== undefined) return secret
    throw new AuthError('pqc.hsm.unwrap', 'the seed was not wrapped by this key for this purpose')
  }

  #handle(): Handle {
    const [handle] = this.#token.find(this.#template)
    if (handle === undefined) throw new ProtocolError('pqc.hsm.key', `the wrapping key ${this.id} is not in the token`)
    return handle
  }
}

const protection: Attribute[] = [
  { type: CKA.TOKEN, value: true },
  { type: CKA.PRIVATE, value: true },
  { type: CKA.SENSITIVE, value: true },
  { type: CKA.EXTRACTABLE, value: false },
  { type: CKA.ENCRYPT, value: true },
  { type: CKA.DECRYPT, value: true },
]

function keyTemplate(label: string): Attribute[] {
  return [
    { type: CKA.CLASS, value: CKO.SECRET_KEY },
    { type: CKA.KEY_TYPE, value: CKK.AES },
    { type: CKA.LABEL, value: label },
  ]
}

function gcm(iv: Buffer, aad: Uint8Array): Mechanism {
  const parameter = { type: GCM_PARAMETERS, iv, aad: Buffer.from(aad), ivBits: 96, tagBits: 128 }
  return { mechanism: CKM.AES_GCM, parameter }
}
