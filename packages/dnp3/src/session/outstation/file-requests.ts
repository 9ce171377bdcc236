import { DecodeError } from '@gridseal/wire'
import type { FileCommandStatus } from '../../codec/file-objects.ts'
import { FILE_AUTHENTICATION, FILE_COMMAND, FILE_COMMAND_STATUS, FILE_DESCRIPTOR } from '../../codec/file-objects.ts'
import { FILE_MODE, FILE_STATUS, FILE_TRANSPORT, FILE_TRANSPORT_STATUS, LAST_BLOCK } from '../../codec/file-objects.ts'
import { decodeObjects } from '../../codec/objects.ts'
import type { ObjectHeader } from '../../codec/object-walk.ts'
import type { RecordCodec } from '../../codec/record.ts'
import type { Answer, RequestContext } from './context.ts'
import { NO_FUNC_CODE_SUPPORT, OBJECT_UNKNOWN, PARAMETER_ERROR } from './context.ts'
import type { FileDesk } from './file-desk.ts'
import type { FileInfo, OpenFile } from './file-store.ts'
import { safeName } from './file-store.ts'
import type { StaticPart } from './fragment-writer.ts'
import { sizedOctets } from '../../codec/header-octets.ts'

/** OPEN_FILE, CLOSE_FILE, DELETE_FILE, GET_FILE_INFO, AUTHENTICATE_FILE, ABORT_FILE. */
export function fileFunction(context: RequestContext): Answer {
  const { session, headers } = context
  const desk = session.files
  if (desk === undefined) return { iin: NO_FUNC_CODE_SUPPORT }
  const [header] = headers
  if (header === undefined || headers.length !== 1) return { iin: PARAMETER_ERROR }
  if (header.group !== 70) return { iin: OBJECT_UNKNOWN }
  switch (context.function) {
    case 25:
      return openFile(context, desk, header)
    case 26:
    case 30:
      return closeFile(context, desk, header)
    case 27:
      return deleteFile(desk, header)
    case 28:
      return fileInfo(desk, header)
    case 29:
      return authenticate(desk, header)
    default:
      return { iin: NO_FUNC_CODE_SUPPORT }
  }
}

/** The one object of a header, decoded; undefined if it is another object or malformed. */
function only<T>(header: ObjectHeader, variation: number, codec: RecordCodec<T>): T | undefined {
  const [object, ...more] = decodeObjects(header)
  if (header.variation !== variation || more.length > 0 || !(object?.value instanceof Uint8Array)) return undefined
  try {
    return codec.decode(object.value)
  } catch (error) {
    if (error instanceof DecodeError) return undefined
    throw error
  }
}

const NOTHING = new Uint8Array(0)

function statusAnswer(status: Partial<FileCommandStatus>): Answer {
  const octets = FILE_COMMAND_STATUS.encode({
    handle: 0,
    size: 0,
    maxBlock: 0,
    requestId: 0,
    status: 0,
    text: NOTHING,
    ...status,
  })
  return { iin: 0, objects: sizedOctets(70, 4, octets) }
}

function openFile({ session, now }: RequestContext, desk: FileDesk, header: ObjectHeader): Answer {
  const command = only(header, 3, FILE_COMMAND)
  if (command === undefined) return { iin: PARAMETER_ERROR }
  const { requestId, mode, key, permissions } = command
  const refuse = (status: number): Answer => statusAnswer({ requestId, status })
  const name = safeName(command.name)
  if (name === undefined || !desk.admits(key)) return refuse(FILE_STATUS.PERMISSION_DENIED)
  const modes = { [FILE_MODE.READ]: 'read', [FILE_MODE.WRITE]: 'write', [FILE_MODE.APPEND]: 'append' } as const
  const asked = modes[mode]
  if (asked === undefined) return refuse(FILE_STATUS.INVALID_MODE)
  const { store } = desk.options
  const directory = asked === 'read' ? store.list(name) : undefined
  const file =
    store.info(name)?.type !== 'file' && directory !== undefined
      ? directoryFile(directory)
      : store.open(name, asked, permissions)
  if (typeof file === 'number') return refuse(file)
  // A block must fit one fragment of the answer, or of the request.
  const room = Math.min(session.settings.maxTransmit, session.settings.link.maxReceive) - BLOCK_OVERHEAD
  const maxBlock = Math.max(1, Math.min(command.maxBlock === 0 ? room : command.maxBlock, room))
  const handle = desk.open(file, asked === 'read' ? 'read' : 'write', maxBlock, now)
  if (handle === undefined) {
    file.close(false)
    return refuse(FILE_STATUS.TOO_MANY_OPEN)
  }
  const size = directory !== undefined && store.info(name)?.type !== 'file' ? directory.length : file.size
  return statusAnswer({ requestId, handle, size, maxBlock })
}

/** Response header, object header with count and size, handle and block. */
const BLOCK_OVERHEAD = 4 + 4 + 2 + 8

function directoryFile(entries: readonly FileInfo[]): OpenFile {
  const content = Buffer.concat(entries.map((entry) => FILE_DESCRIPTOR.encode(descriptorOf(entry, 0))))
  return {
    size: content.length,
    read: (offset, length) => content.subarray(offset, offset + length),
    write: () => FILE_STATUS.INVALID_MODE,
    close: () => undefined,
  }
}

