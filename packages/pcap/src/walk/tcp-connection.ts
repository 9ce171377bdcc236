import type { Packet } from '../packet.ts'
import type { Cursor } from './cursor.ts'
import type { StreamCloseReason, TcpStream, WalkEvent } from './events.ts'
import type { FlowTable } from './flow-table.ts'
import { OWN } from './flow-table.ts'
import { HALF_WORDS, HalfStream } from './half-stream.ts'
import type { HeldSegments } from './held-segments.ts'
import { TCP_FLAG } from './tcp-header.ts'
import type { TcpHeader } from './tcp-header.ts'

/** What a segment means for the connection that has its addresses and ports so far. */
export type Belonging =
  | 'this'
  /** Old or empty, for a connection that is closed. */
  | 'none'
  /** It begins another connection between the same endpoints. */
  | 'next'
  /** New data after the close: the reset was not for this connection, or a peer went on all the same. */
  | 'continued'

const FLAGS = OWN
const FROM_A = OWN + 1
const FROM_B = FROM_A + HALF_WORDS

const CLIENT_IS_A = 1
const CLOSED = 2

/**
 * Both directions of one TCP connection, from the first packet seen to its close. There is one object for all of them,
 * which is put {@link at} the row of the flow table in which a connection has what is known of it.
 */
export class TcpConnection {
  readonly #flows: FlowTable
  readonly #fromA: HalfStream
  readonly #fromB: HalfStream
  #row = 0
  #stream: TcpStream | undefined

  constructor(flows: FlowTable, held: HeldSegments) {
    this.#flows = flows
    this.#fromA = new HalfStream(flows, held)
    this.#fromB = new HalfStream(flows, held)
  }

  /** Goes to the connection in a row, which is shown to others as `stream`. */
  at(row: number, stream: TcpStream): this {
    this.#row = row
    this.#stream = stream
    const clientIsA = this.#has(CLIENT_IS_A)
    this.#fromA.at(row + FROM_A, stream, clientIsA ? 'client-to-server' : 'server-to-client')
    this.#fromB.at(row + FROM_B, stream, clientIsA ? 'server-to-client' : 'client-to-server')
    return this
  }

  /** Begins a connection in this row: anew, or where the one before stopped, which must have been closed. */
  begin(clientIsA: boolean, goesOn: boolean): void {
    this.#flows.words[this.#row + FLAGS] = clientIsA ? CLIENT_IS_A : 0
    this.at(this.#row, this.#stream!)
    this.#fromA.begin(goesOn)
    this.#fromB.begin(goesOn)
  }

  #has(flag: number): boolean {
    return (this.#flows.words[this.#row + FLAGS]! & flag) !== 0
  }

  /** Whether the segment with `length` bytes of data belongs here. */
  belonging(tcp: TcpHeader, length: number, fromA: boolean): Belonging {
    const half = fromA ? this.#fromA : this.#fromB
    if ((tcp.flags & TCP_FLAG.SYN) !== 0) return this.#synBelonging(half, fromA ? this.#fromB : this.#fromA, tcp)
    if (this.#has(CLOSED)) {
      const isNew = length > 0 && (tcp.flags & TCP_FLAG.RST) === 0 && half.isNew(tcp.sequence, length)
      if (!isNew) return 'none'
      return half.isNear(tcp.sequence) ? 'continued' : 'next'
    }
    return length > 0 && !half.isNear(tcp.sequence) ? 'next' : 'this'
  }

  #synBelonging(half: HalfStream, other: HalfStream, tcp: TcpHeader): Belonging {
    const isClosed = this.#has(CLOSED)
    const isRepeated = half.initial === tcp.sequence
    if ((tcp.flags & TCP_FLAG.ACK) !== 0 && isClosed) return isRepeated ? 'none' : 'next'
    if (isClosed) return 'next'
    if (half.known) return isRepeated ? 'this' : 'next'
    // Nothing of this side yet. Its SYN fits if the other side's was seen too, not into a stream met in mid-life.
    return other.known && other.initial === undefined ? 'next' : 'this'
  }

  /** Takes a segment that belongs here; the cursor is on its data. */
  take(c: Cursor, tcp: TcpHeader, fromA: boolean): void {
    const packet = c.packet!
    const { flags } = tcp
    const from = fromA ? this.#fromA : this.#fromB
    const to = fromA ? this.#fromB : this.#fromA
    const isSyn = (flags & TCP_FLAG.SYN) !== 0
    if (isSyn && !from.known) from.synchronize(tcp.sequence)
    if ((flags & TCP_FLAG.ACK) !== 0) {
      if (isSyn && !to.known) to.synchronize((tcp.acknowledgement - 1) | 0)
      to.acknowledge(tcp.acknowledgement, packet, c.out)
    }
    if ((flags & TCP_FLAG.RST) !== 0) {
      // Data in a reset is a diagnostic text (RFC 9293 3.5.2), not part of the stream.
      if (from.isNear(tcp.sequence)) this.close('reset', packet, c.out)
      return
    }
    const fin = (flags & TCP_FLAG.FIN) !== 0
    const sequence = isSyn ? (tcp.sequence + 1) | 0 : tcp.sequence
    if (fin || c.at < c.end || c.missing > 0) from.take(c, sequence, fin)
    else from.observe(sequence)
    if (this.#fromA.ended && this.#fromB.ended) this.close('fin', packet, c.out)
  }

  /** Emits what is held and the end of the stream; once. */
  close(reason: StreamCloseReason, packet: Packet | undefined, out: WalkEvent[]): void {
    if (this.#has(CLOSED)) return
    this.#flows.words[this.#row + FLAGS]! |= CLOSED
    const clientIsA = this.#has(CLIENT_IS_A)
    const [client, server] = clientIsA ? [this.#fromA, this.#fromB] : [this.#fromB, this.#fromA]
    client.flush(packet, out)
    server.flush(packet, out)
    out.push({ kind: 'stream-close', packet, stream: this.#stream!, reason })
  }
}
