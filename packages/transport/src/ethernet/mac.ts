import { HSR_TAG, VLAN_TAGS, formatMac } from '@gridseal/wire'

export const MAC_OCTETS = 6
/** Two addresses and an EtherType. */
export const ETHERNET_HEADER = 14

/** `xx:xx:xx:xx:xx:xx` of the six octets at `at`. */
export function macText(frame: Uint8Array, at: number): string {
  return formatMac(frame.subarray(at, at + MAC_OCTETS))
}

/** Six octets as one number, for sets and maps. */
export function macNumber(frame: Uint8Array, at: number): number {
  const high = (frame[at]! << 16) | (frame[at + 1]! << 8) | frame[at + 2]!
  return high * 0x100_0000 + ((frame[at + 3]! << 16) | (frame[at + 4]! << 8) | frame[at + 5]!)
}

/** Group addresses have the lowest bit of the first octet set (IEEE 802 8.2). */
export function isGroupAddress(address: Uint8Array): boolean {
  return (address[0]! & 1) === 1
}

/** The EtherType behind VLAN (IEEE 802.1Q) and HSR (IEC 62439-3) tags; 0 where the frame is too short for one. */
export function etherTypeBehindTags(frame: Uint8Array): number {
  for (let at = 12; at + 2 <= frame.length;) {
    const etherType = (frame[at]! << 8) | frame[at + 1]!
    if (VLAN_TAGS.has(etherType)) at += 4
    else if (etherType === HSR_TAG) at += 6
    else return etherType
  }
  return 0
}
