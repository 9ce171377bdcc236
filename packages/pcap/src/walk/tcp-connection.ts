import type { Packet } from '../packet.ts'
import type { Cursor } from './cursor.ts'
import type { StreamCloseReason, TcpStream, WalkEvent } from './events.ts'
import { HalfStream } from './half-stream.ts'
import type { HoldBudget } from './hold-budget.ts'
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

/** Both directions of one TCP connection, from the first packet seen to its close. */
export class TcpConnection {
  #stream: TcpStream
  #clientIsA: boolean
  readonly #client: HalfStream
  readonly #server: HalfStream
  #closed = false

  constructor(stream: TcpStream, clientIsA: boolean, budget: HoldBudget) {
    this.#stream = stream
    this.#clientIsA = clientIsA
    this.#client = new HalfStream(stream, 'client-to-server', budget)
    this.#server = new HalfStream(stream, 'server-to-client', budget)
  }

  /** Serves another stream; the one before must have been closed. */
  begin(stream: TcpStream, clientIsA: boolean): void {
    this.#stream = stream
    this.#clientIsA = clientIsA
    this.#closed = false
    this.#client.begin(stream)
    this.#server.begin(stream)
  }

  get stream(): TcpStream {
    return this.#stream
  }

  /** Takes over where `earlier` stopped. */
  continue(earlier: TcpConnection): void {
    this.#half(true).continue(earlier.#half(true))
    this.#half(false).continue(earlier.#half(false))
  }

  #half(fromA: boolean): HalfStream {
    return fromA === this.#clientIsA ? this.#client : this.#server
  }

  /** Whether the segment with `length` bytes of data belongs here. */
  belonging(tcp: TcpHeader, length: number, fromA: boolean): Belonging {
    const half = this.#half(fromA)
    if ((tcp.flags & TCP_FLAG.SYN) !== 0) return this.#synBelonging(half, tcp)
    if (this.#closed) {
      const isNew = length > 0 && (tcp.flags & TCP_FLAG.RST) === 0 && half.isNew(tcp.sequence, length)
      if (!isNew) return 'none'
      return half.isNear(tcp.sequence) ? 'continued' : 'next'
    }
    return length > 0 && !half.isNear(tcp.sequence) ? 'next' : 'this'
  }

  #synBelonging(half: HalfStream, tcp: TcpHeader): Belonging {
    const isRepeated = half.initial === tcp.sequence
    if ((tcp.flags & TCP_FLAG.ACK) !== 0 && this.#closed) return isRepeated ? 'none' : 'next'
    if (this.#closed) return 'next'
    if (half.known) return isRepeated ? 'this' : 'next'
    // Nothing of this side yet. Its SYN fits if the other side's was seen too, not into a stream met in mid-life.
    const other = half === this.#client ? this.#server : this.#client
    return other.known && other.initial === undefined ? 'next' : 'this'
  }

  /** Takes a segment that belongs here; the cursor is on its data. */
  take(c: Cursor, tcp: TcpHeader, fromA: boolean): void {
    const packet = c.packet!
    const { flags } = tcp
    const from = this.#half(fromA)
    const to = this.#half(!fromA)
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
    if (this.#client.ended && this.#server.ended) this.close('fin', packet, c.out)
  }

  /** Emits what is held and the end of the stream; once. */
  close(reason: StreamCloseReason, packet: Packet | undefined, out: WalkEvent[]): void {
    if (this.#closed) return
    this.#closed = true
    this.#client.flush(packet, out)
    this.#server.flush(packet, out)
    out.push({ kind: 'stream-close', packet, stream: this.#stream, reason })
  }
}
