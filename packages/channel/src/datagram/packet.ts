import { DecodeError, Reader, Writer, crc32c } from '@gridseal/wire'

/*
 * What is in one datagram. Connection ids name the receiver's end of a session and are chosen by it; 0 stands for one
 * that is not known yet.
 *
 *   retry      20 || receiver u32 || token || crc u32
 *   handshake  21 || receiver u32 || sender u32 || number u8 || total u16 || offset u16 || tokenLength u8 || token ||
 *              fragment || crc u32
 *   record     22 || epoch u8 || receiver u32 || sequence u64 || ciphertext || tag
 *   alert      23 || receiver u32 || sender u32 || code u8 || crc u32
 *
 * The CRC-32C over all before it turns noise into loss; it protects from nobody.
 */

/** Types of packets; none is a type of frame. */
export const PACKET: {
  readonly retry: 0x20
  readonly handshake: 0x21
  readonly record: 0x22
  readonly alert: 0x23
} = { retry: 0x20, handshake: 0x21, record: 0x22, alert: 0x23 }

const CRC_LENGTH = 4
const MAX_TOKEN = 255
/** A handshake packet is this much longer than its fragment and its token. */
export const FRAGMENT_OVERHEAD = 19

/** A piece of a handshake message. */
export interface Fragment {
  readonly kind: 'fragment'
  readonly receiver: number
  readonly sender: number
  /** Which message of its sender it belongs to, from 0. */
  readonly number: number
  /** Bytes of the whole message. */
  readonly total: number
  readonly offset: number
  /** What a retry gave; empty for none. */
  readonly token: Uint8Array
  readonly bytes: Uint8Array
}

/** A packet that is not a record. */
export type PlainPacket =
  | Fragment
  | { readonly kind: 'retry'; readonly receiver: number; readonly token: Uint8Array }
  | { readonly kind: 'alert'; readonly receiver: number; readonly sender: number; readonly code: number }

export function encodeFragment(fragment: Omit<Fragment, 'kind'>): Uint8Array {
  const { receiver, sender, number, total, offset, token, bytes } = fragment
  const w = new Writer(FRAGMENT_OVERHEAD + token.length + bytes.length)
  w.u8(PACKET.handshake).u32be(receiver).u32be(sender).u8(number).u16be(total).u16be(offset)
  return sealed(w.u8(token.length).bytes(token).bytes(bytes))
}

export function encodeRetry(receiver: number, token: Uint8Array): Uint8Array {
  return sealed(new Writer(64).u8(PACKET.retry).u32be(receiver).bytes(token))
}

export function encodePlainAlert(receiver: number, sender: number, code: number): Uint8Array {
  return sealed(new Writer(16).u8(PACKET.alert).u32be(receiver).u32be(sender).u8(code))
}

/** Reads a packet that is not a record. Throws {@link DecodeError}, `channel.packet.crc` and `.type` among it. */
export function decodePlain(packet: Uint8Array): PlainPacket {
  const end = packet.length - CRC_LENGTH
  if (end < 1 || crc32c(packet, 0, end) !== new Reader(packet, end).u32be('crc')) {
    throw new DecodeError('channel.packet.crc', Math.max(0, end), 'crc', 'noise, or no packet at all')
  }
  const r = new Reader(packet, 0, end)
  const type = r.u8('type')
  const receiver = r.u32be('receiver')
  switch (type) {
    case PACKET.retry: {
      const token = r.rest()
      if (token.length > 0 && token.length <= MAX_TOKEN) return { kind: 'retry', receiver, token }
      throw new DecodeError('channel.packet.token', 5, 'token', `a token of ${token.length} bytes`)
    }
    case PACKET.handshake: {
      const sender = r.u32be('sender')
      const number = r.u8('number')
      const total = r.u16be('total')
      const offset = r.u16be('offset')
      const token = r.take(r.u8('tokenLength'), 'token')
      return { kind: 'fragment', receiver, sender, number, total, offset, token, bytes: r.rest() }
    }
    case PACKET.alert: {
      const sender = r.u32be('sender')
      const code = r.u8('code')
      r.expectEnd('alert')
      return { kind: 'alert', receiver, sender, code }
    }
    default:
      throw new DecodeError('channel.packet.type', 0, 'type', `0x${type.toString(16)} is not a packet`)
  }
}

function sealed(w: Writer): Uint8Array {
  const body = w.finish()
  const packet = new Uint8Array(body.length + CRC_LENGTH)
  packet.set(body)
  new DataView(packet.buffer).setUint32(body.length, crc32c(body))
  return packet
}
