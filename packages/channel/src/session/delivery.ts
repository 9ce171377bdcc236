import { ProtocolError, UsageError } from '@gridseal/wire'
import { Observable } from 'rxjs'
import type { Subscriber } from 'rxjs'
import type { MutableCounters } from '../counters.ts'
import type { ChannelMessage } from '../messages.ts'
import type { DataContent } from '../record/content.ts'
import type { SessionTime } from './session-time.ts'

export interface DeliverySettings {
  /** Largest message in bytes that is taken. */
  readonly maxMessage: number
  readonly time: SessionTime
  readonly counters: MutableCounters
  /** {@link Delivery.wanted} may have changed. */
  readonly onChange: () => void
}

/** Hands messages to one subscriber at a time, in order, unless their time is over. */
export class Delivery {
  readonly messages: Observable<ChannelMessage>
  readonly #settings: DeliverySettings
  #subscriber: Subscriber<ChannelMessage> | undefined
  #paused = false
  #state: 'open' | 'draining' | 'ended' = 'open'

  constructor(settings: DeliverySettings) {
    this.#settings = settings
    this.messages = new Observable((subscriber) => this.#subscribe(subscriber))
  }

  /** Whether anybody takes what comes now: a subscriber, or {@link drain}. */
  get wanted(): boolean {
    return this.#state === 'draining' || (this.#subscriber !== undefined && !this.#paused)
  }

  pause(): void {
    this.#paused = true
    this.#settings.onChange()
  }

  resume(): void {
    this.#paused = false
    this.#settings.onChange()
  }

  /** From now on everything is taken, paused or not, with or without a subscriber: the peer's close is behind it. */
  drain(): void {
    this.#paused = false
    this.#state = 'draining'
    this.#settings.onChange()
  }

  /** Completes the messages. */
  end(): void {
    this.#state = 'ended'
    this.#subscriber?.complete()
  }

  /** Hands out a message. Throws {@link ProtocolError} `channel.message.length`. */
  take({ port, bytes, validUntil }: DataContent): void {
    const { maxMessage, time, counters } = this.#settings
    if (bytes.length > maxMessage) {
      const text = `a message of ${bytes.length} bytes, at most ${maxMessage} are taken here`
      throw new ProtocolError('channel.message.length', text)
    }
    if (validUntil !== undefined && time.isOver(validUntil)) counters.expired++
    else if (this.#subscriber === undefined) counters.unread++
    else {
      counters.messagesReceived++
      counters.bytesReceived += bytes.length
      this.#subscriber.next({ port, bytes })
    }
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
    this.#settings.onChange()
    return () => {
      this.#subscriber = undefined
      this.#settings.onChange()
    }
  }
}
