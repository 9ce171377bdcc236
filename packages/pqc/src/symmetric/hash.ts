import { createHash, hash } from 'node:crypto'
import { needBytes, needCount } from '../check.ts'
import { plainBytes } from './bytes.ts'
import { Gate } from './gate.ts'

const SHA_2 = new Gate('SHA-2')
const SHA_3 = new Gate('SHA-3')
const SHAKE = new Gate('SHAKE')

/** A hash over the concatenation of its arguments. */
export type Hash = (...parts: readonly Uint8Array[]) => Uint8Array

/** SHA-256 (FIPS 180-4), 32 bytes. */
export const sha256: Hash = fixed('sha256', SHA_2)
/** SHA-384 (FIPS 180-4), 48 bytes. */
export const sha384: Hash = fixed('sha384', SHA_2)
/** SHA-512 (FIPS 180-4), 64 bytes. */
export const sha512: Hash = fixed('sha512', SHA_2)
/** SHA3-256 (FIPS 202), 32 bytes. */
export const sha3_256: Hash = fixed('sha3-256', SHA_3)
/** SHA3-512 (FIPS 202), 64 bytes. */
export const sha3_512: Hash = fixed('sha3-512', SHA_3)

/**
 * SHA-512 of what is public, 64 bytes: less than half the price of {@link sha512} for short data. The digest passes through
 * a string, which cannot be overwritten: never for secrets.
 */
export function publicSha512(data: Uint8Array): Uint8Array {
  SHA_2.pass()
  needBytes(data, 'data')
  return publicDigest('sha512', data, 64)
}

/**
 * A digest of `length` bytes, by way of a string: node:crypto allocates a buffer outside of the heap for every digest that it
 * gives as bytes, which costs more than the hash of a short input. Without a {@link Gate}.
 */
export function publicDigest(name: string, data: Uint8Array, length: number): Uint8Array {
  const text = hash(name, data, 'binary')
  const digest = new Uint8Array(length)
  for (let i = 0; i < length; i++) digest[i] = text.charCodeAt(i)
  return digest
}

/** SHAKE128 (FIPS 202) of `length` bytes. Throws `UsageError` `pqc.argument.range` beyond 2^24. */
export function shake128(length: number, ...parts: readonly Uint8Array[]): Uint8Array {
  return extendable('shake128', length, parts)
}

/** SHAKE256 (FIPS 202) of `length` bytes. Throws `UsageError` `pqc.argument.range` beyond 2^24. */
export function shake256(length: number, ...parts: readonly Uint8Array[]): Uint8Array {
  return extendable('shake256', length, parts)
}

function fixed(name: string, gate: Gate): Hash {
  return (...parts) => {
    gate.pass()
    for (const part of parts) needBytes(part, 'data')
    const [only] = parts
    if (parts.length === 1 && only !== undefined) return plainBytes(hash(name, only, 'buffer'))
    const state = createHash(name)
    for (const part of parts) state.update(part)
    return plainBytes(state.digest())
  }
}

function extendable(name: string, outputLength: number, parts: readonly Uint8Array[]): Uint8Array {
  needCount(outputLength, 0, 2 ** 24, 'length')
  SHAKE.pass()
  // Always said explicitly: the default length of SHAKE in Node.js is deprecated.
  const state = createHash(name, { outputLength })
  for (const part of parts) {
    needBytes(part, 'data')
    state.update(part)
  }
  return plainBytes(state.digest())
}
