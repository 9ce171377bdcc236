import { LINK } from '../../codec/link-functions.ts'
import { NEVER } from '../outbox.ts'
import type { LinkCounters } from './link-counters.ts'
import type { LinkSettings } from './link-options.ts'

/** Sends one frame: its function, frame count bit, destination, and the user data. */
export type SendPrimary = (code: number, frameCount: boolean, destination: number, user: Uint8Array) => void

type State =
  | { readonly name: 'idle' }
  /** RESET_LINK_STATES is under way. */
  | { readonly name: 'resetting'; readonly due: number; readonly tries: number }
  /** The first frame of the queue is under way. */
  | { readonly name: 'sending'; readonly due: number; readonly tries: number }

/**
 * Confirmed user data, the sending side (IEEE 1815 clause 9): reset the link once, then one frame at a time, the frame count
 * bit toggling with every acknowledgement. A frame that nobody acknowledges takes everything behind it with it.
 */
export class PrimaryStation {
  readonly #settings: LinkSettings
  readonly #counters: LinkCounters
  readonly #send: SendPrimary
  readonly #queue: { readonly user: Uint8Array; readonly destination: number }[] = []
  #state: State = { name: 'idle' }
  /** The station whose link is reset. */
  #reset: number | undefined
  #frameCount = true

  constructor(settings: LinkSettings, counters: LinkCounters, send: SendPrimary) {
    this.#settings = settings
    this.#counters = counters
    this.#send = send
  }

  get wake(): number {
    return this.#state.name === 'idle' ? NEVER : this.#state.due
  }

  /** Segments of one fragment, to be sent in order. */
  queue(segments: readonly Uint8Array[], destination: number, now: number): void {
    for (const user of segments) this.#queue.push({ user, destination })
    if (this.#state.name === 'idle') this.#next(now)
  }

  /** ACK or NACK has come. */
  answered(acknowledged: boolean, source: number, now: number): void {
    if (this.#state.name === 'idle' || source !== this.#queue[0]!.destination) return
    if (!acknowledged) {
      this.#counters.nacks++
      this.#reset = undefined
      if (this.#state.tries >= this.#settings.retries) this.#fail()
      else this.#resetLink(now, this.#state.tries + 1)
      return
    }
    if (this.#state.name === 'resetting') {
      this.#reset = source
      this.#frameCount = true
    } else {
      this.#queue.shift()
      this.#frameCount = !this.#frameCount
    }
    this.#next(now)
  }

  advance(now: number): void {
    const state = this.#state
    if (state.name === 'idle' || now < state.due) return
    if (state.tries >= this.#settings.retries) {
      this.#fail()
      return
    }
    this.#counters.retries++
    if (state.name === 'resetting') this.#resetLink(now, state.tries + 1)
    else this.#transmit(now, state.tries + 1)
  }

  /** The connection is gone: nothing of what was queued will be sent. */
  close(): void {
    this.#queue.length = 0
    this.#state = { name: 'idle' }
    this.#reset = undefined
  }

  #next(now: number): void {
    const [first] = this.#queue
    if (first === undefined) this.#state = { name: 'idle' }
    else if (this.#reset === first.destination) this.#transmit(now, 0)
    else this.#resetLink(now, 0)
  }

  #resetLink(now: number, tries: number): void {
    this.#state = { name: 'resetting', due: now + this.#settings.ackTimeout, tries }
    this.#send(LINK.RESET_LINK_STATES, false, this.#queue[0]!.destination, NOTHING)
  }

  #transmit(now: number, tries: number): void {
    this.#state = { name: 'sending', due: now + this.#settings.ackTimeout, tries }
    const { user, destination } = this.#queue[0]!
    this.#send(LINK.CONFIRMED_USER_DATA, this.#frameCount, destination, user)
  }

  #fail(): void {
    this.#counters.failures++
    this.close()
  }
}

const NOTHING = new Uint8Array(0)
