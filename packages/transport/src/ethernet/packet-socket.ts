import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { UsageError } from '@gridseal/wire'
import type { Observable } from 'rxjs'
import { HeldQueue } from '../held-queue.ts'
import type { Datagram } from '../udp/datagram-socket.ts'
import type { EthernetCounters, EthernetOptions, EthernetSettings, EthernetSocket } from './ethernet-socket.ts'
import { MAX_HELD, noFrames, settleEthernet } from './ethernet-socket.ts'
import { ETHERNET_HEADER, MAC_OCTETS, etherTypeBehindTags, macNumber, macText } from './mac.ts'
import { int32, openPacketSocket } from './open-packet-socket.ts'
import { PacketPoller } from './packet-poller.ts'
import type { ReceivedFrame } from './receive-ring.ts'
import { ReceiveRing } from './receive-ring.ts'
import type { SystemCalls } from './system-calls.ts'
import { loadSystemCalls } from './system-calls.ts'

const SOL_PACKET = 263
const PACKET_STATISTICS = 6
const MSG_DONTWAIT = 0x40

/** Calls in a row before others get their turn. */
const MOST_CALLS = 8
/** How often an interface that went away is looked for. */
const LOOK_AGAIN_MS = 500

/** What of the system all sockets of this process share. */
interface Shared {
  readonly calls: SystemCalls
  readonly ring: ReceiveRing
  readonly poller: PacketPoller
}

let shared: Promise<Shared> | undefined

async function loadShared(): Promise<Shared> {
  const calls = await loadSystemCalls()
  return { calls, ring: new ReceiveRing(calls), poller: new PacketPoller(calls) }
}

/**
 * Opens an interface for Ethernet frames (Linux, AF_PACKET through the optional package `koffi`). Needs CAP_NET_RAW.
 *
 * Rejects with {@link UsageError} `transport.ethernet.missing`, `.system`, `.denied`, `.interface`, `.kind`, `.address`,
 * `transport.url.…`, `transport.option`.
 *
 * @example
 * const socket = await openEthernet({ url: 'eth://eth1', etherType: 0x88b8, destinations: ['01-0C-CD-01-00-01'] })
 * socket.datagrams.subscribe(({ bytes, from }) => console.log(from, bytes.length))
 */
export async function openEthernet(options: EthernetOptions): Promise<EthernetSocket> {
  const settings = settleEthernet(options)
  shared ??= loadShared().catch((error: unknown) => {
    shared = undefined
    throw error
  })
  const system = await shared
  if (!system.poller.hasRoom) throw new UsageError('transport.ethernet.sockets', 'too many raw sockets are open')
  return new PacketSocket(system, settings)
}

/** Only interfaces with an IP address are among those that Node.js lists. */
function addressOf(name: string): string | undefined {
  try {
    const text = readFileSync(`/sys/class/net/${name}/address`, 'latin1').trim()
    return text === '' ? undefined : text
  } catch {
    return undefined
  }
}

class PacketSocket implements EthernetSocket {
  readonly url: string
  readonly address: string | undefined
  readonly #shared: Shared
  readonly #settings: EthernetSettings
  #fd: number
  /** The number of the interface that the socket is bound to. */
  #index: number
  readonly #etherType: number
  readonly #destinations: ReadonlySet<number> | undefined
  readonly #queue = new HeldQueue<Datagram>('datagrams')
  readonly #counters = noFrames()
  #closing: Promise<void> | undefined
  #closed = false
  #timer: NodeJS.Timeout | undefined

