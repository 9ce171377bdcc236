import type { CloseReason } from '@gridseal/transport'
import type { Observable } from 'rxjs'

/** What came over a link in one piece. */
export interface Packet {
  readonly bytes: Uint8Array
  /** Who sent it: `udp://host:port`, or a link address on a line. */
  readonly from: string
}

/**
 * Carries packets whole or not at all; they may get lost, doubled and reordered. UDP is one; a serial line with link
 * frames is another.
 */
export interface PacketLink {
  /** This end, as a URL. */
  readonly url: string
  /** Largest packet in bytes. */
  readonly mtu: number
  /** Payload bits per second where the line is slow enough to matter: times to wait get longer. */
  readonly bitsPerSecond?: number | undefined
  /** What arrives, for one subscriber at a time. */
  readonly packets: Observable<Packet>
  /** Whether another packet would leave soon. */
  readonly ready: boolean
  /** Emits when it is {@link ready} again. */
  readonly drained: Observable<void>
  /** Resolves when the link is over. Never rejects. */
  readonly closed: Promise<CloseReason>
  /** Sends a packet, which must not be changed afterwards. False: it was dropped. */
  send(packet: Uint8Array, to: string): boolean
  close(): Promise<void>
}

/** A way to somebody: a link, and the address there. */
export interface Path {
  readonly link: PacketLink
  readonly to: string
}
