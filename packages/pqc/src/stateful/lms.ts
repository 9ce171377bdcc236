import { createHash } from 'node:crypto'
import { DecodeError, Reader } from '@gridseal/wire'
import { needBytes } from '../check.ts'
import { admit } from '../policy/module-state.ts'
import { equalBytes } from '../symmetric/bytes.ts'
import { LMS_ONE_TIME, LMS_TREES } from './lms-types.ts'
import type { LmsHash, LmsOneTime, LmsTree } from './lms-types.ts'

/*
 * Verification of LMS and HSS signatures (RFC 8554, SP 800-208), with which the firmware of meters and relays is signed.
 * Only verification: a signer must never use one of its keys twice, and that needs a hardware module.
 *
 *   LMS public key = u32 tree type || u32 one-time type || I (16) || T[1] (m)
 *   LMS signature  = u32 q || one-time signature || u32 tree type || path (h * m)
 *   one-time signature = u32 type || C (n) || y (p * n)
 *   HSS public key = u32 levels || LMS public key
 *   HSS signature  = u32 levels - 1 || (LMS signature || LMS public key)... || LMS signature
 */

const D_PBLC = 0x8080
const D_MESG = 0x8181
const D_LEAF = 0x8282
const D_INTR = 0x8383
const MAX_LEVELS = 8

/** A public key of one LMS tree. */
export class LmsVerifyingKey {
  readonly tree: LmsTree
  readonly oneTime: LmsOneTime
  /** Bytes of a signature. */
  readonly signatureLength: number
  readonly #treeType: number
  readonly #oneTimeType: number
  readonly #id: Uint8Array
  readonly #root: Uint8Array

