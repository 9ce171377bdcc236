import type { Direction, Framer, Inspector, ProtocolAdapter } from '@gridseal/adapter'
import type { Packet } from '@gridseal/pcap'
import { TextWriter } from '@gridseal/wire'

/** One end of a conversation, e.g. `ADDRESS:PORT`. */
export interface FlowEnd {
  readonly text: string
  /** Writes `text`, where that takes less than to make it. */
  write?(into: TextWriter): void
}

/** Who speaks in a conversation. */
export interface FlowEnds {
  /** The side that began (or that is taken for the master). */
  readonly client: FlowEnd
  readonly server: FlowEnd
}

/** One conversation of a known protocol in a capture. */
export interface FlowParts {
  readonly adapter: ProtocolAdapter
  readonly framing: string | undefined
  readonly medium: 'stream' | 'datagram'
  readonly ends: FlowEnds
}

/** What an inspection knows of a conversation. Captures have them by the thousand, so it is little. */
export class InspectedFlow implements FlowParts {
  readonly adapter: ProtocolAdapter
  readonly framing: string | undefined
  readonly medium: 'stream' | 'datagram'
  readonly ends: FlowEnds
  /** Reads it, while there is something to keep in mind or it has spoken lately. */
  reader: FlowReader | undefined

  constructor({ adapter, framing, medium, ends }: FlowParts) {
    this.adapter = adapter
    this.framing = framing
    this.medium = medium
    this.ends = ends
  }

  /** The side that sends what goes in `direction`. */
  source(direction: Direction): FlowEnd {
    return direction === 'to-device' ? this.ends.client : this.ends.server
  }

  /** The side to which goes what goes in `direction`. */
  destination(direction: Direction): FlowEnd {
    return direction === 'to-device' ? this.ends.server : this.ends.client
  }
}

/** What goes one way in a conversation, cut into frames. */
export class FlowHalf {
  readonly direction: Direction
  /** Frames with wrong check sums are kept: an inspection shows them, marked as malformed. */
  readonly framer: Framer
  /** The packet in which what the framer holds ended. */
  unfinished: Packet | undefined
  /** What all lines of this direction have in common; empty before the first. */
  readonly common: TextWriter = new TextWriter(COMMON)
  /** What the framer had counted in conversations before. */
  #discarded = 0
  #invalid = 0

  constructor({ adapter, framing, medium }: FlowParts, direction: Direction) {
    this.direction = direction
    const way = { medium, direction, keepInvalid: true }
    this.framer = adapter.framer(framing === undefined ? way : { ...way, framing })
  }

  /** Serves another conversation, of the same protocol, framing and medium. */
  begin(): void {
    const { framer } = this
    this.unfinished = undefined
    this.common.clear()
    framer.reset()
    this.#discarded = framer.discarded
    this.#invalid = framer.invalid
  }

  /** Bytes that belong to no frame, unfinished ones included. */
  get noise(): number {
    return this.framer.discarded - this.#discarded + this.framer.pending
  }

  /** Whether there were only sound frames and all of them whole, so that a framer that begins would go on alike. */
  get atRest(): boolean {
    const { discarded, invalid, pending } = this.framer
    return pending === 0 && discarded === this.#discarded && invalid === this.#invalid
  }
}

/** Octets that are enough for the common part of nearly every line. */
const COMMON = 128

/** What it takes to read a conversation: framers, and who describes one frame after the other. */
export class FlowReader {
  readonly toDevice: FlowHalf
  readonly toMaster: FlowHalf
  inspector: Inspector

  constructor(parts: FlowParts) {
    this.toDevice = new FlowHalf(parts, 'to-device')
    this.toMaster = new FlowHalf(parts, 'to-master')
    this.inspector = parts.adapter.inspector(parts.framing)
  }

  /** Serves another conversation, of the same protocol, framing and medium. */
  begin({ adapter, framing }: FlowParts): void {
    this.toDevice.begin()
    this.toMaster.begin()
    if (this.inspector.atRest !== true) this.inspector = adapter.inspector(framing)
  }

  half(direction: Direction): FlowHalf {
    return direction === 'to-device' ? this.toDevice : this.toMaster
  }

  get noise(): number {
    return this.toDevice.noise + this.toMaster.noise
  }

  /** Whether one that begins would read what comes alike. */
  get atRest(): boolean {
    return this.toDevice.atRest && this.toMaster.atRest && this.inspector.atRest === true
  }
}

/** Conversations that keep their readers although those have nothing to keep in mind: the last so many that began to speak. */
const MOST_LENT = 256

/**
 * The readers of all conversations. A connection that is silent and of which nothing must be kept in mind lends its
 * reader to others: most captures are of connections of a few packets, and what stays in a processor's caches is read
 * in a fraction of the time.
 */
export class Readers {
  readonly #idle = new Map<ProtocolAdapter, FlowReader[]>()
  /** Who has one, in the order in which they came to it; a ring. */
  readonly #lent: (InspectedFlow | undefined)[] = new Array<undefined>(MOST_LENT).fill(undefined)
  #next = 0

  /** The reader of a conversation. */
  of(flow: InspectedFlow): FlowReader {
    return flow.reader ?? (flow.reader = isShared(flow) ? this.#lend(flow) : new FlowReader(flow))
  }

  /** Nothing more comes of `flow`. */
  giveBack(flow: InspectedFlow): void {
    const { reader } = flow
    if (reader === undefined) return
    flow.reader = undefined
    if (!isShared(flow)) return
    const idle = this.#idle.get(flow.adapter)
    if (idle === undefined) this.#idle.set(flow.adapter, [reader])
    else idle.push(reader)
  }

  #lend(flow: InspectedFlow): FlowReader {
    const longest = this.#lent[this.#next]
    if (longest?.reader?.atRest === true) this.giveBack(longest)
    this.#lent[this.#next] = flow
    this.#next = (this.#next + 1) % MOST_LENT
    const reader = this.#idle.get(flow.adapter)?.pop()
    if (reader === undefined) return new FlowReader(flow)
    reader.begin(flow)
    return reader
  }
}

/** Other conversations than connections are few, and rarely end before the capture does. */
function isShared({ medium, framing }: FlowParts): boolean {
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
