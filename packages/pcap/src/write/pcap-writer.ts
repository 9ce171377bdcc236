import { UsageError, Writer } from '@gridseal/wire'
import type { CaptureWriter, PacketRecord } from './capture-writer.ts'

export interface PcapWriterOptions {
  /** Of all packets, e.g. `LINK_TYPE.ETHERNET`. */
  readonly linkType: number
  /** Most bytes kept of one packet, for readers to know; default 262144. Packets are not cut by the writer. */
  readonly snapLength?: number
  /** Time stamps in nanoseconds (default) or, for old readers, microseconds: then what is finer is cut off. */
  readonly resolution?: 'ns' | 'us'
}

const SECOND = 1_000_000_000n

/** Writes the classic pcap format, little-endian. */
export class PcapWriter implements CaptureWriter {
  readonly #linkType: number
  readonly #divisor: bigint
  #out: Writer

  constructor(options: PcapWriterOptions) {
    const { linkType, snapLength = 262_144, resolution = 'ns' } = options
    this.#linkType = linkType
    this.#divisor = resolution === 'ns' ? 1n : 1000n
    this.#out = new Writer(1024)
      .u32le(resolution === 'ns' ? 0xa1b23c4d : 0xa1b2c3d4)
      .u16le(2)
      .u16le(4)
      .u32le(0)
      .u32le(0)
      .u32le(snapLength)
      .u16le(linkType)
      .u16le(0)
  }

  get pending(): number {
    return this.#out.length
  }

  /**
   * Throws `UsageError` `pcap.write.link-type` for a packet of another link type, `pcap.write.time` for a time that 32
   * bits of seconds cannot hold (before 1970, after 2106).
   */
  add(packet: PacketRecord): this {
    const { time, bytes, originalLength = bytes.length, linkType = this.#linkType } = packet
    if (linkType !== this.#linkType) {
      const message = `a pcap file of link type ${this.#linkType} cannot hold a packet of link type ${linkType}`
      throw new UsageError('pcap.write.link-type', message, { linkType })
    }
    if (time < 0n || time >= SECOND << 32n) {
      throw new UsageError('pcap.write.time', `time ${time} ns does not fit a pcap file`, { time })
    }
    this.#out
      .u32le(Number(time / SECOND))
      .u32le(Number((time % SECOND) / this.#divisor))
      .u32le(bytes.length)
      .u32le(originalLength)
      .bytes(bytes)
    return this
  }

  take(): Uint8Array<ArrayBuffer> {
    const written = this.#out.finish()
    this.#out = new Writer(1024)
    return written
  }
}
