import type { TextWriter } from '@gridseal/wire'

/** One end of a TCP connection or UDP flow; the same object for all events of a flow. */
export interface Endpoint {
  /** IPv4 in dotted form, IPv6 in the short form of RFC 5952. */
  readonly address: string
  readonly port: number
  /** `address:port`, or `[address]:port` for IPv6. */
  readonly text: string
  /** Writes `text`. */
  write(into: TextWriter): void
}

/** An endpoint by its address in network words, of which IPv4 has one. Texts are made when they are asked for, each time: kept, they would be most of what a flow weighs. */
export class IpEndpoint implements Endpoint {
  readonly port: number
  readonly isIpv6: boolean
  readonly #word0: number
  readonly #word1: number
  readonly #word2: number
  readonly #word3: number

  constructor(words: Int32Array, isIpv6: boolean, port: number) {
    this.port = port
    this.isIpv6 = isIpv6
    this.#word0 = words[0]!
    this.#word1 = isIpv6 ? words[1]! : 0
    this.#word2 = isIpv6 ? words[2]! : 0
    this.#word3 = isIpv6 ? words[3]! : 0
  }

  get address(): string {
    return this.isIpv6
      ? formatIpv6(Int32Array.of(this.#word0, this.#word1, this.#word2, this.#word3))
      : formatIpv4(this.#word0)
  }

  get text(): string {
    return this.isIpv6 ? `[${this.address}]:${this.port}` : `${this.address}:${this.port}`
  }

  write(into: TextWriter): void {
    if (this.isIpv6) into.text(this.text)
    else into.dotted(this.#word0).octet(COLON).decimal(this.port)
  }

  /** Whether this is the end with such an address, of the same family, and such a port. */
  is(words: Int32Array, port: number): boolean {
    if (this.#word0 !== words[0] || this.port !== port) return false
    return !this.isIpv6 || (this.#word1 === words[1] && this.#word2 === words[2] && this.#word3 === words[3])
  }
}

const COLON = 0x3a

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
