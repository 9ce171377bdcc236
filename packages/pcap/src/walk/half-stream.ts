import type { Packet } from '../packet.ts'
import type { Cursor } from './cursor.ts'
import type { StreamDirection, TcpStream, WalkEvent } from './events.ts'
import type { FlowTable } from './flow-table.ts'
import type { HeldSegment, HeldSegments, Waiting } from './held-segments.ts'
import { costOf } from './held-segments.ts'

/**
 * Farther from the expected sequence number than any window in use: such a segment belongs to another connection, whose
 * handshake was not captured.
 */
const OUT_OF_STEP = 64 * 1024 * 1024

/** Words that a direction has in the flow table. */
export const HALF_WORDS = 4
/** Sequence number of the next byte to emit; meaningful where {@link KNOWN}. */
const NEXT = 0
/** Initial sequence number, where {@link HAS_INITIAL}: its SYN was seen, or acknowledged by a SYN. */
const INITIAL = 1
/** Highest acknowledgement number of the other side, where {@link IS_ACKNOWLEDGED}. */
const ACKNOWLEDGED = 2
const FLAGS = 3

const KNOWN = 1
/** NEXT came from a bare acknowledgement in mid-stream, which a keep-alive sends with one less. */
const TENTATIVE = 2
const HAS_INITIAL = 4
const IS_ACKNOWLEDGED = 8
/** FIN has been reached. */
const ENDED = 16
/** Something is held. */
const WAITING = 32

/**
 * One direction of a TCP connection: puts segments in order and emits each byte once. Sequence numbers are 32-bit and
 * wrap, so they are only ever compared by their signed difference. Where segments overlap, the bytes that came first
 * win.
 *
 * A hole becomes a gap as soon as the receiver is seen to acknowledge bytes behind it (it has them, the capture does
 * not), or when waiting would take too much memory or time.
 */
export class HalfStream {
  readonly #flows: FlowTable
  readonly #held: HeldSegments
  /** Where its words are. */
  #at = 0
  #stream: TcpStream | undefined
  #direction: StreamDirection = 'client-to-server'

  constructor(flows: FlowTable, held: HeldSegments) {
    this.#flows = flows
    this.#held = held
  }

  /** Goes to the direction of `stream` that has its words at `place` in the flow table. */
  at(place: number, stream: TcpStream, direction: StreamDirection): void {
    this.#at = place
    this.#stream = stream
    this.#direction = direction
  }

  /** Begins: anew, or where the same direction of the stream before stopped. Nothing is held of that. */
  begin(goesOn: boolean): void {
    this.#flows.words[this.#at + FLAGS]! &= goesOn ? KNOWN | IS_ACKNOWLEDGED : 0
  }

