import type { Direction, Framer, Inspector, ProtocolAdapter } from '@gridseal/adapter'
import { opposite } from '@gridseal/adapter'
import type { Piece } from './walk.ts'

/** One conversation of a known protocol in a capture. */
export interface Flow {
  readonly adapter: ProtocolAdapter
  readonly framing: string | undefined
  readonly medium: 'stream' | 'datagram'
  /** `ADDRESS:PORT` of the side that began (or that is taken for the master). */
  readonly client: string
  readonly server: string
  /** Protocol, source and destination of what goes each way, as JSON members. */
  readonly members: Readonly<Record<Direction, string>>
}

/** A flow from its parts. */
export function makeFlow(parts: Omit<Flow, 'members'>): Flow {
  const { adapter, client, server } = parts
  const members = (source: string, destination: string): string =>
    `"protocol":"${adapter.protocol}","src":"${source}","dst":"${destination}"`
  return { ...parts, members: { 'to-device': members(client, server), 'to-master': members(server, client) } }
}

/** A flow with what is needed to describe its frames one after the other. */
export class InspectedFlow {
  readonly flow: Flow
  readonly inspector: Inspector
  /** The piece that came last each way: what a framer still holds ended in it. */
  readonly last: Partial<Record<Direction, Piece>> = {}
  readonly #framers: Partial<Record<Direction, Framer>> = {}

  constructor(flow: Flow) {
    this.flow = flow
    this.inspector = flow.adapter.inspector(flow.framing)
  }

  /** Frames with wrong check sums are kept: an inspection shows them, marked as malformed. */
  framer(direction: Direction): Framer {
    const { adapter, framing, medium } = this.flow
    return (this.#framers[direction] ??= adapter.framer({
      medium,
      direction,
      keepInvalid: true,
      ...(framing === undefined ? {} : { framing }),
    }))
  }

  /** Bytes that belong to no frame, unfinished ones included. */
  get noise(): number {
    return Object.values(this.#framers).reduce((sum, framer) => sum + framer.discarded + framer.pending, 0)
  }
}

/** Finds the adapter of a conversation by its ports, else by its first bytes. */
export class Recognizer {
  readonly #adapters: readonly ProtocolAdapter[]
  readonly #byPort: Record<'tcp' | 'udp', Map<number, ProtocolAdapter>> = { tcp: new Map(), udp: new Map() }

  constructor(adapters: readonly ProtocolAdapter[]) {
    this.#adapters = adapters
    for (const adapter of adapters) {
      for (const port of adapter.recognition.tcpPorts) this.#byPort.tcp.set(port, adapter)
      for (const port of adapter.recognition.udpPorts) this.#byPort.udp.set(port, adapter)
    }
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
