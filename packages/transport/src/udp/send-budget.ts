import type { DatagramCounters } from './datagram-socket.ts'

const MAX_QUEUED = 4 << 20
const CLOSE_PATIENCE_MS = 1000

/** Bytes that were given to the system and have not left yet: what a datagram socket sends beyond is dropped. */
export class SendBudget {
  #queued = 0
  #idle: (() => void) | undefined

  /** Whether there is room for a datagram, which then counts until {@link sent}. */
  take(length: number): boolean {
    if (this.#queued + length > MAX_QUEUED) return false
    this.#queued += length
    return true
  }

  sent(length: number): void {
    this.#queued -= length
    if (this.#queued === 0) this.#idle?.()
  }

  /** Resolves when everything has left, or after a second. */
  async idle(): Promise<void> {
    if (this.#queued === 0) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, CLOSE_PATIENCE_MS)
      this.#idle = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

/** Counters of a datagram socket that nothing has passed. */
export function noDatagrams(): DatagramCounters {
  return {
    datagramsIn: 0,
    bytesIn: 0,
    datagramsOut: 0,
    bytesOut: 0,
    refusedAddress: 0,
    overflowed: 0,
    dropped: 0,
    errors: 0,
  }
}
