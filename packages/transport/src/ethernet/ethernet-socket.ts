import { UsageError, parseMac } from '@gridseal/wire'
import { formatEndpoint, parseEndpoint } from '../endpoint.ts'
import type { EthernetEndpoint } from '../endpoint.ts'
import { integer, knownKeys } from '../options.ts'
import type { DatagramCounters, DatagramSocket } from '../udp/datagram-socket.ts'
import { noDatagrams } from '../udp/send-budget.ts'

export interface EthernetOptions {
  /** `eth://eth1`. */
  readonly url: string
  /** What is received: frames of this EtherType, behind VLAN and HSR tags. 0x0600 to 0xffff. */
  readonly etherType: number
  /**
   * Destinations that are received, `01-0C-CD-01-00-01`; the interface is asked for the group addresses among them.
   * Default: all that reach the interface, all groups included.
   */
  readonly destinations?: readonly string[]
}

/** Counters of an Ethernet socket. They only grow. `overflowed` has those that the kernel had no room for, too. */
export interface EthernetCounters extends DatagramCounters {
  /** Frames for other destinations than were asked for. */
  elsewhere: number
}

/**
 * Ethernet frames of one EtherType on one interface, byte for byte from the destination address on, tags and padding
 * included, without check sum. What this socket sends it does not receive. Datagrams are from `xx:xx:xx:xx:xx:xx`.
 */
export interface EthernetSocket extends DatagramSocket {
  readonly counters: Readonly<EthernetCounters>
  /** Address of the interface, `xx:xx:xx:xx:xx:xx`; undefined where the system does not tell. */
  readonly address: string | undefined
  /**
   * Sends one frame as it is. False: it was dropped, since the interface does not keep up, is down, or takes no frame so
   * long (counted in `errors`), or the socket is closed.
   *
   * Throws {@link UsageError} `transport.ethernet.frame` for fewer octets than an Ethernet header has.
   */
  send(bytes: Uint8Array): boolean
}

/** What opens sockets: `openEthernet`, or a `MemoryEthernet`. */
export type OpenEthernet = (options: EthernetOptions) => Promise<EthernetSocket>

/** Options with what follows from them. */
export interface EthernetSettings {
  readonly endpoint: EthernetEndpoint
  readonly url: string
  readonly etherType: number
  /** Undefined: all. */
  readonly destinations: readonly Uint8Array[] | undefined
}

/** Below it the field is a length. */
const FIRST_ETHER_TYPE = 0x0600
/** More than a merging unit or relay is ever asked to hear. */
const MOST_DESTINATIONS = 1024
/** Frames that are held while nobody is subscribed. */
export const MAX_HELD = 1024

const octetsOf = (address: string): Uint8Array => parseMac(address, 'transport.ethernet.address')

/** Throws {@link UsageError} `transport.option`, `transport.url.…`, `transport.ethernet.address`. */
export function settleEthernet(options: EthernetOptions): EthernetSettings {
  knownKeys(options, ['url', 'etherType', 'destinations'])
  const { url, destinations } = options
  const endpoint = parseEndpoint(url)
  if (endpoint.kind !== 'eth')
    throw new UsageError('transport.url.scheme', `${url}: eth://interface is needed`, { url })
  const etherType = integer('etherType', options.etherType, FIRST_ETHER_TYPE, 0xffff)
  if (destinations !== undefined) integer('the number of destinations', destinations.length, 1, MOST_DESTINATIONS)
  return { endpoint, url: formatEndpoint(endpoint), etherType, destinations: destinations?.map(octetsOf) }
}

/** Counters of a socket that nothing has passed. */
export function noFrames(): EthernetCounters {
  return { ...noDatagrams(), elsewhere: 0 }
}
