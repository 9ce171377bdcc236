import { createCipheriv, createDecipheriv, createHmac, timingSafeEqual } from 'node:crypto'
import { InternalError } from '@gridseal/wire'

/** A MAC algorithm of g120 (IEEE 1815-2012 clause 7): HMAC, cut to so many octets. */
export interface MacAlgorithm {
  readonly code: number
  readonly name: string
  readonly hash: 'sha1' | 'sha256'
  readonly length: number
}

/** AES-GMAC (6) is not here: how its initialisation vector is made is not public. */
export const MAC_ALGORITHMS: readonly MacAlgorithm[] = [
  { code: 2, name: 'HMAC-SHA1-10', hash: 'sha1', length: 10 },
  { code: 3, name: 'HMAC-SHA256-8', hash: 'sha256', length: 8 },
  { code: 4, name: 'HMAC-SHA256-16', hash: 'sha256', length: 16 },
  { code: 5, name: 'HMAC-SHA1-8', hash: 'sha1', length: 8 },
]

export function macAlgorithm(code: number): MacAlgorithm | undefined {
  return MAC_ALGORITHMS.find((row) => row.code === code)
}

/** How session keys are wrapped: AES key wrap (RFC 3394) with a key of 16 or 32 octets. */
export const KEY_WRAP: Readonly<Record<'AES_128' | 'AES_256', number>> = { AES_128: 1, AES_256: 2 }

/** State of a user's session keys (g120v5). */
export const KEY_STATUS_CODE: Readonly<Record<'OK' | 'NOT_INIT' | 'COMM_FAIL' | 'AUTH_FAIL', number>> = {
  OK: 1,
  NOT_INIT: 2,
  COMM_FAIL: 3,
  AUTH_FAIL: 4,
}

/** Why authentication was refused (g120v7). */
export const SECURITY_ERROR_CODE: Readonly<
  Record<
    | 'AUTHENTICATION_FAILED'
    | 'AGGRESSIVE_UNSUPPORTED'
    | 'MAC_UNSUPPORTED'
    | 'KEY_WRAP_UNSUPPORTED'
    | 'AUTHORIZATION_FAILED'
    | 'METHOD_NOT_PERMITTED'
    | 'INVALID_SIGNATURE'
    | 'INVALID_CERTIFICATION'
    | 'UNKNOWN_USER'
    | 'TOO_MANY_STATUS_REQUESTS',
    number
  >
> = {
  AUTHENTICATION_FAILED: 1,
  AGGRESSIVE_UNSUPPORTED: 4,
  MAC_UNSUPPORTED: 5,
  KEY_WRAP_UNSUPPORTED: 6,
  AUTHORIZATION_FAILED: 7,
  METHOD_NOT_PERMITTED: 8,
  INVALID_SIGNATURE: 9,
  INVALID_CERTIFICATION: 10,
  UNKNOWN_USER: 11,
  TOO_MANY_STATUS_REQUESTS: 12,
}

/** Methods of changing update keys; 3 to 5 symmetric, 67 to 71 asymmetric (readable, not carried out). */
export const UPDATE_KEY_METHODS: Readonly<Record<number, string>> = {
  3: 'AES-128/SHA-1-HMAC',
  4: 'AES-256/SHA-256-HMAC',
  5: 'AES-256/AES-GMAC',
  67: 'RSA-1024/DSA/SHA-1',
  68: 'RSA-2048/DSA/SHA-256',
  69: 'RSA-3072/DSA/SHA-256',
  70: 'RSA-2048/DSA/AES-GMAC',
  71: 'RSA-3072/DSA/AES-GMAC',
}

/** A symmetric method of changing update keys: the authority's key and update keys are of one length, which tells the method. */
export interface SymmetricMethod {
  readonly code: number
  readonly keyOctets: number
  /** Of certifications and confirmations, uncut. */
  readonly hash: 'sha1' | 'sha256'
}

/** AES-GMAC (5) is not here, see {@link MAC_ALGORITHMS}. */
const SYMMETRIC_METHODS: readonly SymmetricMethod[] = [
  { code: 3, keyOctets: 16, hash: 'sha1' },
  { code: 4, keyOctets: 32, hash: 'sha256' },
]

/** The method that goes with a key of the authority, or an update key. Throws `InternalError` for a length that was not checked. */
export function symmetricMethod({ length }: Uint8Array): SymmetricMethod {
  const method = SYMMETRIC_METHODS.find(({ keyOctets }) => keyOctets === length)
  if (method === undefined) throw new InternalError('dnp3.security.key', `no method with keys of ${length} octets`)
  return method
}

export function mac({ hash, length }: MacAlgorithm, key: Uint8Array, ...inputs: readonly Uint8Array[]): Uint8Array {
  return hmac(hash, key, ...inputs).subarray(0, length)
}

/** The whole HMAC. */
export function hmac(hash: 'sha1' | 'sha256', key: Uint8Array, ...inputs: readonly Uint8Array[]): Uint8Array {
  const h = createHmac(hash, key)
  for (const input of inputs) h.update(input)
  return h.digest()
}

/** In constant time; another length is another value. */
export function equalMacs(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}

const WRAP_IV = new Uint8Array(8).fill(0xa6)

/** Wraps octets, filled up with zeros to a multiple of 8. */
export function wrapKey(key: Uint8Array, plain: Uint8Array): Uint8Array {
  const padded = new Uint8Array(Math.max(16, Math.ceil(plain.length / 8) * 8))
  padded.set(plain)
  const cipher = createCipheriv(key.length === 16 ? 'aes128-wrap' : 'aes256-wrap', key, WRAP_IV)
  return Buffer.concat([cipher.update(padded), cipher.final()])
}

/** What was wrapped, padding included; undefined if it is not what this key has wrapped. */
export function unwrapKey(key: Uint8Array, wrapped: Uint8Array): Uint8Array | undefined {
  if (wrapped.length < 24 || wrapped.length % 8 !== 0) return undefined
  try {
    const decipher = createDecipheriv(key.length === 16 ? 'aes128-wrap' : 'aes256-wrap', key, WRAP_IV)
    return Buffer.concat([decipher.update(wrapped), decipher.final()])
  } catch {
    return undefined
  }
}
