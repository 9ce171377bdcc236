import { ProtocolError } from '@gridseal/wire'
import type { GridsealError } from '@gridseal/wire'
import type { Certificate } from '@gridseal/pqc'
import { release } from '@gridseal/transport'
import type { Observable } from 'rxjs'
import { ALERT, alertReceived } from './alert.ts'
import { newCounters } from './counters.ts'
import type { ChannelCounters, MutableCounters } from './counters.ts'
import { asGridsealError } from './failure.ts'
import type { PeerIdentity } from './identity/identity.ts'
import type { ChannelEnd, ChannelMessage, SendOptions } from './messages.ts'
import { MAX_MESSAGE } from './options.ts'
import type { Settings } from './options.ts'
import { SessionObserver } from './observability/observe.ts'
import { CONTENT_OVERHEAD, PADDED_HEADER, decodeContent, encodeAlert, encodeClose } from './record/content.ts'
import type { Content } from './record/content.ts'
import { decodePieces } from './record/content-pieces.ts'
import { FRAME, FRAME_HEADER, frameName } from './record/frame.ts'
import type { LongOpening } from './record/long-opening.ts'
import { BODY_OVERHEAD } from './record/record.ts'
import { RecordSession } from './record/record-session.ts'
import { checkMessage } from './session/check-message.ts'
import { Delivery } from './session/delivery.ts'
import { lendable } from './session/lent.ts'
import { Outbox } from './session/outbox.ts'
import { Resumption } from './session/resumption.ts'
import { SessionTime } from './session/session-time.ts'
import { connectionEnded } from './stream/frame-stream.ts'
import type { FrameStream, LongRecord } from './stream/frame-stream.ts'
import type { Begun } from './stream/run-handshake.ts'

/** A rekey and a ticket must get through also where messages are tiny. */
const MIN_CONTENT = 2048

/** An established channel: whole messages in order, on numbered ports, over one connection. */
export class Channel {
  /** The authenticated peer. */
  readonly peer: PeerIdentity
  /** The certificate by which the peer was let in, where it is not pinned. */
  readonly certificate: Certificate | undefined
  /** The algorithms of the session, for people. */
  readonly suite: string
  /** Whether a ticket stood in for signatures. */
  readonly resumed: boolean
  /** Largest message in bytes that the peer accepts. */
  readonly maxMessage: number
  /**
   * Resolves once, when the connection is closed too. Never rejects. The peer's end is noticed when all that came before
   * it has been delivered, so not while {@link messages} is paused or has no subscriber.
   */
  readonly closed: Promise<ChannelEnd>

  readonly #stream: FrameStream
  readonly #settings: Settings
  readonly #records: RecordSession
  readonly #outbox: Outbox
  readonly #delivery: Delivery
  readonly #resumption: Resumption
  readonly #time: SessionTime
  readonly #observer: SessionObserver
  readonly #counters: MutableCounters = newCounters()
  readonly #resolveClosed: (end: ChannelEnd) => void
  #state: 'open' | 'closing' | 'ended' = 'open'
  #closeTimer: NodeJS.Timeout | undefined
  #rekeyTimer: NodeJS.Timeout | undefined

