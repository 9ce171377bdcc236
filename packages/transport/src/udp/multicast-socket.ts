import { createSocket } from 'node:dgram'
import type { RemoteInfo, Socket } from 'node:dgram'
import { isIPv4 } from 'node:net'
import { networkInterfaces } from 'node:os'
import { UsageError } from '@gridseal/wire'
import type { Observable } from 'rxjs'
import { formatAddress, parseEndpoint } from '../endpoint.ts'
import { HeldQueue } from '../held-queue.ts'
import { knownKeys } from '../options.ts'
import { systemError } from '../system-error.ts'
import type { Datagram, DatagramCounters, DatagramSocket } from './datagram-socket.ts'
import { SendBudget, noDatagrams } from './send-budget.ts'

export interface MulticastOptions {
  /** The group, `udp://239.1.2.3:port`: IPv4, 224.0.0.0 to 239.255.255.255. */
  readonly group: string
  /** IPv4 address of the interface on which the group is joined and sent to. Default: the system's choice. */
  readonly interface?: string
  /** Routers that datagrams may pass, plus one. Default 1: they stay on the network. */
  readonly ttl?: number
}

const MAX_HELD = 1024

/**
 * Joins a multicast group (RFC 1112). Datagrams that this socket has sent are not received by itself, but by everybody
 * else on the same machine. Rejects with {@link UsageError} `transport.multicast.…`, `transport.listen.…`,
 * `transport.url.…`, `transport.option`.
 *
 * @example
 * const group = await openMulticast({ group: 'udp://239.1.2.3:5000', interface: '10.0.0.7' })
 * group.datagrams.subscribe(({ bytes }) => console.log(bytes))
 */
export async function openMulticast(options: MulticastOptions): Promise<DatagramSocket> {
  knownKeys(options, ['group', 'interface', 'ttl'])
  const { group, ttl = 1, interface: local } = options
  const { host, port } = groupEndpoint(group)
  if (!Number.isInteger(ttl) || ttl < 0 || ttl > 255) {
    throw new UsageError('transport.multicast.ttl', `a time to live of ${ttl}: allowed: 0 to 255`)
  }
  if (local !== undefined && !isIPv4(local)) {
    throw new UsageError('transport.multicast.interface', `"${local}" is no IPv4 address of an interface`)
  }
  const receiver = createSocket({ type: 'udp4', reuseAddr: true })
  const sender = createSocket('udp4')
  try {
    // Bound to the group, the socket hears nothing that is for other groups or for this host; Windows cannot do that.
    await bind(receiver, port, process.platform === 'win32' ? undefined : host)
    receiver.addMembership(host, local)
    await bind(sender, 0, local)
    if (local !== undefined) sender.setMulticastInterface(local)
    sender.setMulticastTTL(ttl)
    sender.setMulticastLoopback(true)
  } catch (error) {
    for (const socket of [receiver, sender]) close(socket)
    const noInterface = ['ENODEV', 'EADDRNOTAVAIL'].includes((error as NodeJS.ErrnoException).code ?? '')
    if (noInterface && local !== undefined) {
      throw new UsageError('transport.multicast.interface', `no interface has the address ${local}`, { group }, error)
    }
    throw systemError('listen', group, error as Error)
  }
  return new MulticastSocket(receiver, sender, host, receiver.address().port)
}

/** Throws {@link UsageError} `transport.multicast.group` for a URL that names no IPv4 multicast group. */
function groupEndpoint(url: string): { readonly host: string; readonly port: number } {
  const endpoint = parseEndpoint(url)
  if (endpoint.kind === 'udp' && isMulticast(endpoint.host)) return endpoint
  throw new UsageError('transport.multicast.group', `${url}: no IPv4 multicast group, such as udp://239.1.2.3:5000`)
}

/** Whether a host is an IPv4 multicast address (RFC 1112 4). */
export function isMulticast(host: string): boolean {
  const first = Number(host.split('.')[0])
  return isIPv4(host) && first >= 224 && first <= 239
}

function bind(socket: Socket, port: number, address: string | undefined): Promise<void> {
  return new Promise((done, reject) => {
    socket.once('error', reject)
    socket.bind({ port, ...(address === undefined ? {} : { address }) }, () => {
      socket.removeListener('error', reject)
      done()
    })
  })
}

function close(socket: Socket): void {
  try {
    socket.close()
  } catch {
    // It was never bound.
  }
}

class MulticastSocket implements DatagramSocket {
  readonly url: string
  readonly counters: DatagramCounters = noDatagrams()
  readonly #receiver: Socket
  readonly #sender: Socket
  readonly #group: { readonly host: string; readonly port: number }
  /** Addresses and port that our own datagrams come from. */
  readonly #own: ReadonlySet<string>
  readonly #ownPort: number
  readonly #queue = new HeldQueue<Datagram>('datagrams')
  readonly #budget = new SendBudget()
  #closing: Promise<void> | undefined

  constructor(receiver: Socket, sender: Socket, host: string, port: number) {
    this.url = formatAddress('udp', host, port)
    this.#receiver = receiver
    this.#sender = sender
    this.#group = { host, port }
    this.#own = new Set(
      Object.values(networkInterfaces())
        .flatMap((list) => list ?? [])
        .map(({ address }) => address),
    )
    this.#ownPort = sender.address().port
    receiver.on('message', (bytes, from) => this.#receive(bytes, from))
    for (const socket of [receiver, sender]) socket.on('error', () => this.counters.errors++)
  }

  get datagrams(): Observable<Datagram> {
    return this.#queue.items
  }

  send(bytes: Uint8Array, to?: string): boolean {
    if (to !== undefined) throw new UsageError('transport.udp.target', 'the socket sends to its group, to no other')
    const { counters } = this
    const { length } = bytes
    if (this.#closing !== undefined || !this.#budget.take(length)) {
      counters.dropped++
      return false
    }
    counters.datagramsOut++
    counters.bytesOut += length
    this.#sender.send(bytes, this.#group.port, this.#group.host, (error) => {
      this.#budget.sent(length)
      if (error !== null) counters.errors++
    })
    return true
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await this.#budget.idle()
    await Promise.all([this.#receiver, this.#sender].map((socket) => new Promise<void>((done) => socket.close(done))))
    this.#queue.complete()
  }

  #receive(bytes: Uint8Array, { address, port }: RemoteInfo): void {
    if (port === this.#ownPort && this.#own.has(address)) return
    if (this.#queue.held >= MAX_HELD) {
      this.counters.overflowed++
      return
    }
    this.counters.datagramsIn++
    this.counters.bytesIn += bytes.length
    this.#queue.push({ bytes, from: formatAddress('udp', address, port) })
  }
}
