import { LINK } from '../../codec/link-functions.ts'
import { NEVER } from '../outbox.ts'
import type { LinkCounters } from './link-counters.ts'
import type { LinkSettings } from './link-options.ts'

/** Sends one frame: its function, frame count bit, and the user data. */
export type SendPrimary = (code: number, frameCount: boolean, user: Uint8Array) => void

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
  readonly #queue: Uint8Array[] = []
  #state: State = { name: 'idle' }
  #reset = false
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
  queue(segments: readonly Uint8Array[], now: number): void {
    this.#queue.push(...segments)
    if (this.#state.name === 'idle') this.#next(now)
  }

  /** ACK or NACK has come. */
  answered(acknowledged: boolean, now: number): void {
    if (this.#state.name === 'idle') return
    if (!acknowledged) {
      this.#counters.nacks++
      this.#reset = false
      if (this.#state.tries >= this.#settings.retries) this.#fail()
      else this.#resetLink(now, this.#state.tries + 1)
      return
    }
    if (this.#state.name === 'resetting') {
      this.#reset = true
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
    this.#reset = false
  }

  #next(now: number): void {
    if (this.#queue.length === 0) this.#state = { name: 'idle' }
    else if (this.#reset) this.#transmit(now, 0)
    else this.#resetLink(now, 0)
  }

  #resetLink(now: number, tries: number): void {
    this.#state = { name: 'resetting', due: now + this.#settings.ackTimeout, tries }
    this.#send(LINK.RESET_LINK_STATES, false, NOTHING)
  }

  #transmit(now: number, tries: number): void {
    this.#state = { name: 'sending', due: now + this.#settings.ackTimeout, tries }
    this.#send(LINK.CONFIRMED_USER_DATA, this.#frameCount, this.#queue[0]!)
  }

  #fail(): void {
    this.#counters.failures++
    this.close()
  }
}

const NOTHING = new Uint8Array(0)
