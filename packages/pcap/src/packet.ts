import { TextWriter } from '@gridseal/wire'

/** Turns the two 32-bit halves of a recorded time stamp into nanoseconds since 1970-01-01 UTC. */
export interface Clock {
  nanoseconds(high: number, low: number): bigint
  /** Writes the same as decimal seconds with nine digits behind the point. */
  write(high: number, low: number, into: TextWriter): void
}

/** Nanoseconds as decimal seconds with nine digits behind the point. */
export function nanosecondsText(time: bigint): string {
  const digits = time.toString().padStart(10, '0')
  return `${digits.slice(0, -9)}.${digits.slice(-9)}`
}

/** What a caller gives to make a packet without a capture file. */
export interface PacketFields {
  /** Position in the capture, from 1. */
  readonly number: number
  /** Nanoseconds since 1970-01-01 UTC. */
  readonly time: bigint
  readonly linkType: number
  /** The bytes that were captured. */
  readonly bytes: Uint8Array
  /** Length on the wire; default: nothing was cut off. */
  readonly originalLength?: number
  /** Index into the capture's list of interfaces; default 0. */
  readonly interface?: number
}

/**
 * One captured packet. It is a window on the chunk it was read from: no byte is copied, the chunk stays unchanged and
 * alive as long as the packet does, and `bytes` and `time` are made on demand because most packets of a large capture
 * are only looked at in passing.
 */
export class Packet {
  /** Position in the capture, from 1, as Wireshark counts. */
  readonly number: number
  readonly linkType: number
  /** Length on the wire; larger than `length` where the snap length cut the packet off. */
  readonly originalLength: number
  /** Index into the capture's list of interfaces. */
  readonly interface: number
  /** The chunk that holds the packet from `start` to `end`. */
  readonly source: Uint8Array
  readonly start: number
  readonly end: number
  readonly #clock: Clock
  readonly #high: number
  readonly #low: number

  /** For readers, which make millions; see {@link Packet.of} for making one by hand. */
  constructor(
    number: number,
    linkType: number,
    originalLength: number,
    interfaceIndex: number,
    source: Uint8Array,
    start: number,
    end: number,
    clock: Clock,
    high: number,
    low: number,
  ) {
    this.number = number
    this.linkType = linkType
    this.originalLength = originalLength
    this.interface = interfaceIndex
    this.source = source
    this.start = start
    this.end = end
    this.#clock = clock
    this.#high = high
    this.#low = low
  }

  /** A packet made by hand. */
  static of(fields: PacketFields): Packet {
    const { number, time, linkType, bytes } = fields
    return new Packet(
      number,
      linkType,
      fields.originalLength ?? bytes.length,
      fields.interface ?? 0,
      bytes,
      0,
      bytes.length,
      { nanoseconds: () => time, write: (_high, _low, into) => void into.text(nanosecondsText(time)) },
      0,
      0,
    )
  }

  /** Captured length in bytes. */
  get length(): number {
    return this.end - this.start
  }

  /** The captured bytes, a view of `source`. */
  get bytes(): Uint8Array {
    return this.source.subarray(this.start, this.end)
  }

  /** Nanoseconds since 1970-01-01 UTC; 0 where the capture has no time (pcapng Simple Packet Block). */
  get time(): bigint {
    return this.#clock.nanoseconds(this.#high, this.#low)
  }

  /** `time` as decimal seconds with nine digits, the way capture tools print it; much cheaper than by way of a bigint. */
  get timeText(): string {
    this.writeTime(timeText.clear())
    return timeText.toString()
  }

  /** Writes `timeText`. */
  writeTime(into: TextWriter): void {
    this.#clock.write(this.#high, this.#low, into)
  }

  /** The same packet on its own copy of the bytes, so that keeping it does not keep the chunk it came from. */
  detached(): Packet {
    const copy = this.source.slice(this.start, this.end)
    return new Packet(
      this.number,
      this.linkType,
      this.originalLength,
      this.interface,
      copy,
      0,
      copy.length,
      this.#clock,
      this.#high,
      this.#low,
    )
  }
}

/** The time that is being put into words: nothing outlives it. */
const timeText = new TextWriter()
