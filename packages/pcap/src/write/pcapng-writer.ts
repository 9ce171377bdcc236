import { UsageError, Writer } from '@gridseal/wire'
import { IF_OPTION } from '../read/interface-block.ts'
import { BLOCK, BYTE_ORDER_MAGIC } from '../read/pcapng-format.ts'
import type { CaptureWriter, PacketRecord } from './capture-writer.ts'

/** An interface of the file to be written. */
export interface NewInterface {
  readonly linkType: number
  /** if_name, e.g. `eth0` or `feeder 3, port B`. */
  readonly name?: string
  /** Default 0: no limit. */
  readonly snapLength?: number
}

const NANOSECONDS = 9
const UNKNOWN_SECTION_LENGTH = 0xffff_ffff

/** Writes pcapng, little-endian, one section, times in nanoseconds. */
export class PcapngWriter implements CaptureWriter {
  #out: Writer
  readonly #interfaces: NewInterface[] = []
  /** Link type -> its first interface. */
  readonly #byLinkType = new Map<number, number>()

  constructor() {
    this.#out = new Writer(1024)
      .u32le(BLOCK.SECTION)
      .u32le(28)
      .u32le(BYTE_ORDER_MAGIC)
      .u16le(1)
      .u16le(0)
      .u32le(UNKNOWN_SECTION_LENGTH)
      .u32le(UNKNOWN_SECTION_LENGTH)
      .u32le(28)
  }

  get pending(): number {
    return this.#out.length
  }

  /** Describes an interface and returns its number, from 0. */
  addInterface(description: NewInterface): number {
    const { linkType, name = '', snapLength = 0 } = description
    const text = new TextEncoder().encode(name)
    const nameLength = text.length === 0 ? 0 : 4 + padded(text.length)
    const length = 20 + nameLength + 8 + 4
    this.#out.u32le(BLOCK.INTERFACE).u32le(length).u16le(linkType).u16le(0).u32le(snapLength)
    if (nameLength > 0) {
      this.#out.u16le(IF_OPTION.NAME).u16le(text.length).bytes(text)
      this.#pad(text.length)
    }
    this.#out.u16le(IF_OPTION.TSRESOL).u16le(1).u8(NANOSECONDS)
    this.#pad(1)
    this.#out.u32le(IF_OPTION.END).u32le(length)
    const index = this.#interfaces.push(description) - 1
    if (!this.#byLinkType.has(linkType)) this.#byLinkType.set(linkType, index)
    return index
  }

  /**
   * Appends a packet of the interface `from` (as `addInterface` returned it); without one, of the first interface of
   * the packet's link type, which is described on the spot if there is none. Throws `UsageError`
   * `pcap.write.interface` for an interface that was not added or has another link type, `pcap.write.time` for a time
   * outside 64 bits.
   */
  add(packet: PacketRecord, from?: number): this {
    const { time, bytes, originalLength = bytes.length } = packet
    if (time < 0n || time >= 1n << 64n) {
      throw new UsageError('pcap.write.time', `time ${time} ns does not fit a pcapng file`, { time })
    }
    const index = this.#interfaceOf(packet.linkType, from)
    const length = 32 + padded(bytes.length)
    this.#out
      .u32le(BLOCK.ENHANCED_PACKET)
      .u32le(length)
      .u32le(index)
      .u32le(Number(time >> 32n))
      .u32le(Number(time & 0xffff_ffffn))
      .u32le(bytes.length)
      .u32le(originalLength)
      .bytes(bytes)
    this.#pad(bytes.length)
    this.#out.u32le(length)
    return this
  }

  take(): Uint8Array<ArrayBuffer> {
    const written = this.#out.finish()
    this.#out = new Writer(1024)
    return written
  }

  #interfaceOf(linkType: number | undefined, from: number | undefined): number {
    if (from === undefined && linkType !== undefined) {
      return this.#byLinkType.get(linkType) ?? this.addInterface({ linkType })
    }
    const index = from ?? 0
    const known = this.#interfaces[index]
    if (known !== undefined && (linkType ?? known.linkType) === known.linkType) return index
    const message =
      known === undefined
        ? `interface ${index} was not added`
        : `interface ${index} has link type ${known.linkType}, not ${linkType}`
    throw new UsageError('pcap.write.interface', message, { interface: index })
  }

  #pad(length: number): void {
    this.#out.zeros(padded(length) - length)
  }
}

function padded(length: number): number {
  return (length + 3) & ~3
}
