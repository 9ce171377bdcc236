import type { CloseReason } from '@gridseal/transport'
import type { Observable } from 'rxjs'

/** What came over a link in one piece. */
export interface Packet {
  readonly bytes: Uint8Array
  /** Who sent it; empty on a line that has only one other end. */
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
  /** Bits per second where the line is slow enough to matter: times to wait get longer. */
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
