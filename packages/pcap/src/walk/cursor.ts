import type { Packet } from '../packet.ts'
import type { VlanTag, WalkEvent } from './events.ts'

const NO_TAGS: readonly VlanTag[] = []
const NO_BYTES = new Uint8Array(0)

/**
 * Where the walk stands in one packet. A walker has a single cursor and refills it for each packet, so that no layer
 * allocates: each one reads its header at `at`, moves `at` behind it and narrows `end` to what its length field says.
 */
export class Cursor {
  packet: Packet | undefined
  /** Takes the events of the packet. */
  out: WalkEvent[] = []

  bytes: Uint8Array = NO_BYTES
  /** Where offsets in problems are counted from. */
  start = 0
  at = 0
  /** End of the current layer's bytes as captured. */
  end = 0
  /** Bytes of the current layer that were on the wire after `end`, but not captured. */
  missing = 0

  // Link layer
  etherType = 0
  /** Offsets of the addresses in `bytes`; -1 where the link type records none. */
  macSourceAt = -1
  macDestinationAt = -1
  vlans: readonly VlanTag[] = NO_TAGS

  // IP
  isIpv6 = false
  /** Addresses in network words; IPv4 uses the first only. */
  readonly source: Int32Array = new Int32Array(4)
  readonly destination: Int32Array = new Int32Array(4)
  /** IP protocol number of the bytes at `at`. */
  protocol = 0
  isFragment = false
  fragmentId = 0
  /** Byte offset of the fragment in its datagram. */
  fragmentOffset = 0
  moreFragments = false

  /** Begins a packet. */
  load(packet: Packet, out: WalkEvent[]): void {
    this.packet = packet
    this.out = out
    this.bytes = packet.source
    this.start = packet.start
    this.at = packet.start
    this.end = packet.end
    this.missing = Math.max(0, packet.originalLength - (packet.end - packet.start))
    this.macSourceAt = -1
    this.macDestinationAt = -1
    this.vlans = NO_TAGS
    this.isFragment = false
  }

  /** Goes on in bytes that were put together from several packets. */
  enter(bytes: Uint8Array): void {
    this.bytes = bytes
    this.start = 0
    this.at = 0
    this.end = bytes.length
    this.missing = 0
    this.isFragment = false
  }

  /** Whether `count` bytes were captured at `at`; reports `code` if not. */
  has(count: number, code: string): boolean {
    if (this.end - this.at >= count) return true
    return this.fail(code, this.at, `needs ${count} bytes, has ${this.end - this.at}`)
  }

  /**
   * Narrows the layer to end at `wireEnd`, as its length field says; what follows is padding. A layer that claims more
   * than the packet had on the wire is reported under `code` and taken as long as the packet was.
   */
  limit(wireEnd: number, code: string): void {
    const excess = wireEnd - (this.end + this.missing)
    if (excess > 0) {
      this.fail(code, this.at, `length claims ${excess} bytes more than the packet had`)
      return
    }
    this.missing = Math.max(0, wireEnd - this.end)
    this.end = Math.min(this.end, wireEnd)
  }

  /** Reports a problem of the packet; returns false for the layer to hand on. `at` is an offset in `bytes`. */
  fail(code: string, at: number, reason: string): false {
    this.out.push({ kind: 'problem', packet: this.packet, code, offset: at - this.start, reason })
    return false
  }
}

/** Network-order field at an offset that the caller has checked. */
export function u16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!
}

/** Network-order field, as a signed number, at an offset that the caller has checked. */
export function i32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
}
