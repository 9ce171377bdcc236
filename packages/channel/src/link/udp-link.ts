import { openDatagram, resolveDatagram } from '@gridseal/transport'
import type { CloseReason, DatagramSocket } from '@gridseal/transport'
import { NEVER } from 'rxjs'
import type { Observable } from 'rxjs'
import type { Packet, PacketLink, Path } from './packet-link.ts'

/** What passes every path of the internet in one piece. */
const UDP_MTU = 1200

export interface UdpLinkOptions {
  /** Where to receive, `udp://host:port`. Default: a port that the system picks. */
  readonly bind?: string
  /** Addresses and networks that packets may come from. Default: all. */
  readonly allow?: readonly string[]
  /** Largest packet in bytes. Default 1,200. */
  readonly mtu?: number
}

/** A UDP socket that receives from anybody. Rejects as `openDatagram` does. */
export async function udpLink({ bind, allow, mtu = UDP_MTU }: UdpLinkOptions = {}): Promise<PacketLink> {
  const socket = await openDatagram({
    ...(bind === undefined ? {} : { bind }),
    ...(allow === undefined ? {} : { allow }),
  })
  return new UdpLink(socket, mtu)
}

/**
 * The way to `udp://host:port` over a socket of its own. The socket is not bound to that one peer, so that it goes on
 * when this machine's address changes. Rejects with `transport.connect.host` for an unknown name.
 */
export async function udpPath(url: string, { mtu, bind }: Pick<UdpLinkOptions, 'mtu' | 'bind'> = {}): Promise<Path> {
  const to = await resolveDatagram(url)
  const any = to.startsWith('udp://[') ? 'udp://[::]:0' : 'udp://0.0.0.0:0'
  return { link: await udpLink({ bind: bind ?? any, ...(mtu === undefined ? {} : { mtu }) }), to }
}

class UdpLink implements PacketLink {
  readonly mtu: number
  readonly closed: Promise<CloseReason>
  readonly drained: Observable<void> = NEVER
  /** The system throws away what it cannot hold, as the network does. */
  readonly ready = true
  readonly #socket: DatagramSocket
  readonly #resolveClosed: (reason: CloseReason) => void

  constructor(socket: DatagramSocket, mtu: number) {
    this.#socket = socket
    this.mtu = mtu
    const { promise, resolve } = Promise.withResolvers<CloseReason>()
    this.closed = promise
    this.#resolveClosed = resolve
  }

  get url(): string {
    return this.#socket.url
  }

  get packets(): Observable<Packet> {
    return this.#socket.datagrams
  }

  send(packet: Uint8Array, to: string): boolean {
    return this.#socket.send(packet, to)
  }

  async close(): Promise<void> {
    await this.#socket.close()
    this.#resolveClosed({ kind: 'local' })
  }
}
