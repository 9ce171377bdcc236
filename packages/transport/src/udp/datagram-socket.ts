import { createSocket } from 'node:dgram'
import type { RemoteInfo, Socket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { isIPv4, isIPv6 } from 'node:net'
import { UsageError } from '@gridseal/wire'
import type { Observable } from 'rxjs'
import { AllowList } from '../allow-list.ts'
import { formatAddress, parseEndpoint } from '../endpoint.ts'
import { HeldQueue } from '../held-queue.ts'
import { plainAddress } from '../ip-address.ts'
import { knownKeys } from '../options.ts'
import { systemError } from '../system-error.ts'
import { SendBudget, noDatagrams } from './send-budget.ts'

export interface Datagram {
  readonly bytes: Uint8Array
  /** Who sent it, `udp://host:port`. */
  readonly from: string
}

/** Counters of a datagram socket. They only grow. */
export interface DatagramCounters {
  /** Datagrams received and let in. */
  datagramsIn: number
  /** Bytes in them. */
  bytesIn: number
  /** Datagrams given to the system for sending. */
  datagramsOut: number
  /** Bytes in them. */
  bytesOut: number
  /** Datagrams received from addresses that the allow-list does not name, or from port 0, where nobody can be answered. */
  refusedAddress: number
  /** Datagrams received and thrown away because nobody was subscribed and too many were held. */
  overflowed: number
  /** Datagrams not sent because too many bytes waited in the system, or because the socket was closed. */
  dropped: number
  /** Errors of the system, such as a port that nobody listens on (learnt from ICMP) or a datagram too long to send. */
  errors: number
}

export interface DatagramOptions {
  /** Where to receive, `udp://host:port`; port 0, the default, takes a free one. */
  readonly bind?: string
  /** The only peer, `udp://host:port`: datagrams from others are not received. */
  readonly peer?: string
  /** Addresses and networks that datagrams may come from. Default: all. */
  readonly allow?: readonly string[]
}

/** A UDP socket. Datagrams can get lost, doubled and reordered; this socket adds no such guarantee. */
export interface DatagramSocket {
  /** This end, with the real port. */
  readonly url: string
  /** What arrives, for one subscriber at a time; up to 1,024 datagrams are held while there is none. */
  readonly datagrams: Observable<Datagram>
  readonly counters: Readonly<DatagramCounters>
  /**
   * Sends one datagram, to the peer or, without one, to `to` (`udp://address:port`). The bytes must not be changed
   * afterwards. False: it was dropped, since the system does not keep up or the socket is closed.
   *
   * Throws {@link UsageError} `transport.udp.target` if there is no target, or two; `transport.url.…`.
   */
  send(bytes: Uint8Array, to?: string): boolean
  /** Sends what the system still holds (for a second at most) and closes. */
  close(): Promise<void>
}

interface Target {
  readonly host: string
  readonly port: number
}

const MAX_HELD = 1024
const MAX_TARGETS = 256

/**
 * Opens a UDP socket. Rejects with {@link UsageError} `transport.listen.…`, `transport.url.…`, `transport.allow`,
 * `transport.option`, or `transport.connect.host` if a name cannot be resolved.
 *
 * @example
 * const socket = await openDatagram({ bind: 'udp://0.0.0.0:20000', allow: ['10.1.0.0/16'] })
 * socket.datagrams.subscribe(({ bytes, from }) => socket.send(answer(bytes), from))
 */
export async function openDatagram(options: DatagramOptions): Promise<DatagramSocket> {
  knownKeys(options, ['bind', 'peer', 'allow'])
  const allow = options.allow === undefined ? undefined : new AllowList(options.allow)
  const bind = options.bind === undefined ? undefined : await resolve(options.bind)
  const peer = options.peer === undefined ? undefined : await resolve(options.peer)
  if (peer?.port === 0) throw noPort(options.peer ?? '')
  const type = isIPv6((bind ?? peer)?.host ?? '') ? 'udp6' : 'udp4'
  const socket = createSocket({ type })
  const where = options.bind ?? options.peer ?? 'udp'
  await new Promise<void>((done, reject) => {
    const failed = (error: Error): void => {
      socket.close()
      reject(systemError('listen', where, error))
    }
    socket.once('error', failed)
    const ready = (): void => {
      socket.removeListener('error', failed)
      done()
    }
    const bound = (): void => {
      if (peer === undefined) ready()
      else socket.connect(peer.port, family(peer.host, type), ready)
    }
    socket.bind(bind === undefined ? {} : { address: bind.host, port: bind.port }, bound)
  })
  return new UdpSocket(socket, type, peer !== undefined, allow)
}

/**
 * The URL with the host's address in place of its name, as {@link Datagram.from} has it; an address that a socket of the URL
 * `from` can send to, where that is given. Rejects with `transport.connect.host` if the name cannot be resolved, and
 * {@link UsageError} `transport.url.…`.
 */
export async function resolveDatagram(url: string, from?: string): Promise<string> {
  const { host, port } = await resolve(url, from?.startsWith('udp://[') === false ? 4 : 0)
  if (port === 0) throw noPort(url)
  return formatAddress('udp', plainAddress(host), port)
}

class UdpSocket implements DatagramSocket {
  readonly url: string
  readonly counters: DatagramCounters = noDatagrams()
  readonly #socket: Socket
  readonly #type: 'udp4' | 'udp6'
  readonly #connected: boolean
  readonly #allow: AllowList | undefined
  readonly #queue = new HeldQueue<Datagram>('datagrams')
  readonly #targets = new Map<string, Target>()
  /** The last sender; most sockets hear one or two. */
  #sender = { address: '', port: -1, url: '', admitted: false }
  readonly #budget = new SendBudget()
  #closing: Promise<void> | undefined

  constructor(socket: Socket, type: 'udp4' | 'udp6', connected: boolean, allow: AllowList | undefined) {
    const { address, port } = socket.address()
    this.url = formatAddress('udp', plainAddress(address), port)
    this.#socket = socket
    this.#type = type
    this.#connected = connected
    this.#allow = allow
    socket.on('message', (bytes, from) => this.#receive(bytes, from))
    socket.on('error', () => this.counters.errors++)
  }

  get datagrams(): Observable<Datagram> {
    return this.#queue.items
  }

  send(bytes: Uint8Array, to?: string): boolean {
    const { counters } = this
    if (this.#connected === (to !== undefined)) {
      const message = this.#connected ? 'the socket has a peer; it can send to no other' : 'no target is given'
      throw new UsageError('transport.udp.target', message)
    }
    const target = to === undefined ? undefined : this.#target(to)
    const { length } = bytes
    if (this.#closing !== undefined || !this.#budget.take(length)) {
      counters.dropped++
      return false
    }
    counters.datagramsOut++
    counters.bytesOut += length
    const sent = (error: Error | null): void => this.#sent(length, error)
    if (target === undefined) this.#socket.send(bytes, sent)
    else this.#socket.send(bytes, target.port, target.host, sent)
    return true
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await this.#budget.idle()
    await new Promise<void>((resolve) => this.#socket.close(resolve))
    this.#queue.complete()
  }

  #sent(length: number, error: Error | null): void {
    this.#budget.sent(length)
    if (error !== null) this.counters.errors++
  }

  #receive(bytes: Uint8Array, { address, port }: RemoteInfo): void {
    const { counters } = this
    if (this.#sender.port !== port || this.#sender.address !== address) {
      const plain = plainAddress(address)
      const admitted = port !== 0 && this.#allow?.admits(plain) !== false
      this.#sender = { address, port, url: formatAddress('udp', plain, port), admitted }
    }
    if (!this.#sender.admitted) counters.refusedAddress++
    else if (this.#queue.held >= MAX_HELD) counters.overflowed++
    else {
      counters.datagramsIn++
      counters.bytesIn += bytes.length
      this.#queue.push({ bytes, from: this.#sender.url })
    }
  }

  #target(url: string): Target {
    let target = this.#targets.get(url)
    if (target === undefined) {
      const { host, port } = udpEndpoint(url)
      if (port === 0) throw noPort(url)
      target = { host: family(host, this.#type), port }
      if (this.#targets.size >= MAX_TARGETS) this.#targets.clear()
      this.#targets.set(url, target)
    }
    return target
  }
}

function udpEndpoint(url: string): Target {
  const endpoint = parseEndpoint(url)
  if (endpoint.kind !== 'udp')
    throw new UsageError('transport.url.scheme', `${url}: udp://host:port is needed`, { url })
  return endpoint
}

function noPort(url: string): UsageError {
  return new UsageError('transport.url.port', `${url}: there is no port 0 to send to`)
}

/** `family` 0: IPv4 or IPv6. */
async function resolve(url: string, family: 0 | 4 = 0): Promise<Target> {
  const { host, port } = udpEndpoint(url)
  try {
    const { address } = await lookup(host, { family })
    return { host: address, port }
  } catch (error) {
    throw systemError('connect', url, error)
  }
}

/** An IPv4 address as a socket of the other family needs it. */
function family(host: string, type: 'udp4' | 'udp6'): string {
  return type === 'udp6' && isIPv4(host) ? `::ffff:${host}` : host
}