function descriptorOf(
  { name, type, size, created, permissions }: FileInfo,
  requestId: number,
): Parameters<typeof FILE_DESCRIPTOR.encode>[0] {
  return { type: type === 'file' ? 1 : 0, size, created, permissions, requestId, name: new TextEncoder().encode(name) }
}

function closeFile(context: RequestContext, desk: FileDesk, header: ObjectHeader): Answer {
  const command = only(header, 4, FILE_COMMAND_STATUS)
  if (command === undefined) return { iin: PARAMETER_ERROR }
  const { handle, requestId } = command
  const open = desk.get(handle, context.now)
  if (typeof open === 'number') return statusAnswer({ handle, requestId, status: open })
  desk.close(handle, context.function === 26)
  return statusAnswer({ handle, requestId, size: open.file.size })
}

function deleteFile(desk: FileDesk, header: ObjectHeader): Answer {
  const command = only(header, 3, FILE_COMMAND)
  if (command === undefined) return { iin: PARAMETER_ERROR }
  const { requestId, key } = command
  const name = safeName(command.name)
  const allowed = name !== undefined && name !== '' && desk.admits(key)
  const status = allowed ? desk.options.store.remove(name) : FILE_STATUS.PERMISSION_DENIED
  return statusAnswer({ requestId, status })
}

function fileInfo(desk: FileDesk, header: ObjectHeader): Answer {
  const asked = only(header, 7, FILE_DESCRIPTOR)
  if (asked === undefined) return { iin: PARAMETER_ERROR }
  const name = safeName(asked.name)
  const info = name === undefined ? undefined : desk.options.store.info(name)
  if (info === undefined) return statusAnswer({ requestId: asked.requestId, status: FILE_STATUS.NOT_FOUND })
  const octets = FILE_DESCRIPTOR.encode({ ...descriptorOf(info, asked.requestId), name: asked.name })
  return { iin: 0, objects: sizedOctets(70, 7, octets) }
}

function authenticate(desk: FileDesk, header: ObjectHeader): Answer {
  const asked = only(header, 2, FILE_AUTHENTICATION)
  if (asked === undefined) return { iin: PARAMETER_ERROR }
  const key = desk.authenticate(asked.user, asked.password)
  return { iin: 0, objects: sizedOctets(70, 2, FILE_AUTHENTICATION.encode({ key, user: NOTHING, password: NOTHING })) }
}

/** READ of g70v5: the next block of a file, or the last one again. */
export function readFile(
  { session, now }: RequestContext,
  header: ObjectHeader,
  parts: (StaticPart | Uint8Array)[],
): number {
  const desk = session.files
  if (desk === undefined) return OBJECT_UNKNOWN
  const asked = only(header, 5, FILE_TRANSPORT)
  if (asked === undefined) return header.variation === 5 ? PARAMETER_ERROR : OBJECT_UNKNOWN
  const { handle } = asked
  const block = asked.block % LAST_BLOCK
  const fail = (status: number): number => {
    parts.push(sizedOctets(70, 6, FILE_TRANSPORT_STATUS.encode({ handle, block: asked.block, status, text: NOTHING })))
    return 0
  }
  const open = desk.get(handle, now)
  if (typeof open === 'number') return fail(open)
  if (open.mode !== 'read') return fail(FILE_STATUS.INVALID_MODE)
  if (block !== open.next && block !== open.next - 1) return fail(FILE_STATUS.BLOCK_SEQUENCE)
  const offset = block * open.maxBlock
  const last = offset + open.maxBlock >= open.file.size
  open.next = block + 1
  const data = open.file.read(offset, open.maxBlock)
  parts.push(sizedOctets(70, 5, FILE_TRANSPORT.encode({ handle, block: block + (last ? LAST_BLOCK : 0), data })))
  return 0
}

/** WRITE of g70v5: the next block of a file that was opened for writing. */
export function writeFile({ session, now }: RequestContext, header: ObjectHeader): Answer {
  const desk = session.files
  if (desk === undefined) return { iin: OBJECT_UNKNOWN }
  const given = only(header, 5, FILE_TRANSPORT)
  if (given === undefined) return { iin: header.variation === 5 ? PARAMETER_ERROR : OBJECT_UNKNOWN }
  const { handle, block } = given
  const status = writeBlock(desk, handle, block, given.data, now)
  return { iin: 0, objects: sizedOctets(70, 6, FILE_TRANSPORT_STATUS.encode({ handle, block, status, text: NOTHING })) }
}

function writeBlock(desk: FileDesk, handle: number, block: number, data: Uint8Array, now: number): number {
  const open = desk.get(handle, now)
  if (typeof open === 'number') return open
  if (open.mode !== 'write') return FILE_STATUS.INVALID_MODE
  if (block % LAST_BLOCK !== open.next || open.ended) return FILE_STATUS.BLOCK_SEQUENCE
  if (data.length > open.maxBlock) return FILE_STATUS.WRITE_BLOCK_SIZE
  const status = open.file.write(data)
  if (status !== FILE_STATUS.SUCCESS) return status
  open.next++
  open.ended = block >= LAST_BLOCK
  return status
}
