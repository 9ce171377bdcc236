import { ProtocolError } from '@gridseal/wire'
import type { GridsealError } from '@gridseal/wire'
import type { Certificate } from '@gridseal/pqc'
import { Subject } from 'rxjs'
import type { Observable, Subscription } from 'rxjs'
import type { Channel } from '../channel.ts'
import type { Session } from '../handshake/machine.ts'
import type { PeerIdentity } from '../identity/identity.ts'
import type { PacketLink } from '../link/packet-link.ts'
import type { ChannelEnd, ChannelMessage, SendOptions } from '../messages.ts'
import { SessionObserver } from '../observability/observe.ts'
import { MAX_MESSAGE } from '../options.ts'
import type { DataContent } from '../record/content.ts'
import { checkMessage } from '../session/check-message.ts'
import { Delivery } from '../session/delivery.ts'
import { Resumption } from '../session/resumption.ts'
import { SessionTime } from '../session/session-time.ts'
import type { SessionStart } from '../session/session-time.ts'
import { newDatagramCounters } from './counters.ts'
import type { DatagramCounters, MutableDatagramCounters } from './counters.ts'
import type { DatagramSettings } from './options.ts'
import type { PathAddress } from './paths.ts'
import { DatagramSession } from './session.ts'
import type { SessionEffect } from './transmitter.ts'

/** What every open channel has, whatever carries it. */
export type MessageChannel = Pick<
  Channel,
  | 'peer'
  | 'suite'
  | 'resumed'
  | 'certificate'
  | 'maxMessage'
  | 'messages'
  | 'closed'
  | 'counters'
  | 'drained'
  | 'send'
  | 'rekey'
  | 'pause'
  | 'resume'
  | 'close'
>

/** How one message is sent over packets. */
export interface DatagramSendOptions extends SendOptions {
  /**
   * The message goes by itself in one packet, at once and once: it may get lost or overtake others, nobody waits for it,
   * and a line that does not keep up drops it. At most {@link DatagramChannel.maxOnce} bytes. Default: in order with the others, repeated until it is there.
   */
  readonly once?: boolean
}

export interface DatagramChannelOptions {
  readonly session: Session
  readonly start: SessionStart
  readonly settings: DatagramSettings
  readonly links: readonly PacketLink[]
  /** The first is the one of the handshake. */
  readonly paths: readonly PathAddress[]
  /** The peer's connection id. */
  readonly remote: number
  /** Called once, when the channel has ended; what it returns is waited for. */
  readonly ended: () => Promise<void>
}

/** Bytes that wait or are under way: `drained` at or under LOW after `send` returned false above HIGH; the end beyond LIMIT. */
const LOW = 64 << 10
const HIGH = 256 << 10
const LIMIT = 16 << 20
/** Longest time that a timer of Node.js can wait. */
const MAX_WAIT = 2 ** 31 - 1

/**
 * An established channel over packets that may get lost: whole messages in order, as over a stream, or each by itself.
 * It lives on while addresses change and while any of its paths works.
 */
export class DatagramChannel implements MessageChannel {
  readonly peer: PeerIdentity
  readonly suite: string
  readonly resumed: boolean
  readonly certificate: Certificate | undefined
  readonly maxMessage: number
  /** Longest message for `once`, in bytes. */
  readonly maxOnce: number
  readonly closed: Promise<ChannelEnd>
  readonly drained: Observable<void>

  readonly #session: DatagramSession
  readonly #settings: DatagramSettings
  readonly #links: readonly PacketLink[]
  readonly #delivery: Delivery
  readonly #resumption: Resumption
  readonly #time: SessionTime
  readonly #drained = new Subject<void>()
  readonly #subscriptions: readonly Subscription[]
  readonly #ended: () => Promise<void>
  readonly #resolveClosed: (end: ChannelEnd) => void
  readonly #counters: MutableDatagramCounters = newDatagramCounters()
  readonly #observer: SessionObserver
  #state: 'open' | 'closing' | 'ended' = 'open'
  #full = false
  #flushing = false
  #timer: NodeJS.Timeout | undefined
  #timerAt = Number.POSITIVE_INFINITY

