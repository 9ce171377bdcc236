import type { Cursor } from './cursor.ts'
import { IpEndpoint } from './endpoint.ts'

/** A pair of endpoints that exchange packets; `a` is the one whose packet came first. */
export class Flow<State> {
  a: IpEndpoint
  b: IpEndpoint
  state: State | undefined
  /** Of both ends; its low bits name the bucket. */
  hash: number
  /** Next flow of the same bucket. */
  next: Flow<State> | undefined
  /** Used since the eviction hand last passed. */
  recent = true

  constructor(c: Cursor, sourcePort: number, destinationPort: number, hash: number) {
    this.a = new IpEndpoint(c.source, c.isIpv6, sourcePort)
    this.b = new IpEndpoint(c.destination, c.isIpv6, destinationPort)
    this.hash = hash
  }

  /** Serves another pair of endpoints. */
  begin(c: Cursor, sourcePort: number, destinationPort: number, hash: number): void {
    this.a = new IpEndpoint(c.source, c.isIpv6, sourcePort)
    this.b = new IpEndpoint(c.destination, c.isIpv6, destinationPort)
    this.hash = hash
    this.state = undefined
    this.next = undefined
    this.recent = true
  }
}

/** A power of two; the table doubles when it holds as many flows. */
const FIRST_BUCKETS = 64

/**
 * Finds the flow of a packet by its addresses and ports, the same one for both directions, without making a key
 * object. Holds at most `limit` flows: a new one then takes the place of one not used lately (the CLOCK algorithm).
 */
export class FlowTable<State> {
  /** Whether the packet last looked up goes from `a` to `b`. */
  fromA = true
  #buckets: (Flow<State> | undefined)[] = emptyBuckets(FIRST_BUCKETS)
  readonly #seed: number
  readonly #slots: Flow<State>[] = []
  readonly #limit: number
  readonly #evicted: (flow: Flow<State>) => void
  #hand = 0

  /** `seed` keeps the author of a capture from aiming all flows at one bucket; results do not depend on it. */
  constructor(limit: number, seed: number, evicted: (flow: Flow<State>) => void) {
    this.#seed = seed
    this.#limit = limit
    this.#evicted = evicted
  }

  /** All flows, oldest place first. */
  get flows(): readonly Flow<State>[] {
    return this.#slots
  }

  /** The flow of the packet under the cursor, made if it is new. */
  find(c: Cursor, sourcePort: number, destinationPort: number): Flow<State> {
    const hash =
      (endHash(c.source, c.isIpv6, sourcePort, this.#seed) +
        endHash(c.destination, c.isIpv6, destinationPort, this.#seed)) |
      0
    const first = this.#buckets[hash & (this.#buckets.length - 1)]
    for (let flow = first; flow !== undefined; flow = flow.next) {
      const { a, b } = flow
      if (flow.hash !== hash || a.isIpv6 !== c.isIpv6) continue
      if (a.is(c.source, sourcePort) && b.is(c.destination, destinationPort)) this.fromA = true
      else if (a.is(c.destination, destinationPort) && b.is(c.source, sourcePort)) this.fromA = false
      else continue
      flow.recent = true
      return flow
    }
    this.fromA = true
    const flow = this.#add(c, sourcePort, destinationPort, hash)
    if (this.#slots.length > this.#buckets.length) this.#grow()
    else this.#link(flow)
    return flow
  }

  /** A flow in a place of its own, or in that of one not used lately, which it then takes the object of as well. */
  #add(c: Cursor, sourcePort: number, destinationPort: number, hash: number): Flow<State> {
    if (this.#slots.length < this.#limit) {
      const flow = new Flow<State>(c, sourcePort, destinationPort, hash)
      this.#slots.push(flow)
      return flow
    }
    for (;;) {
      const old = this.#slots[this.#hand]!
      this.#hand = (this.#hand + 1) % this.#limit
      if (!old.recent) {
        this.#unlink(old)
        this.#evicted(old)
        old.begin(c, sourcePort, destinationPort, hash)
        return old
      }
      old.recent = false
    }
  }

  #link(flow: Flow<State>): void {
    const bucket = flow.hash & (this.#buckets.length - 1)
    flow.next = this.#buckets[bucket]
    this.#buckets[bucket] = flow
  }

  #unlink(flow: Flow<State>): void {
    const bucket = flow.hash & (this.#buckets.length - 1)
    let before = this.#buckets[bucket]
    if (before === flow) {
      this.#buckets[bucket] = flow.next
      return
    }
    while (before !== undefined && before.next !== flow) before = before.next
    if (before !== undefined) before.next = flow.next
  }

  #grow(): void {
    this.#buckets = emptyBuckets(this.#buckets.length * 2)
    for (const flow of this.#slots) this.#link(flow)
  }
}

function emptyBuckets<State>(count: number): (Flow<State> | undefined)[] {
  return new Array<Flow<State> | undefined>(count).fill(undefined)
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
