// A verifier written from the standards alone (RFC 9052, 9942, 9162, 9964), with nothing of this project: a CBOR library
// and node:crypto. What it accepts, an auditor can accept without trusting us.
import { createHash, createPublicKey, verify } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { Decoder, Encoder, Tag } from 'cbor-x'

const cbor = new Decoder({ mapsAsObjects: false, useRecords: false, int64AsNumber: false } as ConstructorParameters<
  typeof Decoder
>[0])
const encoder = new Encoder({ useRecords: false, tagUint8Array: false } as ConstructorParameters<typeof Encoder>[0])

const ALGORITHMS = new Map([
  [-48, 'ml-dsa-44'],
  [-49, 'ml-dsa-65'],
  [-50, 'ml-dsa-87'],
])

export interface Proven {
  /** The frame as it crossed the link; undefined where the leaf is none. */
  readonly frame: Uint8Array | undefined
  readonly index: number
  readonly treeSize: number
}

class Refused extends TypeError {}

function insist(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Refused(what)
}

interface Sign1 {
  readonly protectedBytes: Uint8Array
  readonly header: Map<unknown, unknown>
  readonly unprotected: Map<unknown, unknown>
  readonly payload: Uint8Array | null
  readonly signature: Uint8Array
}

function sign1(value: unknown): Sign1 {
  insist(value instanceof Tag && value.tag === 18, 'not a COSE_Sign1')
  const parts: unknown = value.value
  insist(Array.isArray(parts) && parts.length === 4, 'not four parts')
  const [protectedBytes, unprotected, payload, signature] = parts as unknown[]
  insist(protectedBytes instanceof Uint8Array && signature instanceof Uint8Array, 'not byte strings')
  insist(unprotected instanceof Map && (payload === null || payload instanceof Uint8Array), 'wrong types')
  const header: unknown = cbor.decode(protectedBytes)
  insist(header instanceof Map, 'the protected header is no map')
  return { protectedBytes, header, unprotected, payload, signature }
}

const sha256 = (...parts: Uint8Array[]): Buffer => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}
const node = (left: Uint8Array, right: Uint8Array): Buffer => sha256(Uint8Array.of(1), left, right)

/** RFC 9162 2.1.3.2. */
function rootOf(leaf: Uint8Array, index: number, size: number, path: readonly Uint8Array[]): Buffer {
  insist(index < size, 'no such leaf')
  let [fn, sn, r] = [BigInt(index), BigInt(size) - 1n, sha256(Uint8Array.of(0), leaf)]
  for (const p of path) {
    insist(sn !== 0n, 'the path is too long')
    if ((fn & 1n) === 1n || fn === sn) {
      r = node(p, r)
      while ((fn & 1n) === 0n && fn !== 0n) [fn, sn] = [fn >> 1n, sn >> 1n]
    } else r = node(r, p)
    ;[fn, sn] = [fn >> 1n, sn >> 1n]
  }
  insist(sn === 0n, 'the path is too short')
  return r
}

/** RFC 9162 2.1.4.2. */
function isConsistent(
  from: number,
  to: number,
  proof: readonly Uint8Array[],
  old: Uint8Array,
  now: Uint8Array,
): boolean {
  if (from < 1 || from >= to || proof.length === 0) return false
  const path = Number.isInteger(Math.log2(from)) ? [old, ...proof] : [...proof]
  let [fn, sn] = [BigInt(from) - 1n, BigInt(to) - 1n]
  while ((fn & 1n) === 1n) [fn, sn] = [fn >> 1n, sn >> 1n]
  let fr = path[0] as Uint8Array
  let sr = fr
  for (const c of path.slice(1)) {
    if (sn === 0n) return false
    if ((fn & 1n) === 1n || fn === sn) {
      ;[fr, sr] = [node(c, fr), node(c, sr)]
      while ((fn & 1n) === 0n && fn !== 0n) [fn, sn] = [fn >> 1n, sn >> 1n]
    } else sr = node(sr, c)
    ;[fn, sn] = [fn >> 1n, sn >> 1n]
  }
  return sn === 0n && Buffer.compare(fr, old) === 0 && Buffer.compare(sr, now) === 0
}