  constructor({ session, start, settings, links, paths, remote, ended }: DatagramChannelOptions) {
    const { channel } = settings
    this.peer = session.peer
    this.suite = session.suite.name
    this.resumed = session.resumed
    this.certificate = session.certificate
    this.maxMessage = Math.min(session.peerMaxMessage, MAX_MESSAGE)
    this.#settings = settings
    this.#links = links
    this.#ended = ended
    this.#observer = new SessionObserver(session, this.#counters, channel)
    const [observer, counters] = [this.#observer, this.#counters]
    this.#session = new DatagramSession(session, { settings, remote, paths, counters, observer }, channel.clock())
    this.maxOnce = Math.min(this.maxMessage, this.#session.room)
    this.#time = new SessionTime(start, channel.clock)
    this.#resumption = new Resumption(session, channel, Date.now())
    this.#delivery = new Delivery({
      maxMessage: channel.maxMessage,
      time: this.#time,
      counters: this.#counters,
      onChange: () => this.#read(),
    })
    this.drained = this.#drained.asObservable()
    const { promise, resolve } = Promise.withResolvers<ChannelEnd>()
    this.closed = promise
    this.#resolveClosed = resolve
    this.#subscriptions = links.map((link) => link.drained.subscribe(() => this.#flushSoon()))
    this.#flushSoon()
  }

  get messages(): Observable<ChannelMessage> {
    return this.#delivery.messages
  }

  get counters(): DatagramCounters {
    return this.#counters
  }

  /** Whether the peer has shown that it has the session's keys. */
  get proven(): boolean {
    return this.#session.proven
  }

  /** Where records go now. */
  get path(): PathAddress {
    return this.#session.path
  }

  /**
   * Sends one message. False asks the caller to wait for {@link drained}; the message is sent all the same, unless it was
   * for once and the line does not keep up. Once the channel has begun to close or has ended it returns false and the
   * message is not sent (counted as `refused`). Throws
   * {@link UsageError} `channel.message.length`, `channel.message.port`, `channel.message.ttl`.
   */
  send(port: number, message: Uint8Array, { ttl, once = false }: DatagramSendOptions = {}): boolean {
    checkMessage(port, message, once ? this.maxOnce : this.maxMessage)
    const validUntil = ttl === undefined ? undefined : this.#time.deadline(ttl)
    if (this.#state !== 'open' || !this.#session.open) {
      this.#counters.refused++
      return false
    }
    if (once && !this.#ready) {
      this.#counters.withheld++
      this.#full = true
      return false
    }
    this.#counters.messagesSent++
    this.#counters.bytesSent += message.length
    if (once) {
      this.#perform(this.#session.sendOnce(port, message, validUntil, this.#now()))
      return !this.#full
    }
    this.#session.write(port, message, validUntil)
    if (this.#session.pending > LIMIT) {
      this.#fail(new ProtocolError('channel.queue.full', 'too much waits for a peer that does not take it'))
      return false
    }
    this.#flushSoon()
    this.#full ||= this.#session.pending > HIGH
    return !this.#full
  }

  /** Begins a fresh key agreement now; false while one is under way, and after the end. */
  rekey(): boolean {
    const begun = this.#session.rekey(this.#now())
    if (begun) this.#flushSoon()
    return begun
  }

  /** Stops delivery; the peer feels it as back-pressure once its window is used up. */
  pause(): void {
    this.#delivery.pause()
  }

  resume(): void {
    this.#delivery.resume()
  }

  /**
   * Waits until the peer has confirmed all that was sent, sends close_notify, again while there is no answer, goes on
   * delivering what the peer still sends, and resolves when the channel has ended. `closed` tells whether the peer
   * confirmed within `closeTimeout`. The end that answers waits as long at most for the word that its answer has come.
   */
  async close(): Promise<void> {
    if (this.#state === 'open') {
      this.#state = 'closing'
      this.#session.close(this.#now())
      this.#delivery.drain()
      this.#flushSoon()
      this.#arm()
    }
    await this.closed
  }

