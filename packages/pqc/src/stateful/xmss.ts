import { createHash } from 'node:crypto'
import { AuthError, DecodeError, Reader } from '@gridseal/wire'
import { needBytes } from '../check.ts'
import { admit, currentPolicy } from '../policy/module-state.ts'
import { equalBytes } from '../symmetric/bytes.ts'
import { XMSSMT_SETS, XMSS_SETS } from './xmss-types.ts'
import type { XmssSet } from './xmss-types.ts'

/*
 * Verification of XMSS and XMSS^MT signatures (RFC 8391, SP 800-208). Only verification: a signer must never use one of
 * its keys twice, and that needs a hardware module.
 *
 *   public key = u32 set || root (n) || SEED (n)
 *   signature  = index (4 bytes; XMSS^MT ceil(h / 8)) || r (n) || d times (one-time signature (len * n) || path)
 */

/** Digits of a check sum with w = 16. */
const CHECK_DIGITS = 3
/** What an address is of (RFC 8391 2.5). */
const OTS = 0
const L_TREE = 1
const HASH_TREE = 2

/** A public key of XMSS or XMSS^MT. */
export class XmssVerifyingKey {
  readonly set: XmssSet
  /** Bytes of a signature. */
  readonly signatureLength: number
  readonly #root: Uint8Array
  readonly #hashes: XmssHashes

  private constructor(bytes: Uint8Array, sets: ReadonlyMap<number, XmssSet>) {
    const reader = new Reader(bytes)
    const oid = reader.u32be('OID')
    const set = sets.get(oid)
    if (set === undefined) throw new DecodeError('pqc.algorithm.unknown', 0, 'OID', `unknown set ${oid}`)
    this.set = set
    this.#root = Uint8Array.from(reader.take(set.n, 'root'))
    this.#hashes = new XmssHashes(set, Uint8Array.from(reader.take(set.n, 'SEED')))
    reader.expectEnd('XMSS public key')
    this.signatureLength = indexLength(set) + set.n + set.d * chains(set) * set.n + set.h * set.n
  }

  /** A key of XMSS (RFC 8391 4.1). Throws `DecodeError` for an unknown set or another length. */
  static fromRaw(bytes: Uint8Array): XmssVerifyingKey {
    needBytes(bytes, 'bytes')
    return new XmssVerifyingKey(bytes, XMSS_SETS)
  }

  /** A key of XMSS^MT (RFC 8391 4.2), whose sets are numbered apart. */
  static fromRawMultiTree(bytes: Uint8Array): XmssVerifyingKey {
    needBytes(bytes, 'bytes')
    return new XmssVerifyingKey(bytes, XMSSMT_SETS)
  }

  /**
   * False for every signature that is not valid, whatever is wrong with it. Throws `AuthError` `pqc.policy.refused`,
   * in FIPS mode also for sets that SP 800-208 does not approve.
   */
  verify(message: Uint8Array, signature: Uint8Array): boolean {
    needBytes(message, 'message')
    needBytes(signature, 'signature')
    admit('XMSS', 'verify')
    const { n, h, d, approved } = this.set
    if (currentPolicy().fips && !approved) {
      throw new AuthError('pqc.policy.refused', 'SP 800-208 does not approve this set of XMSS (FIPS mode)')
    }
    if (signature.length !== this.signatureLength) return false
    const indexBytes = signature.subarray(0, indexLength(this.set))
    let index = BigInt(`0x${Buffer.from(indexBytes).toString('hex')}`)
    if (index >= 1n << BigInt(h)) return false
    const r = signature.subarray(indexBytes.length, indexBytes.length + n)
    const paddedIndex = new Uint8Array(n)
    paddedIndex.set(indexBytes, n - indexBytes.length)
    let node = this.#hashes.message(r, this.#root, paddedIndex, message)
    const [height, layerLength] = [h / d, chains(this.set) * n + (h / d) * n]
    for (let layer = 0, at = indexBytes.length + n; layer < d; layer++, at += layerLength) {
      const leaf = Number(index & ((1n << BigInt(height)) - 1n))
      index >>= BigInt(height)
      node = this.#rootOf(node, signature.subarray(at, at + layerLength), leaf, height, new Address(layer, index))
    }
    return equalBytes(node, this.#root)
  }

  /** The root of the tree that a signature of one layer belongs to (RFC 8391 algorithm 13). */
  #rootOf(signed: Uint8Array, signature: Uint8Array, leaf: number, height: number, address: Address): Uint8Array {
    const { n } = this.set
    const pathAt = chains(this.set) * n
    let node = this.#leaf(this.#oneTimeKey(signed, signature, address.of(OTS, leaf)), address.of(L_TREE, leaf))
    address.of(HASH_TREE, 0)
    for (let k = 0, at = leaf; k < height; k++, at >>>= 1) {
      const sibling = signature.subarray(pathAt + k * n, pathAt + (k + 1) * n)
      address.position(k, at >>> 1)
      node = at % 2 === 0 ? this.#hashes.pair(node, sibling, address) : this.#hashes.pair(sibling, node, address)
    }
    return node
  }

