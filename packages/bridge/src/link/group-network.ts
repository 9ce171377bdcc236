import type { ProtocolAdapter } from '@gridseal/adapter'
import { appIdOf, parseMac } from '@gridseal/iec61850'
import type { DatagramSocket, OpenEthernet } from '@gridseal/transport'
import { openMulticast, parseEndpoint } from '@gridseal/transport'
import { InternalError } from '@gridseal/wire'
import { carriedDatagrams } from './datagram-reader.ts'
import { RecentFrames } from './recent-frames.ts'

/** Where a group is on one side, as its configuration has it. */
export interface GroupPlace {
  /** `udp://239.1.2.3:5000` or `eth://eth1`. */
  readonly group: string
  /** UDP: address of the interface; undefined: the system's choice. */
  readonly interface?: string | undefined
  /** Ethernet: destinations of frames; undefined: every group address. */
  readonly destinations?: readonly string[] | undefined
  /** Ethernet: APPIDs of frames; undefined: all. */
  readonly appIds?: readonly number[] | undefined
  /** Ethernet: frames with an unsound header are carried, too. Default false. */
  readonly keepInvalid?: boolean
}

/** What keeps a frame from passing an end: it is not the group's, or it was here a moment ago. */
export type Obstacle = 'foreign' | 'again'

/** The network of a group on one side. */
export interface GroupNetwork {
  open(): Promise<DatagramSocket>
  /** Why a frame may not pass, in or out; undefined: it may. `now` in ms on any steady clock. */
  obstacle(frame: Uint8Array, now: number): Obstacle | undefined
}

/** UDP multicast, or raw Ethernet, as the place says. */
export function groupNetwork(place: GroupPlace, adapter: ProtocolAdapter, openEthernet: OpenEthernet): GroupNetwork {
  return parseEndpoint(place.group).kind === 'eth'
    ? new EthernetNetwork(place, adapter, openEthernet)
    : new UdpNetwork(place)
}

class UdpNetwork implements GroupNetwork {
  readonly #place: GroupPlace

  constructor(place: GroupPlace) {
    this.#place = place
  }

  open(): Promise<DatagramSocket> {
    const { group, interface: local } = this.#place
    return openMulticast({ group, ...(local === undefined ? {} : { interface: local }) })
  }

  obstacle(): undefined {
    return undefined
  }
}

/**
 * GOOSE or sampled values on an Ethernet interface. What leaves is held to the same filter as what enters: a member of the
 * group could otherwise have any frame whatever put onto our network.
 */
class EthernetNetwork implements GroupNetwork {
  readonly #place: GroupPlace
  readonly #adapter: ProtocolAdapter
  readonly #openEthernet: OpenEthernet
  readonly #appIds: ReadonlySet<number> | undefined
  readonly #destinations: readonly Uint8Array[] | undefined
  readonly #framer
  readonly #recent = new RecentFrames()

  constructor(place: GroupPlace, adapter: ProtocolAdapter, openEthernet: OpenEthernet) {
    const { appIds, destinations, keepInvalid = false } = place
    this.#place = place
    this.#adapter = adapter
    this.#openEthernet = openEthernet
    this.#appIds = appIds === undefined ? undefined : new Set(appIds)
    this.#destinations = destinations?.map(parseMac)
    this.#framer = adapter.framer({ medium: 'datagram', direction: 'to-master', keepInvalid })
  }

  open(): Promise<DatagramSocket> {
    const { group: url, destinations } = this.#place
    const [etherType] = this.#adapter.recognition.etherTypes
    if (etherType === undefined) {
      throw new InternalError('bridge.ethernet', `${this.#adapter.protocol} has no EtherType`)
    }
    return this.#openEthernet({ url, etherType, ...(destinations === undefined ? {} : { destinations }) })
  }

  obstacle(frame: Uint8Array, now: number): Obstacle | undefined {
    if (!this.#isOurs(frame)) return 'foreign'
    return this.#recent.isNew(frame, now) ? undefined : 'again'
  }

  #isOurs(frame: Uint8Array): boolean {
    if (carriedDatagrams(this.#framer, frame).length === 0 || !this.#isDestination(frame)) return false
    const appId = this.#appIds === undefined ? undefined : appIdOf(frame)
    return this.#appIds === undefined || (appId !== undefined && this.#appIds.has(appId))
  }

  #isDestination(frame: Uint8Array): boolean {
    // The lowest bit of the first octet marks a group address.
    if (this.#destinations === undefined) return (frame[0]! & 1) === 1
    return this.#destinations.some((mac) => mac.every((octet, index) => octet === frame[index]))
  }
}
