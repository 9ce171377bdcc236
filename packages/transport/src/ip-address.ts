import { isIPv4, isIPv6 } from 'node:net'

const MAPPED = '::ffff:'

/** An address as the operator writes it: an IPv4-mapped IPv6 address (`::ffff:10.0.0.7`) is the IPv4 address. */
export function plainAddress(address: string): string {
  if (!address.toLowerCase().startsWith(MAPPED)) return address
  const mapped = address.slice(MAPPED.length)
  return isIPv4(mapped) ? mapped : address
}

/** The 16 bytes of an address, an IPv4 address as its mapped IPv6 form (RFC 4291 2.5.5.2); undefined if it is none. */
export function addressBytes(address: string): Uint8Array | undefined {
  const bytes = new Uint8Array(16)
  if (isIPv4(address)) {
    bytes.set([0xff, 0xff, ...address.split('.').map(Number)], 10)
    return bytes
  }
  if (!isIPv6(address)) return undefined
  const [plain = ''] = address.split('%')
  const [head = '', tail] = plain.split('::')
  bytes.set(groupBytes(head))
  if (tail !== undefined) {
    const end = groupBytes(tail)
    bytes.set(end, 16 - end.length)
  }
  return bytes
}

/** `2001:db8` or `ffff:10.0.0.7`, already known to be well formed. */
function groupBytes(groups: string): number[] {
  if (groups === '') return []
  return groups.split(':').flatMap((group) => {
    if (group.includes('.')) return group.split('.').map(Number)
    const value = Number.parseInt(group, 16)
    return [value >> 8, value & 0xff]
  })
}
