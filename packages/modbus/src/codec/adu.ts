import { DecodeError, UsageError, Writer, crc16Modbus } from '@gridseal/wire'
import {
  MAX_ASCII_ADU,
  MAX_MBAP_LENGTH,
  MAX_PDU,
  MAX_RTU_ADU,
  MBAP_HEADER,
  MIN_MBAP_LENGTH,
  MIN_RTU_ADU,
} from './limits.ts'

/** How PDUs are framed: behind an MBAP header, between silences with a CRC, or as hex text with an LRC. */
export type Framing = 'tcp' | 'rtu' | 'ascii'

/** Every framing; `tcp` is the default. */
export const FRAMINGS: readonly Framing[] = ['tcp', 'rtu', 'ascii']

/** An application data unit. */
export interface Adu {
  /** MBAP transaction identifier; null where the framing has none. */
  readonly transaction: number | null
  /** Unit identifier or serial address. */
  readonly unit: number
  readonly pdu: Uint8Array
}

/** Bytes of one framing to ADUs and back. */
export interface AduCodec {
  /** A whole frame. Throws {@link DecodeError}; the PDU is a view of the frame (a copy for ASCII). */
  decode(frame: Uint8Array): Adu
  /** Throws {@link UsageError} for a PDU of no or more than 253 bytes. */
  encode(adu: Adu): Uint8Array<ArrayBuffer>
}

/** MBAP (Messaging on TCP/IP 3.1.3): transaction, protocol 0, length of what follows, unit, PDU. */
const tcp: AduCodec = {
  decode: (frame) => {
    if (frame.length < MBAP_HEADER + 1) throw truncated(frame)
    if ((frame[2]! | frame[3]!) !== 0) throw new DecodeError('modbus.mbap.protocol', 2, 'protocol', 'is not 0')
    const length = (frame[4]! << 8) | frame[5]!
    if (length < MIN_MBAP_LENGTH || length > MAX_MBAP_LENGTH || length !== frame.length - 6) {
      throw new DecodeError('modbus.mbap.length', 4, 'length', `${length} in a frame of ${frame.length} bytes`)
    }
    return { transaction: (frame[0]! << 8) | frame[1]!, unit: frame[6]!, pdu: frame.subarray(MBAP_HEADER) }
  },
  encode: ({ transaction, unit, pdu }) => {
    checkPdu(pdu)
    return new Writer(MBAP_HEADER + pdu.length)
      .u16be(transaction ?? 0)
      .u16be(0)
      .u16be(1 + pdu.length)
      .u8(unit)
      .bytes(pdu)
      .finish()
  },
}

/** Address, PDU, CRC low byte first (Serial Line 2.5.1). */
const rtu: AduCodec = {
  decode: (frame) => {
    if (frame.length < MIN_RTU_ADU) throw truncated(frame)
    if (frame.length > MAX_RTU_ADU) throw tooLong(frame)
    const end = frame.length - 2
    const crc = crc16Modbus(frame, 0, end)
    if (crc !== (frame[end]! | (frame[end + 1]! << 8))) throw new DecodeError('modbus.rtu.crc', end, 'crc', 'is wrong')
    return { transaction: null, unit: frame[0]!, pdu: frame.subarray(1, end) }
  },
  encode: ({ unit, pdu }) => {
    checkPdu(pdu)
    const w = new Writer(pdu.length + 3).u8(unit).bytes(pdu)
    return w.u16le(crc16Modbus(w.finish())).finish()
  },
}

/** What an ASCII frame ends with, after CR: LF, until function 8, sub-function 3, changes it (6.8.1). */
export interface AsciiLine {
  delimiter: number
}

/** A line as it begins. */
export function newAsciiLine(): AsciiLine {
  return { delimiter: 0x0a }
}

/**
 * `:`, hex of address, PDU and LRC, CR, delimiter (Serial Line 2.5.2), for a line whose delimiter may change. Lower-case
 * digits are read, upper-case are sent.
 */
export const asciiCodec = (line: Readonly<AsciiLine>): AduCodec => ({
  decode: (frame) => {
    const end = frame.length - 2
    if (end < 7) throw truncated(frame)
    if (frame.length > MAX_ASCII_ADU) throw tooLong(frame)
    if (frame[0] !== 0x3a) throw new DecodeError('modbus.ascii.start', 0, 'start', 'is not a colon')
    if (frame[end] !== 0x0d || frame[end + 1] !== line.delimiter) {
      throw new DecodeError('modbus.ascii.end', end, 'end', 'is not CR LF')
    }
    const bytes = hexBytes(frame, 1, end)
    const last = bytes.length - 1
    if (lrc(bytes, last) !== bytes[last]) throw new DecodeError('modbus.ascii.lrc', end - 2, 'lrc', 'is wrong')
    return { transaction: null, unit: bytes[0]!, pdu: bytes.subarray(1, last) }
  },
  encode: ({ unit, pdu }) => {
    checkPdu(pdu)
    const bytes = new Writer(pdu.length + 2).u8(unit).bytes(pdu).finish()
    const text = Buffer.from([...bytes, lrc(bytes, bytes.length)])
      .toString('hex')
      .toUpperCase()
    const frame = new Uint8Array(Buffer.from(`:${text}\r\n`, 'latin1'))
    frame[frame.length - 1] = line.delimiter
    return frame
  },
})

export const ADU_CODECS: Readonly<Record<Framing, AduCodec>> = { tcp, rtu, ascii: asciiCodec(newAsciiLine()) }

/** Longitudinal redundancy check of `bytes[0..end)`: two's complement of the sum (Serial Line 6.2.1). */
export function lrc(bytes: Uint8Array, end: number): number {
  let sum = 0
  for (let i = 0; i < end; i++) sum += bytes[i]!
  return -sum & 0xff
}

/** Bytes of the hex digits `text[start..end)`. Throws {@link DecodeError} for half a byte or any other character. */
export function hexBytes(text: Uint8Array, start: number, end: number): Uint8Array<ArrayBuffer> {
  if ((end - start) % 2 !== 0) throw new DecodeError('modbus.ascii.hex', end, 'data', 'half a byte')
  const bytes = new Uint8Array((end - start) >> 1)
  for (let i = start, to = 0; i < end; i += 2, to++) bytes[to] = (hexDigit(text, i) << 4) | hexDigit(text, i + 1)
  return bytes
}

function hexDigit(text: Uint8Array, at: number): number {
  const code = text[at]!
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const letter = code & 0xdf
  if (letter >= 0x41 && letter <= 0x46) return letter - 0x37
  throw new DecodeError('modbus.ascii.hex', at, 'data', 'not a hex digit')
}

function truncated(frame: Uint8Array): DecodeError {
  return new DecodeError('decode.truncated', frame.length, 'adu', `${frame.length} bytes hold no frame`)
}

function tooLong(frame: Uint8Array): DecodeError {
  return new DecodeError('modbus.adu.length', 0, 'adu', `${frame.length} bytes are more than a frame has`)
}

function checkPdu(pdu: Uint8Array): void {
  if (pdu.length >= 1 && pdu.length <= MAX_PDU) return
  throw new UsageError('modbus.pdu.length', `a PDU has 1 to ${MAX_PDU} bytes, not ${pdu.length}`)
}
