import { hostOf } from './host-of.ts'

/** Another host may be the master after so much silence of the one before, ns. */
const SILENCE = 60_000_000_000n

export interface UdpMasterOptions {
  /** The master, `udp://address:port`; undefined: whoever speaks first. */
  readonly peer: string | undefined
  /** Whether there may be several: whom an allow-list names is heard, and who has spoken last is answered. */
  readonly several: boolean
}

/**
 * Who is heard and answered at the masters' end of a UDP link, where nothing but its address tells a datagram's sender. One
 * host is the master: another that speaks must neither command the device nor turn its answers away. A host may speak
 * from any port, as a master does that was restarted. Pure: `now` is ns on any clock.
 */
export class UdpMaster {
  readonly #several: boolean
  readonly #isFixed: boolean
  #target: string | undefined
  #heardAt = 0n

  constructor({ peer, several }: UdpMasterOptions) {
    this.#several = several
    this.#isFixed = peer !== undefined
    this.#target = peer
  }

  /** Who is answered; undefined before the first has spoken. */
  get target(): string | undefined {
    return this.#target
  }

  /** Whether what comes from there, `udp://address:port`, is heard. */
  admits(from: string, now: bigint): boolean {
    if (this.#several || this.#target === undefined || hostOf(from) === hostOf(this.#target)) return true
    const silence = now - this.#heardAt
    // A clock that was set back must not lock everybody out.
    return !this.#isFixed && (silence >= SILENCE || silence < 0n)
  }

  /** Frames that are carried have come from there: noise must not turn the answers away. */
  heard(from: string, now: bigint): void {
    this.#target = from
    this.#heardAt = now
  }
}
