import { DecodeError, UsageError, allocate, crc16Dnp } from '@gridseal/wire'

/** Octets of a header with its check sum. */
export const LINK_HEADER = 10
/** User data octets in a whole block; each block is followed by its check sum. */
export const LINK_BLOCK = 16
/** Most user data octets of one frame. */
export const MAX_USER_DATA = 250
/** Octets of the largest frame. */
export const MAX_LINK_FRAME = 292
/** Smallest length octet: control, destination and source are always counted. */
export const MIN_LINK_LENGTH = 5

/** Fragment octets in a whole frame: user data less the transport octet. */
const MAX_SEGMENT = MAX_USER_DATA - 1

export const START_1 = 0x05
export const START_2 = 0x64

const NO_DATA = new Uint8Array(0)

/** One FT3 frame (IEEE 1815 clause 9) without its check sums. */
export interface LinkFrame {
  /** DIR: sent by a master. */
  readonly fromMaster: boolean
  /** PRM: sent by the side that began the exchange. */
  readonly primary: boolean
  /** FCB; bit 5 of a secondary frame is reserved. */
  readonly frameCount: boolean
  /** FCV of a primary frame, DFC of a secondary one. */
  readonly countValidOrBusy: boolean
  /** Function code, 0..15. */
  readonly function: number
  readonly destination: number
  readonly source: number
  /** Transport octet and segment: at most {@link MAX_USER_DATA} octets, check sums removed. */
  readonly user: Uint8Array
}

/** Octets of a whole frame whose length octet is `length` (5..255), check sums included. */
export function linkFrameLength(length: number): number {
  const user = length - MIN_LINK_LENGTH
  return LINK_HEADER + user + 2 * ((user + LINK_BLOCK - 1) >> 4)
}

/**
 * Whether a header with a good check sum stands at `at`; `bytes` must hold {@link LINK_HEADER} octets from there. The
 * start octets are the caller's to check.
 */
export function isLinkHeader(bytes: Uint8Array, at: number): boolean {
  return bytes[at + 2]! >= MIN_LINK_LENGTH && crc16Dnp(bytes, at, at + 8) === (bytes[at + 8]! | (bytes[at + 9]! << 8))
}

/** Offset of the first block of the frame `bytes[at..end)` with a wrong check sum, or -1. */
export function findBadBlock(bytes: Uint8Array, at: number, end: number): number {
  for (let block = at + LINK_HEADER; block < end; block += LINK_BLOCK + 2) {
    const crc = Math.min(block + LINK_BLOCK, end - 2)
    if (crc16Dnp(bytes, block, crc) !== (bytes[crc]! | (bytes[crc + 1]! << 8))) return block
  }
  return -1
}

/** The header of a frame. */
export type LinkHeader = Omit<LinkFrame, 'user'>

/**
 * Decodes exactly one frame, every check sum checked. `user` is a view of a frame of one block, of a longer one a copy:
 * check sums lie between its blocks.
 * Throws {@link DecodeError}: `dnp3.link.start`, `dnp3.link.length`, `dnp3.link.header-crc`, `dnp3.link.block-crc`,
 * `decode.truncated`, `decode.trailing`.
 */
export function decodeLinkFrame(bytes: Uint8Array): LinkFrame {
  checkOctets(bytes)
  return linkFrameOf(bytes, userData(bytes, bytes.length))
}

/** Checks that `bytes` are exactly one frame, every check sum right; throws as {@link decodeLinkFrame}. */
export function checkOctets(bytes: Uint8Array): void {
  if (bytes.length < LINK_HEADER) throw truncated(bytes, LINK_HEADER, 'header')
  if (bytes[0] !== START_1 || bytes[1] !== START_2) {
    throw new DecodeError('dnp3.link.start', 0, 'start', 'a frame starts with 05 64')
  }
  if (bytes[2]! < MIN_LINK_LENGTH) {
    throw new DecodeError('dnp3.link.length', 2, 'length', `${bytes[2]} is less than ${MIN_LINK_LENGTH}`)
  }
  if (!isLinkHeader(bytes, 0)) throw new DecodeError('dnp3.link.header-crc', 8, 'headerCrc', 'wrong header check sum')
  const whole = linkFrameLength(bytes[2]!)
  if (bytes.length < whole) throw truncated(bytes, whole, 'userData')
  if (bytes.length > whole) {
    throw new DecodeError('decode.trailing', whole, 'userData', `${bytes.length - whole} bytes left over`)
  }
  const bad = findBadBlock(bytes, 0, whole)
  if (bad >= 0) {
    const block = (bad - LINK_HEADER) / (LINK_BLOCK + 2)
    throw new DecodeError('dnp3.link.block-crc', bad, 'blockCrc', `wrong check sum of block ${block}`, { block })
  }
}

/** The frame in octets whose check sums a framer has checked; `user` is a copy. */
export function readLinkFrame(bytes: Uint8Array): LinkFrame {
  return { ...readLinkHeader(bytes), user: userData(bytes, bytes.length) }
}

/** The fields of a header, whatever its check sum; `bytes` must hold it. For frames that are damaged. */
export function readLinkHeader(bytes: Uint8Array): LinkHeader {
  return linkFrameOf(bytes, NO_DATA)
}

