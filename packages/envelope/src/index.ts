// What a log carries
export { STREAM_CLASSES, laneName } from './entry.ts'
export type {
  Entry,
  EventEntry,
  FrameEntry,
  Lane,
  LinkEvent,
  LogEnd,
  LogHeader,
  LogPosition,
  SequencedEntry,
  StreamClass,
  StreamDirection,
} from './entry.ts'

// Sealing and opening
export { SEALER_LIMITS, Sealer } from './sealer.ts'
export type { BatchSigner, SealerLimits, SealerOptions, SealerStats } from './sealer.ts'
export { Opener } from './opener.ts'
export type { Freshness, OpenedBatch, OpenerOptions, Withheld } from './opener.ts'
export { Signers } from './signers.ts'
export type { ListedSigner, SignersOptions } from './signers.ts'
export { cutSuccession, followSuccessions, verifySuccession } from './succession.ts'
export type { Succession } from './succession.ts'
export { decodeBatch, peekBatch } from './batch.ts'
export { isKeyChangeLeaf, readEntryLeaf, readHeaderLeaf, readKeyChangeLeaf } from './leaf.ts'
export type { KeyChange } from './leaf.ts'
export type { BatchPeek, RawBatch, SealedBatch } from './batch.ts'

// Receipts
export { encodeReceipt, verifyReceipt } from './receipt.ts'
export type { ReceiptContent } from './receipt.ts'

export { encodeConsistency, verifyConsistencyReceipt } from './consistency.ts'
export type { ConsistencyContent, SignedRoot } from './consistency.ts'
export { COSE_KEY_MEDIA_TYPE, decodeCoseKey, encodeCoseKey } from './cose-key.ts'

// The journal
export { Journal } from './journal/journal.ts'
export type { Appended, JournalOptions, JournalStats } from './journal/journal.ts'
export { JournalKey } from './journal/cipher.ts'
export { JournalHistory } from './journal/history.ts'
export type { Found } from './journal/history.ts'
export type { IndexEntry, Place, SegmentSummary, StreamSummary } from './journal/segment-index.ts'
export { JournalQueue } from './journal/queue.ts'
export type { QueueOptions, QueuedBatch, Received } from './journal/queue.ts'
export { Marks } from './journal/marks.ts'
export type { Mark } from './journal/marks.ts'
export { decodeNote, isNote } from './journal/note.ts'
export type { Note } from './journal/note.ts'
export { putBeside, readBeside, readJournalKeys, readSuccessions } from './journal/key-files.ts'
export { readJournal } from './journal/read.ts'
export type { JournalReadOptions } from './journal/read.ts'
export type { SegmentItem } from './journal/segment.ts'
export { verifyJournal } from './journal/verify.ts'
export type { JournalFailure, VerifiedBatch, VerifyOptions, VerifyReport } from './journal/verify.ts'
export { extractConsistency, extractReceipt } from './journal/extract.ts'
export type { BatchSelector, ExtractOptions, LeafSelector } from './journal/extract.ts'
export { decodeCheckpoint, encodeCheckpoint, isCheckpoint } from './journal/checkpoint.ts'

// Groups with a shared key, for real-time traffic
export { GroupOwner } from './group/owner.ts'
export type { Delivery, GroupOwnerOptions } from './group/owner.ts'
export { GroupMember } from './group/member.ts'
export type { GroupMemberOptions } from './group/member.ts'
export { GROUP_ID_LENGTH, GROUP_KEY_MEDIA_TYPE, memberId, openDelivery } from './group/delivery.ts'
export type { EpochTerms, OpenedDelivery, Recipient } from './group/delivery.ts'
export { GroupReceiver, GroupSender, peekGroup } from './group/traffic.ts'
export type { GroupMessage, GroupReceiverOptions } from './group/traffic.ts'
export { FrameTagKey } from './group/frame-tag.ts'
export type { FrameTagAlgorithm } from './group/frame-tag.ts'
export { checkMac0, decodeMac0, writeMac0 } from './mac0.ts'
export type { MacAlgorithm, RawMac0 } from './mac0.ts'

// Merkle trees (RFC 9162)
export { Frontier } from './merkle/frontier.ts'
export { consistencyProof, inclusionProof, rootFromInclusion, treeRoot, verifyConsistency } from './merkle/proof.ts'
export { leafHash, nodeHash } from './merkle/hash.ts'

// Deterministic CBOR (RFC 8949 4.2.1)
export { Tagged, decodeCbor, encodeCbor } from './cbor/value.ts'
export type { CborValue } from './cbor/value.ts'
export { CborReader } from './cbor/reader.ts'
export { CborWriter } from './cbor/writer.ts'
