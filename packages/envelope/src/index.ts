// What a log carries
export type {
  Entry,
  EventEntry,
  FrameEntry,
  LinkEvent,
  LogEnd,
  LogHeader,
  LogPosition,
  SequencedEntry,
  StreamDirection,
} from './entry.ts'

// Sealing and opening
export { SEALER_LIMITS, Sealer } from './sealer.ts'
export type { SealerLimits, SealerOptions, SealerStats } from './sealer.ts'
export { Opener } from './opener.ts'
export type { OpenedBatch, OpenerOptions } from './opener.ts'
export { decodeBatch } from './batch.ts'
export type { RawBatch, SealedBatch } from './batch.ts'

// Receipts
export { encodeReceipt, verifyReceipt } from './receipt.ts'
export type { ReceiptContent } from './receipt.ts'

// The journal
export { Journal } from './journal/journal.ts'
export type { JournalOptions, JournalStats } from './journal/journal.ts'
export { readJournal, readJournalKeys } from './journal/read.ts'
export type { SegmentItem } from './journal/segment.ts'
export { verifyJournal } from './journal/verify.ts'
export type { JournalFailure, VerifiedBatch, VerifyOptions, VerifyReport } from './journal/verify.ts'
export { extractReceipt } from './journal/extract.ts'
export type { LeafSelector } from './journal/extract.ts'
export { decodeCheckpoint, encodeCheckpoint, isCheckpoint } from './journal/checkpoint.ts'

// Merkle trees (RFC 9162)
export { Frontier } from './merkle/frontier.ts'
export { consistencyProof, inclusionProof, rootFromInclusion, treeRoot, verifyConsistency } from './merkle/proof.ts'
export { leafHash, nodeHash } from './merkle/hash.ts'

// Deterministic CBOR (RFC 8949 4.2.1)
export { Tagged, decodeCbor, encodeCbor } from './cbor/value.ts'
export type { CborValue } from './cbor/value.ts'
export { CborReader } from './cbor/reader.ts'
export { CborWriter } from './cbor/writer.ts'
