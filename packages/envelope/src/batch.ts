import type { VerifyingKey } from '@gridseal/pqc'
import type { LogHeader, LogPosition } from './entry.ts'
import { CborReader } from './cbor/reader.ts'
import { CborWriter } from './cbor/writer.ts'
import type { RootHeader } from './cose.ts'
import { readHeaderLeaf } from './leaf.ts'
import { EMPTY_MAP, decodeRootHeader, readSign1End, readSign1Start, writeSign1 } from './cose.ts'

/** One sealed batch: the new leaves of a log and a signature over the log's new root. */
export interface SealedBatch {
  /** As it travels and as it lies in journals: `[COSE_Sign1, [* leaf]]`. */
  readonly bytes: Uint8Array
  /** 16-byte id of the log. */
  readonly stream: Uint8Array
  /** Batch number within the log, from 0. */
  readonly number: number
  /** Leaves in the log up to and with this batch. */
  readonly treeSize: number
  /** Entries in this batch (leaves without the log's header). */
  readonly entries: number
  /** Where the log stood before this batch, for an opener that starts here; undefined for batch 0. */
  readonly before: LogPosition | undefined
  /** The key that this batch, the last of its log, has signed for. */
  readonly successor: VerifyingKey | undefined
}

/** A batch taken apart, nothing verified. */
export interface RawBatch {
  readonly header: RootHeader
  readonly protectedHeader: Uint8Array
  readonly signature: Uint8Array
  /** Views of the batch. */
  readonly leaves: readonly Uint8Array[]
}

const MAX_LEAVES = 1 << 20
/** Octets of the smallest leaf, its length included: eight items, one of them a name. */
const LEAST_LEAF = 11

export function encodeBatch(
  protectedHeader: Uint8Array,
  signature: Uint8Array,
  leaves: Uint8Array,
  count: number,
): Uint8Array {
  const w = new CborWriter(protectedHeader.length + signature.length + leaves.length + 32)
  w.array(2)
  writeSign1(w, protectedHeader, EMPTY_MAP, signature)
  return w.array(count).raw(leaves).take()
}

/** What a batch says of itself at its head: enough to find it again. Nothing is verified. */
export interface BatchPeek {
  readonly stream: Uint8Array
  readonly number: number
  readonly treeSize: number
  /** Leaves in this batch. */
  readonly leaves: number
  /** What the log is of; only its first batch says so. */
  readonly log: LogHeader | undefined
}

/** Reads the head of a batch, at the same cost for any size. Throws `DecodeError`. */
export function peekBatch(bytes: Uint8Array): BatchPeek {
  const r = new CborReader(bytes)
  r.fixedArray(2, 'batch')
  const protectedHeader = readSign1Start(r)
  if (r.map('unprotected') !== 0) throw r.error('envelope.header', 'unprotected', 'must be empty')
  readSign1End(r)
  const leaves = r.array('leaves')
  const { stream, number, treeSize } = decodeRootHeader(protectedHeader)
  const log = number === 0 ? readHeaderLeaf(r.bytes('leaf')) : undefined
  return { stream, number, treeSize, leaves, log }
}

/** Takes a batch apart. Throws `DecodeError`; costs no more than reading the bytes once. */
export function decodeBatch(bytes: Uint8Array): RawBatch {
  const r = new CborReader(bytes)
  r.fixedArray(2, 'batch')
  const protectedHeader = readSign1Start(r)
  if (r.map('unprotected') !== 0) throw r.error('envelope.header', 'unprotected', 'must be empty')
  const signature = readSign1End(r)
  const count = r.array('leaves')
  // A leaf is an object here: a megabyte of empty ones must not become a hundred.
  const fits = count > 0 && count <= MAX_LEAVES && count * LEAST_LEAF <= r.remaining
  if (!fits) throw r.error('envelope.leaves', 'leaves', `${count} leaves in ${r.remaining} bytes`)
  const leaves: Uint8Array[] = []
  for (let i = 0; i < count; i++) leaves.push(r.bytes('leaf'))
  r.expectEnd('end')
  return { header: decodeRootHeader(protectedHeader), protectedHeader, signature, leaves }
}