  constructor(system: Shared, settings: EthernetSettings) {
    const { endpoint, url, etherType, destinations } = settings
    this.#fd = openPacketSocket(system.calls, settings)
    this.#index = system.calls.nameToIndex(endpoint.interface)
    this.#settings = settings
    this.url = url
    this.address = addressOf(endpoint.interface)
    this.#shared = system
    this.#etherType = etherType
    this.#destinations = destinations === undefined ? undefined : new Set(destinations.map((mac) => macNumber(mac, 0)))
    system.poller.add(this.#fd, () => this.#receive())
  }

  get datagrams(): Observable<Datagram> {
    return this.#queue.items
  }

  get counters(): Readonly<EthernetCounters> {
    if (!this.#closed) this.#addKernelDrops()
    return this.#counters
  }

  send(bytes: Uint8Array): boolean {
    if (bytes.length < ETHERNET_HEADER) {
      throw new UsageError('transport.ethernet.frame', `${bytes.length} octets are no Ethernet frame`)
    }
    const { calls } = this.#shared
    if (this.#closing === undefined && calls.send(this.#fd, bytes, bytes.length, MSG_DONTWAIT) === bytes.length) {
      this.#counters.datagramsOut++
      this.#counters.bytesOut += bytes.length
      return true
    }
    const busy = [constants.errno.EAGAIN, constants.errno.ENOBUFS]
    if (this.#closing === undefined && !busy.includes(calls.errno())) this.#counters.errors++
    this.#counters.dropped++
    return false
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#shared.poller.remove(this.#fd)
    this.#addKernelDrops()
    this.#closed = true
    this.#shared.calls.close(this.#fd)
    this.#queue.complete()
  }

  /** `struct tpacket_stats`: frames and drops since it was last read. */
  #addKernelDrops(): void {
    const { calls } = this.#shared
    const statistics = new Uint8Array(8)
    if (calls.getsockopt(this.#fd, SOL_PACKET, PACKET_STATISTICS, statistics, int32(calls, 8)) < 0) return
    this.#counters.overflowed += new DataView(statistics.buffer).getUint32(4, calls.littleEndian)
  }

  #receive(): void {
    const { ring, calls } = this.#shared
    for (let call = 0; call < MOST_CALLS; call++) {
      const count = ring.receive(this.#fd)
      if (count < 0) {
        if (calls.errno() !== constants.errno.EAGAIN) this.#failed()
        return
      }
      // All of them are taken out of the ring before anybody is called who might use it.
      const frames: Uint8Array[] = []
      for (let slot = 0; slot < count; slot++) {
        const frame = this.#admitted(ring.frame(slot))
        if (frame !== undefined) frames.push(frame)
      }
      for (const frame of frames) this.#hand(frame)
      if (!ring.full(count) || this.#closing !== undefined) return
    }
  }

  /**
   * Mostly the interface went down. When it is up again, the kernel goes on by itself; one that was taken away and came back,
   * as those on USB do, is another one for it.
   */
  #failed(): void {
    this.#counters.errors++
    this.#timer ??= setInterval(() => this.#lookAgain(), LOOK_AGAIN_MS).unref()
  }

  #lookAgain(): void {
    const { calls, poller } = this.#shared
    const index = calls.nameToIndex(this.#settings.endpoint.interface)
    if (index === 0 || this.#closing !== undefined) return
    clearInterval(this.#timer)
    this.#timer = undefined
    if (index === this.#index) return
    const before = this.#fd
    try {
      this.#fd = openPacketSocket(calls, this.#settings)
    } catch {
      this.#failed()
      return
    }
    this.#index = index
    poller.add(this.#fd, () => this.#receive())
    void poller.remove(before).then(() => calls.close(before))
  }

  /** A frame as it was on the wire, or undefined for one that is not asked for. */
  #admitted({ bytes, vlan, outgoing, truncated }: ReceivedFrame): Uint8Array | undefined {
    if (outgoing) return undefined
    if (truncated || bytes.length < ETHERNET_HEADER) {
      this.#counters.errors++
      return undefined
    }
    if (this.#destinations?.has(macNumber(bytes, 0)) === false) {
      this.#counters.elsewhere++
      return undefined
    }
    const frame = vlan === undefined ? bytes.slice() : tagged(bytes, vlan)
    return etherTypeBehindTags(frame) === this.#etherType ? frame : undefined
  }

  #hand(bytes: Uint8Array): void {
    const counters = this.#counters
    if (this.#queue.held >= MAX_HELD) {
      counters.overflowed++
      return
    }
    counters.datagramsIn++
    counters.bytesIn += bytes.length
    this.#queue.push({ bytes, from: macText(bytes, MAC_OCTETS) })
  }
}

/** The tag that the kernel has taken off goes back to where it was: behind the addresses. */
function tagged(bytes: Uint8Array, { protocol, control }: NonNullable<ReceivedFrame['vlan']>): Uint8Array {
  const frame = new Uint8Array(bytes.length + 4)
  const at = 2 * MAC_OCTETS
  frame.set(bytes.subarray(0, at))
  frame.set([protocol >> 8, protocol & 0xff, control >> 8, control & 0xff], at)
  frame.set(bytes.subarray(at), at + 4)
  return frame
}
