import type { Direction, Framer, Inspector, ProtocolAdapter } from '@gridseal/adapter'
import { opposite } from '@gridseal/adapter'
import type { Packet } from '@gridseal/pcap'

/** One end of a conversation, e.g. `ADDRESS:PORT`. */
export interface FlowEnd {
  readonly text: string
}

/** One conversation of a known protocol in a capture. */
export interface FlowParts {
  readonly adapter: ProtocolAdapter
  readonly framing: string | undefined
  readonly medium: 'stream' | 'datagram'
  /** The side that began (or that is taken for the master). */
  readonly client: FlowEnd
  readonly server: FlowEnd
}

/** What goes one way in a conversation, cut into frames. */
export class FlowHalf {
  readonly direction: Direction
  readonly source: FlowEnd
  readonly destination: FlowEnd
  /** Frames with wrong check sums are kept: an inspection shows them, marked as malformed. */
  readonly framer: Framer
  /** The packet in which what the framer holds ended. */
  unfinished: Packet | undefined
  /** Protocol, source and destination, as JSON members. */
  readonly members: string

  constructor({ adapter, framing, medium, client, server }: FlowParts, direction: Direction) {
    this.direction = direction
    this.source = direction === 'to-device' ? client : server
    this.destination = direction === 'to-device' ? server : client
    const { source, destination } = this
    // Joined, not added up: the text goes into every line, and a sum would be put together anew for each.
    this.members = [
      '"protocol":"',
      adapter.protocol,
      '","src":"',
      source.text,
      '","dst":"',
      destination.text,
      '"',
    ].join('')
    this.framer = adapter.framer({
      medium,
      direction,
      keepInvalid: true,
      ...(framing === undefined ? {} : { framing }),
    })
  }

  /** Bytes that belong to no frame, unfinished ones included. */
  get noise(): number {
    return this.framer.discarded + this.framer.pending
  }
}

/** A flow with what is needed to describe its frames one after the other. */
export class InspectedFlow {
  readonly parts: FlowParts
  readonly inspector: Inspector
  toDevice: FlowHalf | undefined
  toMaster: FlowHalf | undefined

  constructor(parts: FlowParts) {
    this.parts = parts
    this.inspector = parts.adapter.inspector(parts.framing)
  }

  /** Made with the first bytes that go this way. */
  half(direction: Direction): FlowHalf {
    if (direction === 'to-device') return (this.toDevice ??= new FlowHalf(this.parts, direction))
    return (this.toMaster ??= new FlowHalf(this.parts, direction))
  }
}

/** Finds the adapter of a conversation by its ports, else by its first bytes. */
export class Recognizer {
  readonly #adapters: readonly ProtocolAdapter[]
  readonly #byPort: Record<'tcp' | 'udp', Map<number, ProtocolAdapter>> = { tcp: new Map(), udp: new Map() }
  readonly #byEtherType = new Map<number, ProtocolAdapter>()

  constructor(adapters: readonly ProtocolAdapter[]) {
    this.#adapters = adapters
    for (const adapter of adapters) {
      for (const port of adapter.recognition.tcpPorts) this.#byPort.tcp.set(port, adapter)
      for (const port of adapter.recognition.udpPorts) this.#byPort.udp.set(port, adapter)
      for (const etherType of adapter.recognition.etherTypes) this.#byEtherType.set(etherType, adapter)
    }
  }

  /** The adapter of what is carried straight on Ethernet. */
  byEtherType(etherType: number): ProtocolAdapter | undefined {
    return this.#byEtherType.get(etherType)
  }

  /**
   * The adapter, and whether the side at `clientPort` is the device: then the capture began in the middle and the
   * walker's guess of who called whom was wrong.
   */
  recognize(
    network: 'tcp' | 'udp',
    clientPort: number,
    serverPort: number,
    first: Uint8Array,
  ): { readonly adapter: ProtocolAdapter; readonly swapped: boolean } | undefined {
    const ports = this.#byPort[network]
    const server = ports.get(serverPort)
    if (server !== undefined) return { adapter: server, swapped: false }
    const client = ports.get(clientPort)
    if (client !== undefined) return { adapter: client, swapped: true }
    const adapter = this.#adapters.find((candidate) => candidate.recognition.looksLike(first))
    return adapter && { adapter, swapped: false }
  }
}

/** Direction of bytes that the client (or the server) of a walker's stream sent. */
export function directionOf(fromClient: boolean, swapped: boolean): Direction {
  const direction: Direction = fromClient ? 'to-device' : 'to-master'
  return swapped ? opposite(direction) : direction
}
