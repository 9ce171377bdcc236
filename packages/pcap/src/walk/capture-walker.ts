import { randomInt } from 'node:crypto'
import { UsageError } from '@gridseal/wire'
import { LINK_TYPE } from '../link-type.ts'
import type { Packet } from '../packet.ts'
import { Cursor, u16 } from './cursor.ts'
import { endpointOf } from './endpoint.ts'
import type { WalkEvent } from './events.ts'
import { Fragments } from './fragments.ts'
import { ETHER_TYPE, readLinkLayer } from './link-layer.ts'
import { MacNames } from './mac-names.ts'
import { IP_PROTOCOL, readIpv4, readIpv6, skipExtensionHeaders } from './network-layer.ts'
import { TcpTracker } from './tcp-tracker.ts'

/** Bounds of a walk; all memory it takes follows from them. */
export interface WalkOptions {
  /** TCP connections followed at once; default 16384. */
  readonly maxStreams?: number
  /** Bytes of out-of-order data held per direction of a stream; default 4 MiB. */
  readonly maxHeldPerDirection?: number
  /** Bytes of out-of-order data held in all; default 64 MiB. */
  readonly maxHeld?: number
  /** Seconds of capture time that out-of-order data waits for a gap to be filled; default 30. */
  readonly maxHoldSeconds?: number
  /** Fragmented IP datagrams under reassembly at once; default 256. */
  readonly maxFragmentedDatagrams?: number
  /** Bytes of fragments held in all; default 4 MiB. */
  readonly maxFragmentBytes?: number
  /** Seconds of capture time that a datagram may stay incomplete; default 60 (RFC 8200 4.5). */
  readonly maxFragmentSeconds?: number
  /** TCP ports that are a server's, for streams whose handshake was not captured. Default: the lower port is. */
  readonly serverPorts?: Iterable<number>
  /** Seed of the flow hash; default random. Results do not depend on it. */
  readonly hashSeed?: number
  /**
   * Only what goes between pairs of hosts that fall to this part of the capture; the other packets are counted and
   * passed over. What is not IP belongs to the first part. Walks over all parts see together what one walk sees, but each
   * has its own bounds. Default: everything.
   */
  readonly part?: CapturePart
}

/** One of `of` parts of a capture, by pairs of hosts; `index` counts from 0. */
export interface CapturePart {
  readonly index: number
  readonly of: number
}

/** What a walk has seen. */
export interface WalkCounters {
  /** Packets given to the walker. */
  readonly packets: number
  /** TCP segments, whatever became of them. */
  readonly segments: number
  /** Whole UDP datagrams. */
  readonly datagrams: number
  /** IP fragments. */
  readonly fragments: number
  /** IP packets that carry neither TCP nor UDP. */
  readonly otherIp: number
  /** Link-layer frames that do not carry IP. */
  readonly ethernet: number
  /** Packets of USER link types. */
  readonly user: number
  /** Packets of a link type or address family that the walker does not know. */
  readonly unknown: number
}

const DEFAULTS = {
  maxStreams: 16_384,
  maxHeldPerDirection: 4 * 1024 * 1024,
  maxHeld: 64 * 1024 * 1024,
  maxHoldSeconds: 30,
  maxFragmentedDatagrams: 256,
  maxFragmentBytes: 4 * 1024 * 1024,
  maxFragmentSeconds: 60,
} as const

const UDP_HEADER = 8

/**
 * Walks the packets of a capture, in order, and tells what they carry: TCP streams put together, UDP datagrams, frames
 * of other link-layer protocols. Check sums are not verified, because captures taken on the sending machine have none.
 * Bad packets become `problem` events; nothing is thrown.
 *
 * @example
 * const walker = new CaptureWalker()
 * for await (const packets of openCapture(path)) for (const event of walker.pushAll(packets)) handle(event)
 * for (const event of walker.finish()) handle(event)
 */
