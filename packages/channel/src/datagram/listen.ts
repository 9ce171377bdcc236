import { DecodeError, ProtocolError, UsageError } from '@gridseal/wire'
import type { GridsealError } from '@gridseal/wire'
import { Subject } from 'rxjs'
import type { Observable, Subscription } from 'rxjs'
import { asGridsealError } from '../failure.ts'
import type { OwnIdentity } from '../identity/identity.ts'
import { findSharedKey, responderConfig } from '../handshake-config.ts'
import { startResponder, stepResponder } from '../handshake/responder.ts'
import type { Packet, PacketLink } from '../link/packet-link.ts'
import { ChannelGuard } from '../protection/guard.ts'
import type { Admission } from '../protection/guard.ts'
import { observeHandshake } from '../observability/observe.ts'
import { connectionEnded } from '../stream/frame-stream.ts'
import type { Begun } from '../stream/run-handshake.ts'
import { AddressTokens } from './address-token.ts'
import { idOf, newConnectionId } from './connection-id.ts'
import { DatagramChannel } from './datagram-channel.ts'
import { HandshakeExchange } from './exchange.ts'
import { ExchangeRun } from './exchange-run.ts'
import { flightTime, settleDatagramAccept } from './options.ts'
import type { DatagramAcceptOptions, DatagramSettings } from './options.ts'
import { PACKET, decodePlain, encodeRetry } from './packet.ts'
import type { Fragment } from './packet.ts'
import type { PathAddress } from './paths.ts'

/** What a listener over packets counts, from its beginning on. */
export interface DatagramListenerCounters {
  /** Packets that nobody can read: noise, or something else altogether. */
  readonly malformed: number
  /** Packets for a connection id that is not in use, or from another address than its handshake's. */
  readonly unknown: number
  /** First packets answered with a token, and forgotten. */
  readonly retries: number
  /** First packets not answered, because the answer would have been longer. */
  readonly unanswered: number
  /** Handshakes refused because their address or all addresses together have too many, or too many channels are open. */
  readonly refused: number
  /** Handshake fragments that came again, and flights that were therefore sent again. */
  readonly duplicates: number
  readonly retransmitted: number
  /** Handshake fragments that fit no message. */
  readonly fragmentsRefused: number
  /** Channels that were established. */
  readonly established: number
  /** Handshakes that failed. */
  readonly failed: number
  /** Packets dropped because of a fault of this end, as when the crypto core is in its error state. */
  readonly faults: number
}

/** Accepts channels over packets. */
export interface DatagramListener {
  /** Where it listens, by link. */
  readonly urls: readonly string[]
  /** Established channels. */
  readonly channels: Observable<DatagramChannel>
  /** Why a handshake failed, or a packet was dropped for a fault of this end, with the address that it came from. */
  readonly failures: Observable<{ readonly from: string; readonly error: GridsealError }>
  readonly counters: DatagramListenerCounters
  /** Handshakes under way. */
  readonly halfOpen: number
  /** Channels that are open now. */
  readonly open: number
  /** From now on shows other certificates for the same key. Throws {@link UsageError} `channel.option` for another key. */
  show(identity: OwnIdentity): void
  /** Stops listening, cuts channels off that are still open, and closes the links. */
  close(): Promise<void>
}

/**
 * Accepts channels over these links, which it takes over. Nothing is kept of an address before it has shown that it
 * receives, and it is not sent more than it has sent. Throws {@link UsageError} `channel.option`.
 *
 * @example
 * const listener = listenDatagram([await udpLink({ bind: 'udp://0.0.0.0:4712' })], { identity, peers })
 * listener.channels.subscribe((channel) => channel.messages.subscribe(handle))
 */
export function listenDatagram(links: readonly PacketLink[], options: DatagramAcceptOptions): DatagramListener {
  if (links.length === 0) throw new UsageError('channel.option', 'there is no link')
  const settings = settleDatagramAccept(options, Math.min(...links.map(({ mtu }) => mtu)), flightTime(links))
  return new Listener(links, options, settings)
}

/** One initiator, from its token to the end of its channel. */
interface Entry {
  readonly local: number
  readonly key: string
  readonly path: PathAddress
  readonly run: Pick<ExchangeRun<unknown>, 'fragment' | 'alert' | 'stop' | 'input'>
  channel: DatagramChannel | undefined
}

