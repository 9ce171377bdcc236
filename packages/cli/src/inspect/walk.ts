import type { Direction, ProtocolAdapter } from '@gridseal/adapter'
import { adapters } from '@gridseal/bridge/protocols'
import type {
  CapturePart,
  DatagramEvent,
  EthernetEvent,
  Packet,
  StreamDataEvent,
  TcpStream,
  UserEvent,
  WalkEvent,
} from '@gridseal/pcap'
import { CaptureWalker, LINK_TYPE, openCapture } from '@gridseal/pcap'
import { UsageError, describeError } from '@gridseal/wire'
import type { FlowParts } from './flow.ts'
import { Recognizer } from './flow.ts'
import { RecentMap } from './recent-map.ts'

/** What a walk hands out. */
export interface WalkVisitor<Flow> {
  /** A conversation begins; what is returned comes back with all that belongs to it. */
  begin(parts: FlowParts): Flow
  /** Bytes that one packet added to a conversation. The view is the visitor's during the call only. */
  piece(flow: Flow, direction: Direction, packet: Packet, bytes: Uint8Array): void
  /** Bytes of one direction are missing: what follows begins anew. */
  gap?(flow: Flow, direction: Direction): void
  /** Nothing more comes of a flow. */
  end?(flow: Flow): void
  /**
   * Told before each of the above: the number of the packet whose arrival brings it. What only the end of the capture
   * brings comes behind all packets, in the order in which its streams began; then the numbers are larger.
   */
  arrival?(packet: number): void
  /** What is waited for before more of the capture is read; all packets up to `packets` have been told. */
  ready?(packets: number): Promise<void>
}

export interface WalkOptions {
  /** Only this protocol. */
  readonly protocol?: string
  /** Only this part of the capture; default all of it. */
  readonly part?: CapturePart
  /** Only so many bytes of the file; default all. */
  readonly maxBytes?: number
}

/** What was wrong with a packet, or, without a number, with the file. */
export interface WalkProblem {
  readonly packet: number | undefined
  readonly reason: string
}

/** Problems beyond these are not told. */
export const MOST_PROBLEMS = 100

/** What a walk over a capture has seen beside the pieces. */
export interface WalkSummary {
  packets: number
  /** The first {@link MOST_PROBLEMS}. */
  readonly problems: WalkProblem[]
  /** Bytes missing from TCP streams. */
  missing: number
  /** Conversations of no known protocol. */
  unknown: number
}

/** USER0 is the link type of Modbus RTU captures. */
const LINKTYPE_USER0 = 147

/** What stands for an address that a capture has not recorded. */
const UNKNOWN_MAC = '00:00:00:00:00:00'
/** Pairs of stations that are remembered, at least; of the others those longest silent begin anew. */
const MOST_PAIRS = 65_536

/** A conversation of which the side that the walker takes for the client is the device. */
class Swapped<Flow> {
  readonly flow: Flow

  constructor(flow: Flow) {
    this.flow = flow
  }
}

/** What is known of a conversation: nearly always the flow itself, for captures have them by the thousand. */
type Found<Flow> = Flow | Swapped<Flow>

function flowOf<Flow>(found: Found<Flow>): Flow {
  return found instanceof Swapped ? (found.flow as Flow) : found
}

/** Direction of bytes that the client (or the server) of a walker's stream sent. */
function directionOf(fromClient: boolean, found: unknown): Direction {
  return fromClient !== found instanceof Swapped ? 'to-device' : 'to-master'
}

/** In place of what is found, for conversations of no known protocol. */
const UNKNOWN = null

