import type { Packet } from '../packet.ts'
import type { Endpoint } from './endpoint.ts'

/** One TCP connection as the capture shows it. */
export interface TcpStream {
  /** Position in order of first appearance, from 0. */
  readonly index: number
  /** Number of the packet with which it was first seen. */
  readonly firstPacket: number
  readonly client: Endpoint
  readonly server: Endpoint
  /** The handshake was not captured, so who is client is a guess by port and bytes before the first packet are unknown. */
  readonly midStream: boolean
  /** For whoever follows the stream; the walker sets nothing here and does not look at it. */
  context?: unknown
}

export type StreamDirection = 'client-to-server' | 'server-to-client'

export interface StreamOpenEvent {
  readonly kind: 'stream-open'
  readonly packet: Packet
  readonly stream: TcpStream
}

/** The next bytes of one direction of a stream, in order and without repetition. */
export interface StreamDataEvent {
  readonly kind: 'stream-data'
  /**
   * The packet whose arrival released the bytes: for data that came out of order, the one that filled the gap or showed
   * that it stays open. What only the end of the capture releases names its carrier.
   */
  readonly packet: Packet
  /** The packet that carried the bytes; the same as `packet` unless they had to wait. */
  readonly carrier: Packet
  readonly stream: TcpStream
  readonly direction: StreamDirection
  /** A view of the carrier; stays valid. */
  readonly bytes: Uint8Array
}

/** Bytes that the capture does not hold, between the data before and after this event. */
export interface StreamGapEvent {
  readonly kind: 'stream-gap'
  /** The packet that showed the gap; absent when the end of the capture did. */
  readonly packet: Packet | undefined
  readonly stream: TcpStream
  readonly direction: StreamDirection
  readonly missing: number
}

export type StreamCloseReason =
  /** Both sides have sent FIN. */
  | 'fin'
  | 'reset'
  /** A new connection took over the same addresses and ports. */
  | 'reused'
  /** More connections at once than `maxStreams`: the least recently used gave way. */
  | 'evicted'
  | 'end-of-capture'

/** The last event of a stream. */
export interface StreamCloseEvent {
  readonly kind: 'stream-close'
  readonly packet: Packet | undefined
  readonly stream: TcpStream
  readonly reason: StreamCloseReason
}

/** One UDP datagram, whole even where IP cut it into fragments (then `packet` is the one that completed it). */
export interface DatagramEvent {
  readonly kind: 'datagram'
  readonly packet: Packet
  readonly source: Endpoint
  readonly destination: Endpoint
  /** The UDP payload as captured. */
  readonly bytes: Uint8Array
  /** Bytes of payload that the snap length cut off. */
  readonly missing: number
}

/** IEEE 802.1Q tag, outermost first. */
export interface VlanTag {
  /** 0x8100, 0x88a8, 0x9100 or 0x9200. */
  readonly protocol: number
  readonly id: number
  /** Priority code point, 0 to 7. */
  readonly priority: number
}

/** A link-layer frame that does not carry IP: GOOSE, sampled values, ARP and so on. */
export interface EthernetEvent {
  readonly kind: 'ethernet'
  readonly packet: Packet
  /** Below 1536: the length field of an IEEE 802.3 frame, and `bytes` begin with the LLC header. */
  readonly etherType: number
  /** `xx:xx:xx:xx:xx:xx`; undefined where the link type does not record it. */
  readonly source: string | undefined
  readonly destination: string | undefined
  readonly vlans: readonly VlanTag[]
  /** What follows the EtherType, including any padding; a view of the packet. */
  readonly bytes: Uint8Array
  /** Bytes that the snap length cut off. */
  readonly missing: number
}

/** A packet of one of the link types USER0 to USER15, whole. */
export interface UserEvent {
  readonly kind: 'user'
  readonly packet: Packet
  readonly linkType: number
  readonly bytes: Uint8Array
  /** Bytes that the snap length cut off. */
  readonly missing: number
}

/** Something in a packet is not what its format says, or reassembly gave up. Walking goes on with the next packet. */
export interface ProblemEvent {
  readonly kind: 'problem'
  /** Absent for what only the end of the capture shows. */
  readonly packet: Packet | undefined
  /** Stable code, e.g. `pcap.ipv4.length`. */
  readonly code: string
  /** Byte offset in the packet (in the reassembled datagram behind a fragment). */
  readonly offset: number
  readonly reason: string
}

export type WalkEvent =
  | StreamOpenEvent
  | StreamDataEvent
  | StreamGapEvent
  | StreamCloseEvent
  | DatagramEvent
  | EthernetEvent
  | UserEvent
  | ProblemEvent
