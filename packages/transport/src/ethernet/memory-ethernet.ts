import { UsageError } from '@gridseal/wire'
import type { Observable } from 'rxjs'
import { HeldQueue } from '../held-queue.ts'
import type { Datagram } from '../udp/datagram-socket.ts'
import type { EthernetCounters, EthernetOptions, EthernetSettings, EthernetSocket } from './ethernet-socket.ts'
import { MAX_HELD, noFrames, settleEthernet } from './ethernet-socket.ts'
import { ETHERNET_HEADER, MAC_OCTETS, etherTypeBehindTags, macNumber, macText } from './mac.ts'

/**
 * Ethernet networks in memory, by the names of their interfaces: what one socket sends, all others on the same name get.
 * For tests, and where no raw Ethernet is to be had.
 *
 * @example
 * const ethernet = new MemoryEthernet()
 * const socket = await ethernet.open({ url: 'eth://bus', etherType: 0x88b8 })
 */
export class MemoryEthernet {
  readonly #segments = new Map<string, Set<MemorySocket>>()

  /** Opens a socket as `openEthernet` does. Rejects with {@link UsageError} for options that are wrong. */
  readonly open = async (options: EthernetOptions): Promise<EthernetSocket> => {
    const settings = settleEthernet(options)
    const name = settings.endpoint.interface
    let segment = this.#segments.get(name)
    if (segment === undefined) this.#segments.set(name, (segment = new Set()))
    const socket = new MemorySocket(settings, segment)
    segment.add(socket)
    return socket
  }
}

class MemorySocket implements EthernetSocket {
  readonly url: string
  readonly address: string
  readonly counters: EthernetCounters = noFrames()
  readonly #settings: EthernetSettings
  readonly #destinations: ReadonlySet<number> | undefined
  readonly #segment: Set<MemorySocket>
  readonly #queue = new HeldQueue<Datagram>('datagrams')

  constructor(settings: EthernetSettings, segment: Set<MemorySocket>) {
    this.url = settings.url
    this.address = macText(Uint8Array.of(2, 0, 0, 0, segment.size >> 8, segment.size & 0xff), 0)
    this.#settings = settings
    this.#destinations = settings.destinations && new Set(settings.destinations.map((mac) => macNumber(mac, 0)))
    this.#segment = segment
  }

  get datagrams(): Observable<Datagram> {
    return this.#queue.items
  }

  send(bytes: Uint8Array): boolean {
    if (bytes.length < ETHERNET_HEADER) {
      throw new UsageError('transport.ethernet.frame', `${bytes.length} octets are no Ethernet frame`)
    }
    if (!this.#segment.has(this)) {
      this.counters.dropped++
      return false
    }
    this.counters.datagramsOut++
    this.counters.bytesOut += bytes.length
    const frame = bytes.slice()
    // As on a wire, nobody has it yet when `send` returns.
    setImmediate(() => {
      for (const socket of this.#segment) if (socket !== this) socket.#receive(frame)
    })
    return true
  }

  close(): Promise<void> {
    if (this.#segment.delete(this)) this.#queue.complete()
    return Promise.resolve()
  }

  #receive(frame: Uint8Array): void {
    const { counters } = this
    if (etherTypeBehindTags(frame) !== this.#settings.etherType) return
    if (this.#destinations?.has(macNumber(frame, 0)) === false) counters.elsewhere++
    else if (this.#queue.held >= MAX_HELD) counters.overflowed++
    else {
      counters.datagramsIn++
      counters.bytesIn += frame.length
      this.#queue.push({ bytes: frame.slice(), from: macText(frame, MAC_OCTETS) })
    }
  }
}
