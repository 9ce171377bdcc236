import { LINK_TYPE } from '../link-type.ts'
import type { Cursor } from './cursor.ts'
import { i32, u16 } from './cursor.ts'
import type { VlanTag } from './events.ts'

export const ETHER_TYPE = { IPV4: 0x0800, IPV6: 0x86dd } as const

/** From here on the field is an EtherType, below it the length of an IEEE 802.3 frame. */
const FIRST_ETHER_TYPE = 0x0600
/** High-availability seamless redundancy (IEC 62439-3): a tag of path, size and sequence before the real EtherType. */
const HSR = 0x892f
const MOST_TAGS = 8
/** Address families of NULL/LOOP headers: IPv6 has a number of its own on each BSD, on Linux and on Windows. */
const AF_INET = 2
const AF_INET6: readonly number[] = [10, 23, 24, 28, 30]
/** Protocol field of a Linux cooked header for frames that begin with an LLC header. */
const SLL_LLC = 4

/** What the link layer found: a frame whose type is in `etherType`, nothing the walker knows, or a broken header. */
export type LinkResult = 'frame' | 'unknown' | 'broken'

/** Reads the link-layer header and leaves the cursor behind it. */
export function readLinkLayer(c: Cursor, linkType: number): LinkResult {
  switch (linkType) {
    case LINK_TYPE.ETHERNET:
      return ethernet(c)
    case LINK_TYPE.RAW:
    case LINK_TYPE.RAW_BSD:
    case LINK_TYPE.RAW_OPENBSD:
      return rawIp(c)
    case LINK_TYPE.IPV4:
      c.etherType = ETHER_TYPE.IPV4
      return 'frame'
    case LINK_TYPE.IPV6:
      c.etherType = ETHER_TYPE.IPV6
      return 'frame'
    case LINK_TYPE.NULL:
    case LINK_TYPE.LOOP:
      return loopback(c)
    case LINK_TYPE.LINUX_SLL:
      return cookedV1(c)
    case LINK_TYPE.LINUX_SLL2:
      return cookedV2(c)
    default:
      return 'unknown'
  }
}

function ethernet(c: Cursor): LinkResult {
  if (!c.has(14, 'pcap.ethernet.truncated')) return 'broken'
  c.macDestinationAt = c.at
  c.macSourceAt = c.at + 6
  c.etherType = u16(c.bytes, c.at + 12)
  c.at += 14
  return tagsAndLength(c)
}

function rawIp(c: Cursor): LinkResult {
  if (!c.has(1, 'pcap.ip.truncated')) return 'broken'
  const version = c.bytes[c.at]! >>> 4
  if (version !== 4 && version !== 6) {
    c.fail('pcap.ip.version', c.at, `IP version ${version}`)
    return 'broken'
  }
  c.etherType = version === 4 ? ETHER_TYPE.IPV4 : ETHER_TYPE.IPV6
  return 'frame'
}

/** The family is in the byte order of the machine that captured (NULL) or in network order (LOOP); both are small. */
function loopback(c: Cursor): LinkResult {
  if (!c.has(4, 'pcap.loopback.truncated')) return 'broken'
  const word = i32(c.bytes, c.at)
  const family = (word & 0xffff) === 0 ? (word >>> 24) | ((word >>> 8) & 0xff00) : word
  c.at += 4
  if (family === AF_INET) c.etherType = ETHER_TYPE.IPV4
  else if (AF_INET6.includes(family)) c.etherType = ETHER_TYPE.IPV6
  else return 'unknown'
  return 'frame'
}

function cookedV1(c: Cursor): LinkResult {
  if (!c.has(16, 'pcap.sll.truncated')) return 'broken'
  return cooked(c, 16, u16(c.bytes, c.at + 14), u16(c.bytes, c.at + 4), c.at + 6)
}

function cookedV2(c: Cursor): LinkResult {
  if (!c.has(20, 'pcap.sll.truncated')) return 'broken'
  return cooked(c, 20, u16(c.bytes, c.at), c.bytes[c.at + 11]!, c.at + 12)
}

/** What both versions of Linux cooked headers say, in different places. */
function cooked(c: Cursor, length: number, protocol: number, addressLength: number, addressAt: number): LinkResult {
  if (addressLength === 6) c.macSourceAt = addressAt
  c.at += length
  c.etherType = protocol === SLL_LLC ? Math.min(c.end - c.at, FIRST_ETHER_TYPE - 1) : protocol
  return protocol !== SLL_LLC && protocol < FIRST_ETHER_TYPE ? 'unknown' : tagsAndLength(c)
}

/** VLAN and HSR tags, then the length of an 802.3 frame or the EtherType behind a SNAP header. */
function tagsAndLength(c: Cursor): LinkResult {
  let tags: VlanTag[] | undefined
  for (let count = 0; count < MOST_TAGS; count++) {
    const tag = c.etherType
    if (tag === 0x8100 || tag === 0x88a8 || tag === 0x9100 || tag === 0x9200) {
      if (!c.has(4, 'pcap.vlan.truncated')) return 'broken'
      const control = u16(c.bytes, c.at)
      tags ??= []
      tags.push({ protocol: tag, id: control & 0xfff, priority: control >>> 13 })
      c.vlans = tags
      c.etherType = u16(c.bytes, c.at + 2)
      c.at += 4
    } else if (tag === HSR) {
      if (!c.has(6, 'pcap.hsr.truncated')) return 'broken'
      c.etherType = u16(c.bytes, c.at + 4)
      c.at += 6
    } else break
  }
  if (c.etherType < FIRST_ETHER_TYPE) length8023(c)
  return 'frame'
}

function length8023(c: Cursor): void {
  c.limit(c.at + c.etherType, 'pcap.ethernet.length')
  // SNAP (RFC 1042): LLC aa aa 03, organisation 00 00 00, then an EtherType.
  const b = c.bytes
  const isSnap = c.end - c.at >= 8 && i32(b, c.at) === (0xaaaa0300 | 0) && u16(b, c.at + 4) === 0
  if (!isSnap) return
  c.etherType = u16(b, c.at + 6)
  c.at += 8
}