const UTF8 = new TextEncoder()
/** A fault of this end is told at most so often, ms. */
const FAULT_INTERVAL = 10_000

class Listener implements DatagramListener {
  readonly channels: Subject<DatagramChannel> = new Subject()
  readonly failures: Subject<{ readonly from: string; readonly error: GridsealError }> = new Subject()
  readonly #counters = {
    malformed: 0,
    unknown: 0,
    retries: 0,
    unanswered: 0,
    refused: 0,
    duplicates: 0,
    retransmitted: 0,
    fragmentsRefused: 0,
    established: 0,
    failed: 0,
    faults: 0,
  }
  readonly #links: readonly PacketLink[]
  readonly #peers: DatagramAcceptOptions['peers']
  #settings: DatagramSettings
  readonly #guard: ChannelGuard
  readonly #tokens = new AddressTokens()
  readonly #subscriptions: readonly Subscription[]
  readonly #byId = new Map<number, Entry>()
  readonly #byCaller = new Map<string, Entry>()
  #open = 0
  #closed = false
  /** When a fault of this end was told last. */
  #faultAt = Number.NEGATIVE_INFINITY

  constructor(links: readonly PacketLink[], options: DatagramAcceptOptions, settings: DatagramSettings) {
    this.#links = links
    this.#peers = options.peers
    this.#settings = settings
    this.#guard = settings.channel.guard ?? new ChannelGuard()
    this.#subscriptions = links.map((link, index) => link.packets.subscribe((packet) => this.#receive(packet, index)))
    let left = links.length
    for (const link of links) {
      void link.closed.then((reason) => {
        if (--left === 0) this.#cutAll(connectionEnded(reason, 'without close_notify'))
      })
    }
  }

  get urls(): readonly string[] {
    return this.#links.map(({ url }) => url)
  }

  get counters(): DatagramListenerCounters {
    return this.#counters
  }

  get halfOpen(): number {
    return this.#byId.size - this.#open
  }

  get open(): number {
    return this.#open
  }

  show(identity: OwnIdentity): void {
    const { channel } = this.#settings
    // Tickets and the other end's pin are of the key.
    if (Buffer.compare(identity.publicKey.fingerprint, channel.identity.publicKey.fingerprint) !== 0) {
      throw new UsageError('channel.option', 'a listener shows other certificates, but never another key')
    }
    this.#settings = { ...this.#settings, channel: { ...channel, identity } }
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const subscription of this.#subscriptions) subscription.unsubscribe()
    this.#cutAll(new ProtocolError('channel.truncated', 'the listener was closed'))
    await Promise.all(this.#links.map((link) => link.close()))
    this.channels.complete()
    this.failures.complete()
  }

  #cutAll(error: GridsealError): void {
    for (const { channel, run } of this.#byId.values()) {
      if (channel === undefined) run.input({ kind: 'failed', error, alert: false })
      else channel.lost(error)
    }
  }

  /** Whatever a packet brings to light, this end stays: a fault of its own may be over with the next one. */
  #receive({ bytes, from }: Packet, link: number): void {
    const path = { link, address: from }
    try {
      if (bytes[0] === PACKET.record) this.#record(bytes, path)
      else this.#plain(bytes, path)
    } catch (error) {
      if (error instanceof DecodeError) this.#counters.malformed++
      else this.#faulty(from, asGridsealError(error))
    }
  }

  /** A flood is told once in a while. */
  #faulty(from: string, error: GridsealError): void {
    this.#counters.faults++
    const now = this.#settings.channel.clock()
    if (now < this.#faultAt + FAULT_INTERVAL) return
    this.#faultAt = now
    this.failures.next({ from, error })
  }

  #record(bytes: Uint8Array, path: PathAddress): void {
    const channel = this.#byId.get(idOf(bytes))?.channel
    if (channel === undefined) this.#counters.unknown++
    else channel.receive(bytes, path)
  }

  #plain(bytes: Uint8Array, path: PathAddress): void {
    const packet = decodePlain(bytes)
    if (packet.kind === 'fragment' && packet.receiver === 0) return this.#first(packet, bytes.length, path)
    const entry = this.#byId.get(packet.receiver)
    const same = entry?.path.link === path.link && entry.path.address === path.address
    if (entry === undefined || !same || packet.kind === 'retry') this.#counters.unknown++
    else if (packet.kind === 'fragment') entry.run.fragment(packet)
    else if (entry.channel === undefined) entry.run.alert(packet.code)
    else entry.channel.alert(packet.code)
  }

  /** Somebody who does not know us yet: a token first, and only then memory. */
  #first(fragment: Fragment, length: number, path: PathAddress): void {
    const { sender, token } = fragment
    const key = `${path.link} ${sender} ${path.address}`
    const known = this.#byCaller.get(key)
    if (known !== undefined) return known.run.fragment(fragment)
    const { clock } = this.#settings.channel
    if (!this.#tokens.good(token, path.address, sender, clock())) {
      const retry = encodeRetry(sender, this.#tokens.mint(path.address, sender, clock()))
      if (retry.length > length || sender === 0) {
        this.#counters.unanswered++
        return
      }
      this.#counters.retries++
      this.#links[path.link]?.send(retry, path.address)
      return
    }
    const local = this.#freeId()
    const admission = this.#closed || this.#open >= this.#settings.maxChannels ? undefined : this.#admit(path)
    if (admission === undefined) this.#counters.refused++
    else this.#begin({ local, key, path }, sender, admission).run.fragment(fragment)
  }

  #admit({ address }: PathAddress): Admission | undefined {
    return this.#guard.admit(address, performance.now())
  }

  #begin({ local, key, path }: Pick<Entry, 'local' | 'key' | 'path'>, remote: number, admission: Admission): Entry {
    const settings = this.#settings
    const { channel, ordering, backoff, mtu } = settings
    const { identity, handshakeTimeout: timeout, helloTimeout: firstTimeout, clock } = channel
    const config = responderConfig(channel, this.#peers, { ordering, address: UTF8.encode(path.address), admission })
    const exchange = new HandshakeExchange({
      first: startResponder(),
      // The address has been shown already; a cookie would show it once more.
      step: (state, input) => stepResponder({ ...config, demandCookie: () => false }, state, input),
      drives: false,
      backoff,
      mtu,
      local,
      remote,
    })
    const seen = Promise.withResolvers<Begun>()
    // What went wrong is told by `failures`.
    observeHandshake('responder', channel, () => seen.promise).catch(() => undefined)
    const entry: Entry = {
      local,
      key,
      path,
      channel: undefined,
      run: new ExchangeRun({
        exchange,
        identity,
        findKey: (id, initiator) => findSharedKey(channel, id, initiator),
        timeout,
        firstTimeout,
        clock,
        send: (packet) => void this.#links[path.link]?.send(packet, path.address),
        established: (session, start) => {
          seen.resolve({ session, start })
          admission.settled('established')
          this.#count(exchange.counters)
          this.#established(entry, { session, start }, remote)
        },
        failed: (error) => {
          seen.reject(error)
          admission.settled(error.code === 'channel.handshake.timeout' ? 'timedOut' : 'failed')
          this.#count(exchange.counters)
          this.#counters.failed++
          this.#forget(entry)
          this.failures.next({ from: path.address, error })
        },
      }),
    }
    this.#byId.set(local, entry)
    this.#byCaller.set(key, entry)
    return entry
  }

  #established(entry: Entry, { session, start }: Begun, remote: number): void {
    const [settings, links, paths] = [this.#settings, this.#links, [entry.path]]
    const ended = (): Promise<void> => this.#ended(entry)
    try {
      entry.channel = new DatagramChannel({ session, start, settings, links, paths, remote, ended })
    } catch (error) {
      this.#forget(entry)
      this.failures.next({ from: entry.path.address, error: asGridsealError(error) })
      return
    }
    this.#counters.established++
    this.#open++
    this.channels.next(entry.channel)
  }

  #count({ duplicates, refused, retransmitted }: HandshakeExchange<unknown>['counters']): void {
    this.#counters.duplicates += duplicates
    this.#counters.fragmentsRefused += refused
    this.#counters.retransmitted += retransmitted
  }

  #ended(entry: Entry): Promise<void> {
    this.#open--
    this.#forget(entry)
    return Promise.resolve()
  }

  #forget(entry: Entry): void {
    entry.run.stop()
    this.#byId.delete(entry.local)
    this.#byCaller.delete(entry.key)
  }

  #freeId(): number {
    let id = newConnectionId()
    while (this.#byId.has(id)) id = newConnectionId()
    return id
  }
}
