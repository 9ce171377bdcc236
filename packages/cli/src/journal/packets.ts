import type { EventEntry, FrameEntry, SequencedEntry } from '@gridseal/envelope'
import { LINK_TYPE } from '@gridseal/pcap'
import type { PacketRecord } from '@gridseal/pcap'

// What the journal holds are frames, not packets: unless they are Ethernet frames, each is put into an IPv4 packet of its
// own, so that a protocol analyser reads it. Addresses and ports are made up: 10.0.0.1 is the master, 10.0.1.x the links' devices.

const PORTS: Readonly<Record<string, number>> = { modbus: 502, dnp3: 20000, c12: 1153, iec61850: 102 }
/** Protocols whose frames are Ethernet frames already. */
const ETHERNET: ReadonlySet<string> = new Set(['goose', 'sv'])
const OTHER_PORT = 9
const FIRST_MASTER_PORT = 49_152
const MAX_PAYLOAD = 65_535 - 40
const TCP = 6
const UDP = 17
const FLAG = { fin: 0x01, syn: 0x02, rst: 0x04, psh: 0x08, ack: 0x10 } as const

interface Conversation {
  readonly device: number
  readonly port: number
  readonly masterPort: number
  /** Octets sent so far, by the master and by the device. */
  readonly sent: [number, number]
}

/** Makes packets of a journal's entries, in order. */
export class PacketMaker {
  readonly #links = new Map<string, number>()
  readonly #conversations = new Map<string, Conversation>()
  /** Connections that have been opened and have had no frame yet. */
  readonly #opened = new Map<string, EventEntry>()

  /**
   * The packets of an entry. Only frames tell their protocol, and so the port: the opening of a connection comes with its
   * first frame, and a connection without any is left out.
   */
  push(entry: SequencedEntry): PacketRecord[] {
    if (entry.kind === 'frame' && ETHERNET.has(entry.protocol)) {
      return [{ time: entry.time, linkType: LINK_TYPE.ETHERNET, bytes: entry.bytes }]
    }
    const name = `${entry.link} ${entry.connection}`
    if (entry.kind === 'event') {
      const conversation = this.#conversations.get(name)
      if (conversation !== undefined) return [this.#event(entry, conversation)]
      if (entry.event === 'opened') this.#opened.set(name, entry)
      else this.#opened.delete(name)
      return []
    }
    const conversation = this.#conversations.get(name) ?? this.#begin(name, entry)
    const opened = this.#opened.get(name)
    this.#opened.delete(name)
    const packets = opened === undefined ? [] : [this.#event(opened, conversation)]
    const fromMaster = entry.direction === 'to-device'
    if (entry.connection === 0) {
      return [packet(entry.time, udp(conversation, fromMaster, entry.bytes.subarray(0, MAX_PAYLOAD)))]
    }
    for (let at = 0; at < entry.bytes.length; at += MAX_PAYLOAD) {
      const part = entry.bytes.subarray(at, at + MAX_PAYLOAD)
      packets.push(packet(entry.time, tcp(conversation, fromMaster, FLAG.psh | FLAG.ack, part)))
    }
    return packets
  }

  #event(entry: EventEntry, conversation: Conversation): PacketRecord {
    const flags = { opened: FLAG.syn, closed: FLAG.fin | FLAG.ack, failed: FLAG.rst, reset: FLAG.rst }[entry.event]
    return packet(entry.time, tcp(conversation, entry.direction === 'to-device', flags, new Uint8Array(0)))
  }

  #begin(name: string, { link, protocol }: FrameEntry): Conversation {
    const device = this.#links.get(link) ?? this.#links.size + 1
    this.#links.set(link, device)
    const masterPort = FIRST_MASTER_PORT + (this.#conversations.size % 16_384)
    const conversation: Conversation = { device, port: PORTS[protocol] ?? OTHER_PORT, masterPort, sent: [0, 0] }
    this.#conversations.set(name, conversation)
    return conversation
  }
}

function packet(time: bigint, bytes: Uint8Array): PacketRecord {
  return { time, linkType: LINK_TYPE.RAW, bytes }
}

function tcp(conversation: Conversation, fromMaster: boolean, flags: number, payload: Uint8Array): Buffer {
  const { port, masterPort, sent } = conversation
  const [own, other] = fromMaster ? [0, 1] : [1, 0]
  const header = Buffer.alloc(20)
  header.writeUInt16BE(fromMaster ? masterPort : port, 0)
  header.writeUInt16BE(fromMaster ? port : masterPort, 2)
  header.writeUInt32BE(sent[own as 0 | 1] >>> 0, 4)
  header.writeUInt32BE(sent[other as 0 | 1] >>> 0, 8)
  header.writeUInt8(0x50, 12)
  header.writeUInt8(flags, 13)
  header.writeUInt16BE(0xffff, 14)
  const taken = payload.length + ((flags & (FLAG.syn | FLAG.fin)) === 0 ? 0 : 1)
  sent[own as 0 | 1] = (sent[own as 0 | 1] + taken) % 2 ** 32
  return ip(conversation, fromMaster, TCP, header, 16, payload)
}

function udp(conversation: Conversation, fromMaster: boolean, payload: Uint8Array): Buffer {
  const { port, masterPort } = conversation
  const header = Buffer.alloc(8)
  header.writeUInt16BE(fromMaster ? masterPort : port, 0)
  header.writeUInt16BE(fromMaster ? port : masterPort, 2)
  header.writeUInt16BE(8 + payload.length, 4)
  return ip(conversation, fromMaster, UDP, header, 6, payload)
}

/** An IPv4 packet; the transport's check sum goes to `sumAt` of its header. */
function ip(
  { device }: Conversation,
  fromMaster: boolean,
  protocol: number,
  header: Buffer,
  sumAt: number,
  payload: Uint8Array,
): Buffer {
  const addresses = [
    [10, 0, 0, 1],
    [10, 0, 1 + (device >> 8), device & 0xff],
  ] as const
  const [from, to] = fromMaster ? addresses : [addresses[1], addresses[0]]
  const packet = Buffer.concat([Buffer.alloc(20), header, payload])
  packet.writeUInt8(0x45, 0)
  packet.writeUInt16BE(packet.length, 2)
  packet.writeUInt8(64, 8)
  packet.writeUInt8(protocol, 9)
  packet.set([...from, ...to], 12)
  packet.writeUInt16BE(checksum(packet.subarray(0, 20)), 10)
  const length = header.length + payload.length
  const pseudo = Buffer.concat([packet.subarray(12, 20), Buffer.from([0, protocol, length >> 8, length & 0xff])])
  const sum = checksum(Buffer.concat([pseudo, packet.subarray(20)]))
  packet.writeUInt16BE(sum === 0 ? 0xffff : sum, 20 + sumAt)
  return packet
}

/** RFC 1071. */
function checksum(bytes: Uint8Array): number {
  let sum = 0
  for (let i = 0; i < bytes.length; i += 2) sum += ((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}
