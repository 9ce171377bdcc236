import { ProtocolError } from '@gridseal/wire'
import type { FileCommandStatus, FileDescriptor } from '../../codec/file-objects.ts'
import {
  FILE_AUTHENTICATION,
  FILE_COMMAND,
  FILE_COMMAND_STATUS,
  FILE_DESCRIPTOR,
  FILE_MODE,
  FILE_TRANSPORT,
  FILE_TRANSPORT_STATUS,
  LAST_BLOCK,
  decodeDirectory,
  fileStatusName,
} from '../../codec/file-objects.ts'
import { sizedOctets } from '../../codec/header-octets.ts'
import { decodeObjects } from '../../codec/objects.ts'
import type { RecordCodec } from '../../codec/record.ts'
import { plainRequest } from './procedures.ts'
import type { MasterProcedure, MasterReply } from './task.ts'

const READ = 1
const WRITE = 2
const OPEN_FILE = 25
const CLOSE_FILE = 26
const DELETE_FILE = 27
const GET_FILE_INFO = 28
const AUTHENTICATE_FILE = 29
const NOTHING = new Uint8Array(0)

/** How a file is transferred. */
export interface FileTransferOptions {
  /** Key of {@link authenticateFile}; default 0, none. */
  readonly key?: number
  /** Octets of the largest block. Default 1024. */
  readonly maxBlock?: number
  /** Octets that a file may have to be read at all. Default 64 MiB. */
  readonly maxSize?: number
  /** Of a file that is written. Default rw-r--r--. */
  readonly permissions?: number
  /** Octets so far. */
  readonly progress?: (octets: number) => void
}

const octetsOf = (name: string): Uint8Array => new TextEncoder().encode(name)

/** The object of a reply that is of this variation; undefined if there is none. Throws `DecodeError`. */
function objectOf<T>({ fragments }: MasterReply, variation: number, codec: RecordCodec<T>): T | undefined {
  for (const header of fragments.flatMap(({ headers }) => headers)) {
    if (header.group !== 70 || header.variation !== variation) continue
    const [object] = decodeObjects(header)
    if (object?.value instanceof Uint8Array) return codec.decode(object.value)
  }
  return undefined
}

function statusOf(reply: MasterReply): FileCommandStatus {
  const status = objectOf(reply, 4, FILE_COMMAND_STATUS)
  if (status === undefined) throw new ProtocolError('dnp3.file.answer', 'no file command status (g70v4) in the answer')
  if (status.status !== 0) throw fileError(status.status)
  return status
}

function fileError(status: number): ProtocolError {
  return new ProtocolError('dnp3.file.status', `the outstation says ${fileStatusName(status)}`, { status })
}

function* open(
  name: string,
  mode: number,
  size: number,
  options: FileTransferOptions,
): MasterProcedure<FileCommandStatus> {
  const { key = 0, maxBlock = 1024, permissions = 0o644 } = options
  const command = { created: 0, permissions, key, size, mode, maxBlock, requestId: 1, name: octetsOf(name) }
  return statusOf(yield* plainRequest(OPEN_FILE, sizedOctets(70, 3, FILE_COMMAND.encode(command))))
}

function* close(handle: number): MasterProcedure<void> {
  const status = { handle, size: 0, maxBlock: 0, requestId: 2, status: 0, text: NOTHING }
  statusOf(yield* plainRequest(CLOSE_FILE, sizedOctets(70, 4, FILE_COMMAND_STATUS.encode(status))))
}

