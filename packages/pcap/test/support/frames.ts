import { Packet } from '@gridseal/pcap'
import { Writer, fromHex } from '@gridseal/wire'

/** Builds frames by hand, layer by layer, with check sums left zero as on a machine with offload. */

export const MASTER = { mac: '02:00:00:00:00:01', ip: '10.0.0.1', port: 49152 } as const
export const DEVICE = { mac: '02:00:00:00:00:02', ip: '10.0.0.2', port: 502 } as const

export type Bytes = Uint8Array<ArrayBuffer>

export function join(...parts: Uint8Array[]): Bytes {
  const writer = new Writer()
  for (const part of parts) writer.bytes(part)
  return writer.finish().slice()
}

export function text(value: string): Bytes {
  return new TextEncoder().encode(value)
}

export function ethernet(
  etherType: number,
  payload: Uint8Array,
  from: string = MASTER.mac,
  to: string = DEVICE.mac,
): Bytes {
  return join(fromHex(to), fromHex(from), new Writer().u16be(etherType).finish(), payload)
}

export interface Ipv4Fields {
  readonly from?: string
  readonly to?: string
  readonly protocol: number
  readonly id?: number
  /** In bytes. */
  readonly offset?: number
  readonly more?: boolean
  readonly options?: Uint8Array
  /** What the total length field says; default: the truth. */
  readonly totalLength?: number
}

export function ipv4(fields: Ipv4Fields, payload: Uint8Array): Bytes {
  const options = fields.options ?? new Uint8Array(0)
  const header = 20 + options.length
  return join(
    new Writer()
      .u8(0x40 | (header / 4))
      .u8(0)
      .u16be(fields.totalLength ?? header + payload.length)
      .u16be(fields.id ?? 0)
      .u16be((fields.more === true ? 0x2000 : 0) | ((fields.offset ?? 0) / 8))
      .u8(64)
      .u8(fields.protocol)
      .u16be(0)
      .finish(),
    ipv4Address(fields.from ?? MASTER.ip),
    ipv4Address(fields.to ?? DEVICE.ip),
    options,
    payload,
  )
}

export function ipv4Address(address: string): Bytes {
  return new Uint8Array(address.split('.').map(Number))
}

export interface Ipv6Fields {
  /** 32 hex digits. */
  readonly from?: string
  readonly to?: string
  readonly next: number
  readonly payloadLength?: number
}

export function ipv6(fields: Ipv6Fields, payload: Uint8Array): Bytes {
  return join(
    new Writer()
      .u32be(0x6000_0000)
      .u16be(fields.payloadLength ?? payload.length)
      .u8(fields.next)
      .u8(64)
      .finish(),
    fromHex(fields.from ?? '20010db8000000000000000000000001'),
    fromHex(fields.to ?? '20010db8000000000000000000000002'),
    payload,
  )
}

/** The extension header of an IPv6 fragment; `offset` in bytes. */
export function ipv6Fragment(next: number, id: number, offset: number, more: boolean, payload: Uint8Array): Bytes {
  return join(
    new Writer()
      .u8(next)
      .u8(0)
      .u16be(offset | (more ? 1 : 0))
      .u32be(id)
      .finish(),
    payload,
  )
}

export function udp(payload: Uint8Array, from = 40000, to = 20000, length = 8 + payload.length): Bytes {
  return join(new Writer().u16be(from).u16be(to).u16be(length).u16be(0).finish(), payload)
}

export type TcpFlags = 'S' | 'SA' | 'A' | 'FA' | 'R' | 'RA' | 'PA' | 'F'

export interface TcpFields {
  readonly sequence: number
  readonly acknowledgement?: number
  /** Letters of SYN, FIN, RST, PSH, ACK; default `A`. */
  readonly flags?: TcpFlags
  readonly from?: number
  readonly to?: number
  readonly options?: Uint8Array
}

export function tcp(fields: TcpFields, payload: Uint8Array = new Uint8Array(0)): Bytes {
  const options = fields.options ?? new Uint8Array(0)
  let flags = 0
  for (const letter of fields.flags ?? 'A') flags |= { F: 1, S: 2, R: 4, P: 8, A: 16 }[letter] ?? 0
  return join(
    new Writer()
      .u16be(fields.from ?? MASTER.port)
      .u16be(fields.to ?? DEVICE.port)
      .u32be(fields.sequence >>> 0)
      .u32be((fields.acknowledgement ?? 0) >>> 0)
      .u8(((20 + options.length) / 4) << 4)
      .u8(flags)
      .u16be(0xffff)
      .u32be(0)
      .finish(),
    options,
    payload,
  )
}

/** Numbers packets from 1, one millisecond apart from 2026-01-01 00:00:00 UTC. */
export class PacketSequence {
  static readonly START: bigint = 1_767_225_600_000_000_000n
  #number = 0
  /** Nanoseconds added to the next packet's time. */
  delay = 0n
  readonly packets: Packet[] = []

  add(bytes: Uint8Array, linkType = 1, originalLength = bytes.length): Packet {
    const number = ++this.#number
    const time = PacketSequence.START + BigInt(number) * 1_000_000n + this.delay
    const packet = Packet.of({ number, time, linkType, bytes, originalLength })
    this.packets.push(packet)
    return packet
  }
}

/** One end of a TCP connection. */
export interface Host {
  readonly ip: string
  readonly port: number
}

/** The two ends of one TCP connection over Ethernet and IPv4, and the segments between them as packets. */
export class TcpScript {
  readonly sequence: PacketSequence
  readonly #master: Host
  readonly #device: Host

  constructor(sequence: PacketSequence = new PacketSequence(), master: Host = MASTER, device: Host = DEVICE) {
    this.sequence = sequence
    this.#master = master
    this.#device = device
  }

  /** A segment from the master. */
  master(sequence: number, acknowledgement: number, data: string | Uint8Array = '', flags: TcpFlags = 'A'): Packet {
    return this.#segment(true, sequence, acknowledgement, data, flags)
  }

  /** A segment from the device. */
  device(sequence: number, acknowledgement: number, data: string | Uint8Array = '', flags: TcpFlags = 'A'): Packet {
    return this.#segment(false, sequence, acknowledgement, data, flags)
  }

  /** SYN, SYN-ACK, ACK; the first bytes then have the sequence numbers 1 more than these. */
  handshake(masterInitial = 1000, deviceInitial = 5000): Packet[] {
    return [
      this.master(masterInitial, 0, '', 'S'),
      this.device(deviceInitial, masterInitial + 1, '', 'SA'),
      this.master(masterInitial + 1, deviceInitial + 1),
    ]
  }

  frame(fromMaster: boolean, fields: TcpFields, payload: Uint8Array): Bytes {
    const [from, to] = fromMaster ? [this.#master, this.#device] : [this.#device, this.#master]
    const segment = tcp({ from: from.port, to: to.port, ...fields }, payload)
    const packet = ipv4({ from: from.ip, to: to.ip, protocol: 6 }, segment)
    const macs = fromMaster ? ([MASTER.mac, DEVICE.mac] as const) : ([DEVICE.mac, MASTER.mac] as const)
    return ethernet(0x0800, packet, ...macs)
  }

  #segment(
    fromMaster: boolean,
    sequence: number,
    acknowledgement: number,
    data: string | Uint8Array,
    flags: TcpFlags,
  ): Packet {
    const payload = typeof data === 'string' ? text(data) : data
    return this.sequence.add(this.frame(fromMaster, { sequence, acknowledgement, flags }, payload))
  }
}