  /** The ends of the chains of a WOTS+ signature (RFC 8391 algorithm 6). */
  #oneTimeKey(signed: Uint8Array, signature: Uint8Array, address: Address): Uint8Array[] {
    const { n } = this.set
    return Array.from(digitsOf(signed), (digit, chain) => {
      let link: Uint8Array = signature.subarray(chain * n, (chain + 1) * n)
      for (let step = digit; step < 15; step++) link = this.#hashes.link(link, address.position(chain, step))
      return link
    })
  }

  /** The leaf over a one-time key (RFC 8391 algorithm 8). */
  #leaf(nodes: Uint8Array[], address: Address): Uint8Array {
    let level = nodes
    for (let height = 0; level.length > 1; height++) {
      const above: Uint8Array[] = []
      for (let i = 0; i + 1 < level.length; i += 2) {
        above.push(this.#hashes.pair(level[i]!, level[i + 1]!, address.position(height, i / 2)))
      }
      if (level.length % 2 === 1) above.push(level[level.length - 1]!)
      level = above
    }
    return level[0]!
  }
}

/** Where in the structure a hash is (RFC 8391 2.5): eight words, which separate all uses of the hash. */
class Address {
  readonly bytes: Uint8Array = new Uint8Array(32)
  readonly #view = new DataView(this.bytes.buffer)

  constructor(layer: number, tree: bigint) {
    this.#view.setUint32(0, layer)
    this.#view.setBigUint64(4, tree)
  }

  /** Type, and the one-time key or L-tree that it is about. */
  of(type: number, key: number): this {
    this.bytes.fill(0, 12)
    this.#view.setUint32(12, type)
    this.#view.setUint32(16, key)
    return this
  }

  /** Chain and step, or height and index. */
  position(first: number, second: number): this {
    this.#view.setUint32(20, first)
    this.#view.setUint32(24, second)
    return this
  }

  /** Key, left mask or right mask. */
  use(keyAndMask: 0 | 1 | 2): Uint8Array {
    this.#view.setUint32(28, keyAndMask)
    return this.bytes
  }
}

/** The hash functions of one set (RFC 8391 5.1). */
class XmssHashes {
  readonly #set: XmssSet
  readonly #seed: Uint8Array
  readonly #prefixes: readonly Uint8Array[]

  constructor(set: XmssSet, seed: Uint8Array) {
    this.#set = set
    this.#seed = seed
    this.#prefixes = [0, 1, 2, 3].map((use) => {
      const prefix = new Uint8Array(set.padding)
      prefix[set.padding - 1] = use
      return prefix
    })
  }

  /** H_msg. */
  message(...parts: readonly Uint8Array[]): Uint8Array {
    return this.#hash(2, parts)
  }

  /** One link of a chain: F with its key and mask. */
  link(node: Uint8Array, address: Address): Uint8Array {
    const key = this.#random(address.use(0))
    return this.#hash(0, [key, exclusiveOr(node, this.#random(address.use(1)))])
  }

  /** RAND_HASH. */
  pair(left: Uint8Array, right: Uint8Array, address: Address): Uint8Array {
    const key = this.#random(address.use(0))
    const masked = exclusiveOr(left, this.#random(address.use(1)))
    return this.#hash(1, [key, masked, exclusiveOr(right, this.#random(address.use(2)))])
  }

  /** PRF with the public seed. */
  #random(address: Uint8Array): Uint8Array {
    return this.#hash(3, [this.#seed, address])
  }

  #hash(use: 0 | 1 | 2 | 3, parts: readonly Uint8Array[]): Uint8Array {
    const { hash, n } = this.#set
    const state = hash.startsWith('shake') ? createHash(hash, { outputLength: n }) : createHash(hash)
    state.update(this.#prefixes[use]!)
    for (const part of parts) state.update(part)
    return state.digest().subarray(0, n)
  }
}

/** The hexadecimal digits of a hash, and three of their check sum (RFC 8391 algorithm 5). */
function digitsOf(hash: Uint8Array): Uint8Array {
  const digits = new Uint8Array(2 * hash.length + CHECK_DIGITS)
  let sum = 0
  for (const [i, byte] of hash.entries()) {
    digits[2 * i] = byte >> 4
    digits[2 * i + 1] = byte & 15
    sum += 30 - (byte >> 4) - (byte & 15)
  }
  for (let i = 0; i < CHECK_DIGITS; i++) digits[2 * hash.length + i] = (sum >> (8 - 4 * i)) & 15
  return digits
}

function exclusiveOr(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((byte, i) => byte ^ b[i]!)
}

function chains({ n }: XmssSet): number {
  return 2 * n + CHECK_DIGITS
}

function indexLength({ d, h }: XmssSet): number {
  return d === 1 ? 4 : Math.ceil(h / 8)
}