  get #next(): number {
    return this.#flows.words[this.#at + NEXT]!
  }

  set #next(sequence: number) {
    this.#flows.words[this.#at + NEXT] = sequence
  }

  #has(flag: number): boolean {
    return (this.#flows.words[this.#at + FLAGS]! & flag) !== 0
  }

  #set(flag: number): void {
    this.#flows.words[this.#at + FLAGS]! |= flag
  }

  #clear(flag: number): void {
    this.#flows.words[this.#at + FLAGS]! &= ~flag
  }

  /** Initial sequence number, where its SYN was seen or acknowledged by a SYN. */
  get initial(): number | undefined {
    return this.#has(HAS_INITIAL) ? this.#flows.words[this.#at + INITIAL]! : undefined
  }

  /** Whether anything tells where this direction stands. */
  get known(): boolean {
    return this.#has(KNOWN)
  }

  /** FIN has been reached. */
  get ended(): boolean {
    return this.#has(ENDED)
  }

  /** SYN seen, or deduced from the other side's SYN-ACK. */
  synchronize(initial: number): void {
    this.#flows.words[this.#at + INITIAL] = initial
    this.#next = (initial + 1) | 0
    this.#set(HAS_INITIAL | KNOWN)
  }

  /** A segment without data or FIN. */
  observe(sequence: number): void {
    if (this.known) return
    this.#next = sequence
    this.#set(KNOWN | TENTATIVE)
  }

  /** Whether `sequence` is near enough to belong to this connection. */
  isNear(sequence: number): boolean {
    return !this.known || Math.abs((sequence - this.#next) | 0) <= OUT_OF_STEP
  }

  /** Whether a segment of `length` bytes at `sequence` ends behind everything emitted so far. */
  isNew(sequence: number, length: number): boolean {
    return !this.known || ((sequence + length - this.#next) | 0) > 0
  }

  /** The other side acknowledged everything before `acknowledgement`. */
  acknowledge(acknowledgement: number, packet: Packet, out: WalkEvent[]): void {
    const { words } = this.#flows
    const place = this.#at + ACKNOWLEDGED
    if (!this.#has(IS_ACKNOWLEDGED)) this.#set(IS_ACKNOWLEDGED)
    else if (((acknowledgement - words[place]!) | 0) <= 0) return
    words[place] = acknowledgement
    if (this.#has(WAITING)) this.#release(packet, out)
  }

  /** The data under the cursor, possibly none, and possibly followed by FIN. */
  take(c: Cursor, sequence: number, fin: boolean): void {
    const packet = c.packet!
    const wire = c.end - c.at + c.missing
    if (!this.known) {
      this.#set(KNOWN)
      this.#next = sequence
      if (wire === 1 && !fin && this.#isProbe(c, sequence)) {
        this.#next = (sequence + 1) | 0
        return
      }
    }
    let ahead = (sequence - this.#next) | 0
    if (this.#has(TENTATIVE)) {
      this.#clear(TENTATIVE)
      if (ahead === 1) {
        this.#next = sequence
        ahead = 0
      }
    }
    if (-ahead >= wire + (fin ? 1 : 0)) return
    if (this.#has(WAITING) || (ahead > 0 && !this.#isAcknowledged(sequence))) {
      this.#hold(c, sequence, fin)
      this.#release(packet, c.out)
      return
    }
    if (ahead > 0) this.#gap(ahead, packet, c.out)
    this.#emit(Math.max(0, -ahead), c.bytes, c.at, c.end, c.missing, fin, packet, packet, c.out)
  }

  /** Nothing more will come: emits what is held, with the gaps before it. */
  flush(packet: Packet | undefined, out: WalkEvent[]): void {
    if (this.#has(WAITING)) this.#release(packet, out, true)
  }

  /**
   * A keep-alive probe may carry one octet of garbage, in front of what was last acknowledged (RFC 1122 4.2.3.6). In
   * mid-stream, before any acknowledgement, the zero octet that all stacks send gives it away.
   */
  #isProbe(c: Cursor, sequence: number): boolean {
    if (this.#has(IS_ACKNOWLEDGED)) return ((this.#flows.words[this.#at + ACKNOWLEDGED]! - sequence) | 0) === 1
    return c.missing === 0 && c.bytes[c.at] === 0
  }

  #isAcknowledged(sequence: number): boolean {
    return this.#has(IS_ACKNOWLEDGED) && ((this.#flows.words[this.#at + ACKNOWLEDGED]! - sequence) | 0) >= 0
  }

  /** Keeps what the segment under the cursor adds to what is held: the parts between held segments, and behind them. */
  #hold(c: Cursor, sequence: number, fin: boolean): void {
    const waiting = this.#held.of(this.#at)
    const held = waiting.segments
    this.#set(WAITING)
    const wire = c.end - c.at + c.missing
    const packet = c.packet!.detached()
    // Bytes of a reassembled datagram are not part of the packet; they are a buffer of their own already.
    const isPart = c.bytes === c.packet!.source
    const bytes = isPart ? packet.source.subarray(c.at - c.start, c.end - c.start) : c.bytes.subarray(c.at, c.end)
    let from = Math.max(0, (this.#next - sequence) | 0)
    let at = held.length
    while (at > 0 && ((held[at - 1]!.sequence - sequence) | 0) >= from) at--
    if (at > 0) from = Math.max(from, endOf(held[at - 1]!, sequence))
    for (; from < wire && at < held.length; at++) {
      const start = (held[at]!.sequence - sequence) | 0
      if (start >= wire) break
      if (start > from) this.#held.insert(waiting, at++, piece(sequence, packet, bytes, from, start, false))
      from = Math.max(from, endOf(held[at]!, sequence))
    }
    const isEnded = held[at - 1]?.fin === true
    if (from < wire || (fin && !isEnded))
      this.#held.insert(waiting, at, piece(sequence, packet, bytes, from, wire, fin))
  }

  /** Emits what is held as far as it is in order, or as a gap must be accepted. */
  #release(packet: Packet | undefined, out: WalkEvent[], all = false): void {
    const waiting = this.#held.of(this.#at)
    const held = waiting.segments
    let count = 0
    for (; count < held.length; count++) {
      const first = held[count]!
      const ahead = (first.sequence - this.#next) | 0
      if (ahead > 0) {
        if (!all && !this.#isAcknowledged(first.sequence) && !this.#mustGiveUp(waiting, first, packet)) break
        this.#gap(ahead, packet, out)
      }
      this.#held.charge(waiting, -costOf(first))
      const { bytes, missing, fin } = first
      if (-ahead >= bytes.length + missing + (fin ? 1 : 0)) continue
      const carrier = first.packet.number === packet?.number ? packet : first.packet
      this.#emit(Math.max(0, -ahead), bytes, 0, bytes.length, missing, fin, packet ?? carrier, carrier, out)
    }
    held.splice(0, count)
    if (held.length > 0) return
    this.#clear(WAITING)
    this.#held.forget(this.#at)
  }

  #mustGiveUp({ bytes }: Waiting, first: HeldSegment, packet: Packet | undefined): boolean {
    const { limits, used } = this.#held
    if (bytes > limits.perDirection || used > limits.total) return true
    return packet !== undefined && packet.time - first.packet.time > limits.maxAge
  }

  /** Emits a segment at `#next`, without its first `skip` bytes, which were emitted before. */
  #emit(
    skip: number,
    bytes: Uint8Array,
    from: number,
    to: number,
    missing: number,
    fin: boolean,
    packet: Packet,
    carrier: Packet,
    out: WalkEvent[],
  ): void {
    const start = from + skip
    if (start < to) {
      out.push({
        kind: 'stream-data',
        packet,
        carrier,
        stream: this.#stream!,
        direction: this.#direction,
        bytes: bytes.subarray(start, to),
      })
      this.#next = (this.#next + to - start) | 0
    }
    const lost = missing - Math.max(0, start - to)
    if (missing > 0 && lost > 0) this.#gap(lost, packet, out)
    if (!fin) return
    this.#set(ENDED)
    this.#next = (this.#next + 1) | 0
  }

  #gap(missing: number, packet: Packet | undefined, out: WalkEvent[]): void {
    out.push({ kind: 'stream-gap', packet, stream: this.#stream!, direction: this.#direction, missing })
    this.#next = (this.#next + missing) | 0
  }
}

/** Where a held segment ends, in bytes from `sequence`. */
function endOf(held: HeldSegment, sequence: number): number {
  return ((held.sequence - sequence) | 0) + held.bytes.length + held.missing
}

/** Bytes `from` to `to` of a segment, of which only `bytes` were captured. */
function piece(
  sequence: number,
  packet: Packet,
  bytes: Uint8Array,
  from: number,
  to: number,
  fin: boolean,
): HeldSegment {
  const captured = bytes.subarray(from, Math.min(to, bytes.length))
  return { sequence: (sequence + from) | 0, packet, bytes: captured, missing: to - from - captured.length, fin }
}