  private constructor(bytes: Uint8Array) {
    const reader = new Reader(bytes)
    this.#treeType = reader.u32be('lmsType')
    this.#oneTimeType = reader.u32be('otsType')
    const tree = LMS_TREES.get(this.#treeType)
    const oneTime = LMS_ONE_TIME.get(this.#oneTimeType)
    if (tree === undefined) throw unknownType('lmsType', 0, this.#treeType)
    if (oneTime === undefined) throw unknownType('otsType', 4, this.#oneTimeType)
    if (tree.hash !== oneTime.hash || tree.m !== oneTime.n) {
      throw new DecodeError('pqc.key.mismatch', 4, 'otsType', 'the two types use different hashes (SP 800-208 4)')
    }
    this.tree = tree
    this.oneTime = oneTime
    this.#id = Uint8Array.from(reader.take(16, 'I'))
    this.#root = Uint8Array.from(reader.take(tree.m, 'T[1]'))
    reader.expectEnd('LMS public key')
    this.signatureLength = signatureLength(tree, oneTime)
  }

  /** Throws `DecodeError` for types that do not exist or do not fit, and for another length. */
  static fromRaw(bytes: Uint8Array): LmsVerifyingKey {
    needBytes(bytes, 'bytes')
    return new LmsVerifyingKey(bytes)
  }

  /** False for every signature that is not valid, whatever is wrong with it. Throws `pqc.policy.refused`. */
  verify(message: Uint8Array, signature: Uint8Array): boolean {
    needBytes(message, 'message')
    needBytes(signature, 'signature')
    admit('HSS-LMS', 'verify')
    const { n, p } = this.oneTime
    const { h, m } = this.tree
    if (signature.length !== this.signatureLength) return false
    const view = new DataView(signature.buffer, signature.byteOffset, signature.byteLength)
    const q = view.getUint32(0)
    const pathAt = 8 + n + p * n + 4
    if (view.getUint32(4) !== this.#oneTimeType || view.getUint32(pathAt - 4) !== this.#treeType) return false
    if (q >= 2 ** h) return false
    const oneTimeKey = this.#oneTimeKey(message, q, signature.subarray(8, 8 + n + p * n))
    let node = this.#hash(u32(2 ** h + q), u16(D_LEAF), oneTimeKey)
    for (let i = 0, r = 2 ** h + q; i < h; i++, r = Math.floor(r / 2)) {
      const sibling = signature.subarray(pathAt + i * m, pathAt + (i + 1) * m)
      const parent = u32(Math.floor(r / 2))
      node =
        r % 2 === 1 ? this.#hash(parent, u16(D_INTR), sibling, node) : this.#hash(parent, u16(D_INTR), node, sibling)
    }
    return equalBytes(node, this.#root)
  }

  /** Kc: the one-time public key that a signature belongs to (RFC 8554 algorithm 4b). */
  #oneTimeKey(message: Uint8Array, q: number, signature: Uint8Array): Uint8Array {
    const { n, w, p } = this.oneTime
    const digest = this.#hash(u32(q), u16(D_MESG), signature.subarray(0, n), message)
    const digits = winternitzDigits(digest, this.oneTime)
    const last = 2 ** w - 1
    const z = new Uint8Array(p * n)
    for (let i = 0; i < p; i++) {
      let link: Uint8Array = signature.subarray(n + i * n, 2 * n + i * n)
      for (let j = digits[i]!; j < last; j++) link = this.#hash(u32(q), u16(i), Uint8Array.of(j), link)
      z.set(link, i * n)
    }
    return this.#hash(u32(q), u16(D_PBLC), z)
  }

  /** H(I || parts), cut to the length of a node. */
  #hash(...parts: readonly Uint8Array[]): Uint8Array {
    return lmsHash(this.tree.hash, this.tree.m, [this.#id, ...parts])
  }
}

/** A public key of a hierarchy of LMS trees. */
export class HssVerifyingKey {
  readonly levels: number
  readonly #top: LmsVerifyingKey

  private constructor(levels: number, top: LmsVerifyingKey) {
    this.levels = levels
    this.#top = top
  }

  /** Throws `DecodeError`, with `pqc.hss.levels` for none or more than eight levels. */
  static fromRaw(bytes: Uint8Array): HssVerifyingKey {
    needBytes(bytes, 'bytes')
    const levels = new Reader(bytes).u32be('L')
    if (levels < 1 || levels > MAX_LEVELS) {
      throw new DecodeError('pqc.hss.levels', 0, 'L', `must be 1 to ${MAX_LEVELS}, not ${levels}`)
    }
    return new HssVerifyingKey(levels, LmsVerifyingKey.fromRaw(bytes.subarray(4)))
  }

  /** False for every signature that is not valid, whatever is wrong with it. Throws `pqc.policy.refused`. */
  verify(message: Uint8Array, signature: Uint8Array): boolean {
    needBytes(message, 'message')
    needBytes(signature, 'signature')
    try {
      const reader = new Reader(signature)
      if (reader.u32be('Nspk') !== this.levels - 1) return false
      let key = this.#top
      for (let level = 1; level < this.levels; level++) {
        const signed = reader.take(key.signatureLength, 'signature')
        const next = takeKey(reader, signature)
        if (!key.verify(next, signed)) return false
        key = LmsVerifyingKey.fromRaw(next)
      }
      return key.verify(message, reader.rest())
    } catch (error) {
      if (error instanceof DecodeError) return false
      throw error
    }
  }
}

/** The bytes of an embedded LMS public key, whose length its type says. */
function takeKey(reader: Reader, signature: Uint8Array): Uint8Array {
  const at = reader.offset
  const type = new Reader(signature, at).u32be('lmsType')
  const tree = LMS_TREES.get(type)
  if (tree === undefined) throw unknownType('lmsType', at, type)
  return reader.take(24 + tree.m, 'publicKey')
}

/** The digits of a hash and its check sum (RFC 8554 4.3, 4.4). */
function winternitzDigits(digest: Uint8Array, { n, w, p, ls }: LmsOneTime): Uint16Array {
  const last = 2 ** w - 1
  const perByte = 8 / w
  const digit = (bytes: Uint8Array, i: number): number =>
    (bytes[Math.floor(i / perByte)]! >> (8 - w * ((i % perByte) + 1))) & last
  const count = n * perByte
  const digits = new Uint16Array(p)
  let sum = 0
  for (let i = 0; i < count; i++) {
    digits[i] = digit(digest, i)
    sum += last - digits[i]!
  }
  const check = u16((sum << ls) & 0xffff)
  for (let i = count; i < p; i++) digits[i] = digit(check, i - count)
  return digits
}

function signatureLength({ h, m }: LmsTree, { n, p }: LmsOneTime): number {
  return 8 + n + p * n + 4 + h * m
}

function lmsHash(hash: LmsHash, length: number, parts: readonly Uint8Array[]): Uint8Array {
  const state = hash === 'sha256' ? createHash('sha256') : createHash('shake256', { outputLength: length })
  for (const part of parts) state.update(part)
  return state.digest().subarray(0, length)
}

function unknownType(field: string, offset: number, type: number): DecodeError {
  return new DecodeError('pqc.algorithm.unknown', offset, field, `unknown type ${type}`)
}

function u32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value)
}

function u16(value: number): Uint8Array {
  return Uint8Array.of(value >>> 8, value)
}
