import { BROADCAST } from '../../codec/link-check.ts'

const [, MANDATORY] = BROADCAST

/**
 * What BROADCAST in the internal indications goes by (IEEE 1815 clause 4): the next response tells of a broadcast; where its address
 * makes confirmation mandatory (FFFE), every response does and asks to be confirmed, until one is.
 */
export class BroadcastMemory {
  #pending: 'once' | 'until-confirmed' | undefined
  #sequence = -1

  /** A broadcast has come that no response has told of. */
  get pending(): boolean {
    return this.#pending !== undefined
  }

  /** Responses must ask to be confirmed. */
  get confirm(): boolean {
    return this.#pending === 'until-confirmed'
  }

  received(address: number): void {
    this.#pending = address === MANDATORY ? 'until-confirmed' : 'once'
  }

  /** A response has left that tells of it. */
  told(sequence: number): void {
    if (this.confirm) this.#sequence = sequence
    else this.#pending = undefined
  }

  confirmed(sequence: number): void {
    if (sequence === this.#sequence) this.clear()
  }

  clear(): void {
    this.#pending = undefined
    this.#sequence = -1
  }
}
