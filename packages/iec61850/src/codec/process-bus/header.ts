import type { Writer } from '@gridseal/wire'
import { DecodeError, Reader } from '@gridseal/wire'
import type { EthernetHeader } from '../ethernet.ts'
import { readEthernetHeader, writeEthernetHeader } from '../ethernet.ts'
import type { WireForm } from '../mms/wire-form.ts'
import { neededLengthOctets } from '../mms/wire-form.ts'
import type { RoutableSession } from '../routable/session.ts'
import { decodeError } from './sequence.ts'

export const ETHER_TYPE_GOOSE = 0x88b8
export const ETHER_TYPE_SV = 0x88ba

/** Tags of the two APDUs: [APPLICATION 1] of GOOSE and [APPLICATION 0] of sampled values. */
export const APDU_TAG: Readonly<Record<'goose' | 'sv', number>> = { goose: 0x61, sv: 0x60 }

/** The octets between EtherType and APDU (IEC 61850-8-1 Annex C, 9-2 Annex A), their length left out. */
export interface ProcessBusHeader {
  readonly appId: number
  /** S bit (most significant of Reserved 1): sent by a test set in the place of the device. */
  readonly simulated: boolean
  /** The other 15 bits of Reserved 1: R and, under IEC 62351-6, the length of the extension. */
  readonly reserved1: number
  readonly reserved2: number
}

/** What GOOSE and sampled value frames have in common. */
export interface ProcessBusFrame {
  readonly ethernet: EthernetHeader
  readonly header: ProcessBusHeader
  /** What Length covers behind the APDU: the extension of IEC 62351-6. Mostly empty. */
  readonly extension: Uint8Array
  /** What the frame has behind that: Ethernet padding, an RCT of IEC 62439-3. */
  readonly padding: Uint8Array
  /** Of the APDU's own length field. */
  readonly form?: WireForm
}

/** A frame down to the contents of its APDU, as far as it goes. */
export interface OpenedFrame extends Partial<Omit<ProcessBusFrame, 'form'>> {
  readonly length?: number
  readonly form?: WireForm | undefined
  /** Of a datagram of R-GOOSE or R-SV, in the place of an Ethernet header. */
  readonly session?: RoutableSession
  /** Contents of the APDU, and their offset in the frame; undefined where there is none. */
  readonly contents?: Uint8Array
  readonly contentsAt: number
}

export type MutableFrame = { -readonly [K in keyof OpenedFrame]: OpenedFrame[K] }

/** The APPID of a frame of either EtherType; undefined where it is neither, or too short. */
export function appIdOf(frame: Uint8Array): number | undefined {
  try {
    const r = new Reader(frame)
    const { etherType } = readEthernetHeader(r)
    return etherType === ETHER_TYPE_GOOSE || etherType === ETHER_TYPE_SV ? r.u16be('APPID') : undefined
  } catch (error) {
    decodeError(error)
    return undefined
  }
}

const SIMULATED = 0x8000
/** Octets that Length covers before the APDU. */
const HEADER = 8

/**
 * Takes a frame apart down to its APDU. What is wrong goes to `problems`; a length beyond the frame does not keep what is
 * there from being read.
 */
export function openFrame(frame: Uint8Array, etherType: number, apduTag: number, problems: DecodeError[]): OpenedFrame {
  const opened: MutableFrame = { contentsAt: 0 }
  try {
    const r = new Reader(frame)
    opened.ethernet = readEthernetHeader(r)
    if (opened.ethernet.etherType !== etherType) {
      throw new DecodeError('decode.ether-type', r.offset - 2, 'etherType', opened.ethernet.etherType.toString(16))
    }
    const start = r.offset
    const appId = r.u16be('APPID')
    const length = r.u16be('Length')
    const reserved1 = r.u16be('Reserved1')
    const reserved2 = r.u16be('Reserved2')
    opened.length = length
    opened.header = { appId, simulated: reserved1 >= SIMULATED, reserved1: reserved1 & ~SIMULATED, reserved2 }
    const end = start + length
    if (length < HEADER)
      throw new DecodeError('decode.length', start + 2, 'Length', `${length} does not hold the header`)
    if (end > frame.length) {
      problems.push(
        new DecodeError('decode.truncated', start + 2, 'Length', `${end - frame.length} octets are missing`),
      )
    }
    openApdu(frame, r.offset, Math.min(end, frame.length), apduTag, opened, problems)
    opened.padding = frame.subarray(Math.min(end, frame.length))
  } catch (error) {
    problems.push(decodeError(error))
  }
  return opened
}

/** Opens the APDU that lies from `start` to `end` of `frame`. Throws `DecodeError` where there is none. */
export function openApdu(
  frame: Uint8Array,
  start: number,
  end: number,
  apduTag: number,
  opened: MutableFrame,
  problems: DecodeError[],
): void {
  const r = new Reader(frame, start, end)
  const tag = r.u8('APDU')
  if (tag !== apduTag) throw new DecodeError('decode.ber.tag', start, 'APDU', `a PDU 0x${tag.toString(16)}`)
  const first = r.u8('APDU')
  if (first === 0x80 || first === 0xff)
    throw new DecodeError('decode.ber.length', start + 1, 'APDU', 'indefinite length')
  let length = first
  if (first > 0x80) {
    length = 0
    for (const octet of r.take(first & 0x7f, 'APDU')) length = length * 256 + octet
  }
  const lengthOctets = r.offset - start - 1
  if (lengthOctets !== neededLengthOctets(length)) opened.form = { lengthOctets }
  const held = Math.min(length, r.remaining)
  if (held < length) {
    const missing = new DecodeError('decode.truncated', start, 'APDU', `needs ${length} octets, has ${held}`)
    if (problems.length === 0) problems.push(missing)
  }
  opened.contentsAt = r.offset
  opened.contents = r.take(held, 'APDU')
  opened.extension = r.rest()
}

/** Writes a frame around an encoded APDU. Throws `UsageError` for what does not fit. */
export function writeFrame(w: Writer, frame: ProcessBusFrame, apdu: Uint8Array): Uint8Array {
  const { ethernet, header, extension, padding } = frame
  writeEthernetHeader(w, ethernet)
  w.u16be(header.appId).u16be(HEADER + apdu.length + extension.length)
  w.u16be((header.simulated ? SIMULATED : 0) | header.reserved1).u16be(header.reserved2)
  return w.bytes(apdu).bytes(extension).bytes(padding).finish()
}
