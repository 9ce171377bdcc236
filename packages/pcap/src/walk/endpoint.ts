/** One end of a TCP connection or UDP flow; the same object for all events of a flow. */
export interface Endpoint {
  /** IPv4 in dotted form, IPv6 in the short form of RFC 5952. */
  readonly address: string
  readonly port: number
  /** `address:port`, or `[address]:port` for IPv6. */
  readonly text: string
}

/** An endpoint from the address in network words: `words[0]` for IPv4, all four for IPv6. */
export function makeEndpoint(words: Int32Array, isIpv6: boolean, port: number): Endpoint {
  const address = isIpv6 ? formatIpv6(words) : formatIpv4(words[0] ?? 0)
  return { address, port, text: isIpv6 ? `[${address}]:${port}` : `${address}:${port}` }
}

/** Dotted form of an IPv4 address. */
export function formatIpv4(word: number): string {
  return `${word >>> 24}.${(word >>> 16) & 0xff}.${(word >>> 8) & 0xff}.${word & 0xff}`
}

/** RFC 5952: lower case, no leading zeros, the longest run of at least two zero groups (the first of equals) as `::`. */
export function formatIpv6(words: Int32Array): string {
  const groups: number[] = []
  for (const word of words) groups.push(word >>> 16, word & 0xffff)
  let best = 0
  let bestLength = 1
  for (let from = 0; from < groups.length; from++) {
    let to = from
    while (groups[to] === 0) to++
    if (to - from > bestLength) {
      best = from
      bestLength = to - from
    }
  }
  const hex = (part: number[]): string => part.map((group) => group.toString(16)).join(':')
  if (bestLength < 2) return hex(groups)
  return `${hex(groups.slice(0, best))}::${hex(groups.slice(best + bestLength))}`
}
