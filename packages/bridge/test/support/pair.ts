import { mkdtemp, rm } from 'node:fs/promises'
import type { Server, Socket } from 'node:net'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Bridge, BridgeEvent } from '@gridseal/bridge'
import { createBridge, parseConfig } from '@gridseal/bridge'
import { SigningKey, writeKeyFile, writePublicKeyFile } from '@gridseal/pqc'

export interface LinkSpec {
  readonly id: string
  readonly device: string
  readonly field?: object
  readonly headEnd?: object
}

/** A field and a head-end bridge in this process, over loopback. */
export interface Pair {
  readonly folder: string
  headEnd: Bridge
  field: Bridge
  readonly events: BridgeEvent[]
  /** Port where masters of a link connect. */
  port(link: string): number
  /** Replaces a bridge by a new one with the same configuration, as after a restart of its process. */
  restart(which: 'field' | 'head-end'): Promise<void>
  stop(): Promise<void>
}

export async function startPair(
  links: readonly LinkSpec[],
  options: {
    channelUrl?: (real: string) => Promise<string>
    hold?: string
    field?: object
    /** Further keys of the head-end's configuration. */
    headEnd?: object
    /** Keys of the head-end's site, such as `accept`. */
    site?: object
    /** Where the head-end listens for the channel; the field bridge dials the same. */
    listen?: readonly string[]
    /** Where the field bridge dials, if that is something else. */
    connect?: readonly string[]
    /** Further keys of `channel`, for both. */
    channel?: object
  } = {},
): Promise<Pair> {
  const folder = await mkdtemp(join(tmpdir(), 'gridseal-pair-'))
  for (const name of ['head-end', 'field']) {
    const key = SigningKey.generate('ML-DSA-44')
    await writeKeyFile(join(folder, `${name}.key`), key)
    await writePublicKeyFile(join(folder, `${name}.pub`), key.publicKey)
  }
  const events: BridgeEvent[] = []
  const create = (config: object): Promise<Bridge> =>
    createBridge(parseConfig(JSON.stringify(config), 'test'), (event) => events.push(event))
  const holdConnections = options.hold ?? '5s'
  const headEndConfig = (channel: readonly string[], masters: (id: string) => string): object => ({
    role: 'head-end',
    identity: join(folder, 'head-end.key'),
    channel: { ...options.channel, listen: channel, holdConnections },
    journal: { directory: join(folder, 'journal-head-end'), sync: false },
    sites: [
      {
        site: 'test',
        peer: join(folder, 'field.pub'),
        ...options.site,
        links: links.map((link) => ({ id: link.id, protocol: 'raw', master: masters(link.id), ...link.headEnd })),
      },
    ],
    ...options.headEnd,
  })
  let headEnd = await create(headEndConfig(options.listen ?? ['tcp://127.0.0.1:0'], () => 'tcp://127.0.0.1:0'))
  await headEnd.start()
  const { listening } = headEnd.stats
  const real = listening['channel'] ?? ''
  const all = Object.entries(listening).flatMap(([name, url]) => (/^channel\b/.test(name) ? [url] : []))
  const fieldConfig = {
    role: 'field',
    site: 'test',
    identity: join(folder, 'field.key'),
    channel: {
      ...options.channel,
      connect: (await options.channelUrl?.(real)) ?? options.connect ?? all,
      peer: join(folder, 'head-end.pub'),
      holdConnections,
    },
    journal: { directory: join(folder, 'journal-field'), sync: false },
    links: links.map((link) => ({ id: link.id, protocol: 'raw', device: link.device, ...link.field })),
    ...options.field,
  }
  let field = await create(fieldConfig)
  await field.start()
  const pair: Pair = {
    folder,
    headEnd,
    field,
    events,
    port: (link) => Number(new URL(listening[`test/${link}`] ?? '').port),
    async restart(which) {
      if (which === 'field') {
        await field.stop()
        pair.field = field = await create(fieldConfig)
        await field.start()
      } else {
        await headEnd.stop()
        pair.headEnd = headEnd = await create(headEndConfig(all, (id) => listening[`test/${id}`] ?? ''))
        await headEnd.start()
      }
    },
    async stop() {
      await field.stop()
      await headEnd.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
  await channelUp(pair)
  return pair
}

/** Waits until something is true; fails after `limit` ms. */
export async function until(what: string, check: () => boolean, limit = 10_000): Promise<void> {
  const deadline = Date.now() + limit
  while (!check()) {
    if (Date.now() > deadline) throw new Error(`not within ${limit} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

export function channelUp(pair: Pair): Promise<void> {
  return until('the channel is up', () => [pair.headEnd, pair.field].every((b) => b.stats.sites[0]?.channel === 'up'))
}

/** A device or master made of a plain socket that keeps what it gets. */
export class Peer {
  readonly socket: Socket
  /** Bytes received so far. */
  length = 0
  ended = false
  readonly #chunks: Buffer[] = []

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (chunk) => {
      this.length += chunk.length
      this.#chunks.push(chunk)
    })
    socket.on('close', () => {
      this.ended = true
    })
    socket.on('error', () => undefined)
  }

  static connect(port: number): Promise<Peer> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => resolve(new Peer(socket)))
      socket.once('error', reject)
    })
  }

  send(text: string): void {
    this.socket.write(text)
  }

  get text(): string {
    return Buffer.concat(this.#chunks).toString('latin1')
  }
}

/** A device that collects its connections. */
export class Device {
  readonly server: Server
  readonly peers: Peer[] = []

  private constructor(onPeer: (peer: Peer) => void) {
    this.server = createServer({ noDelay: true }, (socket) => {
      const peer = new Peer(socket)
      this.peers.push(peer)
      onPeer(peer)
    })
  }

  static listen(onPeer: (peer: Peer) => void = () => undefined): Promise<Device> {
    const device = new Device(onPeer)
    return new Promise((resolve) => device.server.listen(0, '127.0.0.1', () => resolve(device)))
  }

  get url(): string {
    return `tcp://127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  close(): void {
    for (const { socket } of this.peers) socket.destroy()
    this.server.close()
  }
}
