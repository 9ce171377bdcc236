import type { Cursor } from './cursor.ts'
import type { WalkEvent } from './events.ts'
import { FlowTable, ROW } from './flow-table.ts'
import type { HoldLimits } from './held-segments.ts'
import { HeldSegments } from './held-segments.ts'
import { TcpConnection } from './tcp-connection.ts'
import { TCP_FLAG, readTcpHeader } from './tcp-header.ts'
import type { TcpHeader } from './tcp-header.ts'
import { SeenStream } from './tcp-stream.ts'

export interface TcpTrackerOptions {
  readonly maxStreams: number
  readonly hold: HoldLimits
  readonly serverPorts: ReadonlySet<number>
  readonly hashSeed: number
}

/** Follows all TCP connections of a capture. */
export class TcpTracker {
  readonly #flows: FlowTable
  /** By the number of their rows. */
  readonly #streams: SeenStream[] = []
  readonly #held: HeldSegments
  readonly #connection: TcpConnection
  readonly #serverPorts: ReadonlySet<number>
  readonly #header: TcpHeader = { sourcePort: 0, destinationPort: 0, sequence: 0, acknowledgement: 0, flags: 0 }
  #begun = 0
  /** The packet under way, for connections that give way to it. */
  #cursor: Cursor | undefined

  constructor(options: TcpTrackerOptions) {
    this.#held = new HeldSegments(options.hold)
    this.#serverPorts = options.serverPorts
    this.#flows = new FlowTable(options.maxStreams, options.hashSeed, (row) => {
      const c = this.#cursor
      if (c !== undefined) this.#at(row).close('evicted', c.packet, c.out)
    })
    this.#connection = new TcpConnection(this.#flows, this.#held)
  }

  /** Bytes held for out-of-order data, bookkeeping included. */
  get held(): number {
    return this.#held.used
  }

  /** Takes the segment under the cursor. */
  take(c: Cursor): void {
    const header = this.#header
    if (!readTcpHeader(c, header)) return
    this.#cursor = c
    const row = this.#flows.find(c, header.sourcePort, header.destinationPort)
    const { fromA, isNew } = this.#flows
    if (isNew) this.#open(row, c, false)
    else {
      const connection = this.#at(row)
      const belonging = connection.belonging(header, c.end - c.at + c.missing, fromA)
      if (belonging === 'none') return
      if (belonging !== 'this') {
        connection.close('reused', c.packet, c.out)
        this.#open(row, c, belonging === 'continued')
      }
    }
    this.#connection.take(c, header, fromA)
  }

  /** Closes all streams that are still open, in order of their beginning. */
  finish(out: WalkEvent[]): void {
    const rows = Array.from({ length: this.#flows.size }, (_, number) => number * ROW)
    rows.sort((one, other) => this.#streams[one / ROW]!.index - this.#streams[other / ROW]!.index)
    for (const row of rows) this.#at(row).close('end-of-capture', undefined, out)
  }

  #at(row: number): TcpConnection {
    return this.#connection.at(row, this.#streams[row / ROW]!)
  }

  /** A stream in a row, with the packet under the cursor; it may go on where the one before stopped. */
  #open(row: number, c: Cursor, goesOn: boolean): void {
    const { flags } = this.#header
    const isSyn = (flags & TCP_FLAG.SYN) !== 0
    const fromClient = isSyn ? (flags & TCP_FLAG.ACK) === 0 : this.#isFromClient()
    const stream = new SeenStream(this.#begun++, c, this.#header, fromClient, !isSyn)
    this.#streams[row / ROW] = stream
    this.#at(row).begin(fromClient === this.#flows.fromA, goesOn)
    c.out.push({ kind: 'stream-open', packet: c.packet!, stream })
  }

  /** Without a SYN to tell: a port known as a server's, else the lower port, else the one that does not speak first. */
  #isFromClient(): boolean {
    const { sourcePort, destinationPort } = this.#header
    const fromKnown = this.#serverPorts.has(sourcePort)
    if (fromKnown !== this.#serverPorts.has(destinationPort)) return !fromKnown
    return sourcePort >= destinationPort
  }
}
