import type { Clock } from '../packet.ts'
import { Packet } from '../packet.ts'
import { secondsAndMicroseconds, secondsAndNanoseconds } from './clock.ts'
import type { CaptureFormat, CaptureInfo, RecordProblem } from './format.ts'

/** File header and record header of the classic format (draft-ietf-opsawg-pcap). */
export const PCAP_HEADER_LENGTH = 24
export const PCAP_RECORD_HEADER_LENGTH = 16

const MICROSECONDS = 0xa1b2c3d4
const NANOSECONDS = 0xa1b23c4d

/** What Wireshark takes for the longest plausible packet, whatever the file's snap length says. */
const LONGEST_PACKET = 262_144
const LONGEST_SNAP_LENGTH = 16 * 1024 * 1024

/** The file's byte order and clock by its first four bytes, or undefined where they are not pcap's. */
function byMagic(view: DataView): { little: boolean; clock: Clock } | undefined {
  for (const little of [true, false]) {
    const magic = view.getUint32(0, little)
    if (magic === MICROSECONDS) return { little, clock: secondsAndMicroseconds }
    if (magic === NANOSECONDS) return { little, clock: secondsAndNanoseconds }
  }
  return undefined
}

/** The classic format: one header, then records of one link type. */
export class PcapFormat implements CaptureFormat {
  readonly info: CaptureInfo
  readonly prefixLength: number = PCAP_RECORD_HEADER_LENGTH
  readonly #little: boolean
  readonly #clock: Clock
  readonly #linkType: number
  readonly #limit: number
  #packets = 0

  private constructor(view: DataView, little: boolean, clock: Clock) {
    const snapLength = view.getUint32(16, little)
    const network = view.getUint32(20, little)
    // Bit 26 says that the top four bits count the 16-bit words of frame check sequence.
    const fcs = (network & 0x0400_0000) === 0 ? undefined : { fcsLength: (network >>> 28) * 2 }
    this.#little = little
    this.#clock = clock
    this.#linkType = network & 0xffff
    this.#limit = Math.max(LONGEST_PACKET, Math.min(snapLength, LONGEST_SNAP_LENGTH))
    this.info = {
      format: 'pcap',
      byteOrder: little ? 'little' : 'big',
      interfaces: [{ linkType: this.#linkType, snapLength, ...fcs }],
      sections: 1,
    }
  }

  /** The format of the file that begins with `header` (at least 24 bytes), or undefined if it is not pcap. */
  static detect(header: Uint8Array): PcapFormat | undefined {
    const view = new DataView(header.buffer, header.byteOffset, header.byteLength)
    const order = byMagic(view)
    return order === undefined ? undefined : new PcapFormat(view, order.little, order.clock)
  }

  measure(view: DataView, at: number): number | RecordProblem {
    const captured = view.getUint32(at + 8, this.#little)
    if (captured <= this.#limit) return PCAP_RECORD_HEADER_LENGTH + captured
    return { code: 'pcap.record.length', reason: `a packet of ${captured} bytes is longer than ${this.#limit}` }
  }

  read(source: Uint8Array, view: DataView, at: number, end: number, into: Packet[]): undefined {
    const little = this.#little
    into.push(
      new Packet(
        ++this.#packets,
        this.#linkType,
        view.getUint32(at + 12, little),
        0,
        source,
        at + PCAP_RECORD_HEADER_LENGTH,
        end,
        this.#clock,
        view.getUint32(at, little),
        view.getUint32(at + 4, little),
      ),
    )
  }
}
