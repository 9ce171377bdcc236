import type { Direction, ProtocolAdapter } from '@gridseal/adapter'
import { adapters } from '@gridseal/bridge'
import type { DatagramEvent, Packet, StreamDataEvent, StreamGapEvent, TcpStream, UserEvent } from '@gridseal/pcap'
import { CaptureWalker, openCapture } from '@gridseal/pcap'
import { UsageError, describeError } from '@gridseal/wire'
import type { Flow } from './flow.ts'
import { Recognizer, directionOf, makeFlow } from './flow.ts'

/** Bytes of a known protocol that one packet added to a conversation. */
export interface Piece {
  /** The same object for all pieces of a conversation. */
  readonly flow: Flow
  readonly direction: Direction
  readonly packet: Packet
  readonly bytes: Uint8Array
}

/** What a walk hands out. */
export interface WalkVisitor {
  piece(piece: Piece): void
  /** Bytes of one direction are missing: what follows begins anew. */
  gap?(flow: Flow, direction: Direction): void
  /** Nothing more comes of a flow. */
  end?(flow: Flow): void
}

export interface WalkOptions {
  /** Only this protocol. */
  readonly protocol?: string
}

/** What a walk over a capture has seen beside the pieces. */
export interface WalkSummary {
  packets: number
  /** What was wrong with packets or the file, the first hundred. */
  readonly problems: string[]
  /** Bytes missing from TCP streams. */
  missing: number
  /** Conversations of no known protocol. */
  unknown: number
}

/** USER0 is the link type of Modbus RTU captures. */
const LINKTYPE_USER0 = 147
const MOST_PROBLEMS = 100

interface FoundFlow {
  readonly flow: Flow
  /** What the client (as the walker sees it) sends, and what the server does. */
  readonly fromClient: Side
  readonly fromServer: Side
}

interface Side {
  readonly flow: Flow
  readonly direction: Direction
}

const side = (flow: Flow, fromClient: boolean, swapped: boolean): Side => ({
  flow,
  direction: directionOf(fromClient, swapped),
})

/** Walks a capture and hands out what its conversations of known protocols consist of, in the order captured. */
export async function walkCapture(file: string, options: WalkOptions, visitor: WalkVisitor): Promise<WalkSummary> {
  const known = adapters().filter((a) => a.protocol !== 'raw' && (options.protocol ?? a.protocol) === a.protocol)
  const finder = new FlowFinder(known)
  const summary: WalkSummary = { packets: 0, problems: [], missing: 0, unknown: 0 }
  const problem = (packet: number | undefined, reason: string): void => {
    if (summary.problems.length < MOST_PROBLEMS) summary.problems.push(`packet ${packet ?? '–'}: ${reason}`)
  }
  const serverPorts = known.flatMap((adapter) => [...adapter.recognition.tcpPorts])
  const walker = new CaptureWalker({ serverPorts })
  const handle = (event: ReturnType<CaptureWalker['push']>[number]): void => {
    switch (event.kind) {
      case 'stream-data':
        return emit(finder.stream(event), event, visitor)
      case 'datagram':
        return emit(finder.datagram(event), event, visitor)
      case 'user':
        return emit(finder.user(event), event, visitor)
      case 'stream-gap':
        summary.missing += event.missing
        return finder.gap(event, visitor)
      case 'stream-close':
        return finder.end(event.stream, visitor)
      case 'problem':
        return problem(event.packet?.number, event.reason)
      default:
    }
  }
  const capture = openCapture(file)
  try {
    for await (const packets of capture) {
      summary.packets += packets.length
      for (const event of walker.pushAll(packets)) handle(event)
    }
  } catch (error) {
    throw new UsageError('capture.read', `${file}: ${describeError(error)}`, { file }, error)
  }
  for (const event of walker.finish()) handle(event)
  if (capture.problem !== undefined) problem(undefined, capture.problem.reason)
  summary.unknown = finder.unknown
  return summary
}

function emit(found: Side | undefined, event: StreamDataEvent | DatagramEvent | UserEvent, visitor: WalkVisitor): void {
  if (found === undefined) return
  const { bytes } = event
  // The packet that carried the bytes, also where they had to wait for an earlier one that came late.
  const packet = event.kind === 'stream-data' ? event.carrier : event.packet
  visitor.piece({ flow: found.flow, direction: found.direction, packet, bytes })
}

/** Keeps the flows of a capture apart. */
class FlowFinder {
  unknown = 0
  readonly #recognizer: Recognizer
  readonly #streams = new Map<TcpStream, FoundFlow | undefined>()
  readonly #datagrams = new Map<string, FoundFlow | undefined>()
  readonly #rtu: ProtocolAdapter | undefined
  #line: { readonly flow: Flow; readonly direction: (frame: Uint8Array) => Direction } | undefined

  constructor(known: readonly ProtocolAdapter[]) {
    this.#recognizer = new Recognizer(known)
    this.#rtu = known.find((adapter) => adapter.protocol === 'modbus')
  }

  stream(event: StreamDataEvent): Side | undefined {
    const { stream } = event
    let found = this.#streams.get(stream)
    if (found === undefined && !this.#streams.has(stream)) {
      found = this.#find('tcp', stream.client, stream.server, event.bytes)
      this.#streams.set(stream, found)
    }
    return event.direction === 'client-to-server' ? found?.fromClient : found?.fromServer
  }

  gap({ stream, direction }: StreamGapEvent, visitor: WalkVisitor): void {
    const found = this.#streams.get(stream)
    const from = direction === 'client-to-server' ? found?.fromClient : found?.fromServer
    if (from !== undefined) visitor.gap?.(from.flow, from.direction)
  }

  end(stream: TcpStream, visitor: WalkVisitor): void {
    const found = this.#streams.get(stream)
    this.#streams.delete(stream)
    if (found !== undefined) visitor.end?.(found.flow)
  }

  datagram(event: DatagramEvent): Side | undefined {
    const from = event.source.text
    const to = event.destination.text
    const there = `${from} ${to}`
    const back = `${to} ${from}`
    const fromClient = !this.#datagrams.has(back)
    const id = fromClient ? there : back
    let found = this.#datagrams.get(id)
    if (found === undefined && !this.#datagrams.has(id)) {
      found = this.#find('udp', event.source, event.destination, event.bytes)
      this.#datagrams.set(id, found)
    }
    return fromClient ? found?.fromClient : found?.fromServer
  }

  user(event: UserEvent): Side | undefined {
    if (event.linkType !== LINKTYPE_USER0 || this.#rtu === undefined) return undefined
    this.#line ??= {
      flow: makeFlow({ adapter: this.#rtu, framing: 'rtu', medium: 'datagram', client: 'master', server: 'line' }),
      direction: rtuDirections(),
    }
    return { flow: this.#line.flow, direction: this.#line.direction(event.bytes) }
  }

  #find(
    network: 'tcp' | 'udp',
    client: TcpStream['client'],
    server: TcpStream['server'],
    first: Uint8Array,
  ): FoundFlow | undefined {
    const recognized = this.#recognizer.recognize(network, client.port, server.port, first)
    if (recognized === undefined) {
      this.unknown++
      return undefined
    }
    const { adapter, swapped } = recognized
    const [master, device] = swapped ? [server, client] : [client, server]
    const medium = network === 'tcp' ? 'stream' : 'datagram'
    const flow = makeFlow({ adapter, framing: undefined, medium, client: master.text, server: device.text })
    return { flow, fromClient: side(flow, true, swapped), fromServer: side(flow, false, swapped) }
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
