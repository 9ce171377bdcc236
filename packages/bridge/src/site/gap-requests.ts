import type { StreamClass } from '@gridseal/envelope'

/** Time for what was asked for to come, ms. */
const PATIENCE_MS = 2000
const MOST_ASKS = 3

/** What to do about a batch that does not follow: ask for what is due, wait for what was asked for, or give up. */
export type GapAnswer = 'ask' | 'wait' | 'give-up'

/** Gaps in the streams of one channel: what is missing is asked for again, a few times. */
export class GapRequests {
  readonly #asked = new Map<StreamClass, { readonly due: string; asks: number; at: number }>()

  /** `due` names what is due in the stream; `now` in ms on any steady clock. */
  gap(streamClass: StreamClass, due: string, now: number): GapAnswer {
    const asked = this.#asked.get(streamClass)
    if (asked === undefined || asked.due !== due) {
      this.#asked.set(streamClass, { due, asks: 1, at: now })
      return 'ask'
    }
    if (now - asked.at < PATIENCE_MS) return 'wait'
    asked.at = now
    return ++asked.asks > MOST_ASKS ? 'give-up' : 'ask'
  }

  clear(): void {
    this.#asked.clear()
  }
}