  /** Takes over a stream that is held after its handshake. */
  constructor(stream: FrameStream, { session, start }: Begun, settings: Settings) {
    this.peer = session.peer
    this.certificate = session.certificate
    this.suite = session.suite.name
    this.resumed = session.resumed
    this.maxMessage = Math.min(session.peerMaxMessage, MAX_MESSAGE)
    this.#stream = stream
    this.#settings = settings
    this.#observer = new SessionObserver(session, this.#counters, settings)
    const { epoch, rekey, padding, random, encapsulate, maxMessage, clock, coalesce } = settings
    this.#records = new RecordSession(session, {
      epoch,
      rekey,
      padding: { multiple: padding > 1 ? padding : 0, limit: contentLimit(this.maxMessage) },
      random,
      encapsulate,
      onRekeySent: () => this.#counters.rekeysSent++,
      onRekeyed: () => {
        this.#counters.rekeysCompleted++
        this.#scheduleRekey()
      },
      onAsked: (asked) => this.#observer.rekeyAsked(asked),
      onFault: (error) => this.#failSoon(error),
      onSecrets: (secrets) => this.#observer.rekeyed(secrets),
    })
    const bundleLimit = coalesce ? contentLimit(this.maxMessage) - PADDED_HEADER : 0
    this.#outbox = new Outbox(stream, this.#records, bundleLimit, (error) => this.#failSoon(error))
    this.#time = new SessionTime(start, clock)
    const onChange = (): void => this.#flow()
    const { lendMessages: lends } = settings
    this.#delivery = new Delivery({ maxMessage, lends, time: this.#time, counters: this.#counters, onChange })
    this.#resumption = new Resumption(session, settings, Date.now())
    const { promise, resolve } = Promise.withResolvers<ChannelEnd>()
    this.closed = promise
    this.#resolveClosed = resolve
    this.#scheduleRekey()
  }

  get counters(): ChannelCounters {
    return this.#counters
  }

  /**
   * Messages in order. Hot, for one subscriber at a time (a second gets {@link UsageError} `channel.subscribed`); held
   * back while there is none. Completes when the channel ends, whatever the reason; never errors.
   */
  get messages(): Observable<ChannelMessage> {
    return this.#delivery.messages
  }

  /** Emits after {@link send} has returned false, when there is room again. */
  get drained(): Observable<void> {
    return this.#stream.drained
  }

  /**
   * Sends one message. It leaves at the end of this turn of the event loop at the latest, in one record with others unless
   * `coalesce` is false. It is copied. False asks the caller to wait for {@link drained}: the peer does not keep up or, after
   * a message of 4 KiB or more, so much has been sent in this turn that others should have theirs. The message is sent all
   * the same. Once the channel has begun to close or has ended it returns false and the message is not sent
   * (counted as `refused`). Throws {@link UsageError} `channel.message.length`, `channel.message.port`,
   * `channel.message.ttl`.
   */
  send(port: number, message: Uint8Array, { ttl }: SendOptions = {}): boolean {
    checkMessage(port, message, this.maxMessage)
    const validUntil = ttl === undefined ? undefined : this.#time.deadline(ttl)
    if (this.#state !== 'open') {
      this.#counters.refused++
      return false
    }
    try {
      const hasRoom = this.#outbox.send(port, message, validUntil)
      this.#counters.messagesSent++
      this.#counters.bytesSent += message.length
      return hasRoom
    } catch (error) {
      this.#counters.refused++
      this.#outbox.end()
      this.#failSoon(error)
      return false
    }
  }

  /**
   * Begins a fresh key agreement now: whoever knows the session's secrets of this moment loses them. Nothing waits for
   * it. It also happens by itself, after records, bytes and time. False while one is under way, and after the end.
   */
  rekey(): boolean {
    return this.#state === 'open' && this.#outbox.ask()
  }

  /** Stops delivery; the peer feels it as back-pressure once the buffers between are full. */
  pause(): void {
    this.#delivery.pause()
  }

  resume(): void {
    this.#delivery.resume()
  }

  /**
   * Sends close_notify, goes on delivering what the peer had sent before it learnt of it (also when paused), and
   * resolves when the channel has ended. `closed` tells whether the peer confirmed within `closeTimeout`.
   */
  async close(): Promise<void> {
    if (this.#state === 'open' && this.#say(encodeClose())) {
      this.#state = 'closing'
      this.#closeTimer = setTimeout(() => {
        const error = new ProtocolError('channel.close.timeout', 'the peer did not answer close_notify')
        this.#stream.cut()
        this.#end({ kind: 'truncated', error })
      }, this.#settings.closeTimeout)
      this.#delivery.drain()
    }
    await this.closed
  }

  /** Lets frames come while somebody wants them. */
  #flow(): void {
    if (this.#state === 'ended') return
    if (this.#delivery.wanted) this.#stream.handle(this.#handler, this.#frameLimit)
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
    begin: (header: Uint8Array): LongRecord => {
      const record = this.#records.opener.begin(header)
      return { part: (bytes) => record.part(bytes), end: () => this.#whole(record) }
    },
    ended: (): void => this.#end('truncated'),
    broken: (error: GridsealError): void => this.#fail(error),
  }

  get #frameLimit(): number {
    return contentLimit(this.#settings.maxMessage) + BODY_OVERHEAD
  }

  #receive(frame: Uint8Array): void {
    if (frame[0] !== FRAME.record) return this.#receivePlain(frame)
    const opened = this.#records.opener.open(frame)
    this.#take(decodeContent(opened), opened)
  }

  /** All of a long record has come. */
  #whole(record: LongOpening): void {
    const pieces = this.#records.opener.finish(record)
    const content = this.#settings.lendMessages ? decodePieces(pieces, lendable) : decodePieces(pieces)
    pieces.forEach(release)
    this.#take(content)
  }

  /** Takes a content; `opened` is what its messages are views of. */
  #take(content: Content, opened?: Uint8Array): void {
    switch (content.kind) {
      case 'data':
        return this.#delivery.take([content], opened)
      case 'bundle':
        return this.#delivery.take(content.messages, opened)
      case 'rekey':
        this.#records.opener.rekey()
        this.#counters.rekeysReceived++
        return
      case 'rekeyRequest':
      case 'rekeyAnswer':
      case 'rekeyDone':
        return this.#outbox.answer(content, this.#state === 'open')
      case 'ticket':
        return this.#resumption.keep(content.life, content.ticket, Date.now())
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
      try {
        this.rekey()
        this.#scheduleRekey()
      } catch (error) {
        this.#fail(asGridsealError(error))
      }
    }, this.#settings.rekeyInterval).unref()
  }

  #closeReceived(): void {
    if (this.#state === 'closing') return this.#end({ kind: 'local' })
    if (this.#say(encodeClose())) this.#end({ kind: 'close_notify' })
  }

  /** Whether it could be sealed; if not, the channel ends. */
  #say(content: Uint8Array): boolean {
    try {
      this.#outbox.write(content)
      return true
    } catch (error) {
      this.#end({ kind: 'error', error: asGridsealError(error) })
      return false
    }
  }

  /** What fails within a call of the user's ends the channel behind it. */
  #failSoon(error: unknown): void {
    process.nextTick(() => this.#fail(asGridsealError(error)))
  }

  #fail(error: GridsealError): void {
    try {
      if (this.#state === 'open') this.#outbox.write(encodeAlert(ALERT.sessionFailed))
    } catch {
      // The crypto core is in its error state: nothing can be said any more.
    }
    this.#end({ kind: 'error', error })
  }

  /** The last transition. `truncated` takes its reason from the connection. */
  #end(how: ChannelEnd | 'truncated'): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    clearTimeout(this.#closeTimer)
    clearTimeout(this.#rekeyTimer)
    this.#records.wipe()
    this.#resumption.wipe()
    this.#outbox.end()
    void this.#stream.finish().then((reason) => {
      const end: ChannelEnd =
        how === 'truncated' ? { kind: 'truncated', error: connectionEnded(reason, 'without close_notify') } : how
      this.#observer.ended(end)
      this.#resolveClosed(end)
    })
    this.#delivery.end()
  }
}

/** The longest content that an end takes which takes messages of so many bytes. */
function contentLimit(maxMessage: number): number {
  return Math.max(maxMessage + CONTENT_OVERHEAD, MIN_CONTENT)
}
