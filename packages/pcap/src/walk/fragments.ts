import type { Packet } from '../packet.ts'
import type { Cursor } from './cursor.ts'
import type { WalkEvent } from './events.ts'

export interface FragmentLimits {
  /** Datagrams under reassembly at once. */
  readonly maxDatagrams: number
  /** Bytes held in all of them. */
  readonly maxBytes: number
  /** How long a datagram may stay incomplete, in nanoseconds of capture time (RFC 8200 4.5: 60 s). */
  readonly maxAge: bigint
}

/** Longest payload that an IP datagram can carry. */
const LONGEST_DATAGRAM = 65_535
/** A copy of a fragment that is this many packets behind its datagram is a new datagram with the same identification. */
const DUPLICATE_DISTANCE = 64
/** What bookkeeping adds to a piece, so that tiny fragments cannot outgrow the limit. */
const OVERHEAD = 128

interface Piece {
  readonly offset: number
  readonly bytes: Uint8Array
}

/** A datagram of which some fragments have arrived, sorted by offset and free of overlap. */
interface Assembly {
  readonly key: string
  /** Number and capture time of the packet that came first. */
  readonly begunBy: number
  readonly since: bigint
  pieces: Piece[]
  /** Payload bytes in `pieces`. */
  length: number
  /** Payload length of the whole, known once the last fragment is there. */
  total: number | undefined
  /** IP protocol named by the first fragment. */
  protocol: number
  /** Number of the packet that completed it; its fragments may still arrive once more, from a second capture point. */
  completedBy: number | undefined
}

/**
 * Puts IPv4 and IPv6 fragments together. Bounded in datagrams, bytes and capture time; what has to give way is
 * reported. Copies of a fragment are ignored; fragments that overlap otherwise discard the datagram, as RFC 5722
 * demands for IPv6 and as Linux does for IPv4, because no two receivers agree on what they mean.
 */
export class Fragments {
  readonly #limits: FragmentLimits
  /** In order of first arrival. */
  readonly #assemblies = new Map<string, Assembly>()
  #bytes = 0

  constructor(limits: FragmentLimits) {
    this.#limits = limits
  }

  /**
   * Takes the fragment under the cursor. If it completes its datagram, the cursor moves on to the whole payload and the
   * answer is true.
   */
  add(c: Cursor): boolean {
    const packet = c.packet!
    this.#expire(packet, c.out)
    if (c.missing > 0) return c.fail('pcap.fragment.truncated', c.at, 'a fragment cut by the snap length')
    const length = c.end - c.at
    const end = c.fragmentOffset + length
    if (c.moreFragments && length % 8 !== 0) {
      return c.fail('pcap.fragment.length', c.at, `${length} bytes before the last fragment are not a multiple of 8`)
    }
    if (end > LONGEST_DATAGRAM) return c.fail('pcap.fragment.length', c.at, `fragment ends at ${end}`)

    const assembly = this.#assemblyOf(c, packet)
    if (assembly.completedBy !== undefined) return false
    const fit = this.#insert(assembly, c.fragmentOffset, c.bytes, c.at, c.end)
    if (fit === 'copy') return false
    const isLast = !c.moreFragments
    const beyond = (assembly.total ?? (isLast ? end : LONGEST_DATAGRAM)) < lastEnd(assembly)
    if (fit === 'overlap' || beyond || (isLast && assembly.total !== undefined)) {
      this.#drop(assembly)
      return c.fail('pcap.fragment.overlap', c.at, 'fragments overlap: the datagram is discarded')
    }
    if (isLast) assembly.total = end
    if (c.fragmentOffset === 0) assembly.protocol = c.protocol
    if (assembly.length !== assembly.total) {
      this.#makeRoom(packet, c.out)
      return false
    }
    c.protocol = assembly.protocol
    c.enter(joined(assembly))
    this.#release(assembly)
    assembly.completedBy = packet.number
    return true
  }