/** Walks a capture and hands out what its conversations of known protocols consist of, in the order captured. */
export async function walkCapture<Flow>(
  file: string,
  options: WalkOptions,
  visitor: WalkVisitor<Flow>,
): Promise<WalkSummary> {
  const known = adapters().filter((a) => a.protocol !== 'raw' && (options.protocol ?? a.protocol) === a.protocol)
  const flows = new Flows(known, visitor)
  const summary: WalkSummary = { packets: 0, problems: [], missing: 0, unknown: 0 }
  const problem = (packet: number | undefined, reason: string): void => {
    if (summary.problems.length < MOST_PROBLEMS) summary.problems.push({ packet, reason })
  }
  const serverPorts = known.flatMap((adapter) => [...adapter.recognition.tcpPorts])
  const { part, maxBytes } = options
  const walker = new CaptureWalker(part === undefined ? { serverPorts } : { serverPorts, part })
  const handle = (event: WalkEvent): void => {
    switch (event.kind) {
      case 'stream-data':
        return flows.stream(event)
      case 'datagram':
        return flows.datagram(event)
      case 'ethernet':
        return flows.ethernet(event)
      case 'user':
        return flows.user(event)
      case 'stream-gap':
        summary.missing += event.missing
        return flows.gap(event.stream, event.direction === 'client-to-server')
      case 'stream-close':
        return flows.close(event.stream)
      case 'problem':
        return problem(event.packet?.number, event.reason)
      default:
    }
  }
  const capture = openCapture(file, maxBytes === undefined ? {} : { maxBytes })
  try {
    for await (const packets of capture) {
      summary.packets += packets.length
      for (const event of walker.pushAll(packets)) {
        if (event.packet !== undefined) visitor.arrival?.(event.packet.number)
        handle(event)
      }
      await visitor.ready?.(summary.packets)
    }
  } catch (error) {
    throw new UsageError('capture.read', `${file}: ${describeError(error)}`, { file }, error)
  }
  for (const event of walker.finish()) {
    if ('stream' in event) visitor.arrival?.(summary.packets + event.stream.firstPacket)
    handle(event)
  }
  flows.finish()
  if (capture.problem !== undefined && (part?.index ?? 0) === 0) problem(undefined, capture.problem.reason)
  summary.unknown = flows.unknown
  return summary
}

