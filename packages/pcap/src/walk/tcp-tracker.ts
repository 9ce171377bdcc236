import type { Cursor } from './cursor.ts'
import type { TcpStream, WalkEvent } from './events.ts'
import type { Flow } from './flow-table.ts'
import { FlowTable } from './flow-table.ts'
import type { HoldLimits } from './hold-budget.ts'
import { HoldBudget } from './hold-budget.ts'
import { TcpConnection } from './tcp-connection.ts'
import { TCP_FLAG, readTcpHeader } from './tcp-header.ts'
import type { TcpHeader } from './tcp-header.ts'

export interface TcpTrackerOptions {
  readonly maxStreams: number
  readonly hold: HoldLimits
  readonly serverPorts: ReadonlySet<number>
  readonly hashSeed: number
}

/** Follows all TCP connections of a capture. */
export class TcpTracker {
  readonly #flows: FlowTable<TcpConnection>
  readonly #budget: HoldBudget
  readonly #serverPorts: ReadonlySet<number>
  readonly #header: TcpHeader = { sourcePort: 0, destinationPort: 0, sequence: 0, acknowledgement: 0, flags: 0 }
  /** Of streams that nothing belongs to any more, for those to come: what lives as long is dear to the collector. */
  readonly #spare: TcpConnection[] = []
  #streams = 0
  /** The packet under way, for connections that give way to it. */
  #cursor: Cursor | undefined

  constructor(options: TcpTrackerOptions) {
    this.#budget = new HoldBudget(options.hold)
    this.#serverPorts = options.serverPorts
    this.#flows = new FlowTable(options.maxStreams, options.hashSeed, (flow) => {
      const c = this.#cursor
      if (c === undefined || flow.state === undefined) return
      flow.state.close('evicted', c.packet, c.out)
      this.#spare.push(flow.state)
    })
  }

  /** Streams seen so far. */
  get streams(): number {
    return this.#streams
  }

  /** Bytes held for out-of-order data, bookkeeping included. */
  get held(): number {
    return this.#budget.used
  }

  /** Takes the segment under the cursor. */
  take(c: Cursor): void {
    const header = this.#header
    if (!readTcpHeader(c, header)) return
    this.#cursor = c
    const flow = this.#flows.find(c, header.sourcePort, header.destinationPort)
    const { fromA } = this.#flows
    let connection = flow.state
    if (connection === undefined) connection = this.#open(flow, c)
    else {
      const length = c.end - c.at + c.missing
      const belonging = connection.belonging(header, length, fromA)
      if (belonging === 'none') return
      if (belonging !== 'this') {
        connection.close('reused', c.packet, c.out)
        const next = this.#open(flow, c)
        if (belonging === 'continued') next.continue(connection)
        this.#spare.push(connection)
        connection = next
      }
    }
    connection.take(c, header, fromA)
  }

  /** Closes all streams that are still open, in order of their beginning. */
  finish(out: WalkEvent[]): void {
    const open = this.#flows.flows.map((flow) => flow.state).filter((connection) => connection !== undefined)
    open.sort((one, other) => one.stream.index - other.stream.index)
    for (const connection of open) connection.close('end-of-capture', undefined, out)
  }

  #open(flow: Flow<TcpConnection>, c: Cursor): TcpConnection {
    const { flags } = this.#header
    const { fromA } = this.#flows
    const isSyn = (flags & TCP_FLAG.SYN) !== 0
    const fromClient = isSyn ? (flags & TCP_FLAG.ACK) === 0 : this.#isFromClient()
    const clientIsA = fromClient === fromA
    const stream: TcpStream = {
      index: this.#streams++,
      firstPacket: c.packet!.number,
      client: clientIsA ? flow.a : flow.b,
      server: clientIsA ? flow.b : flow.a,
      midStream: !isSyn,
      context: undefined,
    }
    const spare = this.#spare.pop()
    spare?.begin(stream, clientIsA)
    const connection = spare ?? new TcpConnection(stream, clientIsA, this.#budget)
    flow.state = connection
    c.out.push({ kind: 'stream-open', packet: c.packet!, stream })
    return connection
  }

  /** Without a SYN to tell: a port known as a server's, else the lower port, else the one that does not speak first. */
  #isFromClient(): boolean {
    const { sourcePort, destinationPort } = this.#header
    const fromKnown = this.#serverPorts.has(sourcePort)
    if (fromKnown !== this.#serverPorts.has(destinationPort)) return !fromKnown
    return sourcePort >= destinationPort
  }
}
