import { readFileSync, readdirSync } from 'node:fs'
import { constants } from 'node:os'
import type { GridsealError } from '@gridseal/wire'
import { ProtocolError, UsageError } from '@gridseal/wire'
import type { Observable } from 'rxjs'
import { HeldQueue } from '../held-queue.ts'
import type { Datagram } from '../udp/datagram-socket.ts'
import type { EthernetCounters, EthernetOptions, EthernetSettings, EthernetSocket } from './ethernet-socket.ts'
import { MAX_HELD, noFrames, settleEthernet } from './ethernet-socket.ts'
import { ETHERNET_HEADER, MAC_OCTETS, etherTypeBehindTags, isGroupAddress, macNumber, macText } from './mac.ts'
import { etherTypeFilter } from './packet-filter.ts'
import { PacketPoller } from './packet-poller.ts'
import type { ReceivedFrame } from './receive-ring.ts'
import { ReceiveRing } from './receive-ring.ts'
import type { NativeMemory, SystemCalls } from './system-calls.ts'
import { loadSystemCalls } from './system-calls.ts'

const AF_PACKET = 17
const SOCK_RAW = 3
const SOCK_CLOEXEC = 0o2000000
const ETH_P_ALL = 3
const SOL_SOCKET = 1
const SO_ATTACH_FILTER = 26
const SO_RCVBUF = 8
const SO_RCVBUFFORCE = 33
const SOL_PACKET = 263
const PACKET_ADD_MEMBERSHIP = 1
const PACKET_STATISTICS = 6
const PACKET_AUXDATA = 8
const PACKET_IGNORE_OUTGOING = 23
const PACKET_MR_MULTICAST = 0
const PACKET_MR_PROMISC = 1
const PACKET_MR_ALLMULTI = 2
const MSG_DONTWAIT = 0x40

/** What may wait in the kernel, in its own accounting: some 4,000 frames of sampled values, a second of one stream. */
const RECEIVE_BUFFER = 4 << 20
/** Calls in a row before others get their turn. */
const MOST_CALLS = 8

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
  return new PacketSocket(system, settings, openPacketSocket(system.calls, settings))
}

/** A socket that is set up and bound; closed again where something fails. */
export function openPacketSocket(
  calls: SystemCalls,
  { endpoint, url, etherType, destinations }: EthernetSettings,
): number {
  // Bound to nothing at first: what is heard before the filter is there would be kept.
  const fd = calls.socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)
  if (fd < 0) throw systemFailure(url, calls.errno())
  try {
    const index = calls.nameToIndex(endpoint.interface)
    if (index === 0) throw noInterface(url, endpoint.interface)
    const set = (level: number, name: number, value: Uint8Array): number =>
      calls.setsockopt(fd, level, name, value, value.length)
    const must = (result: number): void => {
      if (result < 0) throw systemFailure(url, calls.errno())
    }
    must(set(SOL_SOCKET, SO_ATTACH_FILTER, filterProgram(calls, etherType)))
    must(set(SOL_PACKET, PACKET_AUXDATA, int32(calls, 1)))
    // From Linux 4.20 on; before, what others on this machine send is sorted out here.
    set(SOL_PACKET, PACKET_IGNORE_OUTGOING, int32(calls, 1))
    // Beyond the system's limit with CAP_NET_ADMIN only, else up to it.
    if (set(SOL_SOCKET, SO_RCVBUFFORCE, int32(calls, RECEIVE_BUFFER)) < 0) {
      set(SOL_SOCKET, SO_RCVBUF, int32(calls, RECEIVE_BUFFER))
    }
    if (endpoint.promiscuous === true)
      must(set(SOL_PACKET, PACKET_ADD_MEMBERSHIP, membership(calls, index, PACKET_MR_PROMISC)))
    const groups = destinations?.filter(isGroupAddress)
    if (groups === undefined) must(set(SOL_PACKET, PACKET_ADD_MEMBERSHIP, membership(calls, index, PACKET_MR_ALLMULTI)))
    else
      for (const group of groups)
        must(set(SOL_PACKET, PACKET_ADD_MEMBERSHIP, membership(calls, index, PACKET_MR_MULTICAST, group)))
    const address = linkLayerAddress(calls, index)
    must(calls.bind(fd, address, address.length))
    return fd
  } catch (error) {
    calls.close(fd)
    throw error
  }
}