function checkSignature(message: Sign1, root: Uint8Array, key: KeyObject): void {
  const algorithm = ALGORITHMS.get(Number(message.header.get(1)))
  insist(algorithm !== undefined && key.asymmetricKeyType === algorithm, 'another algorithm than the key')
  insist(message.header.get(395) === 1, 'not RFC9162_SHA256')
  const parts = ['Signature1', Buffer.from(message.protectedBytes), Buffer.alloc(0), Buffer.from(root)]
  insist(verify(null, encoder.encode(parts), key, message.signature), 'the signature is wrong')
}

/** The one proof of a kind in the unprotected header (RFC 9942): [size or sizes, index, path]. */
function proofOf(message: Sign1, kind: number): { a: number; b: number; path: Uint8Array[] } {
  const proofs: unknown = message.unprotected.get(396)
  insist(message.unprotected.size === 1 && proofs instanceof Map && proofs.size === 1, 'no proofs')
  const list: unknown = proofs.get(kind)
  insist(Array.isArray(list) && list.length === 1 && list[0] instanceof Uint8Array, 'not one proof')
  const proof: unknown = cbor.decode(list[0])
  insist(Array.isArray(proof) && proof.length === 3, 'not a proof')
  const [a, b, path] = proof as unknown[]
  insist(Number.isSafeInteger(a) && Number.isSafeInteger(b) && Array.isArray(path) && path.length <= 64, 'not a proof')
  const hashes = path as unknown[]
  insist(
    hashes.every((hash): hash is Uint8Array => hash instanceof Uint8Array && hash.length === 32),
    'not hashes',
  )
  return { a: a as number, b: b as number, path: hashes }
}

/** Our private labels: stream, batch number, tree size (docs/envelope.cddl). */
const [STREAM, NUMBER, TREE_SIZE] = [-65537, -65538, -65539]

/** A receipt file: [leaf, receipt of inclusion]. Throws for anything that is not proven. */
export function verifyReceiptFile(bytes: Uint8Array, pem: string): Proven {
  const file: unknown = cbor.decode(bytes)
  insist(Array.isArray(file) && file.length === 2 && file[0] instanceof Uint8Array, 'not a receipt')
  const message = sign1(file[1])
  insist(message.payload === null, 'the root must be computed')
  const { a: treeSize, b: index, path } = proofOf(message, -1)
  insist(Number(message.header.get(TREE_SIZE)) === treeSize, 'a proof for another tree')
  const leaf = file[0]
  checkSignature(message, rootOf(leaf, index, treeSize, path), createPublicKey(pem))
  const content: unknown = cbor.decode(leaf)
  insist(Array.isArray(content), 'the leaf is no array')
  const isFrame = content[0] === 1
  if (isFrame) insist(content[4] === index, 'the leaf says another index')
  return { frame: isFrame ? (content[7] as Uint8Array) : undefined, index, treeSize }
}

/** A consistency file: [older signed root, receipt of consistency]. */
export function verifyConsistencyFile(bytes: Uint8Array, pem: string): { readonly from: number; readonly to: number } {
  const file: unknown = cbor.decode(bytes)
  insist(Array.isArray(file) && file.length === 2, 'not a proof of consistency')
  const [older, newer] = (file as unknown[]).map(sign1)
  insist(older?.payload?.length === 32 && newer?.payload?.length === 32, 'no roots')
  insist(older.unprotected.size === 0, 'something beside the older root')
  const key = createPublicKey(pem)
  checkSignature(older, older.payload, key)
  checkSignature(newer, newer.payload, key)
  const same = Buffer.compare(older.header.get(STREAM) as Uint8Array, newer.header.get(STREAM) as Uint8Array) === 0
  insist(same && Number(older.header.get(NUMBER)) < Number(newer.header.get(NUMBER)), 'not one log, in order')
  const { a: from, b: to, path } = proofOf(newer, -2)
  insist(from === Number(older.header.get(TREE_SIZE)) && to === Number(newer.header.get(TREE_SIZE)), 'other trees')
  insist(isConsistent(from, to, path, older.payload, newer.payload), 'history was rewritten')
  return { from, to }
}
