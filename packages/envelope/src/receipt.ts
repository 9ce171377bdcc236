import type { SignatureAlgorithm, VerifyingKey } from '@gridseal/pqc'
import { AuthError, toHex } from '@gridseal/wire'
import { CborReader } from './cbor/reader.ts'
import { CborWriter } from './cbor/writer.ts'
import {
  LABEL,
  PROOF_INCLUSION,
  decodeRootHeader,
  readSign1End,
  readSign1Start,
  toBeSigned,
  writeSign1,
} from './cose.ts'
import type { LogHeader, SequencedEntry } from './entry.ts'
import type { KeyChange } from './leaf.ts'
import { isKeyChangeLeaf, readEntryLeaf, readHeaderLeaf, readKeyChangeLeaf } from './leaf.ts'
import { HASH_LENGTH, leafHash } from './merkle/hash.ts'
import { rootFromInclusion } from './merkle/proof.ts'

/** What a verified receipt proves. */
export interface ReceiptContent {
  /** The leaf's entry; undefined where the leaf is the log's header or a change of keys. */
  readonly entry: SequencedEntry | undefined
  readonly log: LogHeader | undefined
  /** The change of keys, where the leaf is one. */
  readonly change: KeyChange | undefined
  readonly stream: Uint8Array
  /** Index of the leaf in the log. */
  readonly sequence: number
  readonly treeSize: number
  readonly root: Uint8Array
  readonly algorithm: SignatureAlgorithm
  readonly signer: VerifyingKey
}

const MAX_PATH = 64

/**
 * A receipt file: `[leaf, COSE_Sign1]`, the second a receipt of inclusion as RFC 9942 has it: the signed root of some
 * batch, the path from the leaf to it in the unprotected header (396: {-1: [proof]}), the payload detached.
 */
export function encodeReceipt(
  leaf: Uint8Array,
  signedRoot: { readonly protectedHeader: Uint8Array; readonly signature: Uint8Array },
  treeSize: number,
  index: number,
  path: readonly Uint8Array[],
): Uint8Array {
  const proof = new CborWriter().array(3).uint(treeSize).uint(index).array(path.length)
  for (const hash of path) proof.bytes(hash)
  const unprotected = new CborWriter().map(1).int(LABEL.vdp).map(1).int(PROOF_INCLUSION).array(1).bytes(proof.view())
  const w = new CborWriter(leaf.length + signedRoot.signature.length + 1024)
  w.array(2).bytes(leaf)
  writeSign1(w, signedRoot.protectedHeader, unprotected.view(), signedRoot.signature)
  return w.finish()
}

/**
 * Verifies a receipt with nothing but the signer's public key. Throws `DecodeError` for bytes that are no receipt and
 * `AuthError` (`envelope.key.unknown`, `envelope.algorithm`, `envelope.proof`, `envelope.signature`).
 */
export function verifyReceipt(
  bytes: Uint8Array,
  key: (fingerprint: Uint8Array) => VerifyingKey | undefined,
): ReceiptContent {
  const r = new CborReader(bytes)
  r.fixedArray(2, 'receipt')
  const leaf = r.bytes('leaf')
  const protectedHeader = readSign1Start(r)
  const proof = readProofs(r)
  const signature = readSign1End(r)
  r.expectEnd('end')
  const header = decodeRootHeader(protectedHeader)

  const signer = key(header.keyId)
  if (signer === undefined) throw new AuthError('envelope.key.unknown', `no trusted key ${toHex(header.keyId)}`)
  if (signer.algorithm !== header.algorithm)
    throw new AuthError('envelope.algorithm', `the key is not ${header.algorithm}`)
  if (proof.treeSize !== header.treeSize) {
    throw new AuthError('envelope.proof', `a proof for ${proof.treeSize} leaves under a root of ${header.treeSize}`)
  }
  const root = rootFromInclusion(leafHash(leaf), proof.index, proof.treeSize, proof.path)
  if (root === undefined) throw new AuthError('envelope.proof', 'the path does not fit the tree')
  if (!signer.verify(toBeSigned(protectedHeader, root), signature)) {
    throw new AuthError('envelope.signature', 'the signature does not cover this leaf')
  }
  const isHeader = proof.index === 0
  const change = !isHeader && isKeyChangeLeaf(leaf) ? readKeyChangeLeaf(leaf) : undefined
  const entry = isHeader || change !== undefined ? undefined : readEntryLeaf(leaf)
  const sequence = (entry ?? change)?.sequence
  if (sequence !== undefined && sequence !== proof.index) {
    throw new AuthError('envelope.sequence', `leaf ${proof.index} says it is ${sequence}`)
  }
  return {
    entry,
    log: isHeader ? readHeaderLeaf(leaf) : undefined,
    change,
    stream: header.stream,
    sequence: proof.index,
    treeSize: proof.treeSize,
    root,
    algorithm: header.algorithm,
    signer,
  }
}

interface InclusionProof {
  readonly treeSize: number
  readonly index: number
  readonly path: readonly Uint8Array[]
}

/** The unprotected header: exactly one inclusion proof. */
function readProofs(r: CborReader): InclusionProof {
  if (r.map('unprotected') !== 1 || r.int('vdp') !== LABEL.vdp) throw r.error('envelope.vdp', 'vdp', 'only label 396')
  if (r.map('vdp') !== 1 || r.int('proof') !== PROOF_INCLUSION) throw r.error('envelope.vdp', 'vdp', 'only inclusion')
  r.fixedArray(1, 'proofs')
  const p = new CborReader(r.bytes('proof'))
  p.fixedArray(3, 'proof')
  const treeSize = p.uint('treeSize')
  const index = p.uint('leafIndex')
  const count = p.array('path')
  if (count === 0 || count > MAX_PATH) throw p.error('envelope.proof', 'path', `a path of ${count} hashes`)
  const path: Uint8Array[] = []
  for (let i = 0; i < count; i++) path.push(p.fixedBytes(HASH_LENGTH, 'path'))
  p.expectEnd('proof')
  return { treeSize, index, path }
}
