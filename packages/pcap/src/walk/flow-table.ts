import type { Cursor } from './cursor.ts'

/*
 * A row of the table: sixteen words, a line of a processor's cache. Captures of many short connections are all about
 * rows that nobody has looked at for long; as objects they were a dozen such lines each.
 */

/** Words of a row. */
export const ROW = 16
/** Where in a row the words of its owner begin, all 0 when a flow does. */
export const OWN = 6

/** Of both ends; its low bits name the bucket. */
const HASH = 0
/** Row number + 1 of the next flow of the same bucket; 0: none. */
const NEXT = 1
/** First words of the addresses of `a`, whose packet came first, and `b`: IPv4 has no more of them. */
const A = 2
const B = 3
/** Port of `a` << 16 | port of `b`. */
const PORTS = 4
const FLAGS = 5

const IPV6 = 1
/** Used since the eviction hand last passed. */
const RECENT = 2

/** The words of two IPv6 addresses behind the first. */
const MORE = 6

/** A power of two; the table doubles when it holds as many flows. */
const FIRST_ROWS = 64
const NO_WORDS = new Int32Array(0)

/**
 * Finds the flow of a packet, a pair of endpoints that exchange packets, by its addresses and ports, the same one for both
 * directions, without making a key object. Holds at most `limit` flows: a new one then takes the place of one not used
 * lately (the CLOCK algorithm).
 */
export class FlowTable {
  /** Row after row, of which a flow is known by its first word. Replaced when the table grows. */
  words: Int32Array<ArrayBuffer>
  /** Whether the packet last looked up goes from `a` to `b`. */
  fromA = true
  /** Whether the packet last looked up begins a flow. */
  isNew = false
  /** Row number + 1 of the first flow of each bucket; 0: none. */
  #buckets: Int32Array
  /** {@link MORE} words of each row, as soon as a flow of IPv6 is met. */
  #more = NO_WORDS
  #size = 0
  readonly #seed: number
  readonly #limit: number
  readonly #evicted: (row: number) => void
  #hand = 0

  /**
   * `seed` keeps the author of a capture from aiming all flows at one bucket; results do not depend on it. `evicted` is
   * told of a flow while it is still there.
   */
  constructor(limit: number, seed: number, evicted: (row: number) => void) {
    this.#seed = seed
    this.#limit = limit
    this.#evicted = evicted
    this.words = new Int32Array(FIRST_ROWS * ROW)
    this.#buckets = new Int32Array(FIRST_ROWS)
  }

  /** Flows in the table: their rows are the first so many. */
  get size(): number {
    return this.#size
  }

  /** Where in {@link words} the flow of the packet under the cursor is; it is made if it is new. */
  find(c: Cursor, sourcePort: number, destinationPort: number): number {
    const hash =
      (endHash(c.source, c.isIpv6, sourcePort, this.#seed) +
        endHash(c.destination, c.isIpv6, destinationPort, this.#seed)) |
      0
    const { words } = this
    this.isNew = false
    let link = this.#buckets[hash & (this.#buckets.length - 1)]!
    while (link !== 0) {
      const row = (link - 1) * ROW
      if (words[row + HASH] === hash && this.#isOf(row, c, sourcePort, destinationPort)) {
        words[row + FLAGS]! |= RECENT
        return row
      }
      link = words[row + NEXT]!
    }
    this.isNew = true
    this.fromA = true
    return this.#add(c, hash, (sourcePort << 16) | destinationPort)
  }

  /** Whether the packet belongs to a flow; tells in {@link fromA} which way it goes. */
  #isOf(row: number, c: Cursor, sourcePort: number, destinationPort: number): boolean {
    const { words } = this
    const isIpv6 = (words[row + FLAGS]! & IPV6) !== 0
    if (isIpv6 !== c.isIpv6) return false
    const [a, b, ports] = [words[row + A], words[row + B], words[row + PORTS]]
    const [source, destination] = [c.source[0], c.destination[0]]
    if (a === source && b === destination && ports === ((sourcePort << 16) | destinationPort)) {
      this.fromA = true
      if (!isIpv6 || this.#hasMore(row, c.source, c.destination)) return true
    }
    if (a === destination && b === source && ports === ((destinationPort << 16) | sourcePort)) {
      this.fromA = false
      return !isIpv6 || this.#hasMore(row, c.destination, c.source)
    }
    return false
  }

  #hasMore(row: number, a: Int32Array, b: Int32Array): boolean {
    const more = this.#more
    const at = (row / ROW) * MORE
    for (let i = 0; i < 3; i++) if (more[at + i] !== a[i + 1] || more[at + 3 + i] !== b[i + 1]) return false
    return true
  }

  /** A flow in a row of its own, or in that of one not used lately. */
  #add(c: Cursor, hash: number, ports: number): number {
    const row = this.#size < this.#limit ? this.#another() : this.#reused()
    const { words } = this
    for (let at = row + OWN; at < row + ROW; at++) words[at] = 0
    words[row + HASH] = hash
    words[row + A] = c.source[0]!
    words[row + B] = c.destination[0]!
    words[row + PORTS] = ports
    words[row + FLAGS] = c.isIpv6 ? RECENT | IPV6 : RECENT
    if (c.isIpv6) this.#addMore(row, c)
    this.#link(row)
    return row
  }

  #addMore(row: number, c: Cursor): void {
    if (this.#more.length === 0) this.#more = new Int32Array((this.words.length / ROW) * MORE)
    const at = (row / ROW) * MORE
    this.#more.set(c.source.subarray(1), at)
    this.#more.set(c.destination.subarray(1), at + 3)
  }

  #another(): number {
    if (this.#size === this.#buckets.length) this.#grow()
    return this.#size++ * ROW
  }

  #reused(): number {
    const { words } = this
    for (;;) {
      const row = this.#hand * ROW
      this.#hand = (this.#hand + 1) % this.#limit
      if ((words[row + FLAGS]! & RECENT) === 0) {
        this.#evicted(row)
        this.#unlink(row)
        return row
      }
      words[row + FLAGS]! &= ~RECENT
    }
  }

  #link(row: number): void {
    const bucket = this.words[row + HASH]! & (this.#buckets.length - 1)
    this.words[row + NEXT] = this.#buckets[bucket]!
    this.#buckets[bucket] = row / ROW + 1
  }

  #unlink(row: number): void {
    const { words } = this
    const link = row / ROW + 1
    const bucket = words[row + HASH]! & (this.#buckets.length - 1)
    if (this.#buckets[bucket] === link) {
      this.#buckets[bucket] = words[row + NEXT]!
      return
    }
    let before = (this.#buckets[bucket]! - 1) * ROW
    while (words[before + NEXT] !== link) before = (words[before + NEXT]! - 1) * ROW
    words[before + NEXT] = words[row + NEXT]!
  }

  #grow(): void {
    this.words = doubled(this.words)
    this.#more = doubled(this.#more)
    this.#buckets = new Int32Array(this.#buckets.length * 2)
    for (let i = 0; i < this.#size; i++) this.#link(i * ROW)
  }
}

function doubled(words: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(words.length * 2)
  larger.set(words)
  return larger
}

/** The sum of both ends' hashes is the same for both directions. */
function endHash(words: Int32Array, isIpv6: boolean, port: number, seed: number): number {
  let hash = mix(mix(seed, port), words[0]!)
  if (isIpv6) for (let word = 1; word < 4; word++) hash = mix(hash, words[word]!)
  return hash
}

function mix(hash: number, word: number): number {
  let h = Math.imul(hash ^ word, 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 15), 0xc2b2ae35)
  return h ^ (h >>> 16)
}
