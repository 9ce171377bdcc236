import type { Cursor } from './cursor.ts'
import { i32, u16 } from './cursor.ts'

export const IP_PROTOCOL = { TCP: 6, UDP: 17 } as const

const IPV4_HEADER = 20
const IPV6_HEADER = 40
const FRAGMENT_HEADER = 44
const AUTHENTICATION_HEADER = 51
/** Extension headers that say their own length in units of eight octets (RFC 8200 4, IANA's list). */
const OPTION_HEADERS: readonly number[] = [0, 43, 60, 135, 139, 140]

/** Reads an IPv4 header (RFC 791) and leaves the cursor on the payload; false after reporting what is wrong. */
export function readIpv4(c: Cursor): boolean {
  if (!c.has(IPV4_HEADER, 'pcap.ipv4.truncated')) return false
  const b = c.bytes
  const at = c.at
  const first = b[at]!
  if (first >>> 4 !== 4) return c.fail('pcap.ipv4.version', at, `IP version ${first >>> 4} in an IPv4 frame`)
  const header = (first & 0x0f) * 4
  if (header < IPV4_HEADER) return c.fail('pcap.ipv4.header-length', at, `header of ${header} bytes`)
  const total = u16(b, at + 2)
  // Segmentation offload leaves the total length 0: the packet then extends to its end.
  if (total !== 0) {
    if (total < header) return c.fail('pcap.ipv4.length', at + 2, `total length ${total}, header of ${header}`)
    c.limit(at + total, 'pcap.ipv4.length')
  }
  if (!c.has(header, 'pcap.ipv4.truncated')) return false
  const fragment = u16(b, at + 6)
  c.isFragment = (fragment & 0x3fff) !== 0
  c.moreFragments = (fragment & 0x2000) !== 0
  c.fragmentOffset = (fragment & 0x1fff) * 8
  c.fragmentId = u16(b, at + 4)
  c.protocol = b[at + 9]!
  c.isIpv6 = false
  c.source[0] = i32(b, at + 12)
  c.destination[0] = i32(b, at + 16)
  c.at = at + header
  return true
}

/** Reads an IPv6 header (RFC 8200) with its extension headers; false after reporting what is wrong. */
export function readIpv6(c: Cursor): boolean {
  if (!c.has(IPV6_HEADER, 'pcap.ipv6.truncated')) return false
  const b = c.bytes
  const at = c.at
  const version = b[at]! >>> 4
  if (version !== 6) return c.fail('pcap.ipv6.version', at, `IP version ${version} in an IPv6 frame`)
  const payload = u16(b, at + 4)
  // 0 with segmentation offload and in jumbograms: the packet then extends to its end.
  if (payload !== 0) c.limit(at + IPV6_HEADER + payload, 'pcap.ipv6.length')
  c.protocol = b[at + 6]!
  c.isIpv6 = true
  for (let word = 0; word < 4; word++) {
    c.source[word] = i32(b, at + 8 + word * 4)
    c.destination[word] = i32(b, at + 24 + word * 4)
  }
  c.at = at + IPV6_HEADER
  return skipExtensionHeaders(c)
}

/**
 * Moves behind the extension headers at `at`. A fragment header ends the walk: what follows belongs to the reassembled
 * datagram. A fragment that is the whole datagram (RFC 6946) is walked through.
 */
export function skipExtensionHeaders(c: Cursor): boolean {
  for (;;) {
    const isOptions = OPTION_HEADERS.includes(c.protocol)
    if (!isOptions && c.protocol !== FRAGMENT_HEADER && c.protocol !== AUTHENTICATION_HEADER) return true
    if (!c.has(8, 'pcap.ipv6.truncated')) return false
    const b = c.bytes
    const next = b[c.at]!
    if (c.protocol === FRAGMENT_HEADER) {
      const fragment = u16(b, c.at + 2)
      c.moreFragments = (fragment & 1) !== 0
      c.fragmentOffset = fragment & 0xfff8
      c.fragmentId = i32(b, c.at + 4)
      c.isFragment = c.moreFragments || c.fragmentOffset !== 0
      c.protocol = next
      c.at += 8
      if (c.isFragment) return true
      continue
    }
    const length = isOptions ? (b[c.at + 1]! + 1) * 8 : (b[c.at + 1]! + 2) * 4
    if (!c.has(length, 'pcap.ipv6.truncated')) return false
    c.protocol = next
    c.at += length
  }
}
