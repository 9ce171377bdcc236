import { ProtocolError, UsageError } from '@gridseal/wire'
import type { GridsealError } from '@gridseal/wire'
import { Observable } from 'rxjs'
import type { Subscriber } from 'rxjs'
import { ALERT, alertReceived } from './alert.ts'
import { newCounters } from './counters.ts'
import type { ChannelCounters, MutableCounters } from './counters.ts'
import { asGridsealError } from './failure.ts'
import type { Role } from './handshake/key-schedule.ts'
import type { Session } from './handshake/machine.ts'
import type { TicketKeys } from './handshake/ticket.ts'
import type { PeerIdentity } from './identity/identity.ts'
import { MAX_MESSAGE } from './options.ts'
import type { Settings } from './options.ts'
import { CONTENT_OVERHEAD, decodeContent, encodeAlert, encodeClose, encodeTicket } from './record/content.ts'
import type { Content } from './record/content.ts'
import { FRAME, FRAME_HEADER, frameName } from './record/frame.ts'
import { BODY_OVERHEAD } from './record/record.ts'
import { RecordSession } from './record/record-session.ts'
import { connectionEnded } from './stream/frame-stream.ts'
import type { FrameStream } from './stream/frame-stream.ts'
import type { Begun, SessionStart } from './stream/run-handshake.ts'

/** A message as it came out of the channel; `bytes` belong to the receiver. */
export interface ChannelMessage {
  /** Multiplexing number, 0 to 65535. */
  readonly port: number
  readonly bytes: Uint8Array
}

/**
 * How a channel ended.
 * - `local`: `close` was called here and the peer confirmed; nothing was lost.
 * - `close_notify`: the peer closed in good order; nothing was lost.
 * - `truncated`: the connection ended without the peer's close_notify; messages may be missing.
 * - `alert`: the peer found a fault.
 * - `error`: this end found a fault; `error` says which.
 */
export interface ChannelEnd {
  readonly kind: 'local' | 'close_notify' | 'truncated' | 'alert' | 'error'
  readonly error?: GridsealError
}

/** How one message is sent. */
export interface SendOptions {
  /**
   * Milliseconds after which the peer throws the message away, whatever held it back: for commands that must not come
   * late. Counted so that the time may seem shorter by as much as the hellos took, never longer. Default: for ever.
   */
  readonly ttl?: number
}

const MAX_PORT = 0xffff
/** A rekey and a ticket must get through also where messages are tiny. */
const MIN_CONTENT = 2048
/** Times in records end here, ms: what 48 bits hold. */
const MAX_TIME = 2 ** 48 - 1

/** An established channel: whole messages in order, on numbered ports, over one connection. */
export class Channel {
  /** The authenticated peer. */
  readonly peer: PeerIdentity
  /** The algorithms of the session, for people. */
  readonly suite: string
  /** Whether a ticket stood in for signatures. */
  readonly resumed: boolean
  /** Largest message in bytes that the peer accepts. */
  readonly maxMessage: number
  /**
   * Messages in order. Hot, for one subscriber at a time (a second gets {@link UsageError} `channel.subscribed`); held
   * back while there is none. Completes when the channel ends, whatever the reason; never errors.
   */
  readonly messages: Observable<ChannelMessage>
  /**
   * Resolves once, when the connection is closed too. Never rejects. The peer's end is noticed when all that came before
   * it has been delivered, so not while {@link messages} is paused or has no subscriber.
   */
  readonly closed: Promise<ChannelEnd>

  readonly #stream: FrameStream
  readonly #settings: Settings
  readonly #records: RecordSession
  readonly #counters: MutableCounters = newCounters()
  readonly #resolveClosed: (end: ChannelEnd) => void
  readonly #role: Role
  #subscriber: Subscriber<ChannelMessage> | undefined
  #state: 'open' | 'closing' | 'ended' = 'open'
  #paused = false
  #closeTimer: NodeJS.Timeout | undefined
  readonly #start: SessionStart
  #rekeyTimer: NodeJS.Timeout | undefined
  /** What the peer's tickets are kept with. */
  readonly #resumption: Uint8Array
  readonly #suiteId: number

