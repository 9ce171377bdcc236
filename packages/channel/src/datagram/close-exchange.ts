import { DecodeError } from '@gridseal/wire'
import type { ChannelEnd } from '../messages.ts'
import { encodeClose } from '../record/content.ts'
import { encodeClosed } from './content.ts'

/** An end says at most so often that it has closed, and that it has heard of the other's close. */
const MAX_SAID = 10

/**
 * How the two ends of a session tell each other that they have closed, over a link that loses what they say: `close`
 * until the other's word has come, `closed` from there on, again and again until the other has said `closed`. Pure; time
 * is an argument.
 */
export class CloseExchange {
  /** Milliseconds for all of it. */
  readonly #timeout: number
  /** Longest wait before it is said again, ms. */
  readonly #most: number
  #end: ChannelEnd | undefined
  #peerClosed = false
  #confirmed = false
  #said = 0
  #saidClosed = false
  #due = false
  #again = Number.POSITIVE_INFINITY
  #by = Number.POSITIVE_INFINITY

  constructor(timeout: number, most: number) {
    this.#timeout = timeout
    this.#most = most
  }

  /** Whether either end has closed: as soon as all has arrived, this one says so. */
  get begun(): boolean {
    return this.#end !== undefined
  }

  get peerClosed(): boolean {
    return this.#peerClosed
  }

  /** Whether this end has said that it has closed: it sends nothing more. */
  get said(): boolean {
    return this.#said > 0
  }

  /** Something is to be said now; the last word always. */
  get due(): boolean {
    return this.#due && (this.#said < MAX_SAID || (this.#confirmed && !this.#saidClosed))
  }

  /** Whether it is said once more because there was no answer, for the second, fourth, … time. */
  get vain(): boolean {
    return this.#said > 0 && this.#said % 2 === 0
  }

  /** How the session has ended, where each end has the other's word that all has come; the other may not know it yet. */
  get end(): ChannelEnd | undefined {
    return this.#peerClosed && this.said ? this.#end : undefined
  }

  /** Whether both ends know it, as far as this one can help it. */
  get done(): boolean {
    return this.#confirmed && this.#saidClosed
  }

  /** When {@link tick} wants to be called, or the time is over. */
  get wake(): number {
    return Math.min(this.#again, this.#by)
  }

  /** Whether the other end has had all the time that it gets. */
  late(now: number): boolean {
    return now >= this.#by
  }

  /** This end closes. */
  begin(now: number): void {
    this.#end = { kind: 'local' }
    this.#by = now + this.#timeout
    this.#due = true
  }

  /** The peer has closed. Throws {@link DecodeError} where it confirms what was not said. */
  heard(kind: 'close' | 'closed'): void {
    if (kind === 'closed' && this.#said === 0) {
      throw new DecodeError('channel.content', 0, 'kind', 'the peer has heard of a close that was never sent')
    }
    this.#end ??= { kind: 'close_notify' }
    this.#peerClosed = true
    this.#confirmed ||= kind === 'closed'
    // Its `close` says that it does not know of ours, or had not heard of it then.
    if (kind === 'close' || !this.#saidClosed) this.#due = true
  }

  /** It is said again if it is time; `patience` ms are what an answer takes. */
  tick(now: number, patience: number): void {
    if (now < this.#again) return
    this.#due = true
    this.#again = now + patience
  }

  /** What to say; {@link tick} wants to be called after `patience` ms, then after twice as long each time. */
  say(now: number, patience: number): Uint8Array {
    this.#due = false
    this.#again = now + Math.min(patience * 2 ** this.#said, this.#most)
    this.#said++
    if (this.#said === MAX_SAID) this.#again = Number.POSITIVE_INFINITY
    this.#by = Math.min(this.#by, now + this.#timeout)
    this.#saidClosed = this.#peerClosed
    return this.#peerClosed ? encodeClosed() : encodeClose()
  }
}
