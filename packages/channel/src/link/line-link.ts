import { UsageError } from '@gridseal/wire'
import { connect, parseEndpoint } from '@gridseal/transport'
import type { CloseReason, ConnectOptions, Connection } from '@gridseal/transport'
import { mergeMap } from 'rxjs'
import type { Observable } from 'rxjs'
import { LINK_OVERHEAD, LinkFrameReader, MAX_PAYLOAD, encodeLinkFrame } from './link-frame.ts'
import type { LinkFrameCounters } from './link-frame.ts'
import type { Packet, PacketLink } from './packet-link.ts'

/** What a serial line sends, start and stop bit included. */
const BITS_PER_BYTE = 10
const MAX_ADDRESS = 0xffff
/** Short enough that noise hits few packets, long enough that their overhead does not matter. */
const LINE_MTU = 512
const MIN_MTU = 256
const NAMES = new Set(['address', 'mtu', 'bitsPerSecond'])

export interface LineOptions {
  /** Own link address, 0 to 65,535. Default: 10 for who calls, 1 for who listens, as SSP21 has it. */
  readonly address: number
  /** Largest packet in bytes. Default 512, at most 4,092. */
  readonly mtu?: number
  /** Bits per second, where the connection itself does not know. Default: as fast as it likes. */
  readonly bitsPerSecond?: number
}

/** Link addresses where nothing else is said. */
export const LINE_ADDRESS: { readonly caller: 10; readonly listener: 1 } = { caller: 10, listener: 1 }

/** What a line counts. */
export interface LineCounters extends LinkFrameCounters {
  /** Frames for other addresses. */
  foreign: number
}

/**
 * Packets over a connection that has bytes only and may garble them: a serial line, a modem, a radio that looks like
 * one. Addresses on it are the peers' link addresses, as text. Throws {@link UsageError} `channel.option`.
 */
export class LineLink implements PacketLink {
  readonly mtu: number
  readonly bitsPerSecond: number | undefined
  readonly packets: Observable<Packet>
  readonly drained: Observable<void>
  readonly #connection: Connection
  readonly #address: number
  readonly #reader = new LinkFrameReader()
  readonly #counters = { foreign: 0 }
  #ready = true

  constructor(connection: Connection, options: LineOptions) {
    const { address, mtu = LINE_MTU, bitsPerSecond } = options
    for (const name of Object.keys(options)) {
      if (!NAMES.has(name)) throw new UsageError('channel.option', `there is no option "${name}"`, { name })
    }
    if (bitsPerSecond !== undefined && !(bitsPerSecond >= 1 && Number.isFinite(bitsPerSecond))) {
      throw new UsageError('channel.option', `bitsPerSecond must be a number from 1, not ${bitsPerSecond}`)
    }
    between('address', address, 0, MAX_ADDRESS)
    between('mtu', mtu, MIN_MTU, MAX_PAYLOAD)
    this.mtu = mtu
    this.bitsPerSecond = bitsPerSecond
    this.#connection = connection
    this.#address = address
    this.packets = connection.data.pipe(mergeMap((chunk) => this.#receive(chunk)))
    this.drained = connection.drained
    connection.drained.subscribe(() => {
      this.#ready = true
    })
  }

  get url(): string {
    return this.#connection.local
  }

  get closed(): Promise<CloseReason> {
    return this.#connection.closed
  }

  get ready(): boolean {
    return this.#ready
  }

  get counters(): Readonly<LineCounters> {
    return { ...this.#reader.counters, ...this.#counters }
  }

  send(packet: Uint8Array, to: string): boolean {
    const frame = encodeLinkFrame({ destination: Number(to), source: this.#address, payload: packet })
    this.#ready = this.#connection.write(frame)
    return true
  }

  async close(): Promise<void> {
    this.#connection.end()
    await this.#connection.closed
  }

  #receive(chunk: Uint8Array): Packet[] {
    const packets: Packet[] = []
    for (const { destination, source, payload } of this.#reader.push(chunk)) {
      if (destination === this.#address) packets.push({ bytes: payload, from: `${source}` })
      else this.#counters.foreign++
    }
    return packets
  }
}

/** The write queue of a line: short, so that what is sent again is not still waiting here. */
export function lineQueue(mtu: number = LINE_MTU): { readonly low: number; readonly high: number } {
  const frame = mtu + LINK_OVERHEAD
  return { low: frame, high: 2 * frame }
}

/**
 * Opens a serial port as a {@link LineLink}. Rejects as `connect` does, and with {@link UsageError} `channel.option`.
 *
 * @example
 * const link = await openLine('serial:///dev/ttyUSB0?baud=19200', { address: LINE_ADDRESS.caller })
 * const channel = await connectDatagram([{ link, to: `${LINE_ADDRESS.listener}` }], { identity, peer })
 */
export async function openLine(
  url: string,
  options: LineOptions,
  how: Pick<ConnectOptions, 'signal' | 'timeout'> = {},
): Promise<LineLink> {
  const connection = await connect(url, { ...how, queue: lineQueue(options.mtu) })
  return new LineLink(connection, { ...lineSpeed(url), ...options })
}

/** Payload bits per second of a serial URL. */
export function lineSpeed(url: string): { readonly bitsPerSecond?: number } {
  const endpoint = parseEndpoint(url)
  return endpoint.kind === 'serial' ? { bitsPerSecond: (endpoint.baud * 8) / BITS_PER_BYTE } : {}
}

function between(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return
  throw new UsageError('channel.option', `${name} must be a whole number from ${least} to ${most}, not ${value}`)
}