/** `struct sockaddr_ll` for all protocols: bound to one, the kernel would have thrown the VLAN tag away. */
function linkLayerAddress({ littleEndian }: SystemCalls, index: number): Uint8Array {
  const address = new Uint8Array(20)
  const view = new DataView(address.buffer)
  view.setUint16(0, AF_PACKET, littleEndian)
  view.setUint16(2, ETH_P_ALL, false)
  view.setInt32(4, index, littleEndian)
  return address
}

/** `struct packet_mreq`. */
function membership({ littleEndian }: SystemCalls, index: number, type: number, group?: Uint8Array): Uint8Array {
  const request = new Uint8Array(16)
  const view = new DataView(request.buffer)
  view.setInt32(0, index, littleEndian)
  view.setUint16(4, type, littleEndian)
  view.setUint16(6, group?.length ?? 0, littleEndian)
  if (group !== undefined) request.set(group, 8)
  return request
}

/** Programs in native memory, by EtherType: that memory is not given back. */
const programs = new Map<number, NativeMemory>()

/** `struct sock_fprog`; the kernel copies the program that it points to. */
function filterProgram(calls: SystemCalls, etherType: number): Uint8Array {
  const { littleEndian, word } = calls
  const program = etherTypeFilter(etherType)
  const memory = programs.get(etherType) ?? calls.allocate(program.length * 8)
  programs.set(etherType, memory)
  program.forEach(([code, whenTrue, whenFalse, k], index) => {
    memory.view.setUint16(index * 8, code, littleEndian)
    memory.view.setUint8(index * 8 + 2, whenTrue)
    memory.view.setUint8(index * 8 + 3, whenFalse)
    memory.view.setUint32(index * 8 + 4, k, littleEndian)
  })
  const header = new Uint8Array(2 * word)
  const view = new DataView(header.buffer)
  view.setUint16(0, program.length, littleEndian)
  if (word === 8) view.setBigUint64(word, memory.address, littleEndian)
  else view.setUint32(word, Number(memory.address), littleEndian)
  return header
}

function int32({ littleEndian }: SystemCalls, value: number): Uint8Array {
  const octets = new Uint8Array(4)
  new DataView(octets.buffer).setInt32(0, value, littleEndian)
  return octets
}

function noInterface(url: string, name: string): UsageError {
  const names = interfaceNames().join(', ')
  return new UsageError('transport.ethernet.interface', `${url}: no interface "${name}" (there are ${names})`, { name })
}

function interfaceNames(): string[] {
  try {
    return readdirSync('/sys/class/net')
  } catch {
    return []
  }
}

function systemFailure(url: string, errno: number): GridsealError {
  const { EPERM, EACCES, ENODEV, ENXIO, EAFNOSUPPORT, EINVAL, ENETDOWN } = constants.errno
  const details = { where: url, errno }
  switch (errno) {
    case EPERM:
    case EACCES: {
      const message = `${url}: not allowed; raw Ethernet needs CAP_NET_RAW (setcap cap_net_raw+ep on the node program, or root)`
      return new UsageError('transport.ethernet.denied', message, details)
    }
    case ENODEV:
    case ENXIO:
      return new UsageError('transport.ethernet.interface', `${url}: no such interface`, details)
    case EAFNOSUPPORT:
      return new UsageError('transport.ethernet.system', `${url}: this system has no packet sockets`, details)
    case EINVAL:
      return new UsageError('transport.ethernet.kind', `${url}: that interface has no Ethernet addresses`, details)
    case ENETDOWN:
      return new ProtocolError('transport.ethernet.down', `${url}: the interface is down`, details)
    default:
      return new ProtocolError('transport.ethernet.failed', `${url}: error ${errno} of the system`, details)
  }
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
  readonly #fd: number
  readonly #etherType: number
  readonly #destinations: ReadonlySet<number> | undefined
  readonly #queue = new HeldQueue<Datagram>('datagrams')
  readonly #counters = noFrames()
  #closing: Promise<void> | undefined
  #closed = false

  constructor(system: Shared, { endpoint, url, etherType, destinations }: EthernetSettings, fd: number) {
    this.url = url
    this.address = addressOf(endpoint.interface)
    this.#shared = system
    this.#fd = fd
    this.#etherType = etherType
    this.#destinations = destinations === undefined ? undefined : new Set(destinations.map((mac) => macNumber(mac, 0)))
    system.poller.add(fd, () => this.#receive())
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
        // Such as an interface that went down; it goes on when that is up again.
        if (calls.errno() !== constants.errno.EAGAIN) this.#counters.errors++
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
