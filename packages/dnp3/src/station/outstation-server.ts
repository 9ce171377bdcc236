import { ReconnectingLink, connect, listen, openDatagram, parseEndpoint } from '@gridseal/transport'
import type { Connection, ConnectOptions, DatagramSocket, ListenOptions, Listener } from '@gridseal/transport'
import { ProtocolError } from '@gridseal/wire'
import { LinkChannel } from '../session/link/link-channel.ts'
import { Outbox } from '../session/outbox.ts'
import { ConnectionRunner, DatagramRunner } from './machine-runner.ts'
import { OutstationPort } from './outstation.ts'
import type { Outstation } from './outstation.ts'

/** How outstations are reached. */
export interface ServeOptions {
  /** Listen, or connect to a master that listens. Default: listen; serial lines are opened either way. */
  readonly direction?: 'listen' | 'connect'
  /** Who may connect, how many; for `tls://`, certificates. */
  readonly listen?: ListenOptions
  readonly connect?: ConnectOptions
}

/** Opens a port to outstations; several of them may share it (multi-drop). */
export async function serveOutstations(
  url: string,
  outstations: readonly Outstation[],
  options: ServeOptions = {},
): Promise<OutstationServer> {
  const { kind } = parseEndpoint(url)
  if (kind === 'udp') {
    const socket = await openDatagram({ bind: url, ...(options.listen?.allow && { allow: options.listen.allow }) })
    return new OutstationServer(outstations, { socket })
  }
  if (kind === 'serial' || options.direction === 'connect') {
    const link = new ReconnectingLink((signal) => connect(url, { ...options.connect, signal }))
    return new OutstationServer(outstations, { link, url })
  }
  return new OutstationServer(outstations, { listener: await listen(url, options.listen ?? {}) })
}

type Way =
  | { readonly listener: Listener }
  | { readonly link: ReconnectingLink; readonly url: string }
  | { readonly socket: DatagramSocket }

/** An open port to outstations. */
export class OutstationServer {
  /** Where it is reached, with the port that the system gave. */
  readonly url: string
  readonly #outstations: readonly Outstation[]
  readonly #byAddress: ReadonlyMap<number, readonly Outstation[]>
  readonly #way: Way
  readonly #runners = new Set<ConnectionRunner>()
  readonly #datagrams: DatagramRunner | undefined

  constructor(outstations: readonly Outstation[], way: Way) {
    this.#outstations = outstations
    this.#byAddress = new Map(outstations.map((outstation) => [outstation.local, [outstation]]))
    this.#way = way
    if ('listener' in way) {
      this.url = way.listener.url
      way.listener.connections.subscribe((connection) => this.#serve(connection))
    } else if ('link' in way) {
      this.url = way.url
      way.link.connections.subscribe((connection) => this.#serve(connection))
      way.link.start()
    } else {
      this.url = way.socket.url
      const { channel, port } = this.#channel('datagram', undefined)
      this.#datagrams = new DatagramRunner(channel, way.socket, false)
      port.onTouch = () => this.#datagrams?.touch()
    }
  }

  /** Connections open now. */
  get connections(): number {
    return this.#runners.size
  }

  async close(): Promise<void> {
    const runners = [...this.#runners]
    for (const { connection } of runners) connection.destroy()
    if ('listener' in this.#way) await this.#way.listener.close()
    else if ('link' in this.#way) await this.#way.link.stop()
    else {
      this.#datagrams?.stop()
      await this.#way.socket.close()
    }
    await Promise.all(runners.map(({ connection }) => connection.closed))
  }

  #channel(
    medium: 'stream' | 'serial' | 'datagram',
    onLost: (() => void) | undefined,
  ): { channel: LinkChannel; port: OutstationPort } {
    const outbox = new Outbox()
    const channel = new LinkChannel(medium, 'outstation', outbox)
    const port = new OutstationPort(this.#outstations, this.#byAddress, outbox, onLost)
    channel.add(port, 0)
    return { channel, port }
  }

  #serve(connection: Connection): void {
    const { channel, port } = this.#channel(connection.medium, () =>
      connection.destroy(new ProtocolError('dnp3.link.keep-alive', 'nobody answers keep-alives')),
    )
    const runner = new ConnectionRunner(channel, connection)
    port.onTouch = () => runner.touch()
    this.#runners.add(runner)
    void connection.closed.then(() => this.#runners.delete(runner))
  }
}