  /** A record for this channel came. */
  receive(packet: Uint8Array, from: PathAddress): void {
    this.#perform(this.#session.receive(packet, from, this.#now()))
    this.#read()
    this.#flushSoon()
  }

  /** An alert in the clear for this channel came. */
  alert(code: number): void {
    this.#perform(this.#session.alert(code))
  }

  /** Ends at once, without a word to the peer. */
  destroy(): void {
    this.lost(new ProtocolError('channel.truncated', 'this end broke the channel off'))
  }

  /** Nothing carries packets any more. */
  lost(error: GridsealError): void {
    this.#perform(this.#session.abort(error))
  }

  /** Whether the link in use would send a packet soon. */
  get #ready(): boolean {
    return this.#links[this.#session.path.link]?.ready !== false
  }

  #now(): number {
    return this.#settings.channel.clock()
  }

  #fail(error: GridsealError): void {
    this.#perform(this.#session.fail(error, this.#now()))
  }

  /** Hands out what has come, as long as somebody wants it. */
  #read(): void {
    while (this.#state !== 'ended' && this.#delivery.wanted) {
      const { message, effects } = this.#session.read(this.#now())
      this.#perform(effects)
      if (message === undefined) break
      this.#take({ ...message, bytes: message.bytes.slice() })
    }
    this.#flushSoon()
  }

  #take(message: DataContent): void {
    try {
      this.#delivery.take([message])
    } catch (error) {
      this.#fail(error as GridsealError)
    }
  }

  /** Once for all that happens in one turn of the event loop: acks and segments are fewer that way. */
  #flushSoon(): void {
    if (this.#flushing || this.#state === 'ended') return
    this.#flushing = true
    setImmediate(() => {
      this.#flushing = false
      this.#flush()
    })
  }

  #flush(): void {
    this.#perform(this.#session.flush(this.#now(), () => this.#ready))
    if (this.#full && this.#session.pending <= LOW && this.#ready) {
      this.#full = false
      this.#drained.next()
    }
    this.#arm()
  }

  /** One timer, which may fire early: to move it with every packet costs more. */
  #arm(): void {
    if (this.#state === 'ended') return
    const wake = this.#session.wake
    if (wake >= this.#timerAt) return
    clearTimeout(this.#timer)
    this.#timerAt = wake
    const wait = Math.min(Math.max(1, Math.ceil(wake - this.#now())), MAX_WAIT)
    this.#timer = setTimeout(() => {
      this.#timerAt = Number.POSITIVE_INFINITY
      this.#perform(this.#session.tick(this.#now()))
      this.#flush()
    }, wait)
  }

  #perform(effects: readonly SessionEffect[]): void {
    for (const effect of effects) {
      switch (effect.kind) {
        case 'send':
          this.#links[effect.path.link]?.send(effect.packet, effect.path.address)
          break
        case 'message':
          if (this.#delivery.wanted) this.#take(effect.content)
          else this.#counters.unread++
          break
        case 'ticket':
          this.#keep(effect)
          break
        case 'ended':
          this.#finish(effect.end)
      }
    }
  }

  #keep({ life, ticket }: { readonly life: number; readonly ticket: Uint8Array }): void {
    try {
      this.#resumption.keep(life, ticket, Date.now())
    } catch (error) {
      this.#fail(error as GridsealError)
    }
  }

  #finish(end: ChannelEnd): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    clearTimeout(this.#timer)
    this.#resumption.wipe()
    for (const subscription of this.#subscriptions) subscription.unsubscribe()
    void this.#ended().then(() => {
      this.#observer.ended(end)
      this.#resolveClosed(end)
    })
    this.#drained.complete()
    this.#delivery.end()
  }
}
