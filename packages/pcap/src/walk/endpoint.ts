import type { TextWriter } from '@gridseal/wire'

/** One end of a TCP connection or of what a UDP datagram crosses. Texts are made when they are asked for, each time. */
export interface Endpoint {
  /** IPv4 in dotted form, IPv6 in the short form of RFC 5952. */
  readonly address: string
  readonly port: number
  /** `address:port`, or `[address]:port` for IPv6. */
  readonly text: string
  /** Writes `text`. */
  write(into: TextWriter): void
}

/** The endpoint with an address in network words, of which IPv4 has one. Keeps nothing of `words`. */
export function endpointOf(words: Int32Array, isIpv6: boolean, port: number): Endpoint {
  return isIpv6 ? new Ipv6Endpoint(words.slice(), port) : new Ipv4Endpoint(words[0]!, port)
}

export class Ipv4Endpoint implements Endpoint {
  readonly port: number
  readonly #word: number

  constructor(word: number, port: number) {
    this.port = port
    this.#word = word
  }

  get address(): string {
    return formatIpv4(this.#word)
  }

  get text(): string {
    return `${this.address}:${this.port}`
  }

  write(into: TextWriter): void {
    into.dotted(this.#word).octet(COLON).decimal(this.port)
  }
}

/** Owns the words that it is given. */
export class Ipv6Endpoint implements Endpoint {
  readonly port: number
  readonly #words: Int32Array

  constructor(words: Int32Array, port: number) {
    this.port = port
    this.#words = words
  }

  get address(): string {
    return formatIpv6(this.#words)
  }

  get text(): string {
    return `[${this.address}]:${this.port}`
  }

  write(into: TextWriter): void {
    into.text(this.text)
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
