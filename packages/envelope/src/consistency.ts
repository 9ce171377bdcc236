import type { VerifyingKey } from '@gridseal/pqc'
import { AuthError, ProtocolError, toHex } from '@gridseal/wire'
import { CborReader } from './cbor/reader.ts'
import { CborWriter } from './cbor/writer.ts'
import type { RootHeader } from './cose.ts'
import {
  EMPTY_MAP,
  LABEL,
  PROOF_CONSISTENCY,
  decodeRootHeader,
  readSign1Start,
  toBeSigned,
  writeSign1,
} from './cose.ts'
import { HASH_LENGTH } from './merkle/hash.ts'
import { verifyConsistency } from './merkle/proof.ts'

/** A signed root with the root itself. */
export interface SignedRoot {
  readonly header: RootHeader
  readonly protectedHeader: Uint8Array
  readonly signature: Uint8Array
  readonly root: Uint8Array
}

/** What a verified proof of consistency says: between the two nothing was rewritten. */
export interface ConsistencyContent {
  readonly stream: Uint8Array
  readonly older: { readonly batch: number; readonly treeSize: number; readonly root: Uint8Array }
  readonly newer: { readonly batch: number; readonly treeSize: number; readonly root: Uint8Array }
  readonly signer: VerifyingKey
}

const MAX_PATH = 64

/**
 * A proof that a log only grew: `[COSE_Sign1, COSE_Sign1]`, the signed root of an older batch and a receipt of
 * consistency as RFC 9942 has it (the newer root signed, 396: {-2: [proof]} in its unprotected header), both with their
 * roots attached.
 */
export function encodeConsistency(older: SignedRoot, newer: SignedRoot, path: readonly Uint8Array[]): Uint8Array {
  const proof = new CborWriter().array(3).uint(older.header.treeSize).uint(newer.header.treeSize).array(path.length)
  for (const hash of path) proof.bytes(hash)
  const vdp = new CborWriter().map(1).int(LABEL.vdp).map(1).int(PROOF_CONSISTENCY).array(1).bytes(proof.view())
  const w = new CborWriter(16 * 1024).array(2)
  writeSign1(w, older.protectedHeader, EMPTY_MAP, older.signature, older.root)
  writeSign1(w, newer.protectedHeader, vdp.view(), newer.signature, newer.root)
  return w.finish()
}

/**
 * Verifies a proof of consistency with nothing but the signer's public key. Throws `DecodeError` for bytes that are none,
 * `AuthError` (`envelope.key.unknown`, `envelope.algorithm`, `envelope.signature`, `envelope.proof`) and `ProtocolError`
 * `envelope.stream` for roots of two logs.
 */
export function verifyConsistencyReceipt(
  bytes: Uint8Array,
  key: (fingerprint: Uint8Array) => VerifyingKey | undefined,
): ConsistencyContent {
  const r = new CborReader(bytes)
  r.fixedArray(2, 'consistency')
  const older = readRoot(r, () => {
    if (r.map('unprotected') !== 0) throw r.error('envelope.header', 'unprotected', 'must be empty')
  })
  let proof: ConsistencyProof = { from: 0, to: 0, path: [] }
  const newer = readRoot(r, () => {
    proof = readProof(r)
  })
  r.expectEnd('end')
  if (Buffer.compare(older.header.stream, newer.header.stream) !== 0) {
    throw new ProtocolError('envelope.stream', 'the two roots are of different logs')
  }
  const signer = verifyRoot(older, key)
  verifyRoot(newer, key)
  const [from, to] = [older.header.treeSize, newer.header.treeSize]
  if (proof.from !== from || proof.to !== to || from >= to || older.header.number >= newer.header.number) {
    throw new AuthError(
      'envelope.proof',
      `a proof from ${proof.from} to ${proof.to} leaves under roots of ${from} and ${to}`,
    )
  }
  if (!verifyConsistency(from, to, proof.path, older.root, newer.root)) {
    throw new AuthError('envelope.proof', 'the newer log does not contain the older one: history was rewritten')
  }
  const side = ({ header, root }: SignedRoot): ConsistencyContent['older'] => ({
    batch: header.number,
    treeSize: header.treeSize,
    root,
  })
  return { stream: older.header.stream, older: side(older), newer: side(newer), signer }
}

function verifyRoot(signed: SignedRoot, key: (fingerprint: Uint8Array) => VerifyingKey | undefined): VerifyingKey {
  const { header, protectedHeader, root, signature } = signed
  const signer = key(header.keyId)
  if (signer === undefined) throw new AuthError('envelope.key.unknown', `no trusted key ${toHex(header.keyId)}`)
  if (signer.algorithm !== header.algorithm)
    throw new AuthError('envelope.algorithm', `the key is not ${header.algorithm}`)
  if (!signer.verify(toBeSigned(protectedHeader, root), signature)) {
    throw new AuthError('envelope.signature', `the signature does not cover the root of batch ${header.number}`)
  }
  return signer
}

function readRoot(r: CborReader, unprotected: () => void): SignedRoot {
  const protectedHeader = readSign1Start(r)
  unprotected()
  const root = r.fixedBytes(HASH_LENGTH, 'payload')
  const signature = r.bytes('signature')
  return { header: decodeRootHeader(protectedHeader), protectedHeader, signature, root }
}

interface ConsistencyProof {
  readonly from: number
  readonly to: number
  readonly path: readonly Uint8Array[]
}

/** The unprotected header: exactly one consistency proof. */
function readProof(r: CborReader): ConsistencyProof {
  if (r.map('unprotected') !== 1 || r.int('vdp') !== LABEL.vdp) throw r.error('envelope.vdp', 'vdp', 'only label 396')
  if (r.map('vdp') !== 1 || r.int('proof') !== PROOF_CONSISTENCY)
    throw r.error('envelope.vdp', 'vdp', 'only consistency')
  r.fixedArray(1, 'proofs')
  const p = new CborReader(r.bytes('proof'))
  p.fixedArray(3, 'proof')
  const from = p.uint('treeSize1')
  const to = p.uint('treeSize2')
  const count = p.array('path')
  if (count === 0 || count > MAX_PATH) throw p.error('envelope.proof', 'path', `a path of ${count} hashes`)
  const path: Uint8Array[] = []
  for (let i = 0; i < count; i++) path.push(p.fixedBytes(HASH_LENGTH, 'path'))
  p.expectEnd('proof')
  return { from, to, path }
}