export class CaptureWalker {
  readonly #counters: { -readonly [Name in keyof WalkCounters]: number } = {
    packets: 0,
    segments: 0,
    datagrams: 0,
    fragments: 0,
    otherIp: 0,
    ethernet: 0,
    user: 0,
    unknown: 0,
  }
  readonly #cursor = new Cursor()
  readonly #tcp: TcpTracker
  readonly #fragments: Fragments
  readonly #macs = new MacNames()
  readonly #unknownLinkTypes = new Set<number>()
  readonly #part: CapturePart

  /** Throws `UsageError` `pcap.walk.option` for a bound that is not a positive integer, and for unknown options. */
  constructor(options: WalkOptions = {}) {
    const bounds = boundsOf(options)
    this.#part = checkPart(options.part ?? WHOLE)
    this.#tcp = new TcpTracker({
      maxStreams: bounds.maxStreams,
      hold: {
        perDirection: bounds.maxHeldPerDirection,
        total: bounds.maxHeld,
        maxAge: nanoseconds(bounds.maxHoldSeconds),
      },
      serverPorts: new Set(options.serverPorts),
      hashSeed: options.hashSeed ?? randomInt(2 ** 31),
    })
    this.#fragments = new Fragments({
      maxDatagrams: bounds.maxFragmentedDatagrams,
      maxBytes: bounds.maxFragmentBytes,
      maxAge: nanoseconds(bounds.maxFragmentSeconds),
    })
  }

  /** What was seen so far. */
  get counters(): WalkCounters {
    return this.#counters
  }

  /** Bytes of out-of-order data held now, bookkeeping included; at most `maxHeld`. */
  get held(): number {
    return this.#tcp.held
  }

  /** What one packet shows. */
  push(packet: Packet): WalkEvent[] {
    const events: WalkEvent[] = []
    this.#walk(packet, events)
    return events
  }

  /** What a batch of packets shows, in order. */
  pushAll(packets: readonly Packet[]): WalkEvent[] {
    const events: WalkEvent[] = []
    for (const packet of packets) this.#walk(packet, events)
    return events
  }

  /** The capture has ended: releases what is held and closes all streams. */
  finish(): WalkEvent[] {
    const events: WalkEvent[] = []
    this.#fragments.finish(events)
    this.#tcp.finish(events)
    return events
  }

  #walk(packet: Packet, events: WalkEvent[]): void {
    this.#counters.packets++
    const c = this.#cursor
    c.load(packet, events)
    const before = events.length
    const isIp = this.#link(c, packet, events)
    if (this.#part.of > 1 && this.#part.index !== (isIp ? partOf(c, this.#part.of) : 0)) {
      // What was wrong with it is told by the walk over the part that it belongs to.
      events.length = before
      return
    }
    if (isIp) this.#datagram(c)
  }

  /** Reads the layers below TCP and UDP; whether it is an IP packet, with the cursor on its payload. */
  #link(c: Cursor, packet: Packet, events: WalkEvent[]): boolean {
    const { linkType } = packet
    if (linkType >= LINK_TYPE.USER0 && linkType <= LINK_TYPE.USER15) {
      this.#counters.user++
      events.push({ kind: 'user', packet, linkType, bytes: packet.bytes, missing: c.missing })
      return false
    }
    const link = readLinkLayer(c, linkType)
    if (link === 'unknown') this.#unknown(packet, events)
    if (link !== 'frame') return false
    if (c.etherType === ETHER_TYPE.IPV4) return readIpv4(c)
    if (c.etherType === ETHER_TYPE.IPV6) return readIpv6(c)
    this.#ethernet(c, packet)
    return false
  }

  /** Says once per link type that the walker cannot read it. */
  #unknown(packet: Packet, events: WalkEvent[]): void {
    this.#counters.unknown++
    const { linkType } = packet
    if (this.#unknownLinkTypes.has(linkType)) return
    this.#unknownLinkTypes.add(linkType)
    const reason = `link type ${linkType} carries something the walker does not know; it will be skipped`
    events.push({ kind: 'problem', packet, code: 'pcap.link-type.unknown', offset: 0, reason })
  }

  #datagram(c: Cursor): void {
    if (c.isFragment) {
      this.#counters.fragments++
      if (!this.#fragments.add(c)) return
      if (c.isIpv6 && !skipExtensionHeaders(c)) return
      if (c.isFragment) {
        c.fail('pcap.fragment.nested', c.at, 'a fragment header inside a reassembled datagram')
        return
      }
    }
    if (c.protocol === IP_PROTOCOL.TCP) {
      this.#counters.segments++
      this.#tcp.take(c)
    } else if (c.protocol === IP_PROTOCOL.UDP) this.#udpDatagram(c)
    else this.#counters.otherIp++
  }

  /** RFC 768. */
  #udpDatagram(c: Cursor): void {
    if (!c.has(UDP_HEADER, 'pcap.udp.truncated')) return
    const { bytes, at } = c
    const length = u16(bytes, at + 4)
    // 0 in jumbograms and with segmentation offload: the datagram then extends to the end of the packet.
    if (length !== 0) {
      if (length < UDP_HEADER || at + length > c.end + c.missing) {
        c.fail('pcap.udp.length', at + 4, `length ${length} in an IP payload of ${c.end + c.missing - at} bytes`)
        return
      }
      c.limit(at + length, 'pcap.udp.length')
    }
    this.#counters.datagrams++
    c.out.push({
      kind: 'datagram',
      packet: c.packet!,
      source: endpointOf(c.source, c.isIpv6, u16(bytes, at)),
      destination: endpointOf(c.destination, c.isIpv6, u16(bytes, at + 2)),
      bytes: bytes.subarray(at + UDP_HEADER, c.end),
      missing: c.missing,
    })
  }

  #ethernet(c: Cursor, packet: Packet): void {
    this.#counters.ethernet++
    c.out.push({
      kind: 'ethernet',
      packet,
      etherType: c.etherType,
      source: c.macSourceAt < 0 ? undefined : this.#macs.text(c.bytes, c.macSourceAt),
      destination: c.macDestinationAt < 0 ? undefined : this.#macs.text(c.bytes, c.macDestinationAt),
      vlans: c.vlans,
      bytes: c.bytes.subarray(c.at, c.end),
      missing: c.missing,
    })
  }
}

