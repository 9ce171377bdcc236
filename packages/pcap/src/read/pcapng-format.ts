import type { Clock } from '../packet.ts'
import { Packet } from '../packet.ts'
import { timeless } from './clock.ts'
import type { CaptureFormat, CaptureInfo, CaptureInterface, RecordProblem } from './format.ts'
import { readInterfaceBlock } from './interface-block.ts'

/** Block types of draft-ietf-opsawg-pcapng section 11.1 that hold packets or tell how to read them. */
export const BLOCK = {
  SECTION: 0x0a0d0d0a,
  INTERFACE: 1,
  /** Obsolete Packet Block of the first pcapng writers. */
  PACKET: 2,
  SIMPLE_PACKET: 3,
  ENHANCED_PACKET: 6,
} as const

/**
 * Blocks without a packet that Wireshark shows as a frame of their own: systemd journal entries and custom blocks. They
 * use up a packet number here too, so that ours are Wireshark's.
 */
const NUMBERED_BLOCKS: readonly number[] = [9, 0x0000_0bad, 0x4000_0bad]

export const BYTE_ORDER_MAGIC = 0x1a2b3c4d

const SHORTEST_BLOCK = 12
const LONGEST_BLOCK = 16 * 1024 * 1024
const MOST_INTERFACES = 65_536

/** An interface of the current section, ready for its packets. */
interface LiveInterface {
  /** In the list over all sections. */
  readonly index: number
  readonly linkType: number
  readonly snapLength: number
  readonly clock: Clock
}

/** pcapng: typed blocks in sections, each section with its own byte order and interfaces. */
export class PcapngFormat implements CaptureFormat {
  readonly prefixLength: number = SHORTEST_BLOCK
  #little = true
  #sections = 0
  readonly #interfaces: CaptureInterface[] = []
  #live: LiveInterface[] = []
  #packets = 0

  /** The format of the file that begins with `header` (at least 12 bytes), or undefined if it is not pcapng. */
  static detect(header: Uint8Array): PcapngFormat | undefined {
    const view = new DataView(header.buffer, header.byteOffset, header.byteLength)
    return view.getUint32(0) === BLOCK.SECTION ? new PcapngFormat() : undefined
  }

  get info(): CaptureInfo {
    return {
      format: 'pcapng',
      byteOrder: this.#little ? 'little' : 'big',
      interfaces: this.#interfaces,
      sections: this.#sections,
    }
  }

  measure(view: DataView, at: number): number | RecordProblem {
    // A section header names the byte order of its own length field; its type reads the same either way.
    if (view.getUint32(at) === BLOCK.SECTION) {
      if (view.getUint32(at + 8, true) === BYTE_ORDER_MAGIC) this.#little = true
      else if (view.getUint32(at + 8, false) === BYTE_ORDER_MAGIC) this.#little = false
      else return { code: 'pcap.section.byte-order', reason: 'the section header has no byte-order magic' }
    }
    const length = view.getUint32(at + 4, this.#little)
    if (length >= SHORTEST_BLOCK && length <= LONGEST_BLOCK && length % 4 === 0) return length
    return { code: 'pcap.block.length', reason: `impossible block length ${length}` }
  }

  read(source: Uint8Array, view: DataView, at: number, end: number, into: Packet[]): RecordProblem | undefined {
    const trailing = view.getUint32(end - 4, this.#little)
    if (trailing !== end - at) {
      return { code: 'pcap.block.trailer', reason: `block of ${end - at} bytes ends in a length of ${trailing}` }
    }
    const type = view.getUint32(at, this.#little)
    switch (type) {
      case BLOCK.ENHANCED_PACKET:
        return this.#packet(source, view, at, end, false, into)
      case BLOCK.PACKET:
        return this.#packet(source, view, at, end, true, into)
      case BLOCK.SIMPLE_PACKET:
        return this.#simplePacket(source, view, at, end, into)
      case BLOCK.INTERFACE:
        return this.#addInterface(source, view, at, end)
      case BLOCK.SECTION:
        return this.#startSection(view, at, end)
      default:
        // Names, statistics, secrets, future blocks and so on: their length says how to step over them.
        if (NUMBERED_BLOCKS.includes(type)) this.#packets++
        return undefined
    }
  }

  #startSection(view: DataView, at: number, end: number): RecordProblem | undefined {
    if (end - at < 28) return tooShort('section header', end - at)
    const major = view.getUint16(at + 12, this.#little)
    if (major !== 1) return { code: 'pcap.section.version', reason: `pcapng version ${major} is not known` }
    this.#sections++
    this.#live = []
    return undefined
  }

  #addInterface(source: Uint8Array, view: DataView, at: number, end: number): RecordProblem | undefined {
    if (this.#sections === 0 || end - at < 20) return tooShort('interface description', end - at)
    if (this.#interfaces.length >= MOST_INTERFACES) {
      return { code: 'pcap.interface.count', reason: `more than ${MOST_INTERFACES} interfaces` }
    }
    const block = readInterfaceBlock(source, view, at, end, this.#little)
    if ('code' in block) return block
    const { linkType, snapLength } = block.description
    this.#live.push({ index: this.#interfaces.length, linkType, snapLength, clock: block.clock })
    this.#interfaces.push(block.description)
    return undefined
  }

  #packet(
    source: Uint8Array,
    view: DataView,
    at: number,
    end: number,
    obsolete: boolean,
    into: Packet[],
  ): RecordProblem | undefined {
    const little = this.#little
    if (end - at < 32) return tooShort('packet block', end - at)
    const id = obsolete ? view.getUint16(at + 8, little) : view.getUint32(at + 8, little)
    const from = this.#live[id]
    if (from === undefined) return unknownInterface(id)
    const captured = view.getUint32(at + 20, little)
    const start = at + 28
    if (captured > end - 4 - start) {
      return { code: 'pcap.block.length', reason: `${captured} captured bytes do not fit a block of ${end - at}` }
    }
    const high = view.getUint32(at + 12, little)
    const low = view.getUint32(at + 16, little)
    const original = view.getUint32(at + 24, little)
    const { linkType, index, clock } = from
    into.push(new Packet(++this.#packets, linkType, original, index, source, start, start + captured, clock, high, low))
    return undefined
  }

  #simplePacket(
    source: Uint8Array,
    view: DataView,
    at: number,
    end: number,
    into: Packet[],
  ): RecordProblem | undefined {
    if (end - at < 16) return tooShort('simple packet block', end - at)
    const from = this.#live[0]
    if (from === undefined) return unknownInterface(0)
    const original = view.getUint32(at + 8, this.#little)
    const start = at + 12
    // The captured length is not recorded: it is what the snap length left of the original.
    const captured = from.snapLength === 0 ? original : Math.min(original, from.snapLength)
    if (captured > end - 4 - start) {
      return { code: 'pcap.block.length', reason: `${captured} captured bytes do not fit a block of ${end - at}` }
    }
    const { linkType, index } = from
    into.push(new Packet(++this.#packets, linkType, original, index, source, start, start + captured, timeless, 0, 0))
    return undefined
  }
}

function tooShort(what: string, length: number): RecordProblem {
  return { code: 'pcap.block.length', reason: `${what} of ${length} bytes is out of place or too short` }
}

function unknownInterface(id: number): RecordProblem {
  return { code: 'pcap.block.interface', reason: `packet of interface ${id}, which the section does not describe` }
}
