import {
  ChannelGuard,
  LINE_ADDRESS,
  LineLink,
  acceptChannel,
  lineQueue,
  lineSpeed,
  listenDatagram,
  udpLink,
} from '@gridseal/channel'
import type {
  AcceptOptions,
  CertificateTrust,
  ChannelMetrics,
  DatagramListener,
  MessageChannel,
  OwnIdentity,
  PacketLink,
  TicketKeys,
} from '@gridseal/channel'
import { ReconnectingLink, connect, listen } from '@gridseal/transport'
import type { Connection } from '@gridseal/transport'
import type { HeadEndChannelConfig } from '../config/model.ts'
import { carriesPackets, channelOptions, packetOptions } from './options.ts'

export interface InletOptions {
  readonly config: HeadEndChannelConfig
  readonly identity: OwnIdentity
  readonly peers: AcceptOptions['peers']
  /** Those that are not pinned. */
  readonly certificates: CertificateTrust | undefined
  readonly ticketKeys: TicketKeys
  /** Gets what channels and the guard count. */
  readonly metrics: ChannelMetrics
  /** A channel came in; `cut` breaks off what carries it. */
  readonly accepted: (channel: MessageChannel, cut: () => void) => void
  /** Somebody was refused. */
  readonly refused: (remote: string, error: unknown) => void
}

/** Where field bridges come in: listeners of every kind that the configuration names. */
export class Inlet {
  readonly #options: InletOptions
  #accept: AcceptOptions
  /** In the order of the configuration. */
  readonly #urls: string[]
  /** Field bridges' connections, handshakes under way included. */
  readonly #connections = new Set<Connection>()
  readonly #packetListeners = new Set<DatagramListener>()
  readonly #closers: (() => Promise<unknown>)[] = []

  constructor(options: InletOptions) {
    const { config, identity, peers, certificates, ticketKeys, metrics } = options
    const { helloTimeout } = config
    this.#options = options
    this.#urls = [...config.listen]
    const guard = new ChannelGuard(given(config.guard))
    metrics.watchGuard(guard)
    const who = { identity, peers, ...given({ certificates }) }
    this.#accept = { ...who, ticketKeys, metrics, guard, helloTimeout, ...channelOptions(config) }
  }

  /** Where it listens, with the real ports. */
  get urls(): readonly string[] {
    return this.#urls
  }

  /** Shows other certificates for the same key to who comes in from now on. */
  show(identity: OwnIdentity): void {
    this.#accept = { ...this.#accept, identity }
    for (const listener of this.#packetListeners) listener.show(identity)
  }

  async open(): Promise<void> {
    const datagrams: string[] = []
    for (const [index, url] of this.#options.config.listen.entries()) {
      if (url.startsWith('udp:')) datagrams.push(url)
      else if (carriesPackets(url)) this.#serial(url)
      else await this.#stream(url, index)
    }
    if (datagrams.length > 0) await this.#udp(datagrams)
  }

  /** Listens no more, and breaks off what is still open. */
  async close(): Promise<void> {
    await Promise.all(this.#closers.splice(0).map((close) => close()))
    for (const connection of this.#connections) connection.destroy()
  }

  async #stream(url: string, index: number): Promise<void> {
    const { allow } = this.#options.config
    const listener = await listen(url, allow === undefined ? {} : { allow })
    this.#closers.push(() => listener.close())
    this.#urls[index] = listener.url
    listener.connections.subscribe((connection) => void this.#shakeHands(connection))
  }

  async #shakeHands(connection: Connection): Promise<void> {
    const { accepted, refused } = this.#options
    this.#connections.add(connection)
    void connection.closed.then(() => this.#connections.delete(connection))
    try {
      accepted(await acceptChannel(connection, this.#accept), () => connection.destroy())
    } catch (error) {
      refused(connection.remote, error)
      connection.destroy()
    }
  }

  /** All in one listener: a channel may have a path over each. */
  async #udp(urls: readonly string[]): Promise<void> {
    const { allow, mtu } = this.#options.config
    const links: PacketLink[] = []
    try {
      for (const bind of urls) links.push(await udpLink({ bind, ...given({ allow, mtu }) }))
    } catch (error) {
      await Promise.all(links.map((link) => link.close()))
      throw error
    }
    urls.forEach((url, index) => (this.#urls[this.#urls.indexOf(url)] = links[index]?.url ?? url))
    this.#closers.push(this.#packets(links, urls[0] ?? ''))
  }

  /** The line is opened again whenever it comes back, each time with a listener of its own. */
  #serial(url: string): void {
    const { refused, config } = this.#options
    const { mtu } = config
    const line = new ReconnectingLink((signal) => connect(url, { signal, queue: lineQueue(mtu) }))
    line.failures.subscribe((error) => refused(url, error))
    line.connections.subscribe((connection) => {
      const link = new LineLink(connection, { address: LINE_ADDRESS.listener, ...lineSpeed(url), ...given({ mtu }) })
      const close = this.#packets([link], url)
      void connection.closed.then(close)
    })
    line.start()
    this.#closers.push(() => line.stop())
  }

  #packets(links: readonly PacketLink[], url: string): () => Promise<void> {
    const { accepted, refused, config } = this.#options
    const listener = listenDatagram(links, { ...this.#accept, ...packetOptions(config, url) })
    listener.channels.subscribe((channel) => accepted(channel, () => channel.destroy()))
    listener.failures.subscribe(({ from, error }) => refused(from, error))
    this.#packetListeners.add(listener)
    return () => {
      this.#packetListeners.delete(listener)
      return listener.close()
    }
  }
}

/** Without what is undefined. */
function given<T extends object>(options: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as ReturnType<
    typeof given<T>
  >
}