  /** Reports the datagrams that never became whole. */
  finish(out: WalkEvent[]): void {
    for (const assembly of this.#assemblies.values()) this.#giveUp(assembly, undefined, 'pcap.fragment.incomplete', out)
  }

  #assemblyOf(c: Cursor, packet: Packet): Assembly {
    const key = keyOf(c)
    const known = this.#assemblies.get(key)
    if (known !== undefined) {
      if (known.completedBy === undefined || packet.number - known.completedBy <= DUPLICATE_DISTANCE) return known
      this.#drop(known)
    }
    const assembly: Assembly = {
      key,
      begunBy: packet.number,
      since: packet.time,
      pieces: [],
      length: 0,
      total: undefined,
      protocol: c.protocol,
      completedBy: undefined,
    }
    this.#assemblies.set(key, assembly)
    if (this.#assemblies.size > this.#limits.maxDatagrams) this.#giveUpOldest(packet, c.out)
    return assembly
  }

  #insert(assembly: Assembly, offset: number, bytes: Uint8Array, from: number, to: number): 'new' | 'copy' | 'overlap' {
    const { pieces } = assembly
    const end = offset + (to - from)
    let at = pieces.length
    while (at > 0 && pieces[at - 1]!.offset > offset) at--
    const before = pieces[at - 1]
    const after = pieces[at]
    if (before !== undefined && before.offset === offset && before.bytes.length === to - from) return 'copy'
    if (before !== undefined && before.offset + before.bytes.length > offset) return 'overlap'
    if (after !== undefined && after.offset < end) return 'overlap'
    pieces.splice(at, 0, { offset, bytes: bytes.slice(from, to) })
    assembly.length += to - from
    this.#bytes += to - from + OVERHEAD
    return 'new'
  }

  #expire(packet: Packet, out: WalkEvent[]): void {
    if (this.#assemblies.size === 0) return
    const now = packet.time
    for (const assembly of this.#assemblies.values()) {
      if (now - assembly.since <= this.#limits.maxAge) return
      this.#giveUp(assembly, packet, 'pcap.fragment.timeout', out)
    }
  }

  #makeRoom(packet: Packet, out: WalkEvent[]): void {
    while (this.#bytes > this.#limits.maxBytes) this.#giveUpOldest(packet, out)
  }

  #giveUpOldest(packet: Packet, out: WalkEvent[]): void {
    for (const assembly of this.#assemblies.values()) {
      this.#giveUp(assembly, packet, 'pcap.fragment.limit', out)
      return
    }
  }

  #giveUp(assembly: Assembly, packet: Packet | undefined, code: string, out: WalkEvent[]): void {
    const { completedBy } = assembly
    const reason = `the datagram begun in packet ${assembly.begunBy} stays incomplete (${assembly.length} bytes)`
    this.#drop(assembly)
    if (completedBy === undefined) out.push({ kind: 'problem', packet, code, offset: 0, reason })
  }

  #drop(assembly: Assembly): void {
    this.#assemblies.delete(assembly.key)
    this.#release(assembly)
  }

  #release(assembly: Assembly): void {
    this.#bytes -= assembly.length + assembly.pieces.length * OVERHEAD
    assembly.pieces = []
    assembly.length = 0
  }
}

/** Addresses and identification; IPv4 adds the protocol (RFC 791), IPv6 does not (RFC 8200 4.5). */
function keyOf(c: Cursor): string {
  if (!c.isIpv6) return `${c.source[0]}>${c.destination[0]} ${c.fragmentId}/${c.protocol}`
  return `${c.source.join()}>${c.destination.join()} ${c.fragmentId}`
}

function lastEnd(assembly: Assembly): number {
  const last = assembly.pieces.at(-1)
  return last === undefined ? 0 : last.offset + last.bytes.length
}

function joined(assembly: Assembly): Uint8Array {
  const whole = new Uint8Array(assembly.length)
  for (const piece of assembly.pieces) whole.set(piece.bytes, piece.offset)
  return whole
}
