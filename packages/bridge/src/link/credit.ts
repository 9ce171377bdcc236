/** Bytes that are taken here before the far side is told: both sides use the same, whatever their windows. */
const STEP = 16 * 1024

/**
 * Flow control of one connection across the bridges, in running totals of frame bytes. Totals can be told again at any
 * time: what a broken channel has swallowed does no harm, the next total makes up for it.
 */
export class CreditAccount {
  #sent = 0
  #credited = 0
  #taken = 0
  #told = 0

  /** Bytes sent to the far side that it has not taken yet. */
  get underWay(): number {
    return this.#sent - this.#credited
  }

  /** Bytes that have left on this side, all told. */
  get total(): number {
    return this.#taken
  }

  sent(bytes: number): void {
    this.#sent += bytes
  }

  /** The far side has taken `total` bytes in all. */
  credit(total: number): void {
    this.#credited = Math.max(this.#credited, total)
    // A far side that counts more than we have sent speaks of what was sent before a restart.
    this.#sent = Math.max(this.#sent, this.#credited)
  }

  /** What is under way has been given up: nobody will take it. */
  forgive(): void {
    this.#sent = this.#credited
  }

  /** Bytes have left on this side (or were refused); whether the far side should be told now. */
  take(bytes: number): boolean {
    this.#taken += bytes
    return this.#taken - this.#told >= STEP
  }

  /** The total to tell, noted as told. */
  tell(): number {
    this.#told = this.#taken
    return this.#taken
  }
}
