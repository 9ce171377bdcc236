import { DecodeError, ProtocolError, UsageError } from '@gridseal/wire'
import type { GridsealError } from '@gridseal/wire'
import type { Subscription } from 'rxjs'
import { initiatorConfig } from '../handshake-config.ts'
import { startInitiator, stepInitiator } from '../handshake/initiator.ts'
import type { Packet, Path } from '../link/packet-link.ts'
import { observeHandshake } from '../observability/observe.ts'
import { connectionEnded } from '../stream/frame-stream.ts'
import type { Begun } from '../stream/run-handshake.ts'
import { idOf, newConnectionId } from './connection-id.ts'
import { DatagramChannel } from './datagram-channel.ts'
import { HandshakeExchange } from './exchange.ts'
import { ExchangeRun } from './exchange-run.ts'
import { flightTime, settleDatagramConnect } from './options.ts'
import type { DatagramConnectOptions, DatagramSettings } from './options.ts'
import { PACKET, decodePlain } from './packet.ts'
import type { PathAddress } from './paths.ts'

/**
 * Opens a channel over packets as the end that calls, and takes its links over: they are closed when it ends. With
 * several paths the handshake tries one after the other, each for its share of `handshakeTimeout`; the established
 * channel then has them all. Rejects with the exact reason. Throws {@link UsageError} for wrong options.
 *
 * @example
 * const channel = await connectDatagram([await udpPath('udp://head-end:4712')], { identity, peer })
 */
export async function connectDatagram(
  paths: readonly Path[],
  options: DatagramConnectOptions,
): Promise<DatagramChannel> {
  if (paths.length === 0) throw new UsageError('channel.option', 'there is no path')
  const links = paths.map(({ link }) => link)
  const settings = settleDatagramConnect(options, Math.min(...links.map(({ mtu }) => mtu)), flightTime(links))
  const caller = new Caller(paths, settings)
  try {
    return await caller.call(options)
  } catch (error) {
    await caller.close()
    throw error
  }
}

class Caller {
  readonly #paths: readonly Path[]
  readonly #settings: DatagramSettings
  readonly #subscriptions: readonly Subscription[]
  #local = 0
  #run:
    | { readonly exchange: Pick<ExchangeRun<unknown>, 'fragment' | 'retry' | 'alert' | 'input'>; readonly link: number }
    | undefined
  #channel: DatagramChannel | undefined
  #open: number

  constructor(paths: readonly Path[], settings: DatagramSettings) {
    this.#paths = paths
    this.#settings = settings
    this.#open = paths.length
    this.#subscriptions = paths.map(({ link }, index) =>
      link.packets.subscribe((packet) => this.#receive(packet, index)),
    )
    for (const { link } of paths) {
      void link.closed.then((reason) => {
        if (--this.#open > 0) return
        this.#channel?.lost(connectionEnded(reason, 'without close_notify'))
        const error = connectionEnded(reason, 'during the handshake')
        this.#run?.exchange.input({ kind: 'failed', error, alert: false })
      })
    }
  }

  async call(options: DatagramConnectOptions): Promise<DatagramChannel> {
    for (let at = 0; ; at++) {
      try {
        return await this.#attempt(at, options)
      } catch (error) {
        const silent = error instanceof ProtocolError && error.code === 'channel.handshake.timeout'
        if (!silent || at + 1 === this.#paths.length) throw error
      }
    }
  }

  async close(): Promise<void> {
    for (const subscription of this.#subscriptions) subscription.unsubscribe()
    await Promise.all(this.#paths.map(({ link }) => link.close()))
  }

  async #attempt(at: number, options: DatagramConnectOptions): Promise<DatagramChannel> {
    const settings = this.#settings
    const { channel, ordering, backoff, mtu } = settings
    const config = await initiatorConfig(channel, options.peer, ordering)
    const local = newConnectionId()
    const exchange = new HandshakeExchange({
      first: startInitiator(config),
      step: (state, input) => stepInitiator(config, state, input),
      drives: true,
      backoff,
      mtu,
      local,
      remote: 0,
    })
    const shakeHands = (): Promise<Begun> => this.#shakeHands(at, exchange, local)
    const { session, start } = await observeHandshake('initiator', channel, shakeHands)
    const links = this.#paths.map((path) => path.link)
    const paths = this.#order(at)
    const { remote } = exchange
    const ended = (): Promise<void> => this.close()
    this.#channel = new DatagramChannel({ session, start, settings, links, paths, remote, ended })
    return this.#channel
  }

  #shakeHands<State>(at: number, exchange: HandshakeExchange<State>, local: number): Promise<Begun> {
    const { channel } = this.#settings
    const { link, to } = this.#paths[at]!
    return new Promise((resolve, reject) => {
      const run = new ExchangeRun({
        exchange,
        identity: channel.identity,
        timeout: Math.ceil(channel.handshakeTimeout / this.#paths.length),
        clock: channel.clock,
        send: (packet) => void link.send(packet, to),
        established: (session, start) => {
          this.#run = undefined
          resolve({ session, start })
        },
        failed: (error: GridsealError) => {
          this.#run = undefined
          reject(error)
        },
      })
      this.#local = local
      this.#run = { exchange: run, link: at }
      run.begin()
    })
  }

  /** The path of the handshake first, as long as nothing is known of the others. */
  #order(first: number): PathAddress[] {
    const all = this.#paths.map(({ to }, link) => ({ link, address: to }))
    return [all[first]!, ...all.filter(({ link }) => link !== first)]
  }

  #receive({ bytes, from }: Packet, link: number): void {
    if (bytes[0] === PACKET.record) {
      if (idOf(bytes) === this.#local) this.#channel?.receive(bytes, { link, address: from })
      return
    }
    try {
      const packet = decodePlain(bytes)
      if (packet.receiver !== this.#local) return
      if (packet.kind === 'alert') this.#channel?.alert(packet.code)
      if (this.#run === undefined || link !== this.#run.link) return
      const { exchange } = this.#run
      if (packet.kind === 'fragment') exchange.fragment(packet)
      else if (packet.kind === 'retry') exchange.retry(packet.token)
      else exchange.alert(packet.code)
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
    }
  }
}
