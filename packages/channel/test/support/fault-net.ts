import { Subject } from 'rxjs'
import type { Packet, PacketLink } from '@gridseal/channel'
import type { CloseReason } from '@gridseal/transport'
import { mulberry32 } from '../../../../test/support/fault-proxy.ts'

/** What can happen to a packet; each is off unless given. Probabilities are per packet, 0 to 1. */
export interface PacketFaults {
  readonly drop?: number
  readonly duplicate?: number
  /** A byte is changed. */
  readonly corrupt?: number
  /** Milliseconds that every packet is late. */
  readonly delay?: number
  /** Up to so many milliseconds more, at random: packets overtake each other. */
  readonly jitter?: number
}

/** A packet on its way. */
export interface Passing {
  readonly bytes: Uint8Array
  readonly from: string
  readonly to: string
}

/** A network in memory that makes trouble, reproducibly, and a man in the middle of it. */
export class FaultNet {
  readonly counters = { sent: 0, dropped: 0, duplicated: 0, corrupted: 0, delivered: 0 }
  /** Everything that was sent, in order, if {@link record} is on. */
  readonly seen: Passing[] = []
  record = false
  /** What becomes of a packet before chance has its turn. */
  between: (packet: Passing) => readonly Passing[] = (packet) => [packet]
  /** Addresses that nothing reaches or leaves. */
  readonly down = new Set<string>()
  readonly #links = new Map<string, MemoryLink>()
  readonly #random: () => number
  #faults: PacketFaults

  constructor(seed: number, faults: PacketFaults = {}) {
    this.#random = mulberry32(seed)
    this.#faults = faults
  }

  set(faults: PacketFaults): void {
    this.#faults = faults
  }

  link(url: string, options: { readonly mtu?: number } = {}): MemoryLink {
    const link = new MemoryLink(this, url, options.mtu ?? 1200)
    this.#links.set(url, link)
    return link
  }

  /** From now on the link is at another address, as behind a NAT that has forgotten it. */
  move(link: MemoryLink, url: string): void {
    this.#links.delete(link.url)
    link.url = url
    this.#links.set(url, link)
  }

  remove(link: MemoryLink): void {
    if (this.#links.get(link.url) === link) this.#links.delete(link.url)
  }

  send(packet: Passing): void {
    this.counters.sent++
    const copy = { ...packet, bytes: Uint8Array.from(packet.bytes) }
    if (this.record) this.seen.push(copy)
    for (const each of this.between(copy)) this.#pass(each)
  }

  /** Delivers without faults, as if it had come from `from`. */
  inject({ bytes, from, to }: Passing): void {
    this.counters.delivered++
    this.#links.get(to)?.arrive(bytes, from)
  }

  #pass(packet: Passing): void {
    const { drop = 0, duplicate = 0 } = this.#faults
    if (this.down.has(packet.from) || this.down.has(packet.to) || this.#chance(drop)) {
      this.counters.dropped++
      return
    }
    this.#deliver(packet)
    if (!this.#chance(duplicate)) return
    this.counters.duplicated++
    this.#deliver(packet)
  }

  #deliver(packet: Passing): void {
    const { corrupt = 0, delay = 0, jitter = 0 } = this.#faults
    const bytes = Uint8Array.from(packet.bytes)
    if (this.#chance(corrupt)) {
      this.counters.corrupted++
      bytes[Math.floor(this.#random() * bytes.length)]! ^= 1 + Math.floor(this.#random() * 255)
    }
    const wait = delay + (jitter === 0 ? 0 : jitter * this.#random())
    if (wait === 0) setImmediate(() => this.inject({ ...packet, bytes }))
    else setTimeout(() => this.inject({ ...packet, bytes }), wait)
  }

  #chance(probability: number): boolean {
    return probability > 0 && this.#random() < probability
  }
}

/** One end on a {@link FaultNet}. */
export class MemoryLink implements PacketLink {
  url: string
  readonly mtu: number
  readonly packets: Subject<Packet> = new Subject()
  readonly drained: Subject<void> = new Subject()
  ready = true
  readonly closed: Promise<CloseReason>
  readonly #net: FaultNet
  readonly #resolveClosed: (reason: CloseReason) => void

  constructor(net: FaultNet, url: string, mtu: number) {
    this.#net = net
    this.url = url
    this.mtu = mtu
    const { promise, resolve } = Promise.withResolvers<CloseReason>()
    this.closed = promise
    this.#resolveClosed = resolve
  }

  send(bytes: Uint8Array, to: string): boolean {
    this.#net.send({ bytes, from: this.url, to })
    return true
  }

  arrive(bytes: Uint8Array, from: string): void {
    this.packets.next({ bytes, from })
  }

  close(): Promise<void> {
    this.#net.remove(this)
    this.packets.complete()
    this.#resolveClosed({ kind: 'local' })
    return Promise.resolve()
  }
}
