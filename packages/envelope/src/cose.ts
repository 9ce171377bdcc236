import type { SignatureAlgorithm } from '@gridseal/pqc'
import { algorithmByCose, algorithmInfo } from '@gridseal/pqc'
import { DecodeError, InternalError } from '@gridseal/wire'
import { CborReader } from './cbor/reader.ts'
import { CborWriter } from './cbor/writer.ts'
import { STREAM_ID_LENGTH } from './leaf.ts'
import { HASH_LENGTH } from './merkle/hash.ts'

/** COSE header labels (IANA COSE registry; RFC 9942 for the receipt labels; below -65536: private use, ours). */
export const LABEL: Readonly<
  Record<'algorithm' | 'keyId' | 'vds' | 'vdp' | 'stream' | 'number' | 'treeSize' | 'previousRoot', number>
> = {
  algorithm: 1,
  keyId: 4,
  vds: 395,
  vdp: 396,
  stream: -65537,
  number: -65538,
  treeSize: -65539,
  previousRoot: -65540,
}

/** Verifiable data structure RFC9162_SHA256 (RFC 9942). */
export const VDS_RFC9162_SHA256 = 1
/** Proof type "inclusion" within label 396 (RFC 9942). */
export const PROOF_INCLUSION: number = -1
/** Proof type "consistency" within label 396 (RFC 9942). */
export const PROOF_CONSISTENCY: number = -2
export const TAG_SIGN1 = 18

/** What a signed root says, under the signature. */
export interface RootHeader {
  readonly algorithm: SignatureAlgorithm
  readonly keyId: Uint8Array
  readonly stream: Uint8Array
  /** Batch number within the log, from 0. */
  readonly number: number
  /** Leaves in the log up to and with this batch. */
  readonly treeSize: number
  /** Root before this batch; undefined for batch 0. */
  readonly previousRoot: Uint8Array | undefined
}

function coseNumber(name: SignatureAlgorithm): number {
  const number = algorithmInfo(name).cose
  if (number === undefined) throw new InternalError('envelope.algorithm', `${name} has no COSE number`)
  return number
}

/** The protected header: a deterministic map, its keys already in bytewise order. */
export function encodeRootHeader(header: RootHeader): Uint8Array {
  const w = new CborWriter(160)
  w.map(header.previousRoot === undefined ? 6 : 7)
  w.int(LABEL.algorithm).int(coseNumber(header.algorithm))
  w.int(LABEL.keyId).bytes(header.keyId)
  w.int(LABEL.vds).int(VDS_RFC9162_SHA256)
  w.int(LABEL.stream).bytes(header.stream)
  w.int(LABEL.number).uint(header.number)
  w.int(LABEL.treeSize).uint(header.treeSize)
  if (header.previousRoot !== undefined) w.int(LABEL.previousRoot).bytes(header.previousRoot)
  return w.finish()
}

/** Reads exactly what {@link encodeRootHeader} writes. Throws `DecodeError`. */
export function decodeRootHeader(bytes: Uint8Array): RootHeader {
  const r = new CborReader(bytes)
  const count = r.map('protected')
  if (count !== 6 && count !== 7) throw r.error('envelope.header', 'protected', `${count} labels where 6 or 7 are due`)
  const label = (expected: number, field: string): void => {
    if (r.int(field) !== expected) throw r.error('envelope.header', field, `label ${expected} is due`)
  }
  label(LABEL.algorithm, 'alg')
  const known = algorithmByCose(r.int('alg'))
  if (known?.kind !== 'signature') throw r.error('envelope.algorithm', 'alg', 'unknown signature algorithm')
  const algorithm = known.name
  label(LABEL.keyId, 'kid')
  const keyId = r.fixedBytes(HASH_LENGTH, 'kid')
  label(LABEL.vds, 'vds')
  if (r.int('vds') !== VDS_RFC9162_SHA256) throw r.error('envelope.vds', 'vds', 'only RFC9162_SHA256 is known')
  label(LABEL.stream, 'stream')
  const stream = r.fixedBytes(STREAM_ID_LENGTH, 'stream')
  label(LABEL.number, 'number')
  const number = r.uint('number')
  label(LABEL.treeSize, 'treeSize')
  const treeSize = r.uint('treeSize')
  let previousRoot: Uint8Array | undefined
  if (count === 7) {
    label(LABEL.previousRoot, 'previousRoot')
    previousRoot = r.fixedBytes(HASH_LENGTH, 'previousRoot')
  }
  r.expectEnd('protected')
  if ((number === 0) !== (previousRoot === undefined)) {
    throw new DecodeError('envelope.header', 0, 'previousRoot', 'due in every batch but the first')
  }
  return { algorithm, keyId, stream, number, treeSize, previousRoot }
}

/** The bytes that are signed: Sig_structure of RFC 9052 4.4 with the root as the detached payload. */
export function toBeSigned(protectedHeader: Uint8Array, root: Uint8Array): Uint8Array {
  const w = new CborWriter(protectedHeader.length + root.length + 24)
  return w.array(4).text('Signature1').bytes(protectedHeader).bytes(EMPTY).bytes(root).finish()
}

const EMPTY = new Uint8Array(0)

/** Writes a tagged COSE_Sign1; `unprotected` is an encoded map, the payload detached unless it is given. */
export function writeSign1(
  w: CborWriter,
  protectedHeader: Uint8Array,
  unprotected: Uint8Array,
  signature: Uint8Array,
  payload?: Uint8Array,
): void {
  w.tag(TAG_SIGN1).array(4).bytes(protectedHeader).raw(unprotected)
  if (payload === undefined) w.null()
  else w.bytes(payload)
  w.bytes(signature)
}

/** An encoded empty map. */
export const EMPTY_MAP: Uint8Array = Uint8Array.of(0xa0)

/** Up to and with the protected header of a tagged COSE_Sign1; the caller reads the unprotected map next. */
export function readSign1Start(r: CborReader): Uint8Array {
  if (r.tag('tag') !== TAG_SIGN1) throw r.error('envelope.tag', 'tag', 'not a tagged COSE_Sign1')
  r.fixedArray(4, 'COSE_Sign1')
  return r.bytes('protected')
}

/** From the (nil) payload on: the signature. */
export function readSign1End(r: CborReader): Uint8Array {
  r.null('payload')
  return r.bytes('signature')
}
