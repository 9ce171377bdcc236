/** In an event: every connection of the link. Their numbers begin at 1. */
export const ALL_CONNECTIONS = 0

const MOST = 4096

/** Connections whose end the far side has been told of already. */
export class GoneConnections {
  readonly #numbers = new Set<number>()

  /** Whether this is the first word of a connection. */
  first(number: number): boolean {
    if (this.#numbers.has(number)) return false
    // The oldest are forgotten: telling their end twice does no harm.
    if (this.#numbers.size >= MOST) this.#numbers.clear()
    this.#numbers.add(number)
    return true
  }

  clear(): void {
    this.#numbers.clear()
  }
}