function linkFrameOf(bytes: Uint8Array, user: Uint8Array): LinkFrame {
  const control = bytes[3]!
  return {
    fromMaster: (control & 0x80) !== 0,
    primary: (control & 0x40) !== 0,
    frameCount: (control & 0x20) !== 0,
    countValidOrBusy: (control & 0x10) !== 0,
    function: control & 0x0f,
    destination: bytes[4]! | (bytes[5]! << 8),
    source: bytes[6]! | (bytes[7]! << 8),
    user,
  }
}

function truncated(bytes: Uint8Array, needed: number, field: string): DecodeError {
  return new DecodeError('decode.truncated', bytes.length, field, `needs ${needed} bytes, has ${bytes.length}`)
}

function userData(bytes: Uint8Array, end: number): Uint8Array {
  if (end === LINK_HEADER) return NO_DATA
  const length = bytes[2]! - MIN_LINK_LENGTH
  if (length <= LINK_BLOCK) return bytes.subarray(LINK_HEADER, LINK_HEADER + length)
  const user = allocate(length)
  copyUserData(bytes, end, user)
  return user
}

/**
 * Copies the user data of the frame `bytes[0..end)`, check sums left out, to the start of `into`, which must have room
 * ({@link MAX_USER_DATA} always do). Returns how many octets they are.
 */
export function copyUserData(bytes: Uint8Array, end: number, into: Uint8Array): number {
  let to = 0
  for (let block = LINK_HEADER; block < end; block += LINK_BLOCK + 2) {
    const crc = Math.min(block + LINK_BLOCK, end - 2)
    for (let i = block; i < crc; i++) into[to++] = bytes[i]!
  }
  return to
}

/**
 * Encodes one frame with all its check sums. Throws {@link UsageError} `dnp3.link.user-data` for more than
 * {@link MAX_USER_DATA} octets, `dnp3.link.field` for a function or address that does not fit.
 */
export function encodeLinkFrame(frame: LinkFrame): Uint8Array<ArrayBuffer> {
  const { user } = frame
  if (user.length > MAX_USER_DATA) {
    throw new UsageError(
      'dnp3.link.user-data',
      `a frame takes ${MAX_USER_DATA} octets of user data, not ${user.length}`,
    )
  }
  fits('function', frame.function, 0x0f)
  fits('destination', frame.destination, 0xffff)
  fits('source', frame.source, 0xffff)
  const length = MIN_LINK_LENGTH + user.length
  const bytes = allocate(linkFrameLength(length))
  bytes[0] = START_1
  bytes[1] = START_2
  bytes[2] = length
  bytes[3] = controlOctet(frame)
  bytes[4] = frame.destination
  bytes[5] = frame.destination >> 8
  bytes[6] = frame.source
  bytes[7] = frame.source >> 8
  putCrc(bytes, 0, 8)
  let to = LINK_HEADER
  for (let from = 0; from < user.length; from += LINK_BLOCK) {
    const block = user.subarray(from, from + LINK_BLOCK)
    bytes.set(block, to)
    putCrc(bytes, to, to + block.length)
    to += block.length + 2
  }
  return bytes
}

/**
 * A whole fragment as link frames one behind the other, as they leave in one write: what segmentFragment and
 * encodeLinkFrame do, without anything in between. `control` is the control octet of every frame.
 */
export function encodeFragmentFrames(
  fragment: Uint8Array,
  transportSequence: number,
  { control, destination, source }: { readonly control: number; readonly destination: number; readonly source: number },
): Uint8Array<ArrayBuffer> {
  const whole = Math.floor(fragment.length / MAX_SEGMENT)
  const last = fragment.length - whole * MAX_SEGMENT
  const bytes = allocate(whole * MAX_LINK_FRAME + (last > 0 ? linkFrameLength(MIN_LINK_LENGTH + 1 + last) : 0))
  let to = 0
  for (let at = 0; at < fragment.length; at += MAX_SEGMENT) {
    const end = Math.min(at + MAX_SEGMENT, fragment.length)
    bytes[to] = START_1
    bytes[to + 1] = START_2
    bytes[to + 2] = MIN_LINK_LENGTH + 1 + end - at
    bytes[to + 3] = control
    bytes[to + 4] = destination
    bytes[to + 5] = destination >> 8
    bytes[to + 6] = source
    bytes[to + 7] = source >> 8
    putCrc(bytes, to, to + 8)
    to += LINK_HEADER
    bytes[to] = (end === fragment.length ? 0x80 : 0) | (at === 0 ? 0x40 : 0) | (transportSequence++ & 0x3f)
    let block = to++
    for (let i = at; i < end; i++) {
      if (to - block === LINK_BLOCK) {
        putCrc(bytes, block, to)
        to += 2
        block = to
      }
      bytes[to++] = fragment[i]!
    }
    putCrc(bytes, block, to)
    to += 2
  }
  return bytes
}

function controlOctet(frame: LinkFrame): number {
  return (
    (frame.fromMaster ? 0x80 : 0) |
    (frame.primary ? 0x40 : 0) |
    (frame.frameCount ? 0x20 : 0) |
    (frame.countValidOrBusy ? 0x10 : 0) |
    frame.function
  )
}

function fits(field: string, value: number, largest: number): void {
  if (!Number.isInteger(value) || value < 0 || value > largest) {
    throw new UsageError('dnp3.link.field', `${field} ${value} is not in 0..${largest}`, { field, value })
  }
}

/** Low octet first. */
function putCrc(bytes: Uint8Array, from: number, to: number): void {
  const crc = crc16Dnp(bytes, from, to)
  bytes[to] = crc
  bytes[to + 1] = crc >> 8
}