  /** Takes over a stream that is held after its handshake. */
  constructor(stream: FrameStream, { session, start }: Begun, settings: Settings) {
    this.peer = session.peer
    this.suite = session.suite.name
    this.resumed = session.resumed
    this.maxMessage = Math.min(session.peerMaxMessage, MAX_MESSAGE)
    this.#stream = stream
    this.#settings = settings
    const { role, suite } = session
    const { epoch, rekey, padding, random, encapsulate } = settings
    this.#records = new RecordSession(session, {
      epoch,
      rekey,
      padding: { multiple: padding > 1 ? padding : 0, limit: this.maxMessage + CONTENT_OVERHEAD },
      random,
      encapsulate,
      onRekeySent: () => this.#counters.rekeysSent++,
      onRekeyed: () => {
        this.#counters.rekeysCompleted++
        this.#scheduleRekey()
      },
    })
    this.#role = role
    this.#start = start
    this.#resumption = session.resumption
    this.#suiteId = suite.id
    const { promise, resolve } = Promise.withResolvers<ChannelEnd>()
    this.closed = promise
    this.#resolveClosed = resolve
    this.messages = new Observable((subscriber) => this.#subscribe(subscriber))
    this.#scheduleRekey()
    if (role === 'responder' && settings.ticketKeys !== undefined) this.#giveTicket(session, settings.ticketKeys)
  }

  get counters(): ChannelCounters {
    return this.#counters
  }

  /** Emits after {@link send} has returned false, when there is room again. */
  get drained(): Observable<void> {
    return this.#stream.drained
  }

  /**
   * Seals one message as one record and sends it. False asks the caller to wait for {@link drained}; the message is
   * sent all the same. Once the channel has begun to close or has ended it returns false and the message is not sent
   * (counted as `refused`). Throws {@link UsageError} `channel.message.length`, `channel.message.port`,
   * `channel.message.ttl`.
   */
  send(port: number, message: Uint8Array, { ttl }: SendOptions = {}): boolean {
    if (!Number.isInteger(port) || port < 0 || port > MAX_PORT) {
      throw new UsageError('channel.message.port', `port must be 0 to ${MAX_PORT}, not ${port}`)
    }
    if (message.length > this.maxMessage) {
      const text = `a message of ${message.length} bytes, the peer accepts at most ${this.maxMessage}`
      throw new UsageError('channel.message.length', text)
    }
    const validUntil = ttl === undefined ? undefined : this.#validUntil(ttl)
    if (this.#state !== 'open') {
      this.#counters.refused++
      return false
    }
    this.#counters.messagesSent++
    this.#counters.bytesSent += message.length
    this.#upkeep()
    return this.#stream.write(this.#records.sealMessage(port, message, validUntil))
  }

  /**
   * Begins a fresh key agreement now: whoever knows the session's secrets of this moment loses them. Nothing waits for
   * it. It also happens by itself, after records, bytes and time. False while one is under way, and after the end.
   */
  rekey(): boolean {
    if (this.#state !== 'open') return false
    const request = this.#records.ask()
    if (request !== undefined) this.#stream.write(request)
    return request !== undefined
  }

  /** Stops delivery; the peer feels it as back-pressure once the buffers between are full. */
  pause(): void {
    this.#paused = true
    this.#flow()
  }

  resume(): void {
    this.#paused = false
    this.#flow()
  }

  /**
   * Sends close_notify, goes on delivering what the peer had sent before it learnt of it (also when paused), and
   * resolves when the channel has ended. `closed` tells whether the peer confirmed within `closeTimeout`.
   */
  async close(): Promise<void> {
    if (this.#state === 'open') {
      this.#write(encodeClose())
      this.#state = 'closing'
      this.#paused = false
      this.#closeTimer = setTimeout(() => {
        const error = new ProtocolError('channel.close.timeout', 'the peer did not answer close_notify')
        this.#stream.cut()
        this.#end({ kind: 'truncated', error })
      }, this.#settings.closeTimeout)
      this.#flow()
    }
    await this.closed
  }

  #subscribe(subscriber: Subscriber<ChannelMessage>): () => void {
    if (this.#subscriber !== undefined) {
      throw new UsageError('channel.subscribed', 'messages has a subscriber already')
    }
    if (this.#state === 'ended') {
      subscriber.complete()
      return () => undefined
    }
    this.#subscriber = subscriber
    this.#flow()
    return () => {
      this.#subscriber = undefined
      this.#flow()
    }
  }

  /** Lets frames come while somebody wants them, and always while closing: the peer's close is behind them. */
  #flow(): void {
    if (this.#state === 'ended') return
    const wanted = this.#subscriber !== undefined && !this.#paused
    if (wanted || this.#state === 'closing') this.#stream.handle(this.#handler, this.#frameLimit)
    else this.#stream.hold()
  }

  readonly #handler = {
    frame: (frame: Uint8Array): void => {
      try {
        this.#receive(frame)
      } catch (error) {
        this.#fail(asGridsealError(error))
      }
    },
    ended: (): void => {
      this.#end('truncated')
    },
    broken: (error: GridsealError): void => this.#fail(error),
  }

  get #frameLimit(): number {
    return Math.max(this.#settings.maxMessage + CONTENT_OVERHEAD, MIN_CONTENT) + BODY_OVERHEAD
  }

  #receive(frame: Uint8Array): void {
    if (frame[0] !== FRAME.record) return this.#receivePlain(frame)
    const content: Content = decodeContent(this.#records.opener.open(frame))
    switch (content.kind) {
      case 'data':
        return this.#deliver(content)
      case 'rekey':
        this.#records.opener.rekey()
        this.#counters.rekeysReceived++
        return
      case 'rekeyRequest':
      case 'rekeyAnswer':
      case 'rekeyDone':
        for (const record of this.#records.take(content, this.#state === 'open')) this.#stream.write(record)
        return
      case 'ticket':
        return this.#keepTicket(content.life, content.ticket)
      case 'close':
        return this.#closeReceived()
      case 'alert':
        return this.#end({ kind: 'alert', error: alertReceived(content.code) })
    }
  }

  /** The peer may have given up while our end of the handshake was already done; later nothing comes unsealed. */
  #receivePlain(frame: Uint8Array): void {
    if (frame[0] === FRAME.alert && !this.#records.opener.proven) {
      return this.#end({ kind: 'alert', error: alertReceived(frame[FRAME_HEADER]) })
    }
    throw new ProtocolError('channel.unexpected', `${frameName(frame[0] ?? 0)} does not belong in a session`)
  }

  #scheduleRekey(): void {
    clearTimeout(this.#rekeyTimer)
    this.#rekeyTimer = setTimeout(() => {
      this.rekey()
      this.#scheduleRekey()
    }, this.#settings.rekeyInterval).unref()
  }

  #giveTicket({ authenticated, suite, peer, resumption }: Session, keys: TicketKeys): void {
    const { identity, ticketLife } = this.#settings
    const life = Math.floor((authenticated + ticketLife - Date.now()) / 1000)
    if (life <= 0) return
    const state = { authenticated, suite: suite.id, initiator: peer.fingerprint, secret: resumption }
    this.#write(encodeTicket(life, keys.seal(state, identity.publicKey.fingerprint)))
  }

  #keepTicket(life: number, ticket: Uint8Array): void {
    if (this.#role !== 'initiator') throw new ProtocolError('channel.unexpected', 'a ticket from the initiator')
    this.#settings.ticketStore?.put(this.peer.fingerprintText, {
      ticket,
      secret: this.#resumption.slice(),
      suite: this.#suiteId,
      expires: Date.now() + life * 1000,
    })
  }

  /** The end of a time to live in the session's time; where it is not known exactly, the earlier one. */
  #validUntil(ttl: number): number {
    const until = Math.floor(this.#settings.clock() - this.#start.latest) + ttl
    if (Number.isInteger(ttl) && ttl >= 1 && until <= MAX_TIME) return until
    throw new UsageError('channel.message.ttl', `a time to live is a whole number of ms from 1, not ${ttl}`)
  }

  #deliver({ port, bytes, validUntil }: Content & { readonly kind: 'data' }): void {
    if (bytes.length > this.#settings.maxMessage) {
      const text = `a message of ${bytes.length} bytes, at most ${this.#settings.maxMessage} are taken here`
      throw new ProtocolError('channel.message.length', text)
    }
    if (validUntil !== undefined && this.#settings.clock() - this.#start.earliest > validUntil) {
      this.#counters.expired++
      return
    }
    if (this.#subscriber === undefined) {
      this.#counters.unread++
      return
    }
    this.#counters.messagesReceived++
    this.#counters.bytesReceived += bytes.length
    this.#subscriber.next({ port, bytes })
  }

  #closeReceived(): void {
    if (this.#state === 'closing') return this.#end({ kind: 'local' })
    this.#write(encodeClose())
    this.#end({ kind: 'close_notify' })
  }

  #fail(error: GridsealError): void {
    if (this.#state === 'open') this.#write(encodeAlert(ALERT.sessionFailed))
    this.#end({ kind: 'error', error })
  }

  #write(content: Uint8Array): void {
    this.#upkeep()
    this.#stream.write(this.#records.seal(content))
  }

  #upkeep(): void {
    if (this.#state !== 'open') return
    for (const record of this.#records.upkeep()) this.#stream.write(record)
  }

  /** The last transition. `truncated` takes its reason from the connection. */
  #end(how: ChannelEnd | 'truncated'): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    clearTimeout(this.#closeTimer)
    clearTimeout(this.#rekeyTimer)
    this.#records.wipe()
    this.#resumption.fill(0)
    void this.#stream.finish().then((reason) => {
      this.#resolveClosed(
        how === 'truncated' ? { kind: 'truncated', error: connectionEnded(reason, 'without close_notify') } : how,
      )
    })
    this.#subscriber?.complete()
  }
}