function boundsOf(options: WalkOptions): Record<keyof typeof DEFAULTS, number> {
  const { serverPorts: _ports, hashSeed: _seed, part: _part, ...given } = options
  for (const [name, value] of Object.entries(given)) {
    if (name in DEFAULTS && Number.isSafeInteger(value) && value > 0) continue
    const message = name in DEFAULTS ? `${name} must be a positive integer, not ${value}` : `unknown option ${name}`
    throw new UsageError('pcap.walk.option', message, { option: name })
  }
  return { ...DEFAULTS, ...given }
}

const WHOLE: CapturePart = { index: 0, of: 1 }

function checkPart(part: CapturePart): CapturePart {
  const { index, of } = part
  if (Number.isSafeInteger(of) && Number.isSafeInteger(index) && index >= 0 && index < of) return part
  throw new UsageError('pcap.walk.option', `there is no part ${index} of ${of}`, { option: 'part' })
}

/** The part to which the hosts of an IP packet belong; the same for both directions, and in every walk. */
function partOf(c: Cursor, parts: number): number {
  const words = c.isIpv6 ? 4 : 1
  let sum = 0
  for (let i = 0; i < words; i++) sum = (sum + Math.imul(c.source[i]! + c.destination[i]!, 0x9e37_79b1 + 2 * i)) | 0
  return ((sum ^ (sum >>> 15)) >>> 0) % parts
}

function nanoseconds(seconds: number): bigint {
  return BigInt(seconds) * 1_000_000_000n
}
