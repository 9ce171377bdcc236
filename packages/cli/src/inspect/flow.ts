import type { Direction, Framer, Inspector, ProtocolAdapter } from '@gridseal/adapter'
import { opposite } from '@gridseal/adapter'
import type { Packet } from '@gridseal/pcap'
import type { TextWriter } from '@gridseal/wire'

/** One end of a conversation, e.g. `ADDRESS:PORT`. */
export interface FlowEnd {
  readonly text: string
  /** Writes `text`, where that takes less than to make it. */
  write?(into: TextWriter): void
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
  /** Frames with wrong check sums are kept: an inspection shows them, marked as malformed. */
  readonly framer: Framer
  /** The packet in which what the framer holds ended. */
  unfinished: Packet | undefined
  /** Bytes that the framer had discarded in conversations before. */
  #discarded = 0

  constructor({ adapter, framing, medium }: FlowParts, direction: Direction) {
    this.direction = direction
    const way = { medium, direction, keepInvalid: true }
    this.framer = adapter.framer(framing === undefined ? way : { ...way, framing })
  }

  /** Serves another conversation, of the same protocol, framing and medium. */
  begin(): void {
    this.unfinished = undefined
    this.framer.reset()
    this.#discarded = this.framer.discarded
  }

  /** Bytes that belong to no frame, unfinished ones included. */
  get noise(): number {
    return this.framer.discarded - this.#discarded + this.framer.pending
  }
}

/** A flow with what is needed to describe its frames one after the other. */
export class InspectedFlow {
  readonly adapter: ProtocolAdapter
  readonly framing: string | undefined
  readonly medium: 'stream' | 'datagram'
  readonly toDevice: FlowHalf
  readonly toMaster: FlowHalf
  client: FlowEnd
  server: FlowEnd
  inspector: Inspector

  constructor(parts: FlowParts) {
    this.adapter = parts.adapter
    this.framing = parts.framing
    this.medium = parts.medium
    this.toDevice = new FlowHalf(parts, 'to-device')
    this.toMaster = new FlowHalf(parts, 'to-master')
    this.client = parts.client
    this.server = parts.server
    this.inspector = parts.adapter.inspector(parts.framing)
  }

  /** Serves another conversation, of the same protocol, framing and medium. */
  begin({ client, server }: FlowParts): void {
    this.toDevice.begin()
    this.toMaster.begin()
    this.client = client
    this.server = server
    this.inspector = this.adapter.inspector(this.framing)
  }

  half(direction: Direction): FlowHalf {
    return direction === 'to-device' ? this.toDevice : this.toMaster
  }

  /** The side that sends what goes in `direction`. */
  source(direction: Direction): FlowEnd {
    return direction === 'to-device' ? this.client : this.server
  }

  /** The side to which goes what goes in `direction`. */
  destination(direction: Direction): FlowEnd {
    return direction === 'to-device' ? this.server : this.client
  }
}

/**
 * Flows that have ended serve those that begin: most captures are of connections of a few packets, and what lives as
 * long as they do is dear to the garbage collector. Holds as many as were open at once.
 */
export class FlowPool {
  readonly #idle = new Map<ProtocolAdapter, InspectedFlow[]>()

  take(parts: FlowParts): InspectedFlow {
    const flow = isPooled(parts) ? this.#idle.get(parts.adapter)?.pop() : undefined
    if (flow === undefined) return new InspectedFlow(parts)
    flow.begin(parts)
    return flow
  }

  /** Nothing more comes of `flow`. */
  give(flow: InspectedFlow): void {
    if (!isPooled(flow)) return
    const idle = this.#idle.get(flow.adapter)
    if (idle === undefined) this.#idle.set(flow.adapter, [flow])
    else idle.push(flow)
  }
}

/** Other conversations than connections rarely end before the capture does. */
function isPooled({ medium, framing }: Pick<FlowParts, 'medium' | 'framing'>): boolean {
  return medium === 'stream' && framing === undefined
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