/** Keeps the flows of a capture apart. */
class Flows<Flow> {
  unknown = 0
  readonly #visitor: WalkVisitor<Flow>
  readonly #recognizer: Recognizer
  readonly #datagrams = new RecentMap<Found<Flow> | typeof UNKNOWN>(MOST_PAIRS, (found) => {
    if (found !== UNKNOWN) this.#visitor.end?.(flowOf(found))
  })
  /** By EtherType and addresses. */
  readonly #ethernet = new RecentMap<Flow>(MOST_PAIRS, (flow) => this.#visitor.end?.(flow))
  readonly #rtu: ProtocolAdapter | undefined
  #line: { readonly flow: Flow; readonly direction: (frame: Uint8Array) => Direction } | undefined

  constructor(known: readonly ProtocolAdapter[], visitor: WalkVisitor<Flow>) {
    this.#visitor = visitor
    this.#recognizer = new Recognizer(known)
    this.#rtu = known.find((adapter) => adapter.protocol === 'modbus')
  }

  stream({ stream, direction, carrier, bytes }: StreamDataEvent): void {
    let found = this.#of(stream)
    if (found === undefined) {
      found = this.#begin('tcp', stream, bytes) ?? UNKNOWN
      stream.context = found
    }
    if (found === UNKNOWN) return
    // The packet that carried the bytes, also where they had to wait for an earlier one that came late.
    this.#visitor.piece(flowOf(found), directionOf(direction === 'client-to-server', found), carrier, bytes)
  }

  gap(stream: TcpStream, fromClient: boolean): void {
    const found = this.#of(stream)
    if (found) this.#visitor.gap?.(flowOf(found), directionOf(fromClient, found))
  }

  close(stream: TcpStream): void {
    const found = this.#of(stream)
    if (found) this.#visitor.end?.(flowOf(found))
  }

  /** Undefined before the first bytes. */
  #of(stream: TcpStream): Found<Flow> | typeof UNKNOWN | undefined {
    return stream.context as Found<Flow> | typeof UNKNOWN | undefined
  }

  datagram({ source, destination, packet, bytes }: DatagramEvent): void {
    const there = `${source.text} ${destination.text}`
    const answered = this.#datagrams.get(`${destination.text} ${source.text}`)
    let found = answered ?? this.#datagrams.get(there)
    if (found === undefined) {
      found = this.#begin('udp', { client: source, server: destination }, bytes) ?? UNKNOWN
      this.#datagrams.set(there, found)
    }
    if (found === UNKNOWN) return
    this.#visitor.piece(flowOf(found), directionOf(answered === undefined, found), packet, bytes)
  }

  /** What is published straight on Ethernet: the publisher is the device, the group that it speaks to the other end. */
  ethernet(event: EthernetEvent): void {
    const { packet, source = UNKNOWN_MAC, destination = UNKNOWN_MAC } = event
    const adapter = this.#recognizer.byEtherType(event.etherType)
    if (adapter === undefined) return
    const id = `${event.etherType} ${source} ${destination}`
    let flow = this.#ethernet.get(id)
    if (flow === undefined) {
      const ends = { client: { text: destination }, server: { text: source } }
      flow = this.#visitor.begin({ adapter, framing: undefined, medium: 'datagram', ends })
      this.#ethernet.set(id, flow)
    }
    this.#visitor.piece(flow, 'to-master', packet, ethernetFrame(event))
  }

  user({ linkType, packet, bytes }: UserEvent): void {
    if (linkType !== LINKTYPE_USER0 || this.#rtu === undefined) return
    this.#line ??= {
      flow: this.#visitor.begin({
        adapter: this.#rtu,
        framing: 'rtu',
        medium: 'datagram',
        ends: { client: { text: 'master' }, server: { text: 'line' } },
      }),
      direction: rtuDirections(),
    }
    this.#visitor.piece(this.#line.flow, this.#line.direction(bytes), packet, bytes)
  }

  /** The capture is over: ends what has no end of its own. */
  finish(): void {
    this.#datagrams.clear()
    this.#ethernet.clear()
    if (this.#line !== undefined) this.#visitor.end?.(this.#line.flow)
  }

  #begin(
    network: 'tcp' | 'udp',
    ends: Pick<TcpStream, 'client' | 'server'>,
    first: Uint8Array,
  ): Found<Flow> | undefined {
    const recognized = this.#recognizer.recognize(network, ends.client.port, ends.server.port, first)
    if (recognized === undefined) {
      this.unknown++
      return undefined
    }
    const { adapter, swapped } = recognized
    const medium = network === 'tcp' ? 'stream' : 'datagram'
    const framing = network === 'udp' ? adapter.recognition.datagramFraming : undefined
    const sides = swapped ? { client: ends.server, server: ends.client } : ends
    const flow = this.#visitor.begin({ adapter, framing, medium, ends: sides })
    return swapped ? new Swapped(flow) : flow
  }
}

/**
 * Directions on a sniffed half-duplex line, where nothing tells who speaks: a frame that has the unit and function of
 * the request before it (or its exception) is the answer; anything else is a request.
 */
export function rtuDirections(): (frame: Uint8Array) => Direction {
  let asked: { readonly unit: number; readonly fn: number } | undefined
  return (frame) => {
    const [unit = 0, fn = 0] = frame
    const answers = asked !== undefined && asked.unit === unit && asked.fn === (fn & 0x7f)
    asked = answers ? undefined : { unit, fn }
    return answers ? 'to-master' : 'to-device'
  }
}

/** The frame as it was on the network; cooked captures have no Ethernet header, so theirs is made of what they tell. */
function ethernetFrame({
  packet,
  etherType,
  source = UNKNOWN_MAC,
  destination = UNKNOWN_MAC,
  bytes,
}: EthernetEvent): Uint8Array {
  if (packet.linkType === LINK_TYPE.ETHERNET) return packet.bytes
  const addresses = [destination, source].map((mac) => Buffer.from(mac.replaceAll(':', ''), 'hex'))
  return Buffer.concat([...addresses, Buffer.from([etherType >> 8, etherType & 0xff]), bytes])
}
