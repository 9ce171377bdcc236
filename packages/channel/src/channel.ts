import { ProtocolError, UsageError } from '@gridseal/wire'
import type { GridsealError } from '@gridseal/wire'
import { Observable } from 'rxjs'
import type { Subscriber } from 'rxjs'
import { ALERT, alertReceived } from './alert.ts'
import { newCounters } from './counters.ts'
import type { ChannelCounters, MutableCounters } from './counters.ts'
import { asGridsealError } from './failure.ts'
import type { Session } from './handshake/machine.ts'
import type { PeerIdentity } from './identity/identity.ts'
import { MAX_MESSAGE } from './options.ts'
import type { Settings } from './options.ts'
import { DATA_HEADER, decodeContent, encodeAlert, encodeClose } from './record/content.ts'
import type { Content } from './record/content.ts'
import { FRAME, FRAME_HEADER, frameName } from './record/frame.ts'
import { RecordOpener } from './record/opener.ts'
import { BODY_OVERHEAD } from './record/record.ts'
import { RecordSealer } from './record/sealer.ts'
import { connectionEnded } from './stream/frame-stream.ts'
import type { FrameStream } from './stream/frame-stream.ts'

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

const MAX_PORT = 0xffff

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
  readonly #sealer: RecordSealer
  readonly #opener: RecordOpener
  readonly #counters: MutableCounters = newCounters()
  readonly #resolveClosed: (end: ChannelEnd) => void
  #subscriber: Subscriber<ChannelMessage> | undefined
  #state: 'open' | 'closing' | 'ended' = 'open'
  #paused = false
  #closeTimer: NodeJS.Timeout | undefined

  /** Takes over a stream that is held after its handshake. */
  constructor(stream: FrameStream, session: Session, settings: Settings) {
    this.peer = session.peer
    this.suite = session.suite.name
    this.resumed = session.resumed
    this.maxMessage = Math.min(session.peerMaxMessage, MAX_MESSAGE)
    this.#stream = stream
    this.#settings = settings
    this.#sealer = new RecordSealer(session.sendSecret, session.suite.cipher, settings.epoch)
    this.#opener = new RecordOpener(session.receiveSecret, session.suite.cipher)
    const { promise, resolve } = Promise.withResolvers<ChannelEnd>()
    this.closed = promise
    this.#resolveClosed = resolve
    this.messages = new Observable((subscriber) => this.#subscribe(subscriber))
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
   * (counted as `refused`). Throws {@link UsageError} `channel.message.length`, `channel.message.port`.
   */
  send(port: number, message: Uint8Array): boolean {
    if (!Number.isInteger(port) || port < 0 || port > MAX_PORT) {
      throw new UsageError('channel.message.port', `port must be 0 to ${MAX_PORT}, not ${port}`)
    }
    if (message.length > this.maxMessage) {
      const text = `a message of ${message.length} bytes, the peer accepts at most ${this.maxMessage}`
      throw new UsageError('channel.message.length', text)
    }
    if (this.#state !== 'open') {
      this.#counters.refused++
      return false
    }
    this.#counters.messagesSent++
    this.#counters.bytesSent += message.length
    this.#rekeyIfDue()
    return this.#stream.write(this.#sealer.sealMessage(port, message))
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
    return this.#settings.maxMessage + DATA_HEADER + BODY_OVERHEAD
  }

  #receive(frame: Uint8Array): void {
    if (frame[0] !== FRAME.record) return this.#receivePlain(frame)
    const content: Content = decodeContent(this.#opener.open(frame))
    switch (content.kind) {
      case 'data':
        return this.#deliver(content)
      case 'rekey':
        this.#opener.rekey()
        this.#counters.rekeysReceived++
        return
      case 'close':
        return this.#closeReceived()
      case 'alert':
        return this.#end({ kind: 'alert', error: alertReceived(content.code) })
    }
  }

  /** The peer may have given up while our end of the handshake was already done; later nothing comes unsealed. */
  #receivePlain(frame: Uint8Array): void {
    if (frame[0] === FRAME.alert && !this.#opener.proven) {
      return this.#end({ kind: 'alert', error: alertReceived(frame[FRAME_HEADER]) })
    }
    throw new ProtocolError('channel.unexpected', `${frameName(frame[0] ?? 0)} does not belong in a session`)
  }

  #deliver({ port, bytes }: ChannelMessage): void {
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
    this.#rekeyIfDue()
    this.#stream.write(this.#sealer.seal(content))
  }

  #rekeyIfDue(): void {
    if (!this.#sealer.due) return
    this.#stream.write(this.#sealer.rekey())
    this.#counters.rekeysSent++
  }

  /** The last transition. `truncated` takes its reason from the connection. */
  #end(how: ChannelEnd | 'truncated'): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    clearTimeout(this.#closeTimer)
    this.#sealer.wipe()
    this.#opener.wipe()
    void this.#stream.finish().then((reason) => {
      const truncated = { kind: 'truncated', error: connectionEnded(reason, 'without close_notify') } as const
      this.#resolveClosed(how === 'truncated' ? truncated : how)
    })
    this.#subscriber?.complete()
  }
}
