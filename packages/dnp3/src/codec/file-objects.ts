import type { RecordCodec } from './record.ts'
import { record } from './record.ts'

// Files: g70 (IEEE 1815 clause 11 and annex A). Each travels alone, with qualifier 5B and count 1.

/** g70v1, obsolete. */
export interface FileIdentifier {
  readonly type: number
  readonly attribute: number
  readonly startRecord: number
  readonly endRecord: number
  readonly size: number
  /** Milliseconds since 1970-01-01 UTC. */
  readonly created: number
  readonly permissions: number
  readonly fileId: number
  readonly owner: number
  readonly group: number
  readonly function: number
  readonly status: number
  readonly name: Uint8Array
  readonly records: Uint8Array
}

/** g70v2: user and password; the answer has a key and neither. */
export interface FileAuthentication {
  /** 0 in a request, and in an answer that refuses. */
  readonly key: number
  readonly user: Uint8Array
  readonly password: Uint8Array
}

/** g70v3: what OPEN_FILE and DELETE_FILE take. */
export interface FileCommand {
  readonly created: number
  /** See {@link FILE_PERMISSIONS}. */
  readonly permissions: number
  /** From {@link FileAuthentication}; 0 without. */
  readonly key: number
  /** Octets, of a file to be written. */
  readonly size: number
  /** See {@link FILE_MODE}. */
  readonly mode: number
  /** Octets of the largest block. */
  readonly maxBlock: number
  readonly requestId: number
  readonly name: Uint8Array
}

/** g70v4: what OPEN_FILE, CLOSE_FILE, DELETE_FILE and ABORT_FILE answer, and CLOSE_FILE and ABORT_FILE take. */
export interface FileCommandStatus {
  /** 0 where the file could not be opened. */
  readonly handle: number
  readonly size: number
  readonly maxBlock: number
  readonly requestId: number
  /** See {@link FILE_STATUS}. */
  readonly status: number
  readonly text: Uint8Array
}

/** g70v5: a block of a file; no data in a request to read one. */
export interface FileTransport {
  readonly handle: number
  /** Bits 30-0 number of the block from 0, bit 31 set on the last: see {@link LAST_BLOCK}. */
  readonly block: number
  readonly data: Uint8Array
}

/** g70v6: what became of a block. */
export interface FileTransportStatus {
  readonly handle: number
  readonly block: number
  readonly status: number
  readonly text: Uint8Array
}

/** g70v7: what GET_FILE_INFO takes and answers; directories are files of these, one behind the other. */
export interface FileDescriptor {
  /** 0 directory, 1 file. */
  readonly type: number
  /** Octets; entries of a directory. */
  readonly size: number
  readonly created: number
  readonly permissions: number
  readonly requestId: number
  readonly name: Uint8Array
}

export const FILE_IDENTIFIER: RecordCodec<FileIdentifier> = record(
  'len(name):u16 type:u8 attribute:u8 startRecord:u16 endRecord:u16 size:u32 created:u48 permissions:u16 fileId:u32 ' +
    'owner:u32 group:u32 function:u8 status:u8 name[] records[*]',
)
export const FILE_AUTHENTICATION: RecordCodec<FileAuthentication> = record(
  '@user:u16 len(user):u16 @password:u16 len(password):u16 key:u32 user[] password[]',
)
export const FILE_COMMAND: RecordCodec<FileCommand> = record(
  '@name:u16 len(name):u16 created:u48 permissions:u16 key:u32 size:u32 mode:u16 maxBlock:u16 requestId:u16 name[]',
)
export const FILE_COMMAND_STATUS: RecordCodec<FileCommandStatus> = record(
  'handle:u32 size:u32 maxBlock:u16 requestId:u16 status:u8 text[*]',
)
export const FILE_TRANSPORT: RecordCodec<FileTransport> = record('handle:u32 block:u32 data[*]')
export const FILE_TRANSPORT_STATUS: RecordCodec<FileTransportStatus> = record('handle:u32 block:u32 status:u8 text[*]')
export const FILE_DESCRIPTOR: RecordCodec<FileDescriptor> = record(
  '@name:u16 len(name):u16 type:u16 size:u32 created:u48 permissions:u16 requestId:u16 name[]',
)

/** Bit 31 of a block number. */
export const LAST_BLOCK = 0x8000_0000

export const FILE_MODE: Readonly<Record<'NULL' | 'READ' | 'WRITE' | 'APPEND', number>> = {
  NULL: 0,
  READ: 1,
  WRITE: 2,
  APPEND: 3,
}

/** Permissions: execute, write, read of everybody, the group and the owner. */
export const FILE_PERMISSIONS: Readonly<Record<'WORLD' | 'GROUP' | 'OWNER', number>> = {
  WORLD: 0o007,
  GROUP: 0o070,
  OWNER: 0o700,
}

/** Status codes of g70v4 and v6; those not listed are reserved. */
export const FILE_STATUS: Readonly<
  Record<
    | 'SUCCESS'
    | 'PERMISSION_DENIED'
    | 'INVALID_MODE'
    | 'NOT_FOUND'
    | 'FILE_LOCKED'
    | 'TOO_MANY_OPEN'
    | 'INVALID_HANDLE'
    | 'WRITE_BLOCK_SIZE'
    | 'COMM_LOST'
    | 'CANNOT_ABORT'
    | 'NOT_OPENED'
    | 'HANDLE_EXPIRED'
    | 'BUFFER_OVERRUN'
    | 'FATAL'
    | 'BLOCK_SEQUENCE'
    | 'UNDEFINED',
    number
  >
> = {
  SUCCESS: 0,
  PERMISSION_DENIED: 1,
  INVALID_MODE: 2,
  NOT_FOUND: 3,
  FILE_LOCKED: 4,
  TOO_MANY_OPEN: 5,
  INVALID_HANDLE: 6,
  WRITE_BLOCK_SIZE: 7,
  COMM_LOST: 8,
  CANNOT_ABORT: 9,
  NOT_OPENED: 16,
  HANDLE_EXPIRED: 17,
  BUFFER_OVERRUN: 18,
  FATAL: 19,
  BLOCK_SEQUENCE: 20,
  UNDEFINED: 255,
}

/** The name of a file status. */
export function fileStatusName(status: number): string {
  return Object.entries(FILE_STATUS).find(([, code]) => code === status)?.[0] ?? `status ${status}`
}

/** The entries of a directory that was read as a file. Throws `DecodeError`. */
export function decodeDirectory(content: Uint8Array): FileDescriptor[] {
  const entries: FileDescriptor[] = []
  for (let at = 0; at < content.length;) {
    const nameLength = (content[at + 2] ?? 0) | ((content[at + 3] ?? 0) << 8)
    const length = FILE_DESCRIPTOR.min + nameLength
    entries.push(FILE_DESCRIPTOR.decode(content.subarray(at, at + length)))
    at += length
  }
  return entries
}
