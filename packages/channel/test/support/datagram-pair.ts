import { connectDatagram, listenDatagram } from '@gridseal/channel'
import type {
  DatagramAcceptOptions,
  DatagramChannel,
  DatagramConnectOptions,
  DatagramListener,
} from '@gridseal/channel'
import { firstValueFrom } from 'rxjs'
import { ACCEPT, CONNECT } from './channel-pair.ts'
import { FaultNet } from './fault-net.ts'
import type { MemoryLink, PacketFaults } from './fault-net.ts'

export const FIELD_URL = 'udp://10.0.0.1:1000'
export const HEAD_URL = 'udp://10.0.0.2:4712'

/** Times that suit a network in memory. */
export const QUICK = { retransmit: 20, maxRetransmit: 200, handshakeTimeout: 15_000, closeTimeout: 500 } as const

export interface DatagramPair {
  readonly net: FaultNet
  readonly client: DatagramChannel
  readonly server: DatagramChannel
  readonly clientLink: MemoryLink
  readonly listener: DatagramListener
  readonly stop: () => Promise<void>
}

export interface PairOptions {
  readonly seed?: number
  readonly faults?: PacketFaults
  readonly mtu?: number
  readonly client?: Partial<DatagramConnectOptions>
  readonly server?: Partial<DatagramAcceptOptions>
  /** Called before anything is sent. */
  readonly prepare?: (net: FaultNet) => void
}

/** An established channel over a network in memory. */
export async function datagramPair(options: PairOptions = {}): Promise<DatagramPair> {
  const { seed = 1, faults = {}, mtu = 1200, client = {}, server = {}, prepare } = options
  const net = new FaultNet(seed, faults)
  prepare?.(net)
  const listener = listenDatagram([net.link(HEAD_URL, { mtu })], { ...ACCEPT, ...QUICK, ...server })
  const accepted = firstValueFrom(listener.channels)
  const clientLink = net.link(FIELD_URL, { mtu })
  const [a, b] = await Promise.all([
    connectDatagram([{ link: clientLink, to: HEAD_URL }], { ...CONNECT, ...QUICK, ...client }),
    accepted,
  ])
  const stop = async (): Promise<void> => {
    await Promise.all([a.close(), b.close()])
    await listener.close()
  }
  return { net, client: a, server: b, clientLink, listener, stop }
}

/** Waits for a condition; how long it takes does not matter. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const end = performance.now() + 15_000
  while (!condition()) {
    if (performance.now() > end) throw new Error(`waited in vain: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}
