import { ProtocolError, UsageError } from '@gridseal/wire'
import { Observable } from 'rxjs'
import type { Subscriber } from 'rxjs'
import type { MutableCounters } from '../counters.ts'
import type { ChannelMessage } from '../messages.ts'
import type { DataContent } from '../record/content.ts'
import { takeBack } from './lent.ts'
import type { SessionTime } from './session-time.ts'

export interface DeliverySettings {
  /** Largest message in bytes that is taken. */
  readonly maxMessage: number
  readonly time: SessionTime
  readonly counters: MutableCounters
  /** Whether a message's memory is given back as soon as the subscriber has handled it. Default false. */
  readonly lends?: boolean
  /** {@link Delivery.wanted} may have changed. */
  readonly onChange: () => void
}

const NOTHING: readonly DataContent[] = []

/**
 * Hands messages to one subscriber at a time, in order, unless their time is over. A subscriber may say stop between
 * any two messages, also of one record: the rest is held.
 */
export class Delivery {
  readonly messages: Observable<ChannelMessage>
  readonly #settings: DeliverySettings
  #subscriber: Subscriber<ChannelMessage> | undefined
  #paused = false
  #state: 'open' | 'draining' | 'ended' = 'open'
  /** The messages of the record that came last, and which is the next of them. */
  #held = NOTHING
  #next = 0
  /** What they are views of, where they have no buffers of their own. */
  #opened: Uint8Array | undefined
  #delivering = false
  /** Somebody has said stop or go on from within a delivery. */
  #changed = false

  constructor(settings: DeliverySettings) {
    this.#settings = settings
    this.messages = new Observable((subscriber) => this.#subscribe(subscriber))
  }

  /** Whether the next record may come: what was held is gone, and somebody takes messages, or {@link drain} was called. */
  get wanted(): boolean {
    return this.#taken && this.#held === NOTHING
  }

  pause(): void {
    this.#paused = true
    this.#change()
  }

  resume(): void {
    this.#paused = false
    this.#change()
  }

  /** From now on everything is taken, paused or not, with or without a subscriber: the peer's close is behind it. */
  drain(): void {
    this.#state = 'draining'
    this.#change()
  }

  /** Completes the messages. */
  end(): void {
    this.#state = 'ended'
    this.#subscriber?.complete()
  }

  /**
   * Hands the messages of a record out, which may be views of `opened`: none if one is too long. Throws
   * {@link ProtocolError} `channel.message.length`.
   */
  take(messages: readonly DataContent[], opened?: Uint8Array): void {
    const { maxMessage } = this.#settings
    const tooLong = messages.find(({ bytes }) => bytes.length > maxMessage)
    if (tooLong !== undefined) {
      const text = `a message of ${tooLong.bytes.length} bytes, at most ${maxMessage} are taken here`
      throw new ProtocolError('channel.message.length', text)
    }
    this.#held = messages
    this.#next = 0
    this.#opened = opened
    this.#deliver()
    if (this.#changed) this.#change()
  }

  get #taken(): boolean {
    return this.#state === 'draining' || (this.#state === 'open' && this.#subscriber !== undefined && !this.#paused)
  }

  /** What was held goes out before anything new comes in. */
  #change(): void {
    this.#changed = this.#delivering
    if (this.#delivering) return
    this.#deliver()
    this.#settings.onChange()
  }

  #deliver(): void {
    this.#delivering = true
    while (this.#next < this.#held.length && this.#taken) this.#hand(this.#held[this.#next++]!)
    if (this.#next === this.#held.length) {
      this.#held = NOTHING
      if (this.#settings.lends === true && this.#opened !== undefined) takeBack(this.#opened)
      this.#opened = undefined
    }
    this.#delivering = false
  }

  #hand({ port, bytes, validUntil }: DataContent): void {
    const { time, counters, lends } = this.#settings
    if (validUntil !== undefined && time.isOver(validUntil)) counters.expired++
    else if (this.#subscriber === undefined) counters.unread++
    else {
      counters.messagesReceived++
      counters.bytesReceived += bytes.length
      this.#subscriber.next({ port, bytes })
    }
    if (lends === true) takeBack(bytes)
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
    this.#change()
    return () => {
      this.#subscriber = undefined
      this.#change()
    }
  }
}