/** Reads a file, or a directory as the file that it is. Throws {@link ProtocolError} `dnp3.file.…`. */
export function* readFile(name: string, options: FileTransferOptions = {}): MasterProcedure<Uint8Array> {
  const { maxSize = 64 << 20, progress } = options
  const { handle } = yield* open(name, FILE_MODE.READ, 0, options)
  const blocks: Uint8Array[] = []
  let octets = 0
  try {
    for (let block = 0; ; block++) {
      const asked = FILE_TRANSPORT.encode({ handle, block, data: NOTHING })
      const reply = yield* plainRequest(READ, sizedOctets(70, 5, asked))
      const got = objectOf(reply, 5, FILE_TRANSPORT)
      if (got === undefined) throw fileError(objectOf(reply, 6, FILE_TRANSPORT_STATUS)?.status ?? 255)
      if (got.handle !== handle || got.block % LAST_BLOCK !== block) {
        throw new ProtocolError('dnp3.file.block', `block ${got.block % LAST_BLOCK} instead of ${block}`)
      }
      octets += got.data.length
      if (octets > maxSize) throw new ProtocolError('dnp3.file.size', `more than ${maxSize} octets`)
      blocks.push(got.data.slice())
      progress?.(octets)
      if (got.block >= LAST_BLOCK) break
    }
  } catch (error) {
    yield* closeQuietly(handle)
    throw error
  }
  yield* close(handle)
  return Buffer.concat(blocks)
}

/** Writes a file. Throws {@link ProtocolError} `dnp3.file.…`. */
export function* writeFile(
  name: string,
  content: Uint8Array,
  options: FileTransferOptions = {},
): MasterProcedure<void> {
  const { handle, maxBlock } = yield* open(name, FILE_MODE.WRITE, content.length, options)
  if (maxBlock === 0) throw new ProtocolError('dnp3.file.block', 'the outstation takes no blocks')
  const blocks = Math.max(1, Math.ceil(content.length / maxBlock))
  for (let i = 0; i < blocks; i++) {
    const block = i + (i === blocks - 1 ? LAST_BLOCK : 0)
    const data = content.subarray(i * maxBlock, (i + 1) * maxBlock)
    const reply = yield* plainRequest(WRITE, sizedOctets(70, 5, FILE_TRANSPORT.encode({ handle, block, data })))
    const status = objectOf(reply, 6, FILE_TRANSPORT_STATUS)?.status ?? 255
    if (status !== 0) {
      yield* closeQuietly(handle)
      throw fileError(status)
    }
    options.progress?.(Math.min(content.length, (i + 1) * maxBlock))
  }
  yield* close(handle)
}

/** An error is under way: that the file cannot be closed either does not matter. */
function* closeQuietly(handle: number): MasterProcedure<void> {
  try {
    yield* close(handle)
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
  }
}

export function* readDirectory(name: string, options: FileTransferOptions = {}): MasterProcedure<FileDescriptor[]> {
  return decodeDirectory(yield* readFile(name, options))
}

export function* deleteFile(name: string, { key = 0 }: FileTransferOptions = {}): MasterProcedure<void> {
  const command = { created: 0, permissions: 0, key, size: 0, mode: FILE_MODE.NULL, maxBlock: 0, requestId: 1 }
  const octets = FILE_COMMAND.encode({ ...command, name: octetsOf(name) })
  statusOf(yield* plainRequest(DELETE_FILE, sizedOctets(70, 3, octets)))
}

export function* fileInfo(name: string): MasterProcedure<FileDescriptor> {
  const asked = { type: 0, size: 0, created: 0, permissions: 0, requestId: 1, name: octetsOf(name) }
  const reply = yield* plainRequest(GET_FILE_INFO, sizedOctets(70, 7, FILE_DESCRIPTOR.encode(asked)))
  const info = objectOf(reply, 7, FILE_DESCRIPTOR)
  if (info !== undefined) return info
  statusOf(reply)
  throw fileError(255)
}

/** The key for a user; throws {@link ProtocolError} `dnp3.file.denied` if there is none. */
export function* authenticateFile(user: string, password: string): MasterProcedure<number> {
  const asked = { key: 0, user: octetsOf(user), password: octetsOf(password) }
  const reply = yield* plainRequest(AUTHENTICATE_FILE, sizedOctets(70, 2, FILE_AUTHENTICATION.encode(asked)))
  const key = objectOf(reply, 2, FILE_AUTHENTICATION)?.key ?? 0
  if (key === 0) throw new ProtocolError('dnp3.file.denied', 'the outstation refuses the user')
  return key
}
