import { readdirSync } from 'node:fs'
import { constants } from 'node:os'
import type { GridsealError } from '@gridseal/wire'
import { ProtocolError, UsageError } from '@gridseal/wire'
import type { EthernetSettings } from './ethernet-socket.ts'
import { isGroupAddress } from './mac.ts'
import { etherTypeFilter } from './packet-filter.ts'
import type { NativeMemory, SystemCalls } from './system-calls.ts'

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
const PACKET_AUXDATA = 8
const PACKET_IGNORE_OUTGOING = 23
const PACKET_MR_MULTICAST = 0
const PACKET_MR_PROMISC = 1
const PACKET_MR_ALLMULTI = 2

/** What may wait in the kernel, in its own accounting: some 4,000 frames of sampled values, a second of one stream. */
const RECEIVE_BUFFER = 4 << 20

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
    const join = (type: number, group?: Uint8Array): void =>
      must(set(SOL_PACKET, PACKET_ADD_MEMBERSHIP, membership(calls, index, type, group)))
    if (endpoint.promiscuous === true) join(PACKET_MR_PROMISC)
    if (destinations === undefined) join(PACKET_MR_ALLMULTI)
    else for (const group of destinations.filter(isGroupAddress)) join(PACKET_MR_MULTICAST, group)
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

export function int32({ littleEndian }: SystemCalls, value: number): Uint8Array {
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
